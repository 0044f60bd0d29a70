#!/usr/bin/env bash
# size.t - functions of a screen, files that are read in one go
#
# No function over 60 lines, half of them 12 or shorter, no file over 300.  An exception
# is named below with its reason.
#
# SPDX-License-Identifier: ISC
set -u
# shellcheck source=tests/lib/check.sh
. "$(dirname "$0")/lib/check.sh"

ctags --version 2>/dev/null | grep -q Universal || skip_all 'universal-ctags is not there'

most=60 median=12 lines=300

# FILE:FUNCTION, or FILE alone - and why it may be longer
excepted() {
	case $1 in
	*) return 1 ;;
	esac
}

functions() { # DIR: LINES FILE:FUNCTION, shortest first
	(cd "$1" && ctags -x --c-kinds=f --_xformat='%n %{end} %F:%N' src/*/*.c) |
		awk '{ print $2 - $1 + 1, $3 }' | sort -n
}

check_functions() {
	local length name
	functions "$1" | while read -r length name; do
		[ "$length" -le "$most" ] || excepted "$name" || echo "$name has $length lines, at most $most"
	done
}

check_median() {
	functions "$1" | awk -v most="$median" '
		{ length_of[NR] = $1 }
		END {
			if (NR == 0) { print "no functions at all"; exit }
			m = length_of[int((NR + 1) / 2)]
			if (m > most) print "half of " NR " functions have " m " lines or more, at most " most
		}'
}

check_files() {
	local f count
	cd "$1" || return
	for f in src/*/*.[ch]; do
		count=$(wc -l <"$f")
		[ "$count" -le "$lines" ] || excepted "$f" || echo "$f has $count lines, at most $lines"
	done
}

functions "$top_srcdir" | awk '{ n++; l[n] = $1; name = $2 } END {
	print "# " n " functions: median " l[int((n + 1) / 2)] ", 90% within " l[int(n * 0.9 + 0.9)] ", longest " l[n] " (" name ")" }'
silent "no function over $most lines" check_functions "$top_srcdir"
silent "half of the functions within $median lines" check_median "$top_srcdir"
silent "no file over $lines lines" check_files "$top_srcdir"

body() { # LINES: a function of that many
	echo 'int planted(void) {'
	yes '	;' | head -n $(($1 - 2))
	echo '}'
}
planted src/net/a.c < <(body 61)
caught 'a function of 61 lines' 'src/net/a.c:planted has 61 lines' check_functions "$plant"
caught 'a median of 61 lines' 'have 61 lines or more' check_median "$plant"
planted src/net/a.c < <(body 60)
silent 'a function of 60 lines is short enough' check_functions "$plant"
planted src/net/a.h < <(yes '/* */' | head -n 301)
caught 'a file of 301 lines' 'src/net/a.h has 301 lines' check_files "$plant"
finish
