# layers.sh - which layer may use which, for tests/layers.t and tests/symbols.t
#
# SPDX-License-Identifier: ISC
# shellcheck shell=bash

# below LAYER - what it may use besides itself; fails for what is no layer
below() {
	case $1 in
	prog) echo pop tls net mail auth conf sys base ;;
	pop) echo net mail auth base ;;
	tls) echo net base ;;
	net | mail | auth | conf | sys) echo base ;;
	base) ;;
	*) return 1 ;;
	esac
}
