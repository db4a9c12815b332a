# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# In the guest: what became of the examples of the kernel crate, which KUnit has run
# before /init. Those of the library and of what was converted have to be among them.

# shellcheck source=testing/qemu/guest/lib.sh
. /baton/guest/lib.sh

results=/sys/kernel/debug/kunit/rust_doctests_kernel/results
emit doctests.ktap <"$results"
awk '/^ *ok .*rust_doctest_kernel_/ { ok++ } /^ *ok .*rust_doctest_kernel_baton_/ { ours++ }
	/^ *ok .*rust_doctest_kernel_irq_request/ { irq++ } /^ *not ok .*rust_doctest_kernel_/ { failed++; print }
	END { printf "%d passed, %d failed; of the library %d, of irq/request.rs %d\n", ok, failed, ours, irq
		exit !(ours > 0 && irq > 0) || failed > 0 }' "$results" >/tmp/said
status=$?
emit output.log </tmp/said
exit "$status"
