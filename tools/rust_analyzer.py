# SPDX-License-Identifier: GPL-2.0
"""Describes the crates of this checkout to rust-analyzer, beside those of the kernel.

The kernel's scripts/generate_rust_analyzer.py knows a module if there is a Kbuild in its
folder, and nothing of a crate that other modules use. So it describes the kernel, and
this adds the library and what Kbuild builds with it.

Usage: rust_analyzer.py       (KERNEL: the kernel's build; BUILDER: the root with its rustc)
"""

import json
import os
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parent.parent
NAME = "rust-project.json"
LIBRARY = "rust/baton.rs"
# What Kbuild gives every module by --extern.
EXTERNS = ("core", "kernel", "pin_init", "zerocopy", "zerocopy_derive")


def kernel_crates():
    """What the kernel's own tool says."""
    scratch = TOP / "out/rust-analyzer"
    scratch.mkdir(parents=True, exist_ok=True)
    subprocess.run(["make", "-s", "--no-print-directory", "-C", os.environ["KERNEL"], f"M={scratch}", "rust-analyzer"],
                   check=True)
    return json.loads((scratch / NAME).read_text(encoding="utf-8"))


def roots(top):
    """The crates that a Kbuild here names, the library first."""
    found = set()
    for kbuild in [top / "Kbuild", *sorted(top.glob("samples/*/Kbuild"))]:
        for name in re.findall(r"([\w/]+)\.o\b", kbuild.read_text(encoding="utf-8")):
            source = kbuild.parent / f"{name}.rs"
            if source.exists():
                found.add(source.relative_to(top).as_posix())
    return sorted(found, key=lambda path: (path != LIBRARY, path))


def add(project, top, builder):
    """The project with the crates of this checkout, as somebody outside of the builder root sees it."""
    crates = project["crates"]
    for crate in crates:
        if crate["root_module"].startswith(project["sysroot"] + "/"):
            crate["root_module"] = builder + crate["root_module"]
    project["sysroot"] = builder + project["sysroot"]
    number = {crate["display_name"]: at for at, crate in enumerate(crates)}
    given = [{"crate": number[name], "name": name} for name in EXTERNS]
    kernel = crates[number["kernel"]]
    for path in roots(top):
        users = path != LIBRARY
        crates.append({
            "display_name": pathlib.Path(path).stem,
            "root_module": str(top / path),
            "is_workspace_member": True,
            "deps": given + [{"crate": number["baton"], "name": "baton"}] if users else given,
            "cfg": [*kernel["cfg"], "MODULE"],
            "edition": kernel["edition"],
            "env": kernel["env"],
        })
        number.setdefault(crates[-1]["display_name"], len(crates) - 1)
    return project


def wrong(project, top):
    """What is wrong with a project: files that do not exist, crates that are missing."""
    crates = project["crates"]
    said = []
    for crate in crates:
        files = [crate["root_module"], *crate.get("source", {}).get("include_dirs", ()),
                 *([crate["proc_macro_dylib_path"]] if "proc_macro_dylib_path" in crate else ())]
        said += [f"{crate['display_name']}: {path} does not exist" for path in files if not os.path.exists(path)]
        for other in crate["deps"]:
            if not 0 <= other["crate"] < len(crates) or crates[other["crate"]]["display_name"] != other["name"]:
                said.append(f"{crate['display_name']}: there is no crate {other['crate']} called '{other['name']}'")
    known = {crate["root_module"] for crate in crates}
    return said + [f"{path} is in no crate" for path in roots(top) if str(top / path) not in known]


def plants():
    """What is wrong with this tool."""
    crate = {"display_name": "a", "root_module": "/no/such/file.rs", "deps": [{"crate": 1, "name": "b"}]}
    said = wrong({"crates": [crate]}, TOP)
    wanted = ["a: /no/such/file.rs does not exist", "a: there is no crate 1 called 'b'", f"{LIBRARY} is in no crate"]
    return [f"tools/rust_analyzer.py does not say '{line}' of a planted project" for line in wanted if line not in said]


def described():
    """(the project, what is wrong with it or with this tool)."""
    said = plants()
    if said:
        return None, said
    try:
        project = add(kernel_crates(), TOP, os.environ["BUILDER"])
    except (subprocess.CalledProcessError, KeyError) as error:
        return None, [f"{NAME} cannot be made: {error!r}"]
    return project, wrong(project, TOP)


def check():
    """What is wrong: with this tool, or with what it would write."""
    return described()[1]


def main():
    project, said = described()
    if said:
        print("\n".join(said), file=sys.stderr)
        return 1
    with open(TOP / NAME, "w", encoding="utf-8") as stream:
        json.dump(project, stream, indent=1)
        stream.write("\n")
    print(f"{NAME}: {len(roots(TOP))} crates of this checkout, beside those of the kernel")
    return 0


if __name__ == "__main__":
    sys.exit(main())
