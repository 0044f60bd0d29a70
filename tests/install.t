#!/usr/bin/env bash
# install.t - make install and uninstall: everything in its place, nothing of the
# administrator's touched, and units that systemd reads without complaint
#
# The directories come from make check; run by hand it asks for them itself.
#
# SPDX-License-Identifier: ISC
set -u
# shellcheck source=tests/lib/check.sh
. "$(dirname "$0")/lib/check.sh"

# the make that runs this test would otherwise share its jobs and options
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
make=${MAKE:-make}
root=$scratch/root

run() { # make's target, into $root; what it says is shown if it fails
	$make -s -C "$top_builddir" "$1" DESTDIR="$root" >"$scratch/said" 2>&1 || cat "$scratch/said"
}

# make tells the directories as it will use them
declare -A dir
while IFS='=' read -r name value; do
	dir[$name]=$value
done < <($make -s -C "$top_builddir" directories)

expected() {
	cat <<LIST
${dir[docdir]}/CLIENTS
${dir[docdir]}/CONTAINERS
${dir[docdir]}/COPYING
${dir[docdir]}/DESIGN
${dir[docdir]}/HARDENING
${dir[docdir]}/FLEET
${dir[docdir]}/NEWS
${dir[docdir]}/README
${dir[docdir]}/RECIPES
${dir[docdir]}/SECURITY
${dir[docdir]}/examples/autoconfig/config-v1.1.xml
${dir[docdir]}/examples/behind-proxy.conf
${dir[docdir]}/examples/haproxy.cfg
${dir[docdir]}/examples/fail2ban/filter.d/restante.conf
${dir[docdir]}/examples/fail2ban/jail.d/restante.conf
${dir[docdir]}/examples/nginx-mail.conf
${dir[docdir]}/examples/haproxy-fleet.cfg
${dir[docdir]}/examples/poll-limit.conf
${dir[docdir]}/examples/restante.conf.example
${dir[docdir]}/examples/strict.conf
${dir[docdir]}/examples/container/Containerfile
${dir[docdir]}/examples/container/pam.d/pop3
${dir[docdir]}/examples/container/restante.conf
${dir[docdir]}/examples/container/run
${dir[docdir]}/examples/inetd.conf
${dir[docdir]}/examples/s6/run
${dir[docdir]}/examples/tcpserver/run
${dir[docdir]}/examples/tcpsvd/run
${dir[docdir]}/examples/log.sample
${dir[docdir]}/index-format
${dir[libexecdir]}/restante-tls
${dir[mandir]}/man5/restante.conf.5
${dir[mandir]}/man8/restante-tls.8
${dir[mandir]}/man8/restante.8
${dir[mandir]}/man8/restantectl.8
${dir[pamdir]}/pop3
${dir[sbindir]}/restante
${dir[sbindir]}/restantectl
${dir[sysconfdir]}/restante/restante.conf
${dir[systemdsystemunitdir]}/restante-pop1.socket
${dir[systemdsystemunitdir]}/restante-pop1@.service
${dir[systemdsystemunitdir]}/restante-tls.socket
${dir[systemdsystemunitdir]}/restante-tls@.service
${dir[systemdsystemunitdir]}/restante.socket
${dir[systemdsystemunitdir]}/restante@.service
${dir[systemdsystemunitdir]}/system-restante.slice
${dir[sysusersdir]}/restante.conf
${dir[tmpfilesdir]}/restante.conf
${dir[xinetddir]}/restante
${dir[xinetddir]}/restante-pop1
${dir[xinetddir]}/restante-tls
LIST
}

check_files() { diff <(expected | sort) <(cd "$root" && find . ! -type d | sed 's/^\.//' | sort); }
mode_is() { [ "$(stat -c %a "$root$2")" = "$1" ] || stat -c "%n has mode %a, not $1" "$root$2"; }
nothing_left() { find "$root" ! -type d; }
kept() { cmp "$1" "$root$2"; }
no_placeholders() { grep -rnE '@[a-z]+@' "$root" --exclude-dir=man8 --exclude-dir=man5 -I || true; }
knows() { grep -qaF "$1" "$root${dir[sbindir]}/restante" || echo "restante does not name $1"; }

