/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instructions that do nothing, and that no compiler emits: the begin and the end
 * of what is profiled. A NOP of eight bytes, whose displacement says which one and
 * "tab"; as a little-endian number.
 */
#ifndef BATON_BENCH_MARKERS_H
#define BATON_BENCH_MARKERS_H

#define MARKER_BEGIN 0x6261740100841f0f
#define MARKER_END 0x6261740200841f0f

#endif /* BATON_BENCH_MARKERS_H */
