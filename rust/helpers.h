/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Prototypes of helpers.c and the other helpers_*.c, so that C checks what ffi.rs claims.
 */
#ifndef BATON_HELPERS_H
#define BATON_HELPERS_H

#include <linux/jump_label.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/spinlock_types.h>
#include <linux/types.h>

struct blk_mq_tag_set;
struct file;
struct file_operations;
struct gendisk;
struct lock_class_key;
struct module;
struct mutex;
struct queue_limits;
struct req_iterator;
struct request_queue;
struct task_struct;
struct work_struct;
struct xa_state;
struct xarray;

/* sched.h */
void baton_set_current_state(unsigned int state);
void baton_set_running(void);
void baton_tell(unsigned int *status, unsigned int value,
		struct task_struct *task);
void baton_sync_init(void);
void baton_tell_by(unsigned int *status, unsigned int value,
		   struct task_struct *task, int flags);
void baton_tell_sync(unsigned int *status, unsigned int value,
		     struct task_struct *task);
int baton_schedule_hrtimeout(const ktime_t *expires, u64 slack, clockid_t clock,
			     bool io);
void baton_preempt_disable(void);
void baton_preempt_enable(void);
int baton_signal_pending_state(unsigned int state);
int baton_signal_pending(void);
void baton_notify(struct task_struct *task);
void baton_clear_notify(void);

/* freezer.h */
void baton_set_freezable(void);
bool baton_try_to_freeze(void);

/* sched/signal.h */
void baton_allow_signals(void);
void baton_interrupt(struct task_struct *task);
void baton_kill(struct task_struct *task);

/* blk-mq.h, blkdev.h */
void baton_blk_limits(struct queue_limits *lim, bool write_cache, bool fua);
int baton_blk_disk_claim(struct gendisk *disk, unsigned long timeout);
void baton_blk_disk_released(struct gendisk *disk);
bool baton_blk_name_is_taken(struct gendisk *disk);
int baton_blk_wait_frozen(struct request_queue *q, unsigned long timeout);
struct blk_mq_tag_set *baton_blk_tags_alloc(void);
void baton_blk_tags_discard(struct blk_mq_tag_set *set);
void baton_blk_tags_free(struct blk_mq_tag_set *set);
bool baton_blk_enter_frozen(struct request_queue *q);
void baton_blk_leave_frozen(struct request_queue *q);
struct baton_blk_serving {
	struct hlist_node node;
	struct task_struct *task;
	struct request_queue *q;
	bool has_slot;
};
void baton_blk_serving_begin(struct baton_blk_serving *node, struct request_queue *q);
void baton_blk_serving_end(struct baton_blk_serving *node);
bool baton_blk_is_serving(struct request_queue *q);
int baton_blk_forget_cache(struct gendisk *disk, loff_t start);
int baton_blk_sync_cache(struct gendisk *disk);
size_t baton_blk_copy_from_request(struct req_iterator *iter, void *dst, size_t len);
size_t baton_blk_copy_to_request(struct req_iterator *iter, const void *src, size_t len);
unsigned int baton_blk_noio_save(void);
void baton_blk_noio_restore(unsigned int flags);
bool baton_blk_noio_is_set(void);

/* crc32.h */
u32 baton_crc32c(u32 crc, const u8 *bytes, size_t len);

/* xxhash.h */
u64 baton_xxh64(const u8 *bytes, size_t len);

/* lockdep.h */
void baton_wait_map_init(struct lockdep_map *map, const char *name,
			 struct lock_class_key *key);
void baton_wait_map_acquire(struct lockdep_map *map);
void baton_wait_map_enter_shared(struct lockdep_map *map);
void baton_wait_map_hold_section(struct lockdep_map *map);
void baton_wait_map_hold_shared_section(struct lockdep_map *map);
void baton_wait_map_leave_section(struct lockdep_map *map);
void baton_mutex_might_be_taken(struct mutex *lock);
void baton_spinlock_might_be_taken(spinlock_t *lock);
void baton_spinlock_irq_might_be_taken(spinlock_t *lock);

/* drains */
unsigned long baton_drain_lock(void);
void baton_drain_unlock(unsigned long flags);
bool baton_inc_unless(atomic64_t *word, u64 bits);

/* xarray.h */
void baton_xa_init(struct xarray *xa, const char *name,
		   struct lock_class_key *key);
void baton_xa_lock_irq(struct xarray *xa);
void baton_xa_unlock_irq(struct xarray *xa);
unsigned long baton_xa_lock_irqsave(struct xarray *xa);
void baton_xa_unlock_irqrestore(struct xarray *xa, unsigned long flags);
#define BATON_XAS_RESTART 3UL
int baton_xas_set_order(struct xa_state *xas, unsigned long index,
			unsigned int order);
