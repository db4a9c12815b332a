# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# In the guest: a client of Binder that is not ours, on a kernel with or without the
# conversion. The programs are in /baton/intree; $arguments is for cases.py.

# shellcheck source=testing/qemu/guest/lib.sh
. /baton/guest/lib.sh
: "${arguments=}"

mkdir -p /dev/binderfs
mount -t binder binder /dev/binderfs
ln -sf /dev/binderfs/binder /dev/binderfs/vndbinder /dev/
# The protocol of its manager: that of Android 11.
printf '[General]\nApiLevel = 30\n' >/etc/gbinder.conf

dpkg-query -W libgbinder1 libgbinder-tools python3-gbinder >/dev/console
show output.log
{
	# shellcheck disable=SC2086 # a list
	within 900 gbinder python3 /baton/intree/cases.py $arguments 2>&1 3>&-
	echo $? >/tmp/status
} | while IFS= read -r line || [ -n "$line" ]; do
	printf '%s\n' "$line" >&3
done
end output.log
! grep -qvx 0 /tmp/status
