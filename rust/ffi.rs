// SPDX-License-Identifier: GPL-2.0

//! Declarations of the C helpers.
//!
//! Their definitions, one line each, are in `helpers.c` and the other `helpers_*.c`; `helpers.h` has the same prototypes for C.

use kernel::{
    bindings,
    ffi::{
        c_char,
        c_int,
        c_uint,
        c_ulong,
        c_void, //
    },
};

/// The number of wait buckets, as in `helpers.h`.
pub(crate) const BATON_BUCKETS: usize = 256;

/// How long a teardown may take before it is named, in seconds, as in `helpers.h`.
pub(crate) const BATON_OWNER_PATIENCE: usize = 10;

/// `XAS_RESTART`, as in `helpers.h`.
pub(crate) const BATON_XAS_RESTART: usize = 3;

/// `struct baton_blk_serving`, as in `helpers.h`.
#[repr(C)]
pub(crate) struct BatonBlkServing {
    pub(crate) node: bindings::hlist_node,
    pub(crate) task: *mut bindings::task_struct,
    pub(crate) q: *mut bindings::request_queue,
}

/// `struct baton_allocations`, as in `helpers.h`.
#[cfg(CONFIG_KUNIT)]
#[repr(C)]
pub(crate) struct BatonAllocations {
    pub(crate) task: *mut bindings::task_struct,
    pub(crate) all: c_ulong,
    pub(crate) io: c_ulong,
}

/// `struct baton_wakes`, as in `helpers.h`.
#[cfg(CONFIG_KUNIT)]
#[repr(C)]
pub(crate) struct BatonWakes {
    pub(crate) task: *mut bindings::task_struct,
    pub(crate) all: c_ulong,
    pub(crate) not_preemptible: c_ulong,
}

