#!/bin/bash
# test/setup.sh [COMMAND...]
#
# Make sure that everything is there which the project's commands need: a
# server, its headers and test programs, a compiler, two Perl and C libraries,
# and HypoPG, against which index advice is checked.  As root it installs what
# is missing; without root it prints the one command that would, and fails.
#
# The packaged major is 15, or the newest that the machine's archive offers if
# it has no 15.  Set PG_CONFIG to test another server, say one built from
# source; its packages are then the user's business.
#
# With a COMMAND it runs that with PG_CONFIG set, otherwise it prints the path.

set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/lib.sh"

# Packages are recognised by what they bring, not by name: the tools may come
# from somewhere else.
missing_packages()
{
	local pg_config=$1 major=$2 package

	command -v make >/dev/null || echo make
	command -v gcc >/dev/null || command -v cc >/dev/null || echo gcc
	[ -e /usr/include/stdlib.h ] || echo libc6-dev
	command -v prove >/dev/null || echo perl
	perl -MIPC::Run -e 1 2>/dev/null || echo libipc-run-perl
	# Debian's server headers include it (ENABLE_GSS) and do not depend on it.
	[ -e /usr/include/gssapi/gssapi.h ] || echo libkrb5-dev

	[ -z "${PG_CONFIG:-}" ] || return 0
	# By name, both: the archive may have them at different minor releases,
	# and the headers alone would not bring the newer server.
	[ -n "$pg_config" ] ||
		printf '%s\n' "postgresql-$major" "postgresql-server-dev-$major"
	package=postgresql-$major-hypopg
	[ -e "/usr/share/postgresql/$major/extension/hypopg.control" ] ||
		! apt-cache show "$package" >/dev/null 2>&1 || echo "$package"
}

# Install packages.  The server's package would make a cluster and start it; it
# is told not to, only for as long as we install.
install_packages()
{
	local folder=/etc/postgresql-common/createcluster.d

	mkdir -p "$folder"
	trap 'rm -f "$folder/zz_pg_diagnose.conf"' EXIT
	echo "create_main_cluster = false" >"$folder/zz_pg_diagnose.conf"
	DEBIAN_FRONTEND=noninteractive quietly apt-get "${apt_options[@]}" \
		install --no-install-recommends "$@" ||
		die "could not install $*"
	rm -f "$folder/zz_pg_diagnose.conf"
	rmdir --ignore-fail-on-non-empty "$folder"
	trap - EXIT
}

pg_config=$(find_pg_config) || pg_config=
if [ -n "${PG_CONFIG:-}" ]; then
	[ -n "$pg_config" ] || die "PG_CONFIG=$PG_CONFIG: no such program"
	is_complete_server "$pg_config" ||
		die "PG_CONFIG=$PG_CONFIG: no server or no headers beside it"
fi

major=$(native_major)
mapfile -t missing < <(missing_packages "$pg_config" "${major:-15}")
if [ ${#missing[@]} -gt 0 ]; then
	command -v apt-get >/dev/null ||
		die "install what these Debian packages bring: ${missing[*]}"
	if ! is_root; then
		say "Some packages are missing: ${missing[*]}"
		say "Run this once, then try again:"
		say
		say "    sudo $top/test/setup.sh"
		exit 2
	fi
	quietly apt-get "${apt_options[@]}" update || die "apt-get update failed"
	# Only now is it known what the archive offers.
	major=$(native_major)
	[ -n "$major" ] || die "the package archive offers no PostgreSQL >= 15"
	mapfile -t missing < <(missing_packages "$pg_config" "$major")
	say "installing ${missing[*]}"
	install_packages "${missing[@]}"
	pg_config=$(find_pg_config) ||
		die "installed ${missing[*]}, and there is still no complete server"
fi

if [ $# -eq 0 ]; then
	echo "$pg_config"
else
	PG_CONFIG=$pg_config exec "$@"
fi
