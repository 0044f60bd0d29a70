#!/usr/bin/env bash
# root.t - all transcripts once more with the program started by root: the monitor is root,
# the login process is shut up in the empty directory, the session is another account
#
# SPDX-License-Identifier: ISC
set -eu
tests=$(cd "$(dirname "$0")/.." && pwd)
builddir=${top_builddir:-$PWD}

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

[ "$(id -u)" = 0 ] || skip_all 'not root'
empty=$(make -s -C "$builddir" directories | sed -n 's/^localstatedir=//p')/lib/restante/empty
[ -d "$empty" ] || skip_all "$empty is not there: make install, or scripts/test, makes it"
exec "$tests/run" --root "$tests"/pop3/*.pop