#[allow(
    improper_ctypes,
    reason = "some C structures are empty, depending on the configuration"
)]
extern "C" {
    // drains
    pub(crate) fn baton_drain_lock() -> c_ulong;
    pub(crate) fn baton_drain_unlock(flags: c_ulong);
    pub(crate) fn baton_inc_unless(word: *mut bindings::atomic64_t, bits: u64) -> bool;

    // `sched.h`
    pub(crate) fn baton_set_current_state(state: c_uint);
    pub(crate) fn baton_set_running();
    pub(crate) fn baton_tell(status: *mut c_uint, value: c_uint, task: *mut bindings::task_struct);
    pub(crate) fn baton_sync_init();
    pub(crate) fn baton_tell_sync(
        status: *mut c_uint,
        value: c_uint,
        task: *mut bindings::task_struct,
    );
    pub(crate) fn baton_schedule_hrtimeout(
        expires: *const bindings::ktime_t,
        slack: u64,
        clock: bindings::clockid_t,
        io: bool,
    ) -> c_int;
    pub(crate) fn baton_preempt_disable();
    pub(crate) fn baton_preempt_enable();
    pub(crate) fn baton_signal_pending_state(state: c_uint) -> c_int;
    pub(crate) fn baton_signal_pending() -> c_int;
    pub(crate) fn baton_notify(task: *mut bindings::task_struct);
    pub(crate) fn baton_clear_notify();

    // `freezer.h`
    pub(crate) fn baton_set_freezable();
    pub(crate) fn baton_try_to_freeze() -> bool;

    // `sched/signal.h`
    pub(crate) fn baton_allow_signals();
    pub(crate) fn baton_interrupt(task: *mut bindings::task_struct);
    pub(crate) fn baton_kill(task: *mut bindings::task_struct);

    // `blk-mq.h`, `blkdev.h`
    pub(crate) fn baton_blk_limits(lim: *mut bindings::queue_limits, write_cache: bool, fua: bool);
    pub(crate) fn baton_blk_disk_claim(disk: *mut bindings::gendisk, timeout: c_ulong) -> c_int;
    pub(crate) fn baton_blk_disk_released(disk: *mut bindings::gendisk);
    pub(crate) fn baton_blk_name_is_taken(disk: *mut bindings::gendisk) -> bool;
    pub(crate) fn baton_blk_wait_frozen(q: *mut bindings::request_queue, timeout: c_ulong)
        -> c_int;
    pub(crate) fn baton_blk_tags_alloc() -> *mut bindings::blk_mq_tag_set;
    pub(crate) fn baton_blk_tags_discard(set: *mut bindings::blk_mq_tag_set);
    pub(crate) fn baton_blk_tags_free(set: *mut bindings::blk_mq_tag_set);
    pub(crate) fn baton_blk_enter_frozen(q: *mut bindings::request_queue) -> bool;
    pub(crate) fn baton_blk_leave_frozen(q: *mut bindings::request_queue);
    pub(crate) fn baton_blk_serving_begin(
        node: *mut BatonBlkServing,
        q: *mut bindings::request_queue,
    );
    pub(crate) fn baton_blk_serving_end(node: *mut BatonBlkServing);
    pub(crate) fn baton_blk_is_serving(q: *mut bindings::request_queue) -> bool;
    pub(crate) fn baton_blk_forget_cache(disk: *mut bindings::gendisk, start: i64) -> c_int;
    pub(crate) fn baton_blk_sync_cache(disk: *mut bindings::gendisk) -> c_int;
    pub(crate) fn baton_blk_copy_from_request(
        iter: *mut bindings::req_iterator,
        dst: *mut u8,
        len: usize,
    ) -> usize;
    pub(crate) fn baton_blk_copy_to_request(
        iter: *mut bindings::req_iterator,
        src: *const u8,
        len: usize,
    ) -> usize;
    pub(crate) fn baton_blk_noio_save() -> c_uint;
    pub(crate) fn baton_blk_noio_restore(flags: c_uint);
    pub(crate) fn baton_blk_noio_is_set() -> bool;

    // `crc32.h`
    pub(crate) fn baton_crc32c(crc: u32, bytes: *const u8, len: usize) -> u32;
    pub(crate) fn baton_xxh64(bytes: *const u8, len: usize) -> u64;

    // `lockdep.h`
    #[cfg(CONFIG_LOCKDEP)]
    pub(crate) fn baton_wait_map_init(
        map: *mut bindings::lockdep_map,
        name: *const kernel::ffi::c_char,
        key: *mut bindings::lock_class_key,
    );
    #[cfg(CONFIG_LOCKDEP)]
    pub(crate) fn baton_wait_map_acquire(map: *mut bindings::lockdep_map);
    #[cfg(CONFIG_LOCKDEP)]
    pub(crate) fn baton_wait_map_enter_shared(map: *mut bindings::lockdep_map);
    #[cfg(CONFIG_LOCKDEP)]
    pub(crate) fn baton_wait_map_hold_section(map: *mut bindings::lockdep_map);
    #[cfg(CONFIG_LOCKDEP)]
    pub(crate) fn baton_wait_map_hold_shared_section(map: *mut bindings::lockdep_map);
    #[cfg(CONFIG_LOCKDEP)]
    pub(crate) fn baton_wait_map_leave_section(map: *mut bindings::lockdep_map);
    #[cfg(CONFIG_LOCKDEP)]
    pub(crate) fn baton_mutex_might_be_taken(lock: *mut bindings::mutex);
    #[cfg(CONFIG_LOCKDEP)]
    pub(crate) fn baton_spinlock_might_be_taken(lock: *mut bindings::spinlock_t);
    #[cfg(CONFIG_LOCKDEP)]
    pub(crate) fn baton_spinlock_irq_might_be_taken(lock: *mut bindings::spinlock_t);

    // `xarray.h`
    pub(crate) fn baton_xa_init(
        xa: *mut bindings::xarray,
        name: *const c_char,
        key: *mut bindings::lock_class_key,
    );
    pub(crate) fn baton_xa_lock_irq(xa: *mut bindings::xarray);
    pub(crate) fn baton_xa_unlock_irq(xa: *mut bindings::xarray);
    pub(crate) fn baton_xa_lock_irqsave(xa: *mut bindings::xarray) -> c_ulong;
    pub(crate) fn baton_xa_unlock_irqrestore(xa: *mut bindings::xarray, flags: c_ulong);
    pub(crate) fn baton_xas_set_order(
        xas: *mut bindings::xa_state,
        index: c_ulong,
        order: c_uint,
    ) -> c_int;
    pub(crate) fn baton_xas_begin_irq(
        xas: *mut bindings::xa_state,
        marks: *mut c_uint,
    ) -> *mut c_void;
    pub(crate) fn baton_xas_begin_irqsave(
        xas: *mut bindings::xa_state,
        marks: *mut c_uint,
        flags: *mut c_ulong,
    ) -> *mut c_void;
    pub(crate) fn baton_xas_load_irqsave(
        xas: *mut bindings::xa_state,
        flags: *mut c_ulong,
    ) -> *mut c_void;
    pub(crate) fn baton_xas_commit_irq(xas: *mut bindings::xa_state, entry: *mut c_void);
    pub(crate) fn baton_xas_commit_irqrestore(
        xas: *mut bindings::xa_state,
        entry: *mut c_void,
        flags: c_ulong,
    );
    pub(crate) fn baton_xas_error(xas: *const bindings::xa_state) -> c_int;
    pub(crate) fn baton_xas_set_err(xas: *mut bindings::xa_state, err: c_int);
    pub(crate) fn baton_xas_nomem(xas: *mut bindings::xa_state, io: bool) -> bool;
    pub(crate) fn baton_xas_found_index(xas: *const bindings::xa_state) -> c_ulong;
    pub(crate) fn baton_xas_marks(xas: *const bindings::xa_state) -> c_uint;
    pub(crate) fn baton_xas_replace(xas: *mut bindings::xa_state, entry: *mut c_void);
    pub(crate) fn baton_xa_slot_begin(
        xa: *mut bindings::xarray,
        index: c_ulong,
    ) -> *mut *mut c_void;
    pub(crate) fn baton_xa_slot_end();
    pub(crate) fn baton_slot_marks(slot: *mut *mut c_void, index: c_ulong, order: c_uint)
        -> c_uint;
    pub(crate) fn baton_slot_exchange_acquire(
        slot: *mut *mut c_void,
        old: *mut c_void,
        new: *mut c_void,
    ) -> bool;
    pub(crate) fn baton_slot_exchange_release(
        slot: *mut *mut c_void,
        old: *mut c_void,
        new: *mut c_void,
    ) -> bool;
    pub(crate) fn baton_xas_split_alloc(
        xas: *mut bindings::xa_state,
        entry: *mut c_void,
        order: c_uint,
        io: bool,
    ) -> c_int;
    pub(crate) fn baton_xas_split(xas: *mut bindings::xa_state, entry: *mut c_void, order: c_uint);

    // The wait buckets.
    pub(crate) fn baton_bucket_lock(number: c_ulong);
    pub(crate) fn baton_bucket_unlock(number: c_ulong);
    pub(crate) fn baton_bucket_lock_irqsave(number: c_ulong) -> c_ulong;
    pub(crate) fn baton_bucket_unlock_irqrestore(number: c_ulong, flags: c_ulong);

    // `sched.h`
    pub(crate) fn baton_cond_resched();

    // `preempt.h`, `irqflags.h`
    pub(crate) fn baton_in_hardirq() -> bool;
    pub(crate) fn baton_irqs_disabled() -> bool;

    // `anon_inodes.h`
    pub(crate) fn baton_anchor(fops: *const bindings::file_operations) -> *mut bindings::file;

    // `fs.h`
    pub(crate) fn baton_open(name: *const c_char, flags: c_int) -> *mut bindings::file;

    // Tests.
    #[cfg(CONFIG_KUNIT)]
    pub(crate) fn baton_log_end() -> u64;
    #[cfg(CONFIG_KUNIT)]
    pub(crate) fn baton_log_line(
        number: *mut u64,
        line: *mut c_char,
        size: usize,
        len: *mut usize,
    ) -> bool;
    #[cfg(CONFIG_KUNIT)]
    pub(crate) fn baton_test_is_asleep(task: *mut bindings::task_struct) -> bool;
    #[cfg(CONFIG_KUNIT)]
    pub(crate) fn baton_test_tasks_named(name: *const c_char) -> c_uint;
    #[cfg(CONFIG_KUNIT)]
    pub(crate) fn baton_test_stay_on(cpu: c_uint) -> c_int;
    #[cfg(CONFIG_KUNIT)]
    pub(crate) fn baton_test_first_begin();
    #[cfg(CONFIG_KUNIT)]
    pub(crate) fn baton_test_first_end();
    #[cfg(CONFIG_KUNIT)]
    pub(crate) fn baton_allocations_begin(seen: *mut BatonAllocations) -> c_int;
    #[cfg(CONFIG_KUNIT)]
    pub(crate) fn baton_allocations_end(seen: *mut BatonAllocations);
    #[cfg(CONFIG_KUNIT)]
    pub(crate) fn baton_wakes_begin(seen: *mut BatonWakes) -> c_int;
    #[cfg(CONFIG_KUNIT)]
    pub(crate) fn baton_wakes_end(seen: *mut BatonWakes);
    #[cfg(CONFIG_KUNIT)]
    pub(crate) fn baton_sync_wakes_begin(seen: *mut c_ulong) -> c_int;
    #[cfg(CONFIG_KUNIT)]
    pub(crate) fn baton_sync_wakes_end();
    #[cfg(CONFIG_KUNIT)]
    pub(crate) fn baton_user_task_run(
        body: unsafe extern "C" fn(*mut c_void),
        data: *mut c_void,
    ) -> c_int;

    // The registry.
    pub(crate) static baton_registry_key: Switch;
    pub(crate) fn baton_registry_begin_switch();
    pub(crate) fn baton_registry_end_switch(on: bool);
    pub(crate) fn baton_registry_lock() -> c_ulong;
    pub(crate) fn baton_registry_unlock(flags: c_ulong);
    pub(crate) fn baton_registry_now() -> u64;
    pub(crate) fn baton_registry_in_task() -> bool;
    pub(crate) fn baton_registry_task_state(
        task: *mut bindings::task_struct,
        io: *mut bool,
    ) -> c_char;
    pub(crate) fn baton_registry_listen(
        tell: unsafe extern "C" fn(task: *mut bindings::task_struct),
        state: *const c_void,
    );
    pub(crate) fn baton_registry_ignore();
    pub(crate) fn baton_registry_show(pid: c_int, comm: *const c_char);

    // The ledger of owners.
    pub(crate) fn baton_owner_init() -> c_int;
    pub(crate) fn baton_owner_exit();
    pub(crate) fn baton_owner_lock();
    pub(crate) fn baton_owner_unlock();
    pub(crate) fn baton_owner_end();
    pub(crate) fn baton_owner_seen() -> c_ulong;
    pub(crate) fn baton_owner_wait(seen: c_ulong) -> bool;
    pub(crate) fn baton_owner_reap(work: *mut bindings::work_struct);
    pub(crate) fn baton_callback_queue(work: *mut bindings::work_struct);
    pub(crate) fn baton_owner_expect();
    pub(crate) fn baton_owner_within(
        address: *const c_void,
        module: *const bindings::module,
    ) -> bool;
    pub(crate) fn baton_owner_name(module: *const bindings::module) -> *const c_char;
    pub(crate) fn baton_owner_now() -> c_ulong;
    pub(crate) fn baton_show_task(task: *mut bindings::task_struct);
}

