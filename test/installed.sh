#!/bin/bash
# test/installed.sh COMMAND...
#
# Run a command with this tree built and installed: PG_CONFIG names a private
# copy of the server, which is gone when the command ends.

set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/lib.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL
[ $# -gt 0 ] || die "usage: test/installed.sh COMMAND..."

PG_CONFIG=$("$top/test/setup.sh")
export PG_CONFIG
make_work_folder
bindir=$(install_privately "$work/server")
PG_CONFIG=$bindir/pg_config run_job "$@"
