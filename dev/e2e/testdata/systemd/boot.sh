#!/bin/sh
# Process 1 of a machine of its own (machine_test.go): folders that nobody else sees, then systemd. $1 is a
# folder with the home of an OpenSearch, $2 the program searchpack, $3 Searchpack's packaging folder.
set -eu
[ $$ = 1 ] || { echo "boot.sh is for process 1 of a new namespace" >&2; exit 1; }
mount --make-rprivate /
mount -t proc proc /proc
for d in etc usr var; do
	mkdir -p "$1/$d.upper" "$1/$d.work"
	mount -t overlay overlay -o "lowerdir=/$d,upperdir=$1/$d.upper,workdir=$1/$d.work" "/$d"
done
mount -t tmpfs -o mode=755 tmpfs /run

for d in etc usr var run; do mountpoint -q "/$d" || exit 1; done # from here on, what is written there goes with us

# What the package of OpenSearch leaves behind.
useradd --system --no-create-home --home-dir /usr/share/opensearch --shell /usr/sbin/nologin opensearch
cp -R "$1/home" /usr/share/opensearch
mv /usr/share/opensearch/config /etc/opensearch
mkdir -p /var/lib/opensearch /var/log/opensearch /etc/searchpack
cp "$1/opensearch.yml" /etc/opensearch/opensearch.yml
cp "$1/opensearch.env" /etc/default/opensearch
cp "$1/opensearch.service" /usr/lib/systemd/system/opensearch.service
sed -i 's_logs/gc.log_/var/log/opensearch/gc.log_' /etc/opensearch/jvm.options
chown -R root:root /usr/share/opensearch
chmod -R a+rX /usr/share/opensearch
chown -R opensearch:opensearch /etc/opensearch /var/lib/opensearch /var/log/opensearch
chmod 2750 /etc/opensearch

# What the documentation's commands find.
install -m 0755 "$2" /usr/local/bin/searchpack
cp -R "$3" /usr/share/packaging

# Nothing of this machine's own: no clean-up of /tmp, no kernel settings, no timers, no devices.
rm -rf /etc/systemd/system/*
for unit in systemd-sysctl systemd-update-utmp systemd-random-seed systemd-timesyncd systemd-udevd systemd-udev-trigger \
	systemd-modules-load systemd-tmpfiles-setup systemd-tmpfiles-setup-dev systemd-tmpfiles-clean systemd-binfmt systemd-hwdb-update \
	systemd-machine-id-commit systemd-remount-fs systemd-firstboot systemd-sysusers systemd-journal-flush; do
	ln -s /dev/null "/etc/systemd/system/$unit.service"
done
for unit in timers.target local-fs.target swap.target network-online.target dev-mqueue.mount dev-hugepages.mount sys-kernel-debug.mount \
	sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount; do
	ln -s /dev/null "/etc/systemd/system/$unit"
done
cat >/etc/systemd/system/machine.target <<'X'
[Unit]
Requires=basic.target dbus.socket
After=basic.target dbus.socket
X
# What systemd-tmpfiles would have made.
mkdir -p /run/dbus /run/log/journal
chgrp systemd-journal /run/log/journal
chmod 2755 /run/log/journal
mount -t tmpfs -o mode=1777 tmpfs /tmp # last: what was given may lie there
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=searchpack-test \
	/lib/systemd/systemd --system --unit=machine.target --log-target=journal
