# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Runs somebody's script, /baton/user/SCRIPT, with the tree /baton/root installed:
# modprobe finds its modules. What the script prints is output.log on the host.

# shellcheck source=testing/qemu/guest/lib.sh
. /baton/guest/lib.sh
: "${user:?}"

mkdir -p /lib/modules
mount --bind /baton/root/lib/modules /lib/modules

# user_script: through a pipe, as what it starts in the background may hold on to it.
user_script() {
	cd "/baton/user" && sh "./$user" 2>&1 3>&- 4>&-
}

step "$user"
echo "baton: running $user" >/dev/kmsg
show output.log
{
	user_script && rc=0 || rc=$?
	echo "$rc" >/tmp/user_status
} | while IFS= read -r line || [ -n "$line" ]; do
	printf '%s\n' "$line" >&3
done
end output.log
exit "$(cat /tmp/user_status)"
