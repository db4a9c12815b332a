# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Verified I/O on a disk of baton_blk, one fio job per operation. Sourced after
# lib.sh; sends fio/NAME.json for each and the counters of the driver.

io_disk=/dev/baton0
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

# verified_io: status 0 only if nothing at all went wrong.
verified_io() {
	step "insmod baton_blk"
	[ -d /sys/module/baton ] || insmod /baton/modules/baton.ko || io_fails "insmod baton: status $?"
	insmod /baton/modules/baton_blk.ko nr_devices=1 size=256 submit_queues=2 || io_fails "insmod baton_blk: status $?"
	if [ ! -b "$io_disk" ]; then
		io_fails "$io_disk is not there"
		return 1
	fi

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

	emit driver.txt </sys/kernel/debug/baton/baton0/stats || io_fails "no counters in debugfs"
	step "rmmod baton_blk"
	within 20 "rmmod baton_blk" rmmod baton_blk || io_fails "rmmod baton_blk: status $?"
	within 20 "rmmod baton" rmmod baton || io_fails "rmmod baton: status $?"
	return "$io_failed"
}
