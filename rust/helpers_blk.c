// SPDX-License-Identifier: GPL-2.0
/*
 * What helpers.c is, for the block layer.
 */

#include <linux/bio.h>
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/crc32.h>
#include <linux/hash.h>
#include <linux/highmem.h>
#include <linux/namei.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>
#include <linux/xxhash.h>

#include "helpers.h"

/* blk-mq.h, blkdev.h */

/* The feature bits are macros with a __bitwise cast that bindgen drops. */
void baton_blk_limits(struct queue_limits *lim, bool write_cache, bool fua)
{
	if (write_cache)
		lim->features |= BLK_FEAT_WRITE_CACHE;
	if (fua)
		lim->features |= BLK_FEAT_FUA;
}

static int claim_now(struct gendisk *disk)
{
	int ret = 0;

	mutex_lock(&disk->open_mutex);
	if (disk_openers(disk))
		ret = -EBUSY;
	else
		disk->private_data = disk;
	mutex_unlock(&disk->open_mutex);
	return ret;
}

/*
 * Refuse every later open of @disk, unless somebody still has it open after
 * @timeout jiffies. fops->open looks at private_data with open_mutex held, and
 * fops->release wakes up who waits here.
 */
int baton_blk_disk_claim(struct gendisk *disk, unsigned long timeout)
{
	int ret;

	for (;;) {
		ret = claim_now(disk);
		if (ret != -EBUSY || !timeout)
			return ret;
		/* G, pairs with A */
		timeout = wait_var_event_timeout(&disk->private_data, !disk_openers(disk), timeout);
	}
}

/* fops->release: the last one may have gone. */
void baton_blk_disk_released(struct gendisk *disk)
{
	/* A, pairs with G, in the wait: the number of openers has changed. */
	smp_mb();
	wake_up_var(&disk->private_data);
}

static bool is_there(const char *folder, const char *name)
{
	char path[sizeof("/sys/devices/virtual/block/") + DISK_NAME_LEN];
	struct path found;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (kern_path(path, 0, &found))
		return false;
	path_put(&found);
	return true;
}

/*
 * Whether a disk called @disk_name of @disk cannot be added: another disk or a
 * partition is called so, or something else in /dev, which devtmpfs would keep.
 *
 * A disk that is being removed leaves /dev, its class and sysfs, in this order:
 * it is looked for in that order, too, or it could be missed everywhere.
 */
bool baton_blk_name_is_taken(struct gendisk *disk)
{
	struct device *other;

	if (is_there("/dev", disk->disk_name))
		return true;
	other = class_find_device_by_name(disk_to_dev(disk)->class, disk->disk_name);
	if (other) {
		put_device(other);
		return true;
	}
	return is_there("/sys/devices/virtual/block", disk->disk_name);
}

/*
 * Waits until nobody uses the queue, which was frozen. Returns 0, -ERESTARTSYS
 * if the task is killed, -ETIMEDOUT after @timeout jiffies.
 */
int baton_blk_wait_frozen(struct request_queue *q, unsigned long timeout)
{
	long left = wait_event_killable_timeout(q->mq_freeze_wq,
						percpu_ref_is_zero(&q->q_usage_counter), timeout);

	if (left < 0)
		return left;
	return left ? 0 : -ETIMEDOUT;
}

/*
 * Tags that are freed by the reaper: freeing them sleeps, and who has the last
 * reference may be in any context.
 */
struct baton_tags {
	struct blk_mq_tag_set set;
	struct work_struct work;
};

struct blk_mq_tag_set *baton_blk_tags_alloc(void)
{
	struct baton_tags *tags = kzalloc(sizeof(*tags), GFP_KERNEL);

	return tags ? &tags->set : NULL;
}

/* Frees tags that blk_mq_alloc_tag_set() has not set up. */
void baton_blk_tags_discard(struct blk_mq_tag_set *set)
{
	kfree(container_of(set, struct baton_tags, set));
}

static void free_tags(struct work_struct *work)
{
	struct baton_tags *tags = container_of(work, struct baton_tags, work);

	blk_mq_free_tag_set(&tags->set);
	kfree(tags);
}

void baton_blk_tags_free(struct blk_mq_tag_set *set)
{
	static const struct blk_mq_ops none;
	struct baton_tags *tags = container_of(set, struct baton_tags, set);

	/* Those of the driver may be gone by then, and there is no request to call them for. */
	set->ops = &none;
	INIT_WORK(&tags->work, free_tags);
	baton_owner_reap(&tags->work);
}

/* As bio_poll() does: a frozen queue can be entered as long as something is in flight. */
bool baton_blk_enter_frozen(struct request_queue *q)
{
	return percpu_ref_tryget(&q->q_usage_counter);
}

void baton_blk_leave_frozen(struct request_queue *q)
{
	percpu_ref_put(&q->q_usage_counter);
}

/*
 * The tasks that are in a driver's queue_rq(), so that one of them that is about
 * to wait for its own return can be told. A task takes a slot, unless another one
 * has it, or it has it itself for another disk: then it is on a list. Nobody but
 * the task itself looks for it, so that nothing has to be ordered between tasks.
 */
static struct {
	struct task_struct *task;
	struct request_queue *q;
	spinlock_t lock;
	struct hlist_head tasks;
} ____cacheline_aligned_in_smp serving[64] = {
	[0 ... 63] = { .lock = __SPIN_LOCK_UNLOCKED(serving.lock) },
};

#define serving_bucket(task) (&serving[hash_ptr(task, 6)])

