#!/usr/bin/env bash
# bench.t - the benchmarks still run, and each of their rows is there
#
# Figures of so short a run mean nothing, and none is judged.
#
# SPDX-License-Identifier: ISC
set -u
# shellcheck source=tests/lib/check.sh
. "$(dirname "$0")/lib/check.sh"

export RESTANTE=${RESTANTE:-$top_builddir/restante} top_builddir
bench() { "$top_srcdir/bench/run" --quick "$@"; }

[ -x "$top_builddir/bench/floor" ] || skip_all 'the benchmarks were not built'

# FILE - its rows that do not have eight fields, all figures over 0
check_rows() {
	awk -F '\t' '{
		good = NF == 8
		for (i = 3; i <= 8; i++)
			if (i != 4 && !($i > 0)) good = 0
		if (!good) print "row " NR ": " $0
	}' "$1"
}

# FILE TEXT... - those texts with which no row begins
check_names() {
	local file=$1 text
	shift
	for text in "$@"; do
		cut -f 1 "$file" | awk -v text="$text" 'index($0, text) == 1 { found = 1 } END { exit !found }' ||
			echo "no row: $text"
	done
}

# the same figures again: nothing has changed; ratios a hundred times smaller: all is slower
check_against() {
	bench --only 'count: CRLF' --save "$scratch/few" >"$scratch/said" 2>&1 || cat "$scratch/said"
	awk -F '\t' -v OFS='\t' '{ $6 /= 100; print }' "$scratch/few" >"$scratch/old"
	bench --only 'count: CRLF' --against "$scratch/old" >"$scratch/said" 2>&1 && echo 'nothing is slower'
	grep -q '^+[0-9]*%: count: CRLF mail: ratio' "$scratch/said" || cat "$scratch/said"
}

all_of_it() { bench --save "$scratch/rows" >"$scratch/said" 2>&1 || cat "$scratch/said"; }

silent 'all benchmarks run' all_of_it
touch "$scratch/rows"
silent 'each row has its figures' check_rows "$scratch/rows"
silent 'no row is missing' check_names "$scratch/rows" 'convert: attachments' 'convert: LF mail' \
	'convert: CRLF mail' 'convert: a dot' 'convert: lines of 0' 'convert: lines of 900' 'count: LF mail' \
	'count: CRLF mail' 'scan:' 'index: write' 'index: load' 'open: unchanged, and STAT' \
	'open: unchanged, and UIDL' 'open: after one delivery' 'session: login' 'session: download'
silent 'what has become slower is told' check_against
printf 'a\toctet\t1\tb\t1\t0\t1\t1\n' >"$scratch/bad"
caught 'a row without a ratio' 'row 1' check_rows "$scratch/bad"
caught 'a missing row' 'no row: scan' check_names "$scratch/bad" 'scan'
finish
