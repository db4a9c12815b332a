// SPDX-License-Identifier: GPL-2.0
/*
 * What helpers.c is, for the block layer.
 */

#include <linux/bio.h>
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/crc32.h>
#include <linux/export.h>
#include <linux/highmem.h>
#include <linux/sched/mm.h>

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
EXPORT_SYMBOL_GPL(baton_blk_limits);

/*
 * Refuse every later open of @disk, unless somebody has it open now.
 * fops->open looks at private_data with open_mutex held.
 */
int baton_blk_disk_claim(struct gendisk *disk)
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
EXPORT_SYMBOL_GPL(baton_blk_disk_claim);

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
EXPORT_SYMBOL_GPL(baton_blk_copy_from_request);

size_t baton_blk_copy_to_request(struct req_iterator *iter, const void *src, size_t len)
{
	return copy_request(iter, (void *)src, len, true);
}
EXPORT_SYMBOL_GPL(baton_blk_copy_to_request);

unsigned int baton_blk_noio_save(void)
{
	return memalloc_noio_save();
}
EXPORT_SYMBOL_GPL(baton_blk_noio_save);

void baton_blk_noio_restore(unsigned int flags)
{
	memalloc_noio_restore(flags);
}
EXPORT_SYMBOL_GPL(baton_blk_noio_restore);

/* crc32.h */

u32 baton_crc32c(u32 crc, const u8 *bytes, size_t len)
{
	return crc32c(crc, bytes, len);
}
EXPORT_SYMBOL_GPL(baton_crc32c);
