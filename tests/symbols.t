#!/usr/bin/env bash
# symbols.t - what the programs link
#
# Each library that is linked costs every connection its loading: libc and, where there is no
# archive of it, libinih; no more.
# libpam and libsystemd are loaded while running, by those who need them.
# OpenSSL is for the TLS relay, restante-tls, and for restantectl, which no connection starts;
# they link that and libc.
#
# SPDX-License-Identifier: ISC
set -u
# shellcheck source=tests/lib/check.sh
. "$(dirname "$0")/lib/check.sh"
# shellcheck source=tests/lib/layers.sh
. "$(dirname "$0")/lib/layers.sh"

program=$top_builddir/restante relay=$top_builddir/restante-tls tool=$top_builddir/restantectl
allowed='libc\.so\.6|ld-linux[^ ]*' wanted='libc.so'
[ "${INIH_LIBS:--l:libinih.a}" != -l:libinih.a ] &&
	allowed="$allowed|libinih\\.so\\.[0-9]+" wanted="$wanted libinih.so"
# where there is no archive of libmd, it is a library
[ "${MD_LIBS:--l:libmd.a}" = -lmd ] && allowed="$allowed|libmd\\.so\\.[0-9]+"

# the relay's: nothing but libc where OpenSSL is linked out of its archives
relay_allowed='libc\.so\.6|ld-linux[^ ]*' relay_wanted='libc.so'
case ${OPENSSL_LIBS--lssl} in
*-l:libssl.a*) ;;
*) relay_allowed="$relay_allowed|lib(ssl|crypto)\\.so\\.[0-9]+" relay_wanted="$relay_wanted libssl.so libcrypto.so" ;;
esac

needed() { readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
check_needed() { needed "$1" | grep -vxE "$allowed" || true; }
check_wanted() {
	local lib
	for lib in $wanted; do
		needed "$1" | grep -q "^$lib" || echo "$lib is not linked"
	done
}
# a library that is loaded while running is not called by name
check_loaded() { undefined "$1" | grep -E '^(pam|sd|seccomp|landlock)_' || true; }
# neither called nor linked in
check_no_tls() {
	nm "$1" 2>/dev/null | grep -wE '(SSL|TLS|EVP|X509|BIO|OPENSSL)_[A-Za-z0-9_]+(@.*)?' || true
	undefined "$1" | grep -E '^(SSL|EVP|X509|BIO|OPENSSL)_' || true
}
check_no_notes() { readelf -p .note.dlopen "$1" 2>/dev/null | grep -o '"lib[^"]*"' || true; }
undefined() { nm -D --undefined-only "$1" | awk '{ sub(/@.*/, "", $2); print $2 }'; }

# packagers read there what is loaded while running
check_notes() {
	local lib
	for lib in libpam.so.0 libsystemd.so.0; do
		readelf -p .note.dlopen "$1" 2>/dev/null | grep -q "\"$lib\"" || echo "$lib has no .note.dlopen"
	done
}

# The archives: whose names does each use?  The order of linking finds calls upwards; this
# finds those sideways too.
check_archives() {
	local lib layer
	for lib in "$1"/src/*/lib*.a; do
		layer=$(basename "$lib" .a) layer=${layer#lib}
		nm --defined-only "$lib" | awk -v l="$layer" 'NF == 3 && $2 ~ /[A-TV-Z]/ { print $3, "defined", l }'
		nm --undefined-only "$lib" | awk -v l="$layer" '$1 == "U" { print $2, "used", l }'
	done | sort -u | awk '
		$2 == "defined" { home[$1] = $3 }
		$2 == "used" && ($1 in home) && home[$1] != $3 { print $3, home[$1], $1 }
	' | while read -r layer lib name; do
		case " $(below "$layer") " in
		*" $lib "*) ;;
		*) echo "$layer uses $name of $lib" ;;
		esac
	done
}

silent 'it links libc, libinih if there is no archive of it, and no more' check_needed "$program"
silent 'it does link them' check_wanted "$program"
silent 'nothing of libpam and libsystemd is called by name' check_loaded "$program"
silent 'what is loaded while running is noted for packagers' check_notes "$program"
silent 'and none of it is OpenSSL' check_no_tls "$program"
allowed=$relay_allowed silent 'the relay links libc and OpenSSL, and no more' check_needed "$relay"
wanted=$relay_wanted silent 'it does link them' check_wanted "$relay"
silent 'it calls nothing of libpam and libsystemd' check_loaded "$relay"
silent 'and loads nothing while running' check_no_notes "$relay"
allowed=$relay_allowed silent 'the tool links libc and OpenSSL, and no more' check_needed "$tool"
silent 'and calls nothing of libpam and libsystemd' check_loaded "$tool"
silent 'the archives use one another as the layers say' check_archives "$top_builddir"

# a program that calls what it should not, and a library that it should not have
for name in pam_end SSL_new; do
	echo "int $name(void *, int); int $name(void *h, int s) { return h ? s : 0; }"
done >"$scratch/trouble.c"
echo 'int pam_end(void *, int); int SSL_new(void *, int); int main(void) { return pam_end(0, SSL_new(0, 0)); }' \
	>"$scratch/bad.c"
if ${CC:-cc} -fPIC -shared -o "$scratch/libtrouble.so" "$scratch/trouble.c" &&
	${CC:-cc} -o "$scratch/bad" "$scratch/bad.c" -L"$scratch" -ltrouble; then
	bad=$scratch/bad
	caught 'a further library' 'libtrouble.so' check_needed "$bad"
	wanted=libinih.so caught 'a library that is missing' 'libinih.so is not' check_wanted "$bad"
	caught 'a call by name' 'pam_end' check_loaded "$bad"
	caught 'no note' 'libpam.so.0' check_notes "$bad"
	caught 'OpenSSL' 'SSL_new' check_no_tls "$bad"
	readelf -p .note.dlopen "$program" >/dev/null 2>&1 &&
		caught 'a note of something loaded' 'libpam' check_no_notes "$program"
else
	failed 'such a program could be built'
fi

mkdir -p "$scratch/tree/src/net" "$scratch/tree/src/mail"
echo 'int mail_x(void); int net_x(void); int net_x(void) { return mail_x(); }' >"$scratch/net.c"
echo 'int mail_x(void); int mail_x(void) { return 0; }' >"$scratch/mail.c"
for l in net mail; do
	${CC:-cc} -c -o "$scratch/$l.o" "$scratch/$l.c" && ar cr "$scratch/tree/src/$l/lib$l.a" "$scratch/$l.o"
done
caught 'a call sideways' 'net uses mail_x of mail' check_archives "$scratch/tree"
finish
