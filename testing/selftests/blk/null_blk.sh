#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What null_blk can do, and a test that uses it expects: unaligned buffers, power
# right after it was switched, queues that change, names that are taken.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

# unaligned DEVICE OFFSET: writes and reads 8 KiB from a buffer at this offset from an aligned one.
unaligned() {
	# shellcheck disable=SC2016 # perl's variables
	perl -e '
		use Fcntl;
		my ($device, $offset) = @ARGV;
		my $data = join("", map { chr(65 + $_ % 26) } 0 .. 8191);
		# A scalar is aligned to 16 bytes or so: what lies in it at 4 is not aligned to 512.
		my $out = ("\0" x $offset) . $data;
		sysopen(my $file, $device, O_RDWR | 040000) or die "open: $!\n";
		defined(syswrite($file, $out, 8192, $offset)) or die "write: $!\n";
		sysseek($file, 0, 0);
		my $in = "\0" x ($offset + 8192);
		defined(sysread($file, $in, 8192, $offset)) or die "read: $!\n";
		substr($in, $offset) eq $data or die "wrong data\n";
	' "$1" "$2"
}

alignment() {
	local size
	for size in 512 4096; do
		disk n1 size=16 blocksize=$size
		[ "$(cat /sys/block/n1/queue/dma_alignment)" = 1 ]
		for offset in 0 2 4 6 100 258; do
			unaligned /dev/n1 $offset
		done
		undisk n1
	done
}

waits_or_gone() {
	is_gone "$1" || grep -q '^State:.D' "/proc/$1/status"
}

# opened_and_off: somebody has the new disk open, and closes it while it is switched off.
opened_and_off() {
	local opener switch
	bash -c 'exec 7</dev/n2; echo >"$0/open"; read -r _ <"$0/close"' "$work" &
	opener=$!
	settle 5 test -e "$work/open"
	put "$configfs/n2/power" 0 &
	switch=$!
	settle 5 waits_or_gone "$switch"
	echo >"$work/close"
	settle 5 is_gone "$opener"
	rm "$work/open"
	wait "$switch"
}

# Who looks at a new disk and goes is waited for, who stays is not.
openers() {
	local off=
	mkfifo "$work/close"
	disk n2 size=16
	# A machine that is busy may need longer to close it than there is time.
	for _ in 1 2 3 4 5; do
		if opened_and_off; then
			off=yes
			break
		fi
	done
	[ -n "$off" ]
	[ "$(cat "$configfs/n2/power")" = 0 ]
	rmdir "$configfs/n2"
	disk n2 size=16
	exec 7</dev/n2
	fails_with "busy" put "$configfs/n2/power" 0
	[ "$(cat "$configfs/n2/power")" = 1 ]
	fill /dev/n2 0 4096
	exec 7<&-
	undisk n2
}

queues() {
	find /sys/block/n3/mq -mindepth 1 -maxdepth 1 | wc -l
}

queues_change() {
	local pid n
	disk n3 size=64 submit_queues=1
	fio --name=queues --filename=/dev/n3 --ioengine=io_uring --rw=randrw --bs=4k --size=32m --iodepth=16 \
		--direct=1 --time_based --runtime=600 --output="$work/queues" &
	pid=$!
	for n in 2 1 2 2 1; do
		echo $n >"$configfs/n3/submit_queues"
		[ "$(cat "$configfs/n3/submit_queues")" = $n ]
		[ "$(queues)" = $n ]
	done
	fails_with "Invalid argument" put "$configfs/n3/submit_queues" 0
	fails_with "Invalid argument" put "$configfs/n3/submit_queues" 100000
	kill -TERM $pid
	wait $pid || true
	not grep -q 'err= *[1-9]' "$work/queues"
	verify queues --filename=/dev/n3 --ioengine=io_uring --rw=randwrite --bs=4k --size=4m --iodepth=16
	undisk n3
	# Queues for those who poll come and go with the others.
	disk n3 size=16 submit_queues=1 completion=polled
	[ "$(queues)" = 2 ]
	echo 2 >"$configfs/n3/submit_queues"
	[ "$(queues)" = 4 ]
	# Two of each kind, and either kind serves every CPU.
	[ "$(sort /sys/block/n3/mq/[01]/cpu_list | tr '\n' ' ')" = "0 1 " ]
	[ "$(sort /sys/block/n3/mq/[23]/cpu_list | tr '\n' ' ')" = "0 1 " ]
	verify polled --filename=/dev/n3 --ioengine=io_uring --hipri=1 --rw=randwrite --bs=4k --size=1m --iodepth=4
	echo 1 >"$configfs/n3/submit_queues"
	[ "$(queues)" = 2 ]
	verify polled --filename=/dev/n3 --ioengine=io_uring --hipri=1 --rw=randwrite --bs=4k --size=1m --iodepth=4
	undisk n3
}

