# SPDX-License-Identifier: GPL-2.0
# For the Kbuild file of a module that uses baton: its metadata for rustc, its
# symbols for modpost. 'make install' puts this beside both, with the facts about
# the library in front. It is included by a line of that Kbuild file:
#
#   obj-m := first.o
#   baton := $(INSTALL_MOD_PATH)/lib/modules/$(KERNELRELEASE)/baton/baton.mk
#   include $(or $(wildcard $(baton)),$(error no $(baton): run 'make install' in the checkout of baton))
#
# What does not fit is said here: rustc's words for it are "found possibly newer
# version of crate".

baton-dir := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))

# Cleaning up needs no library.
ifeq ($(filter %/Makefile.clean,$(MAKEFILE_LIST)),)

baton-metadata := $(objtree)/rust/libkernel.rmeta
ifneq ($(KERNELRELEASE),$(baton-release))
$(error $(baton-dir) is for kernel $(baton-release), and this module is built for $(KERNELRELEASE): install baton for that one)
endif
ifeq ($(wildcard $(baton-metadata)),)
$(error the kernel in $(objtree) is not prepared for modules in Rust: there is no $(baton-metadata))
endif
baton-rustc-now := $(shell $(RUSTC) --version)
ifneq "$(baton-rustc-now)" "$(baton-rustc)"
$(error baton was built by '$(baton-rustc)', and RUSTC=$(RUSTC) is '$(baton-rustc-now)': it has to be the same one)
endif
ifneq ($(firstword $(shell sha256sum $(baton-metadata))),$(baton-kernel))
$(error the kernel in $(objtree) was built again after baton was installed for it: install baton again)
endif
ifneq ($(words $(wildcard $(addprefix $(baton-dir)/,libbaton.rmeta Module.symvers))),2)
$(error $(baton-dir) is not complete: install baton again)
endif

endif

# In the folders that this one descends into too. Functions with the same code stay
# apart: the name of the function says who waits for what in wchan and in stack
# traces.
subdir-rustflags-y += -L $(baton-dir) --extern baton -Zmerge-functions=disabled
KBUILD_EXTRA_SYMBOLS += $(baton-dir)/Module.symvers
