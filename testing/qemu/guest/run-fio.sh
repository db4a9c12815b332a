# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Verified I/O on a disk of baton_blk, one fio job per operation, while its scrub
# runs and it is resized. Sourced after lib.sh; sends fio/NAME.json for each job
# and the counters of the driver.

io_disk=/dev/walk
io_config=/sys/kernel/config/baton/walk
io_stats=/sys/kernel/debug/baton/walk/stats
io_failed=0

io_fails() {
	note FIO "$*"
	io_failed=1
}

# job NAME ARGUMENT...: what is written carries a checksum and is read back.
job() {
	job_name=$1
	shift
	step "fio $job_name"
	within 60 "fio $job_name" fio --name="$job_name" --filename="$io_disk" --ioengine=io_uring --direct=1 \
		--bs=4k --size=8m --iodepth=16 --verify=crc32c --verify_fatal=1 --do_verify=1 \
		--verify_state_save=0 --output-format=json --output="/tmp/$job_name.json" "$@" ||
		io_fails "$job_name: status $?"
	# fio says what went wrong in front of the JSON.
	[ ! -e "/tmp/$job_name.json" ] || emit "fio/$job_name.json" <"/tmp/$job_name.json"
}

# control NAME VALUE: writes an attribute; what went wrong is in the log of the driver.
control() {
	echo "$2" >"$io_config/$1"
}

# busy: toggles the scrub and resizes the disk, beyond what the jobs work on,
# until it is told that it is enough.
# shellcheck disable=SC2317 # run in the background
busy() {
	while [ ! -e /tmp/enough ]; do
		control scrub check || echo "the scrub was not started" >/tmp/busy_failed
		control size 288 || echo "the disk did not grow" >/tmp/busy_failed
		control size 256 || echo "the disk did not shrink" >/tmp/busy_failed
		control scrub idle || echo "the scrub was not stopped" >/tmp/busy_failed
		# How often, not how long: it shall not take the machine from the jobs.
		sleep 0.1
	done
}

# counter NAME
counter() {
	awk -v name="$1" '$1 == name { print $2 }' "$io_stats"
}

# overlap: tasks that want the same pages, until one has been handed an entry by
# another one. What they write last is anybody's guess, so nothing is verified.
overlap() {
	step "fio overlap"
	overlap_left=20
	while [ "$(counter entry_handovers)" = 0 ] && [ "$overlap_left" -gt 0 ]; do
		overlap_left=$((overlap_left - 1))
		within 60 "fio overlap" fio --name=overlap --filename="$io_disk" --ioengine=psync --direct=1 --rw=randrw \
			--bs=64k --offset=80m --size=64k --io_size=4m --numjobs=4 --output=/dev/null ||
			io_fails "overlap: status $?"
	done
}

# verified_io: status 0 only if nothing at all went wrong.
verified_io() {
	step "insmod baton_blk"
	[ -d /sys/module/baton ] || insmod /baton/modules/baton.ko || io_fails "insmod baton: status $?"
	insmod /baton/modules/baton_blk.ko || io_fails "insmod baton_blk: status $?"
	mkdir "$io_config" || io_fails "mkdir in configfs: status $?"
	control size 256 || io_fails "the size was not set"
	control submit_queues 2 || io_fails "the queues were not set"
	control power 1 || io_fails "the disk was not switched on"
	if [ ! -b "$io_disk" ]; then
		io_fails "$io_disk is not there"
		return 1
	fi

	rm -f /tmp/enough /tmp/busy_failed
	busy &
	io_busy=$!
	job randwrite --rw=randwrite
	# Reads what the job above has written; its seed is not known here.
	job randread --rw=randread --verify_header_seed=0
	job randrw --rw=randrw --offset=16m
	job trimwrite --rw=trimwrite --offset=32m --iodepth=1
	job flush --rw=randwrite --offset=48m --fsync=8
	job fua --rw=randwrite --offset=64m --sync=dsync
	# What was discarded or zeroed reads as zeroes.
	blkdiscard --offset 0 --length 8m "$io_disk" || io_fails "blkdiscard: status $?"
	job discard --rw=read --verify=pattern --verify_pattern=0x00
	blkdiscard --zeroout --offset 16m --length 8m "$io_disk" || io_fails "blkdiscard --zeroout: status $?"
	job write-zeroes --rw=read --offset=16m --verify=pattern --verify_pattern=0x00

	overlap
	touch /tmp/enough
	wait "$io_busy"
	[ ! -e /tmp/busy_failed ] || io_fails "$(cat /tmp/busy_failed)"
	emit driver.txt <"$io_stats" || io_fails "no counters in debugfs"
	control power 0 || io_fails "the disk was not switched off"
	rmdir "$io_config"
	step "rmmod baton_blk"
	within 20 "rmmod baton_blk" rmmod baton_blk || io_fails "rmmod baton_blk: status $?"
	within 20 "rmmod baton" rmmod baton || io_fails "rmmod baton: status $?"
	return "$io_failed"
}
