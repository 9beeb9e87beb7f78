# shellcheck shell=bash disable=SC2034
# test/lib.sh
#
# What the project's scripts share.  It is sourced, never run; whoever sources
# it has already said "set -euo pipefail".

# Where this tree is.  Every script may be called from anywhere.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# What takes minutes to make and is worth keeping: chroots of other releases,
# PostgreSQL built with assertions.  Outside the repository on purpose.
cache=${PGD_CACHE:-/var/cache/pg_diagnose}

# A held package lock is waited for, a passed Valid-Until is not an error (some
# machines install from a frozen copy of the archive), and nothing asks.
apt_options=(-q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3
	-o Acquire::Check-Valid-Until=false -o Dpkg::Use-Pty=0)

say()
{
	printf '%s\n' "$*" >&2
}

die()
{
	say "${0##*/}: $*"
	exit 2
}

is_root()
{
	[ "$(id -u)" -eq 0 ]
}

# Run something quietly; only if it fails is its output worth anybody's time.
quietly()
{
	local log

	log=$(mktemp)
	if "$@" >"$log" 2>&1 </dev/null; then
		rm -f "$log"
	else
		tail -n 60 "$log" >&2
		rm -f "$log"
		return 1
	fi
}

# PostgreSQL refuses to run as root, so root hands over to the packaged user, or
# to nobody where there is no package.
server_user()
{
	if id postgres >/dev/null 2>&1; then
		echo postgres
	else
		echo nobody
	fi
}

as_server_user()
{
	if is_root; then
		runuser -u "$(server_user)" -- "$@"
	else
		"$@"
	fi
}

# Copy the sources, and nothing that was built from them, to a new place: the
# server's user can neither read a checkout under /root nor write in one.
copy_tree()
{
	mkdir -p "$1"
	tar -C "$top" --exclude-vcs --exclude='*.o' --exclude='*.bc' \
		--exclude='*.so' --exclude=./results --exclude=./tmp_check \
		-cf - . | tar -C "$1" --no-same-owner -xf -
}

# Sum the lines "N passed, N failed" on the input into one.
sum_of_tests()
{
	awk '/^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3 }
		END { printf "%d passed, %d failed\n", passed, failed }'
}

# The major the machine itself has or would install; see choose_major().
native_major()
{
	local pg_config

	if pg_config=$(find_pg_config); then
		server_major "$pg_config"
	else
		offered_major
	fi
}

# "PostgreSQL 15.20 (Debian ...)" -> 15; also "PostgreSQL 19beta1".
server_major()
{
	"$1" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/'
}

# A server that extensions can be built for and tested in has both.
is_complete_server()
{
	[ -e "$("$1" --pgxs 2>/dev/null)" ] && [ -x "$("$1" --bindir)/postgres" ]
}

# Print the pg_config to use: the one of PG_CONFIG if the user set it, else the
# packaged 15, else the newest packaged major.
find_pg_config()
{
	local candidate

	if [ -n "${PG_CONFIG:-}" ]; then
		command -v "$PG_CONFIG"
		return
	fi
	for candidate in /usr/lib/postgresql/15/bin/pg_config \
		$(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config | sort -rV); do
		if [ -x "$candidate" ] && is_complete_server "$candidate"; then
			echo "$candidate"
			return
		fi
	done
	return 1
}

# The major that the machine's package archive offers: 15, else the newest.
offered_major()
{
	command -v apt-cache >/dev/null || return 0
	apt-cache search --names-only '^postgresql-server-dev-[0-9]+$' |
		sed 's/^postgresql-server-dev-\([0-9]*\).*/\1/' | sort -n |
		awk '$1 == 15 { fifteen = 1 } $1 >= 15 { newest = $1 }
			END { print fifteen ? 15 : newest }'
}

# Copy the installation of PG_CONFIG's server to a folder and install the built
# library there: neither root's rights nor other people's tests are touched.
# PostgreSQL finds its files relative to the program, so only the programs must
# be real copies.  Prints the folder of the programs.
install_privately()
{
	local prefix=$1 bin dir

	bin=$("$PG_CONFIG" --bindir)
	mkdir -p "$prefix$bin"
	cp -a "$bin/." "$prefix$bin/"
	for dir in "$("$PG_CONFIG" --pkglibdir)" "$("$PG_CONFIG" --sharedir)"; do
		mkdir -p "$prefix$dir"
		cp -rs "$dir/." "$prefix$dir/"
	done
	# Test::Cluster asks the server's headers what it was built with.
	dir=$("$PG_CONFIG" --includedir-server)
	mkdir -p "$prefix${dir%/*}"
	ln -s "$dir" "$prefix$dir"

	quietly make -s -C "$top" install PG_CONFIG="$PG_CONFIG" COPT=-Werror \
		with_llvm=no DESTDIR="$prefix"
	echo "$prefix$bin"
}
