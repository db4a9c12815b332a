# SPDX-License-Identifier: GPL-2.0
# For humans. What the kernel's build needs stands in Kbuild.
#
# make              builds the modules against the test kernel
# make KDIR=DIR     builds them against any configured kernel with Rust
# make help         lists everything

ifneq ($(KERNELRELEASE),)
$(error This Makefile is for humans; kbuild reads Kbuild)
endif

# The tools start each other; flags of this make are not for them.
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := modules
.PHONY: modules setup install uninstall
.PHONY: run stock
.PHONY: test check compile-fail litmus model fuzz kunit selftests stacks outside intree debug torture soak mutants coverage bench owes-tools report
.PHONY: deb deb-test
.PHONY: doc rust-analyzer
.PHONY: clean help
.NOTPARALLEL:

# What does not know ARCH must not half know it.
kernel := $(if $(filter arm64,$(ARCH)),arm64,test)
ifneq ($(filter arm64,$(kernel)),)
for_x86 := $(filter-out modules setup kunit run help clean,$(or $(MAKECMDGOALS),modules)) $(if $(KDIR),KDIR=$(KDIR))
ifneq ($(strip $(for_x86)),)
$(error ARCH=arm64 is for 'make' against the test kernel, 'make setup', 'make kunit' and 'make run'; leave it out for: $(strip $(for_x86)))
endif
endif

##@ Build

modules:	## build the modules; KDIR=DIR: against that kernel, else against the test kernel
ifneq ($(origin KDIR),undefined)
	@tools/build-kdir '$(KDIR)'
else
	@tools/setup $(kernel)
	@tools/build $(kernel)
endif

# For which kernel; and, of Kbuild, where / is.
installed = $(if $(filter undefined,$(origin KDIR)),,--kdir '$(KDIR)') $(if $(INSTALL_MOD_PATH),--root '$(INSTALL_MOD_PATH)')

install:	## install the modules and what builds against them need; KDIR=, INSTALL_MOD_PATH=
	@tools/install $(installed)

uninstall:	## remove that again; KDIR=, INSTALL_MOD_PATH= as for install
	@tools/install --uninstall $(installed)

setup:		## install and build what is missing: builder root, the kernels test and uml (or arm64), guest root
	@tools/setup $(kernel) $(if $(filter test,$(kernel)),uml)

##@ See it

run:		## the walk: five kernel bugs in C and in Rust, and the driver doing verified I/O; ARCH=arm64
	@tools/run

stock:		## the same and selftests on a kernel of Debian, as it is; STOCK=RELEASE, TEST='*': all of them
	@tools/stock $(if $(filter undefined,$(origin STOCK)),,'$(STOCK)')

##@ Test

test:		## check, compile-fail, litmus, model, fuzz, kunit (also on uml), torture, outside, the series of intree, selftests and debug, with one table
	@tools/test

check:		## formatting, clippy, boundaries, interface, documentation, scripts; and compile-fail
	@tools/test check compile-fail

compile-fail:	## misuse does not build: error code and line, next to a twin that builds
	@tools/test compile-fail

litmus:		## the barriers, in the kernel's memory model: with each of them, and without
	@tools/test litmus

model:		## every interleaving of the protocol sources, on the host
	@tools/test model

fuzz:		## random programs over the primitives, compared with a reference, on the host, with ENGINE in a guest too; SEED=, CASES=2000, PRIMITIVE=event
	@tools/fuzz $(if $(SEED),--seed '$(SEED)') $(if $(CASES),--cases '$(CASES)') $(if $(PRIMITIVE),--primitive '$(PRIMITIVE)')

kunit:		## KUnit suites in a guest; ENGINE=qemu|tcg|kvm|uml, TEST=suite.test, ARCH=arm64
	@tools/test kunit

selftests:	## what a user sees: load, configfs, I/O, file systems, seeds; TEST=area:script[:case]
	@tools/test selftests

stacks:		## what stands on our disks: schedulers, loop, RAID, device mapper, btrfs, quotas, swap; CONFIG=stacks, TEST=stacks:raid.sh
	@CONFIG=stacks TEST='$(or $(TEST),stacks)' tools/test selftests

outside:	## a module of one's own, built against what 'make install' installs; TEST=first
	@tools/test outside

debug:		## of make test: KUnit, the seeds and a short stress on the kernel with lockdep and more
	@tools/test debug

intree:		## the library in the kernel's tree, and what it replaces there, as patches in out/intree; builds and tests each
	@tools/intree

torture:	## every way to wait, perturbed, and what must be found; DURATION=60, SCENARIO='*', ROWS=a,b, ENGINE=uml|qemu|tcg|kvm, CONFIG=debug|rt|kasan
	@tools/torture $(if $(DURATION),--duration '$(DURATION)') $(if $(SCENARIO),--scenario '$(SCENARIO)') $(if $(ROWS),--rows '$(ROWS)')

soak:		## torture for HOURS=n, on all engines in turn; can be stopped, and goes on the next time
	@tools/torture --soak '$(HOURS)'

mutants:	## puts faults into the library and the driver, one at a time: a test has to notice each
	@tools/mutants

coverage:	## what of rust/ and samples/ the tests execute; LAYERS=kunit,selftests,model,torture, TEST=... of one, ADD=1: to what is there
	@tools/coverage $(if $(LAYERS),--layers '$(LAYERS)') $(if $(TEST),--test '$(TEST)') $(if $(ADD),--add)

bench:		## ratios of the library and the disk; ENGINE=qemu|tcg|kvm|uml|icount, COMPARE=report.json, PROFILE=CASE, QUICK=1, TEST='disk-*', CONFIG=inline
	@tools/bench $(if $(filter undefined,$(origin COMPARE)),,--compare '$(COMPARE)') $(if $(filter undefined,$(origin PROFILE)),,--profile '$(PROFILE)') \
		$(if $(QUICK),--quick) $(if $(TEST),--only '$(TEST)')

report:		## all results that lie in out/, by guarantee and layer, and what is missing; SOAK='FILE...': the sums of soaks elsewhere
	@tools/report --all $(foreach file,$(SOAK),--soak '$(file)')

owes-tools:	## drgn and bpftrace say who owes the wake, on a kernel of Debian and on its dump; downloads both
	@testing/owes/run

##@ Packages

deb:		## the Debian package baton-dkms, which DKMS builds for each kernel; in out/deb
	@tools/deb

deb-test:	## install that package in a Debian, boot Debian's kernel with it, remove it
	@tools/deb --test

##@ Read and edit

doc:		## rustdoc of the library, into out/doc/baton/index.html
	@tools/doc

rust-analyzer:	## rust-project.json, by which editors know the crates
	@tools/rust-analyzer

##@ Else

clean:		## remove the output; the cache stays
	rm -rf out rust-project.json

help:		## this list
	@awk -F '[[:space:]]*## ' '/^##@ / { printf "%s%s\n", sep, substr($$0, 5); sep = "\n" } \
		/^[a-z-]+:[[:space:]]*## / { sub(":.*", "", $$1); printf "  make %-14s %s\n", $$1, $$2 }' \
		$(firstword $(MAKEFILE_LIST))