static noinline void serving_list(struct baton_blk_serving *node, bool add)
{
	spin_lock(&serving_bucket(current)->lock);
	if (add)
		hlist_add_head(&node->node, &serving_bucket(current)->tasks);
	else
		hlist_del(&node->node);
	spin_unlock(&serving_bucket(current)->lock);
}

void baton_blk_serving_begin(struct baton_blk_serving *node, struct request_queue *q)
{
	typeof(&serving[0]) bucket = serving_bucket(current);
	struct task_struct *nobody = NULL;

	/* E, pairs with F */
	node->has_slot = try_cmpxchg_acquire(&bucket->task, &nobody, current);
	if (node->has_slot) {
		bucket->q = q;
		return;
	}
	node->task = current;
	node->q = q;
	serving_list(node, true);
}

void baton_blk_serving_end(struct baton_blk_serving *node)
{
	if (node->has_slot)
		/* F, pairs with E: the next one writes to q. */
		smp_store_release(&serving_bucket(current)->task, NULL);
	else
		serving_list(node, false);
}

bool baton_blk_is_serving(struct request_queue *q)
{
	typeof(&serving[0]) bucket = serving_bucket(current);
	struct baton_blk_serving *node;
	bool found;

	/* Only tasks add themselves, so a caller in an interrupt finds the task it interrupts. */
	if (!in_task())
		return false;
	found = READ_ONCE(bucket->task) == current && bucket->q == q;
	spin_lock(&bucket->lock);
	hlist_for_each_entry(node, &bucket->tasks, node)
		found |= node->task == current && node->q == q;
	spin_unlock(&bucket->lock);
	return found;
}

/*
 * What truncate_bdev_range() does, which is not exported: drops what the page
 * cache has from byte @start on, dirty or not. Under a mounted file system it
 * is only invalidated: -EBUSY if something of it is in use.
 */
static int forget_from(struct block_device *bdev, loff_t start)
{
	static char holder;

	if (bd_prepare_to_claim(bdev, &holder, NULL))
		return invalidate_inode_pages2_range(bdev->bd_mapping, start >> PAGE_SHIFT, -1);
	truncate_inode_pages(bdev->bd_mapping, start);
	bd_abort_claiming(bdev, &holder);
	return 0;
}

/* Does what @f does to @disk and to each of its partitions. */
static int each_bdev(struct gendisk *disk, int (*f)(struct block_device *bdev, loff_t start),
		     loff_t start)
{
	struct block_device *bdev;
	unsigned long idx;
	int ret = 0;

	/* As blk_report_disk_dead() goes from one to the next. */
	rcu_read_lock();
	xa_for_each(&disk->part_tbl, idx, bdev) {
		loff_t first = (loff_t)bdev->bd_start_sect << SECTOR_SHIFT;
		int err;

		if (!kobject_get_unless_zero(&bdev->bd_device.kobj))
			continue;
		rcu_read_unlock();
		err = f(bdev, max(start - first, 0LL));
		if (err && !ret)
			ret = err;
		put_device(&bdev->bd_device);
		rcu_read_lock();
	}
	rcu_read_unlock();
	return ret;
}

int baton_blk_forget_cache(struct gendisk *disk, loff_t start)
{
	return each_bdev(disk, forget_from, start);
}

static int sync_from(struct block_device *bdev, loff_t start)
{
	return filemap_write_and_wait_range(bdev->bd_mapping, start, LLONG_MAX);
}

int baton_blk_sync_cache(struct gendisk *disk)
{
	return each_bdev(disk, sync_from, 0);
}

/*
 * Copies up to @len bytes between the pages of a request and a buffer, from
 * where @iter stands, and moves @iter on. Less than @len means the end of the
 * request's data.
 */
static __always_inline size_t copy_request(struct req_iterator *iter, void *buf, size_t len,
					   bool to_request)
{
	size_t done = 0;

	while (done < len && iter->bio) {
		struct bio_vec bv;
		size_t n;

		if (!iter->iter.bi_size) {
			iter->bio = iter->bio->bi_next;
			if (iter->bio)
				iter->iter = iter->bio->bi_iter;
			continue;
		}
		bv = bio_iter_iovec(iter->bio, iter->iter);
		n = min_t(size_t, bv.bv_len, len - done);
		if (to_request)
			memcpy_to_page(bv.bv_page, bv.bv_offset, buf + done, n);
		else
			memcpy_from_page(buf + done, bv.bv_page, bv.bv_offset, n);
		bio_advance_iter_single(iter->bio, &iter->iter, n);
		done += n;
	}
	return done;
}

size_t baton_blk_copy_from_request(struct req_iterator *iter, void *dst, size_t len)
{
	return copy_request(iter, dst, len, false);
}

size_t baton_blk_copy_to_request(struct req_iterator *iter, const void *src, size_t len)
{
	return copy_request(iter, (void *)src, len, true);
}

unsigned int baton_blk_noio_save(void)
{
	return memalloc_noio_save();
}

void baton_blk_noio_restore(unsigned int flags)
{
	memalloc_noio_restore(flags);
}

bool baton_blk_noio_is_set(void)
{
	return current->flags & PF_MEMALLOC_NOIO;
}

/* crc32.h */

u32 baton_crc32c(u32 crc, const u8 *bytes, size_t len)
{
	return crc32c(crc, bytes, len);
}

/* xxhash.h */

u64 baton_xxh64(const u8 *bytes, size_t len)
{
	return xxh64(bytes, len, 0);
}