# what differs between a file for port 110 and its twin for port 995, in the twin
twins() { # FILE TWIN
	diff "$root$1" "$root$2" | sed -n 's/^> //p' | grep -v '^#'
}
twin_units() {
	twins "${dir[systemdsystemunitdir]}/restante$1" "${dir[systemdsystemunitdir]}/restante-$2$1"
}
is() { [ "$1" = "$("${@:2}")" ] || "${@:2}"; }

silent 'make install' run install
silent 'every file is in its place, and no other' check_files
silent 'no name of a directory was left open' no_placeholders
silent 'the program is for all to run' mode_is 755 "${dir[sbindir]}/restante"
silent 'and so is the TLS relay' mode_is 755 "${dir[libexecdir]}/restante-tls"
silent 'and the tool' mode_is 755 "${dir[sbindir]}/restantectl"
silent 'the relay is where the program looks for it' knows "${dir[libexecdir]}/restante-tls"
silent 'which the program looks for there' knows "${dir[libexecdir]}/restante-tls"
for name in container s6 tcpserver tcpsvd; do
	silent "and so is $name/run of the examples" mode_is 755 "${dir[docdir]}/examples/$name/run"
done
silent 'it looks for ticket keys where the system has them' knows "${dir[runstatedir]}/restante"
silent 'the unit of port 995 differs in its name alone' is 'Description=POP3S connection %i' twin_units @.service tls
silent 'and so does its socket, and in the port' is $'Description=POP3S connections\nListenStream=995' \
	twin_units .socket tls
silent 'and what xinetd gets' is 'service pop3s' twins "${dir[xinetddir]}/restante" \
	"${dir[xinetddir]}/restante-tls"
silent 'the unit of RFC 918 differs in its name and what it starts' \
	is "Description=POP1 connection %i"$'\n'"ExecStart=${dir[sbindir]}/restante -o server.protocol=pop1 -o network.tls=auto" \
	twin_units @.service pop1
silent 'its socket in the port' is $'Description=POP1 connections\nListenStream=109\nMaxConnections=64' twin_units .socket pop1
silent 'and what xinetd gets in both, and it is off' \
	is $'service pop1\n\ttype\t\t= UNLISTED\n\tport\t\t= 109\n\tserver_args\t= -o server.protocol=pop1 -o network.tls=auto' \
	twins "${dir[xinetddir]}/restante" "${dir[xinetddir]}/restante-pop1"
silent 'nobody writes into the empty directory' mode_is 555 "${dir[localstatedir]}/lib/restante/empty"
silent 'the configuration is the example' kept "$top_srcdir/doc/restante.conf.example" \
	"${dir[sysconfdir]}/restante/restante.conf"
silent 'make uninstall' run uninstall
silent 'nothing stays but what was changed' nothing_left

echo '; mine' >"$scratch/mine"
for file in "${dir[sysconfdir]}/restante/restante.conf" "${dir[pamdir]}/pop3"; do
	mkdir -p "$root$(dirname "$file")"
	cp "$scratch/mine" "$root$file"
	run install
	silent "install keeps the administrator's $(basename "$file")" kept "$scratch/mine" "$file"
	run uninstall
	silent "and so does uninstall" kept "$scratch/mine" "$file"
	caught 'a file that was left' "$(basename "$file")" nothing_left
	rm -f "$root$file"
done

# systemd reads copies in which the program is the one just built
units() { # DIR [SED EXPRESSION]
	mkdir -p "$1"
	cp "$root${dir[systemdsystemunitdir]}"/*restante* "$1"
	sed -i "s|^ExecStart=.*|ExecStart=$top_builddir/restante|${2:+;$2}" "$1"/restante*@.service
}
verify() { systemd-analyze verify --man=no "$1"/*restante*.{socket,service,slice} 2>&1; }

run install
if systemd-analyze --version >/dev/null 2>&1; then
	units "$scratch/units"
	silent 'systemd reads the units without complaint' verify "$scratch/units"
	units "$scratch/units.bad" 's/^UMask=/UMsk=/'
	caught 'a setting that systemd does not know' 'UMsk' verify "$scratch/units.bad"
else
	skipped 'systemd reads the units without complaint' 'systemd-analyze is not there'
fi
finish
