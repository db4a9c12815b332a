# SPDX-License-Identifier: GPL-2.0
"""Runs rustdoc on the library, with the flags that Kbuild gave rustc, and checks the links.

Usage: doc.py          (LINUX_SOURCE, KERNEL: the kernel's source and its build)
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tools"))

import recorded

# Where a build of the library has left its flags.
BUILDS = ("out/test", "out/clippy")
OUTPUT = TOP / "out/doc"
SRCTREE = re.compile(r'(<a href=")srctree/([^"#]+)')
HREF = re.compile(r'<a [^>]*?href="([^"]+)"')
# Names in other crates, whose pages are not here: our own, and those in the texts that come in by
# Deref from `core` and by the kernel's #[vtable]. rustdoc itself refuses what names nothing.
FOREIGN = re.compile(r'<a href="(?:vtable|[^":]+::[^"]+)">(.*?)</a>', re.S)


def flags():
    """(flags, environment, directory) of a build against this kernel; one is made if there is none."""
    kernel = os.environ["KERNEL"]
    for again in (False, True):
        for build in BUILDS:
            path = TOP / build / "rust/.baton.o.cmd"
            if path.exists():
                program, found, env = recorded.command(path)
                if env.get("OBJTREE") == kernel:
                    # The kernel's rustdoc rules leave that out as well.
                    return [flag for flag in found if not flag.startswith("--remap-path")], env, TOP / build
        if not again:
            subprocess.run([TOP / "tools/build", "test", "parts="], stdout=subprocess.DEVNULL, check=True)
    raise recorded.Broken(f"no build of the library is against {kernel}")


def rustdoc(root, output):
    """What rustdoc complains about in the crate `root`."""
    given, env, directory = flags()
    done = subprocess.run(["rustdoc", *given, "--generate-link-to-definition", "--enable-index-page", "-Dwarnings", "--crate-name", "baton",
                           "--output", output, root], cwd=directory, env=env, capture_output=True, text=True, check=False)
    said = done.stderr.splitlines()
    return said or ([f"rustdoc: status {done.returncode}"] if done.returncode else [])


def kernel_links(output):
    """Makes the links to files of the kernel lead to copies of them; says which do not exist."""
    linux = pathlib.Path(os.environ["LINUX_SOURCE"])
    wrong = []
    for page in sorted(output.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        up = os.path.relpath(output, page.parent)

        def lead(match):
            copy = output / "srctree" / match[2]
            if (linux / match[2]).is_file():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(linux / match[2], copy)
            else:
                wrong.append(f"{page.relative_to(output)}: the kernel has no file {match[2]}")
            return f"{match[1]}{up}/srctree/{match[2]}"

        changed = FOREIGN.sub(r"\1", SRCTREE.sub(lead, text))
        if changed != text:
            page.write_text(changed, encoding="utf-8")
    return wrong


def dead_links(output):
    """The links to a page that is not there."""
    wrong = []
    for page in sorted(output.rglob("*.html")):
        for href in sorted(set(HREF.findall(page.read_text(encoding="utf-8")))):
            path = href.partition("#")[0].partition("?")[0]
            if path and not re.match(r"(?:https?|javascript):", path) and not (page.parent / path).exists():
                wrong.append(f"{page.relative_to(output)}: '{href}' leads nowhere")
    return wrong


def render(root, output):
    """The documentation of the crate `root`; what is wrong with it."""
    shutil.rmtree(output, ignore_errors=True)
    said = rustdoc(root, output)
    if said:
        shutil.rmtree(output, ignore_errors=True)
        return said
    return kernel_links(output) + dead_links(output)


# What has to be refused: a name that is not there, a file that is not, a page that is not.
PLANTS = [
    ("[`Nothing`]", "unresolved link to `Nothing`"),
    ("[`private`]", "links to private item `private`"),
    ("[header](srctree/no/such/file.h)", "the kernel has no file no/such/file.h"),
    ("[page](no_such_page.html)", "'no_such_page.html' leads nowhere"),
    ("[header](srctree/include/linux/wait.h)", None),
]


def plants():
    """What is wrong with this tool."""
    wrong = []
    with tempfile.TemporaryDirectory() as scratch:
        root = pathlib.Path(scratch) / "planted.rs"
        for text, wanted in PLANTS:
            root.write_text(f"//! Planted: {text}.\nmod private {{}}\n", encoding="utf-8")
            said = "\n".join(render(root, pathlib.Path(scratch) / "doc"))
            if wanted is None and said or wanted and wanted not in said:
                wrong.append(f"tools/doc.py says '{said}' of '{text}', wants '{wanted}'")
    return wrong


def check():
    """What is wrong: with this tool, or with the documentation."""
    try:
        return plants() or render(TOP / "rust/baton.rs", OUTPUT)
    except (recorded.Broken, subprocess.CalledProcessError) as error:
        return [str(error)]


def main():
    wrong = check()
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    print(f"{len(list(OUTPUT.rglob('*.html')))} pages, from {os.path.relpath(OUTPUT / 'baton/index.html', TOP)} on")
    return 0


if __name__ == "__main__":
    sys.exit(main())
