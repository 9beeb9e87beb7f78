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
		--exclude='*.so' --exclude=./results --exclude=./tmp_check --exclude=./.deps \
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
		candidate=$(command -v "$PG_CONFIG") && realpath -s "$candidate"
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
# be real copies.  The library is built in this tree, or in the one named second.
# Prints the folder of the programs.
install_privately()
{
	local prefix=$1 tree=${2:-$top} bin dir

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

	# Whoever asks for the folder may have switched off "set -e".
	quietly make -s -j2 -C "$tree" install PG_CONFIG="$PG_CONFIG" COPT=-Werror \
		with_llvm=no DESTDIR="$prefix" || return
	echo "$prefix$bin"
}

# ---- Running servers and suites, and leaving nothing behind ----

work=			# temporary folder of this run, see make_work_folder()
job=			# process group of what is running
server_folders=()	# where else it may have servers

# Stop the servers below these folders, and wait until they are gone.  A server
# is known by its data directory: no other can be hit.
stop_servers()
{
	local file pid

	while read -r file; do
		pid=$(head -n 1 "$file" 2>/dev/null) || continue
		if [ "$(readlink "/proc/$pid/cwd")" = "${file%/*}" ]; then
			kill -QUIT "$pid" 2>/dev/null || true
			timeout 10 tail --pid="$pid" -f /dev/null || true
		fi
	done < <(find "$@" -name postmaster.pid -type f 2>/dev/null)
}

cleanup()
{
	trap '' INT TERM HUP
	[ -z "$job" ] || kill -TERM -- "-$job" 2>/dev/null || true
	stop_servers "$work" "${server_folders[@]}"
	# Somebody may be writing his last line.
	rm -rf "$work" 2>/dev/null || { sleep 1; rm -rf "$work"; }
}

# Make the folder $work.  It disappears when the script ends, also when it is
# interrupted, and with it every server that was started in it.
make_work_folder()
{
	work=$(mktemp -d "${TMPDIR:-/tmp}/pg_diagnose.XXXXXX")
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	chmod 755 "$work"
	mkdir "$work/tmp"
}

# Run a command as a process group of its own, so that an interrupt reaches all
# of it; the trap runs at once because bash only waits.
run_job()
{
	local status=0

	set -m
	"$@" </dev/null &
	job=$!
	set +m
	wait "$job" || status=$?
	job=
	return "$status"
}

# Read the output of pg_regress as it comes and write "verdict|name|time" for
# every test; its form changed with 16.  All of it goes to the file $1 too.
#	15:		test name                  ... ok           12 ms
#	16 on:	not ok 1     - name                  12 ms
pg_regress_results()
{
	local line verdict duration

	while IFS= read -r line; do
		echo "$line" >>"$1"
		if [[ $line =~ ^(not\ )?ok\ [0-9]+\ +[-+]\ +([^ ]+)\ +([0-9]+\ ms) ]]; then
			echo "${BASH_REMATCH[1]}ok|${BASH_REMATCH[2]}|${BASH_REMATCH[3]}"
		elif [[ $line =~ ^(test)?\ +([^ ]+)\ +\.\.\.\ (ok|FAILED)(.*)$ ]]; then
			verdict=ok
			[ "${BASH_REMATCH[3]}" = ok ] || verdict="not ok"
			duration=$(grep -o '[0-9]* ms' <<<"${BASH_REMATCH[4]}") || duration=
			echo "$verdict|${BASH_REMATCH[2]}|$duration"
		fi
	done
}

# Show the first lines of a file under a title, or the last of a log.
show()
{
	[ -s "$3" ] || return 0
	printf -- '---- %s\n' "$1"
	case $3 in
		*.log) tail -n "$2" "$3" ;;
		*) head -n "$2" "$3" ;;
	esac
	echo "----"
}

# ---- Debian's archive ----

# Which Debian release has which major.
suite_of_major()
{
	case $1 in
		15) echo bookworm ;;
		17) echo trixie ;;
		18) echo forky ;;
		*) return 1 ;;
	esac
}

# The address of the Debian archive this machine already uses, so that no
# host's name stands in a script.
debian_archive()
{
	# These are apt's own placeholders.
	# shellcheck disable=SC2016
	apt-get indextargets --format \
		'$(CREATED_BY)|$(ORIGIN)|$(COMPONENT)|$(SUITE)|$(REPO_URI)' |
		awk -F'|' '$1 == "Packages" && $2 == "Debian" && $3 == "main" &&
			$4 !~ /security|updates|backports/ { print $5; exit }'
}
