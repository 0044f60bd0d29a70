#!/usr/bin/env bash
# forbidden.t - calls that cannot be used safely, and lines that are hard to read
#
# SPDX-License-Identifier: ISC
set -u
# shellcheck source=tests/lib/check.sh
. "$(dirname "$0")/lib/check.sh"

# unbounded, without an error, jumping, or by way of a shell
calls='strcpy|stpcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atoll|atof|gets|scanf'
calls="$calls|alloca|setjmp|sigsetjmp|longjmp|siglongjmp|system|popen|mktemp|tmpnam|tempnam|rand"
width=110

check_calls() {
	cd "$1" || return
	code src/*/*.[ch] | grep -E "^[^:]*:[0-9]+:.*\\b($calls)[[:space:]]*\\("
}

check_blanks() {
	cd "$1" || return
	grep -nE '[[:space:]]+$' src/*/*.[ch] /dev/null | sed 's/$/<-/'
}

check_width() {
	local f
	cd "$1" || return
	for f in src/*/*.[ch]; do
		expand "$f" | awk -v f="$f" -v most="$width" \
			'length > most { print f ":" NR ": " length " columns, at most " most }'
	done
}

# A tab is a step; blanks align what follows, or begin a continued line.
check_tabs() {
	cd "$1" || return
	grep -nE '^(	* {8}|	* +	)' src/*/*.[ch] /dev/null
}

# silent wants success too, and grep succeeds when it finds
found() { "$@" || true; }

silent 'no call that is known for trouble' found check_calls "$top_srcdir"
silent 'no blanks at the end of a line' found check_blanks "$top_srcdir"
silent "no line over $width columns" check_width "$top_srcdir"
silent 'tabs indent' found check_tabs "$top_srcdir"

for call in strcpy strcat sprintf strtok atoi alloca setjmp system popen gets; do
	planted src/pop/a.c <<<"	if ($call (a, b)) /* safe */"
	caught "$call" "src/pop/a.c:1:" check_calls "$plant"
done
planted src/pop/a.c <<<'	/* system(x) */ my_system(1); snprintf(b, n, "gets(");'
silent 'longer names, comments and literals are none of these calls' found check_calls "$plant"
planted src/pop/a.c <<<'	x = 1; '
caught 'a blank at the end' 'src/pop/a.c:1' check_blanks "$plant"
planted src/pop/a.c < <(printf '\t%0103d\n' 0)
caught 'a line of 111 columns' '111 columns' check_width "$plant"
planted src/pop/a.c <<<'        return 0;'
caught 'blanks that indent' 'src/pop/a.c:1' check_tabs "$plant"
finish