/// A static key, as `jump_label` wants to see it.
#[repr(C)]
pub(crate) struct Switch {
    pub(crate) key: bindings::static_key_false,
}

// SAFETY: C synchronises what it does with a key.
unsafe impl Sync for Switch {}

// Trace events: `trace.h`.
#[cfg(CONFIG_TRACEPOINTS)]
#[allow(
    improper_ctypes,
    reason = "some C structures are empty, depending on the configuration"
)]
extern "C" {
    pub(crate) static __tracepoint_baton_wait: bindings::tracepoint;
    pub(crate) static __tracepoint_baton_claim: bindings::tracepoint;
    pub(crate) static __tracepoint_baton_wake: bindings::tracepoint;
    pub(crate) static __tracepoint_baton_drain: bindings::tracepoint;
    pub(crate) static __tracepoint_baton_run: bindings::tracepoint;
    pub(crate) static __tracepoint_baton_pin: bindings::tracepoint;

    pub(crate) fn rust_do_trace_baton_wait(
        kind: u32,
        object: c_ulong,
        part: c_ulong,
        name: *const u8,
        name_len: usize,
        file: *const u8,
        file_len: usize,
        line: u32,
    );
    pub(crate) fn rust_do_trace_baton_claim(
        kind: u32,
        object: c_ulong,
        part: c_ulong,
        to: *mut bindings::task_struct,
    );
    pub(crate) fn rust_do_trace_baton_wake(task: *mut bindings::task_struct);
    pub(crate) fn rust_do_trace_baton_drain(object: c_ulong, step: u32, in_flight: u64);
    pub(crate) fn rust_do_trace_baton_run(object: c_ulong, step: u32, generation: u64);
    pub(crate) fn rust_do_trace_baton_pin(object: c_ulong, step: u32, nodes: u64);
}
