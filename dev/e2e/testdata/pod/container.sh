#!/bin/sh
# Process 1 of a container (pod_test.go): a root of its own from an image, volumes, a user without privileges.
#   container.sh IMAGE ROOT READONLY UID [SOURCE:TARGET:ro|rw ...] -- PROGRAM ARGUMENTS ...
set -eu
[ $$ = 1 ] || { echo "container.sh is for process 1 of a new namespace" >&2; exit 1; }
image=$1 root=$2 readonly=$3 uid=$4
shift 4
mount --make-rprivate /
mount --bind "$root" "$root" # so that it can be made read-only
mkdir -p "$root/usr" "$root/proc" "$root/dev" "$root/tmp" "$root/var" "$root/etc" "$root.upper" "$root.work"
chmod 1777 "$root/tmp"
mount -t overlay overlay -o "lowerdir=$image/usr:/usr,upperdir=$root.upper,workdir=$root.work" "$root/usr"
for link in bin lib lib64 sbin; do
	[ -e "$root/$link" ] || ln -s "usr/$link" "$root/$link"
done
mount --bind "$image/etc" "$root/etc"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
while [ "$1" != -- ]; do
	source=${1%%:*} rest=${1#*:}
	target=${rest%%:*} mode=${rest#*:}
	if [ -d "$source" ]; then
		mkdir -p "$root$target"
	else
		mkdir -p "$(dirname "$root$target")" && : >"$root$target"
	fi
	mount --bind "$source" "$root$target"
	[ "$mode" = rw ] || mount -o "remount,bind,$mode" "$root$target"
	shift
done
shift
if [ "$readonly" = true ]; then
	mount -o remount,ro "$root/usr"
	mount -o remount,bind,ro "$root/etc"
	mount -o remount,bind,ro "$root"
fi
exec chroot "$root" setpriv --pdeathsig SIGKILL --reuid "$uid" --regid "$uid" --groups "$uid" --no-new-privs --inh-caps=-all --bounding-set=-all -- "$@"
