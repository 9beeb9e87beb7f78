#!/bin/bash
# test/major.sh MAJOR COMMAND...
#
# Run any command of the project against another major of PostgreSQL:
#
#	test/major.sh 17 make test
#	test/major.sh 18 make test ONLY=regress
#	test/major.sh 18 --prepare		make the chroot, run nothing
#
# The major of the machine itself runs right here.  The others live in a chroot
# of the Debian release that packages them, made once and kept; packages of a
# newer release cannot run on an older one for want of its C library.  The
# command works on a copy of this tree and on a layer above the chroot which is
# gone when it ends, so the chroot stays as it was made.
#
# Exit status: that of the command; 77 when there is no chroot and none can be
# made here (the reason is on standard error).

set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/lib.sh"

[ $# -ge 2 ] || die "usage: test/major.sh MAJOR COMMAND..."
major=$1
shift

# Nothing went wrong with the tests, they just cannot be run here.
cannot()
{
	say "PostgreSQL $major cannot be set up here: $*"
	exit 77
}

# Make the chroot under another name and rename it: one that is there is whole.
#
# The packaged server headers depend on a whole clang and llvm, which only
# bitcode needs; unpacked instead of installed they serve us as well.
make_chroot()
{
	local root=$1 archive suite new=$1.new start=$SECONDS

	suite=$(suite_of_major "$major") || cannot "no Debian release has it"
	is_root || cannot "a chroot needs root"
	archive=$(debian_archive)
	[ -n "$archive" ] || cannot "this machine knows no Debian archive"
	# Without mount, mmdebstrap goes on without /proc, and packages fail.
	if ! type mmdebstrap mount unshare >/dev/null 2>&1; then
		quietly apt-get "${apt_options[@]}" install --no-install-recommends \
			mmdebstrap mount util-linux ||
			cannot "mmdebstrap cannot be installed"
	fi

	say "making a chroot of $suite with PostgreSQL $major (a minute or two)"
	mkdir -p "$cache"
	rm -rf --one-file-system "$new"
	# The variables below are for the shells that run the hooks.
	# shellcheck disable=SC2016
	quietly mmdebstrap --mode=root --variant=apt --components=main \
		--aptopt='Acquire::Check-Valid-Until "false"' \
		--aptopt='Acquire::Retries "3"' \
		--aptopt='APT::Install-Recommends "false"' \
		--setup-hook='mkdir -p "$1"/etc/postgresql-common/createcluster.d &&
			echo "create_main_cluster = false" \
				>"$1"/etc/postgresql-common/createcluster.d/none.conf' \
		--include="make gcc libc6-dev libkrb5-dev libipc-run-perl" \
		--include="postgresql-$major postgresql-$major-hypopg" \
		--customize-hook='chroot "$1" sh -ec "cd /tmp &&
			apt-get -q download postgresql-server-dev-'"$major"' libpq-dev &&
			for deb in *.deb; do dpkg -x \$deb /; done && rm *.deb"' \
		"$suite" "$new" "$archive" ||
		{ rm -rf --one-file-system "$new"; cannot "mmdebstrap failed, see above"; }
	mv "$new" "$root"
	say "made in $((SECONDS - start)) s: $(du -sh "$root" | cut -f1) in $root"
}

# The command gets a mount and process namespace of its own: when its first
# process ends, by itself or killed, every process and mount in it is gone.  The
# layer above the chroot is memory, mounted where only the namespace sees it.
enter_chroot()
{
	mkdir -p "$cache/mnt"
	# The variables below are for the shell inside.
	# shellcheck disable=SC2016
	exec unshare --mount --pid --fork --kill-child=KILL -- \
		bash -euo pipefail -c '
			root=$1 layer=$2 top=$3; shift 3
			. "$top/test/lib.sh"
			mount -t tmpfs tmpfs "$layer"
			mkdir "$layer"/{upper,work,root}
			mount -t overlay overlay -o \
				"lowerdir=$root,upperdir=$layer/upper,workdir=$layer/work" \
				"$layer/root"
			cd "$layer/root"
			mount -t proc proc proc
			mount --rbind /dev dev
			mount -t tmpfs -o mode=1777 tmpfs dev/shm
			# For commands that install what they need besides.
			cp -L /etc/resolv.conf /etc/hosts etc/ || true
			copy_tree "$PWD/srv/pg_diagnose"
			# Not exec: as the first process of the namespace this shell
			# reaps what a stopped server leaves behind.
			status=0
			chroot . /usr/bin/env -i HOME=/root LANG=C.UTF-8 \
				PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
				TERM="${TERM:-dumb}" CI="${CI:-}" \
				bash -c "cd /srv/pg_diagnose && exec \"\$@\"" bash "$@" ||
				status=$?
			exit $status
		' bash "$1" "$cache/mnt" "$top" "${@:2}"
}

case $major in
	*[!0-9]*) die "not a major version: $major" ;;
esac

if [ "$(native_major)" = "$major" ]; then
	[ "$1" = --prepare ] && exit 0
	cd "$top"
	exec "$@"
fi

chroot=$cache/chroot-$major
[ -d "$chroot" ] || make_chroot "$chroot"
is_root || cannot "a chroot needs root"
if [ "$1" = --prepare ]; then
	# In a container without the right to mount, it is of no use.
	(enter_chroot "$chroot" true) || cannot "the chroot cannot be entered"
	exit 0
fi
enter_chroot "$chroot" "$@"
