#!/usr/bin/env bash
# layers.t - a folder is a layer: includes go down only, and privilege stays in src/sys
#
# doc/DESIGN names the layers.  The linker refuses an upward call, as the archives are
# linked from the top down; this finds the include before, and what a linker cannot see.
#
# SPDX-License-Identifier: ISC
set -u
# shellcheck source=tests/lib/check.sh
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/lib/layers.sh
. "$(dirname "$0")/lib/layers.sh"

# A system header that belongs to one place: whoever else includes it does that place's work.
owner_of() {
	case $1 in
	ini.h) echo 'src/conf/*' ;;
	seccomp.h) echo 'src/sys/mkfilter.c' ;;
	linux/seccomp.h | linux/filter.h | linux/landlock.h | sys/prctl.h | sched.h) echo 'src/sys/*' ;;
	security/*) echo 'src/auth/*' ;;
	systemd/*) echo 'src/base/log.c' ;;
	openssl/*) echo 'src/tls/*' ;;
	sha2.h) echo 'src/mail/*' ;;
	xxhash.h) echo 'src/mail/index.c' ;;
	esac
}

includes() { # FILE: what it includes, with the quotes or brackets
	sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]+(["<][^">]*[">]).*/\1/p' "$1"
}

check_includes() {
	local f layer header name to place
	cd "$1" || return
	for f in src/*/*.[ch]; do
		layer=${f#src/} layer=${layer%%/*}
		below "$layer" >/dev/null || echo "$f: no layer is called $layer"
		while read -r header; do
			name=${header:1:-1}
			if [ "${header:0:1}" = '<' ]; then
				place=$(owner_of "$name")
				# shellcheck disable=SC2254 # a pattern it is
				case $f in ${place:-*}) ;; *) echo "$f: $header is for $place" ;; esac
				continue
			fi
			to=${name%%/*}
			case " $layer $(below "$layer") " in
			*" $to "*) ;;
			*) echo "$f: $layer may not include $header" ;;
			esac
		done < <(includes "$f")
	done
}

check_cycles() {
	local f header
	cd "$1" || return
	for f in src/*/*.h; do
		while read -r header; do
			echo "${f#src/} ${header:1:-1}"
		done < <(includes "$f" | grep '^"')
	done >"$scratch/edges"
	tsort "$scratch/edges" 2>&1 >/dev/null | sed 's/^tsort: //'
}

# The calls by which a process gains, loses or fences in what it may do.
privileged='set(e|re|res|fs)?[ug]id|set(groups)|initgroups|chroot|prctl|seccomp|capset|unshare|setns|pivot_root'
privileged="$privileged|landlock_[a-z_]+|SYS_(seccomp|landlock_[a-z_]+|set[a-z]*[ug]id|setgroups|chroot|prctl)"

# FILE CALL - why that one is not in src/sys
excepted() {
	case "$1 $2" in
	# PAM wants the groups of the account set before pam_setcred, which may add to them.
	'src/auth/pam.c initgroups') ;;
	*) return 1 ;;
	esac
}

check_privilege() {
	local file line call
	cd "$1" || return
	code src/*/*.[ch] | grep -vE '^src/sys/' |
		grep -oE "^[^:]*:[0-9]+:|\\b($privileged)[[:space:]]*[(,]" |
		awk '/^src/ { at = $0; next } { gsub(/[ \t(,]/, ""); split(at, p, ":"); print p[1], p[2], $0 }' |
		while read -r file line call; do
			excepted "$file" "$call" || echo "$file:$line: $call is for src/sys"
		done
}

# Each file opens with its name and purpose, a header guards itself, and all say the licence.
check_cards() {
	local f name guard
	cd "$1" || return
	for f in src/*/*.[ch]; do
		name=$(basename "$f")
		[ "$(head -n 1 "$f")" = '/*' ] || echo "$f: does not open with a comment"
		case $(sed -n 2p "$f") in
		" * $name - "?*) ;;
		*) echo "$f: line 2 is not \" * $name - purpose\"" ;;
		esac
		sed '/\*\//q' "$f" | grep -qx ' \* SPDX-License-Identifier: ISC' ||
			echo "$f: no SPDX line in its first comment"
		case $f in *.c) continue ;; esac
		guard=$(tr 'a-z/.' 'A-Z__' <<<"${f#src/}")
		if [ "$(grep -c "^#\(ifndef\|define\) $guard\$" "$f")" != 2 ]; then
			echo "$f: its guard is not $guard"
		fi
	done
}