void *baton_xas_begin_irq(struct xa_state *xas, unsigned int *marks);
void *baton_xas_begin_irqsave(struct xa_state *xas, unsigned int *marks,
			      unsigned long *flags);
void *baton_xas_load_irqsave(struct xa_state *xas, unsigned long *flags);
void baton_xas_commit_irq(struct xa_state *xas, void *entry);
void baton_xas_commit_irqrestore(struct xa_state *xas, void *entry,
				 unsigned long flags);
int baton_xas_error(const struct xa_state *xas);
void baton_xas_set_err(struct xa_state *xas, int err);
bool baton_xas_nomem(struct xa_state *xas, bool io);
unsigned long baton_xas_found_index(const struct xa_state *xas);
unsigned int baton_xas_marks(const struct xa_state *xas);
void baton_xas_replace(struct xa_state *xas, void *entry);
void **baton_xa_slot_begin(struct xarray *xa, unsigned long index);
void baton_xa_slot_end(void);
bool baton_slot_exchange_acquire(void **slot, void *old, void *new);
bool baton_slot_exchange_release(void **slot, void *old, void *new);
unsigned int baton_slot_marks(void **slot, unsigned long index,
			      unsigned int order);
int baton_xas_split_alloc(struct xa_state *xas, void *entry,
			  unsigned int order, bool io);
void baton_xas_split(struct xa_state *xas, void *entry, unsigned int order);

/* the wait buckets of all entry maps and counts */
#define BATON_BUCKETS 256
void baton_bucket_lock(unsigned long number);
void baton_bucket_unlock(unsigned long number);
unsigned long baton_bucket_lock_irqsave(unsigned long number);
void baton_bucket_unlock_irqrestore(unsigned long number, unsigned long flags);

/* sched.h */
void baton_cond_resched(void);

/* preempt.h, irqflags.h */
bool baton_in_hardirq(void);
bool baton_irqs_disabled(void);

/* anon_inodes.h */
struct file *baton_anchor(const struct file_operations *fops);

/* fs.h */
struct file *baton_open(const char *name, int flags);

/* the registry: helpers_registry.c */
extern struct static_key_false baton_registry_key;
void baton_registry_begin_switch(void);
void baton_registry_end_switch(bool on);
unsigned long baton_registry_lock(void);
void baton_registry_unlock(unsigned long flags);
u64 baton_registry_now(void);
bool baton_registry_in_task(void);
char baton_registry_task_state(struct task_struct *task, bool *io);
void baton_registry_listen(void (*tell)(struct task_struct *task), const void *state);
void baton_registry_ignore(void);
void baton_registry_show(int pid, const char *comm);

/* the ledger of owners: helpers_owner.c */
#define BATON_OWNER_PATIENCE 10
int baton_owner_init(void);
void baton_owner_exit(void);
void baton_owner_lock(void);
void baton_owner_unlock(void);
void baton_owner_end(void);
unsigned long baton_owner_seen(void);
bool baton_owner_wait(unsigned long seen);
void baton_owner_reap(struct work_struct *work);
void baton_callback_queue(struct work_struct *work);
void baton_owner_expect(void);
bool baton_owner_within(const void *address, const struct module *module);
const char *baton_owner_name(const struct module *module);
unsigned long baton_owner_now(void);
void baton_show_task(struct task_struct *task);

/* tests: helpers_test.c */
u64 baton_log_end(void);
bool baton_log_line(u64 *number, char *line, size_t size, size_t *len);
bool baton_test_is_asleep(struct task_struct *task);
unsigned int baton_test_tasks_named(const char *name);
int baton_test_stay_on(unsigned int cpu);
void baton_test_first_begin(void);
void baton_test_first_end(void);
int baton_user_task_run(void (*body)(void *data), void *data);
struct baton_allocations {
	struct task_struct *task;
	unsigned long all;
	unsigned long io;
};
int baton_allocations_begin(struct baton_allocations *seen);
void baton_allocations_end(struct baton_allocations *seen);
struct baton_wakes {
	struct task_struct *task;
	unsigned long all;
	unsigned long not_preemptible;
};
int baton_wakes_begin(struct baton_wakes *seen);
void baton_wakes_end(struct baton_wakes *seen);
int baton_sync_wakes_begin(unsigned long *seen);
void baton_sync_wakes_end(void);

/* the ledger of owners: in Rust */
unsigned long baton_owner_watch(unsigned long patience);
void baton_owner_going(const struct module *module);

#endif /* BATON_HELPERS_H */
