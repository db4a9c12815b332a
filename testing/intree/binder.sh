# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# In the guest: Binder, on a kernel with or without the conversion. The clients are
# in /baton/intree; $arguments is for the one of ours.

# shellcheck source=testing/qemu/guest/lib.sh
. /baton/guest/lib.sh
: "${arguments=}"

mkdir -p /dev/binderfs
mount -t binder binder /dev/binderfs

show output.log
{
	# shellcheck disable=SC2086 # a list
	within 240 binder /baton/intree/binder /dev/binderfs/binder $arguments 2>&1 3>&-
	echo $? >/tmp/status
	if [ -z "$arguments" ]; then
		within 60 binderfs_test /baton/intree/binderfs_test 2>&1 3>&-
		echo $? >>/tmp/status
	fi
} | tee /tmp/said | while IFS= read -r line || [ -n "$line" ]; do
	printf '%s\n' "$line" >&3
done
if [ -z "$arguments" ]; then
	# Of both. A test of binderfs that is skipped has not been run: its kernel lacks something.
	sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, .*/\1 \2 0/p
		s/^# Totals: pass:\([0-9]*\) fail:\([0-9]*\) .* skip:\([0-9]*\) .*/\1 \2 \3/p' /tmp/said |
		awk '{ passed += $1; failed += $2; skipped += $3 }
			END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit NR != 2 || skipped }' >&3
	echo $? >>/tmp/status
fi
end output.log
! grep -qvx 0 /tmp/status