# What Makefile.am does not name is neither built, nor run, nor released.
check_listed() {
	local f
	cd "$1" || return
	for f in src/*/*.[ch] tests/*.t tests/pop[13]/*.pop tests/system/*.t tests/unit/*_test.c; do
		case $f in tests/unit/*) f=${f%.c} ;; esac
		[ ! -e "$1/$f" ] && [ ! -e "$1/$f.c" ] || tr -s ' \t' '\n' <Makefile.am | grep -qxF "$f" ||
			echo "$f is not in Makefile.am"
	done
}

# Which protocol is spoken is for src/pop, and for src/prog to choose; RFC 1939's maildrop is everybody's,
# and APOP a way to prove who one is.
check_protocols() {
	cd "$1" || return
	grep -niE 'pop-?[123]([^0-9]|$)|(^|[^a-z])pop[123]?_|rfc ?918' src/mail/* src/auth/* src/net/* /dev/null || true
}

silent 'includes go down, never sideways or up' check_includes "$top_srcdir"
silent 'headers include one another in no circle' check_cycles "$top_srcdir"
silent 'privilege changes in src/sys alone' check_privilege "$top_srcdir"
silent 'no protocol has a name in src/mail, src/auth and src/net' check_protocols "$top_srcdir"
silent 'each file opens with its purpose and its licence' check_cards "$top_srcdir"
silent 'Makefile.am names each source and each test' check_listed "$top_srcdir"

planted src/net/a.c <<<'#include "pop/command.h"'
caught 'an include upwards' 'net may not include "pop/command.h"' check_includes "$plant"
planted src/net/a.c <<<'	#  include "mail/name.h"'
caught 'an include sideways' 'net may not include "mail/name.h"' check_includes "$plant"
planted src/net/a.c <<<'#include "line.h"'
caught 'an include without its layer' 'net may not include "line.h"' check_includes "$plant"
planted src/pop/a.c <<<'#include <ini.h>'
caught 'a library in a wrong layer' '<ini.h> is for src/conf' check_includes "$plant"
planted src/misc/a.c <<<''
caught 'a folder that is no layer' 'no layer is called misc' check_includes "$plant"

planted src/base/a.h <<<'#include "base/b.h"'
printf '#include "base/a.h"\n' >"$plant/src/base/b.h"
caught 'a circle of headers' 'base/a.h' check_cycles "$plant"

planted src/pop/a.c <<<'/* setuid(0) */ void f(void) { log("setuid(0)"); if (setresuid (u, u, u)) die(); }'
caught 'a set*id call outside src/sys' 'src/pop/a.c:1: setresuid is for src/sys' check_privilege "$plant"
planted src/pop/a.c <<<'	syscall(SYS_seccomp, 1);'
caught 'a system call by number' 'SYS_seccomp is for src/sys' check_privilege "$plant"
planted src/pop/a.c <<<'/* setuid(0) */ void f(void) { log("setuid(0)"); }'
silent 'comments and literals are no calls' check_privilege "$plant"

planted src/mail/a.c <<<'	if (c->server_protocol == CONF_POP1)'
caught 'a protocol in a layer that all share' 'src/mail/a.c:1' check_protocols "$plant"
planted src/auth/a.c <<<'/* pop3_login calls it */'
caught 'a caller in a layer that all share' 'src/auth/a.c:1' check_protocols "$plant"

planted src/pop/a.h <<'C'
/*
 * A header of sorts
 */
#ifndef POP_B_H
#define POP_B_H
#endif
C
caught 'a header without its purpose' 'is not " * a.h - purpose"' check_cards "$plant"
caught 'a header without its licence' 'no SPDX line' check_cards "$plant"
caught 'a guard of another header' 'its guard is not POP_A_H' check_cards "$plant"
planted tests/pop3/a.pop <<<''
echo 'TESTS = tests/pop3/b.pop' >"$plant/Makefile.am"
caught 'a test that would never run' 'tests/pop3/a.pop is not in' check_listed "$plant"
finish
