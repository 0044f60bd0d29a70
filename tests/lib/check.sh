# check.sh - TAP for the checks of the source and of the build; sourced by bash
#
# A check is a function that prints what is wrong and nothing else.  A check that could not
# fail proves nothing: each is also shown something that it must complain about.
#
# SPDX-License-Identifier: ISC
# shellcheck shell=bash

# sorting and character classes must not depend on who runs the test
export LC_ALL=C
top_srcdir=${top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
top_builddir=${top_builddir:-$PWD}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/restante-check.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
checks=0 failures=0

# passed NAME, failed NAME [WHY] - one result
passed() {
	checks=$((checks + 1))
	echo "ok $checks - $1"
}

failed() {
	checks=$((checks + 1)) failures=$((failures + 1))
	echo "not ok $checks - $1"
	[ -z "${2-}" ] || echo "# ${2//$'\n'/$'\n'# }"
}

# skipped NAME WHY
skipped() {
	checks=$((checks + 1))
	echo "ok $checks - $1 # SKIP $2"
}

# silent NAME COMMAND... - passes if the command says nothing and succeeds
silent() {
	local name=$1 said status=0
	shift
	said=$("$@" 2>&1) || status=$?
	if [ -z "$said" ] && [ $status = 0 ]; then
		passed "$name"
	else
		failed "$name" "${said:-$* ended with status $status}"
	fi
}

# caught NAME TEXT COMMAND... - passes if the command complains, and of TEXT
caught() {
	local name=$1 text=$2 said
	shift 2
	said=$("$@" 2>&1)
	case $said in
	*"$text"*) passed "a planted fault is found: $name" ;;
	*) failed "a planted fault is found: $name" "expected: $text"$'\n'"said: $said" ;;
	esac
}

# planted PATH - a file below a new directory, with the content of standard input; its
# directory is in $plant
planted() {
	plant=$(mktemp -d "$scratch/plant.XXXXXX")
	mkdir -p "$plant/$(dirname "$1")"
	cat >"$plant/$1"
}

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

finish() {
	echo "1..$checks"
	[ "$failures" = 0 ]
	exit
}

# code FILE... - the lines of C files as FILE:LINE:TEXT without comments and literals
code() {
	awk '
	FNR == 1 { comment = 0 }
	{
		out = ""
		for (i = 1; i <= length($0); i++) {
			c = substr($0, i, 1)
			two = substr($0, i, 2)
			if (comment) {
				if (two == "*/") { comment = 0; i++ }
			} else if (two == "/*") {
				comment = 1; i++; out = out " "
			} else if (two == "//") {
				break
			} else if (c == "\"" || c == "\047") {
				end = c
				for (i++; i <= length($0) && substr($0, i, 1) != end; i++)
					if (substr($0, i, 1) == "\\")
						i++
				out = out end end
			} else
				out = out c
		}
		if (out ~ /[^ \t]/)
			print FILENAME ":" FNR ":" out
	}' "$@"
}
