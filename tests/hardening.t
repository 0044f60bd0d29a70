#!/usr/bin/env bash
# hardening.t - how the programs were hardened, as they are, not as they were meant to be
#
# SPDX-License-Identifier: ISC
set -u
# shellcheck source=tests/lib/check.sh
. "$(dirname "$0")/lib/check.sh"

undefined() { nm -D --undefined-only "$1" | awk '{ sub(/@.*/, "", $2); print $2 }'; }
check_pie() { readelf -dW "$1" | grep -q 'FLAGS_1.*PIE' || echo 'no PIE'; }
check_now() { readelf -dW "$1" | grep -q 'FLAGS_1.*NOW' || echo 'no BIND_NOW'; }
check_relro() { readelf -lW "$1" | grep -q GNU_RELRO || echo 'no RELRO'; }
check_stack() { readelf -lW "$1" | grep -q 'GNU_STACK.* RW ' || echo 'executable stack'; }
check_segments() { readelf -lW "$1" | grep -E '^ *LOAD .* [R ]WE ' || true; }
check_relocations() { readelf -dW "$1" | grep -E '\((TEXTREL|FLAGS)\).*TEXTREL|\(TEXTREL\)' || true; }
check_path() { readelf -dW "$1" | grep -E '\((RPATH|RUNPATH)\)' || true; }
check_protector() { undefined "$1" | grep -qx '__stack_chk_fail' || echo 'no stack protector'; }
# Of these there is a checked form whatever the compiler knows of sizes; of snprintf, memcpy and read it
# takes the plain one where it has proved that they fit, and archives of others have strcpy; ours has not,
# see forbidden.t.
unchecked='v?f?printf|v?sprintf|v?dprintf|v?asprintf|v?syslog'
check_fortify() {
	undefined "$1" | grep -v stack_chk | grep -q '_chk$' || echo 'not fortified'
	undefined "$1" | grep -xE "$unchecked" || true
}
# In a program they are only if all libraries' archives and libc's own objects have them.
check_notes() { # DIRECTORY
	local object
	find "$1" -name '*.o' | while read -r object; do
		readelf -n "$object" 2>/dev/null | grep -q 'IBT, SHSTK' || echo "${object#"$1"/}: no IBT, SHSTK"
	done
}

# does the compiler know it? - OPTION
known() { echo 'int x;' | ${CC:-cc} -Werror "$1" -x c -c -o "$scratch/known.o" - 2>/dev/null; }

hardened() { # PROGRAM
	local name=${1##*/}
	silent "$name: position-independent" check_pie "$1"
	silent "$name: addresses are bound at the start" check_now "$1"
	silent "$name: and read-only from then on" check_relro "$1"
	silent "$name: the stack is not executable" check_stack "$1"
	silent "$name: what is written is not run" check_segments "$1"
	silent "$name: code is not changed at the start" check_relocations "$1"
	silent "$name: libraries are looked for where the system has them" check_path "$1"
	silent "$name: stack protector" check_protector "$1"
	case " ${CFLAGS--O2} " in
	*' -O0 '* | *' -Og '*) skipped "$name: fortified" 'not an optimising build' ;;
	*) silent "$name: fortified, and nothing calls past it" check_fortify "$1" ;;
	esac
}

hardened "$top_builddir/restante"
hardened "$top_builddir/restante-tls"
hardened "$top_builddir/restantectl"
if known -fcf-protection; then
	silent 'indirect jumps have their targets marked' check_notes "$top_builddir/src"
fi

# a program that has none of all this
cat >"$scratch/bad.c" <<'C'
#include <stdio.h>
__asm__(".section .both, \"awx\"\n.long 0\n.text");
int main(void) { char text[9]; return sprintf(text, "%d", 1) + printf("%s", text); }
C
printf '%s\n' '__asm__(".text\n.quad puts"); int x(void); int x(void) { return 0; }' >"$scratch/changed.c"
plain='-O0 -U_FORTIFY_SOURCE -fno-stack-protector'
! known -fcf-protection=none || plain="$plain -fcf-protection=none"
mkdir "$scratch/objects"
# shellcheck disable=SC2086 # options
if ${CC:-cc} $plain -fno-pie -c -o "$scratch/objects/bad.o" "$scratch/bad.c" &&
	${CC:-cc} -no-pie -Wl,-z,norelro -Wl,-z,lazy -Wl,-z,execstack -Wl,-rpath,/tmp \
		-o "$scratch/bad" "$scratch/objects/bad.o" &&
	${CC:-cc} -shared -Wl,-z,notext -o "$scratch/bad.so" "$scratch/changed.c"; then
	bad=$scratch/bad
	caught 'a fixed address' 'no PIE' check_pie "$bad"
	caught 'late binding' 'BIND_NOW' check_now "$bad"
	caught 'no RELRO' 'RELRO' check_relro "$bad"
	caught 'an executable stack' 'executable' check_stack "$bad"
	caught 'code that can be written' 'LOAD' check_segments "$bad"
	caught 'code that is changed at the start' 'TEXTREL' check_relocations "$scratch/bad.so"
	caught 'a path of its own to libraries' '/tmp' check_path "$bad"
	caught 'no stack protector' 'protector' check_protector "$bad"
	caught 'no fortification' 'fortified' check_fortify "$bad"
	caught 'a call past fortification' 'sprintf' check_fortify "$bad"
	! known -fcf-protection || caught 'targets that are not marked' 'bad.o: no IBT' check_notes "$scratch/objects"
else
	failed 'a program without hardening could be built'
fi
finish