# many_wait: more wait for room in the log than one queue has requests, or there was none for some.
many_wait() {
	stat_is n4 log_room_sleepers -gt 64 || stat_is n4 errors -gt 0
}

# More than there was room for with one queue.
queues_and_the_log() {
	local pid
	disk n4 size=64 submit_queues=1 queue_depth=64
	echo 2 >"$configfs/n4/submit_queues"
	echo 1 >"$configfs/n4/log_hold"
	# Half of them on each CPU, hence on each queue, however busy the machine is.
	fio --name=both --filename=/dev/n4 --thread --numjobs=400 --ioengine=psync --rw=write \
		--cpus_allowed="0-$(($(nproc) - 1))" --cpus_allowed_policy=split \
		--bs=4k --size=4k --offset_increment=4k --direct=1 --group_reporting=1 \
		--output="$work/both" &
	pid=$!
	settle 60 many_wait
	stat_is n4 errors -eq 0
	echo 0 >"$configfs/n4/log_hold"
	settle 20 is_gone "$pid"
	wait "$pid"
	stat_is n4 errors -eq 0
	undisk n4
}

completion_nsec() {
	disk n5 size=16 completion=timer
	[ "$(cat "$configfs/n5/completion_nsec")" = 50000 ]
	undisk n5
	need
	mkdir "$configfs/n5"
	echo 16 >"$configfs/n5/size"
	echo timer >"$configfs/n5/completion"
	for value in 0 -1 abc 1000000001; do
		fails_with "Invalid argument" put "$configfs/n5/completion_nsec" "$value"
	done
	echo 300000000 >"$configfs/n5/completion_nsec"
	echo 1 >"$configfs/n5/power"
	fails_with "busy" put "$configfs/n5/completion_nsec" 1000
	local start end
	start=$(date +%s%N)
	dd if=/dev/n5 of=/dev/null bs=4k count=4 iflag=direct status=none
	end=$(date +%s%N)
	[ $((end - start)) -ge 1200000000 ]
	stat_is n5 ended_by_timer -ge 4
	undisk n5
}

# bdevs: how many block devices the kernel has, known by name or not.
bdevs() {
	awk '$1 == "bdev_cache" { print $2 }' /proc/slabinfo
}

fewer_bdevs() {
	[ "$(bdevs)" -lt "$1" ]
}

# A disk that cannot be made leaves nothing behind, neither a device nor somebody who works for it.
names() {
	local name dropped before
	need
	disk n6 size=16
	[ -b /dev/vda ]
	partition n6 1 1
	for name in vda null tty n6p1; do
		mkdir "$configfs/$name"
		fails_with "File exists" put "$configfs/$name/power" 1
		[ "$(cat "$configfs/$name/power")" = 0 ]
		[ "$(log_lines "$name: a disk or a file in /dev has this name")" = 1 ]
		rmdir "$configfs/$name"
	done
	[ -c /dev/null ]
	mkdir "$configfs/null"
	echo 16 >"$configfs/null/size"
	dropped=$(dmesg | grep -c 'was dropped without' || true)
	before=$(bdevs)
	for _ in $(seq 40); do
		not put "$configfs/null/power" 1 2>/dev/null
	done
	settle 10 fewer_bdevs $((before + 20))
	[ "$(dmesg | grep -c 'was dropped without' || true)" = "$dropped" ]
	rmdir "$configfs/null"
	undisk n6
}

run_cases "$@" <<-END
	20 alignment buffers of direct I/O need not be aligned
	30 openers a disk that was just opened can be switched off
	60 queues_change the number of queues changes while the disk is in use
	90 queues_and_the_log as many can wait for the log as there are requests
	20 completion_nsec how long the timer takes
	20 names a name that is taken is refused
END
