#!/usr/bin/env python3
"""Prints who imports whom in src/, and fails where an import goes up or a circle crosses a folder.

    python3 .ci/imports.py            # a line per room: what it is built on, and how many imports
    python3 .ci/imports.py --files    # a line per file
    python3 .ci/imports.py http engine    # the imports between these two rooms, file by file

A room is a module of the crate's root with all that is in it. The storeys are the table in
src/docs/architecture.md, so that page and tree cannot differ. An import may go to a storey below,
or to another room of the same storey; never up. Skins, the rooms of the storey of `sync`, import the room
`skin` and each other, nothing else. No circle of files may cross a folder either, inside a room as
little as between rooms. `foo.rs` belongs to the folder `foo/`.

Code under `cfg(test)` does not count, nor does src/lib.rs, the table of contents. Who uses a name
that a module only passes on imports the file that defines it; and a module that passes on what its
own children define does not import them.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

SRC = Path(__file__).resolve().parent.parent / "src"
PAGE = SRC / "docs" / "architecture.md"
COMMENTS_AND_TEXT = re.compile(
    r"""//[^\n]*|/\*.*?\*/|\bb?r(\#*)".*?"\1|"(?:\\.|[^"\\])*"|'(?:\\.[^']*|[^\\'])'""", re.S
)
TEST_ONLY = re.compile(r"#\[cfg\((?:test|all\((?:[^()]|\([^()]*\))*?\btest\b(?:[^()]|\([^()]*\))*\))\)\]")
ITEM = re.compile(
    r"\b(?:fn|struct|enum|union|trait|type|const|static|macro_rules!)\s+(?:mut\s+)?([A-Za-z_]\w*)"
)
ROOT = ()


class Module:
    """A module, in a file of its own or inline: what it defines, and what it imports as what."""

    def __init__(self, file):
        self.file = file
        self.items = set()
        self.uses = defaultdict(list)  # name -> paths
        self.globs = []
        self.paths = []  # every path that is an import or stands in an expression


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def end_of_item(text, start):
    """Where the item that begins at `start` ends: at its `;`, or at the brace that closes it."""
    is_use = re.match(r"\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?use\b", text[start:])
    depth = 0
    for at in range(start, len(text)):
        char = text[at]
        if char == ";" and depth == 0:
            return at + 1
        depth += {"{": 1, "}": -1, "(": 1, ")": -1, "[": 1, "]": -1}.get(char, 0)
        if char == "}" and depth == 0 and not is_use:
            return at + 1
    return len(text)


def without_tests(text):
    while found := TEST_ONLY.search(text):
        end = end_of_item(text, found.end())
        text = text[: found.start()] + re.sub(r"[^\n]", " ", text[found.start() : end]) + text[end:]
    return text


def use_tree(tree, prefix=()):
    """The paths of a `use`, each with the name that it gets here; `*` for all names."""
    tree = tree.strip()
    head, brace, rest = tree.partition("{")
    if brace:
        prefix += tuple(part for part in head.replace(" ", "").split("::") if part)
        depth, part = 0, ""
        for char in rest[: rest.rindex("}")] + ",":
            depth += {"{": 1, "}": -1}.get(char, 0)
            if char == "," and depth == 0:
                if part.strip():
                    yield from use_tree(part, prefix)
                part = ""
            else:
                part += char
        return
    path, _, name = tree.partition(" as ")
    path = prefix + tuple(part.strip() for part in path.split("::") if part.strip())
    if path[-1] == "self" and len(path) > 1:
        path = path[:-1]
    yield path, name.strip() or path[-1]


def read(file, here, modules, children):
    """Reads a module and those below it, which are in the folder `children`."""
    # Kept when text is blanked: it says where a module is.
    text = re.sub(r'#\[path = "([^"]+)"\]\s*((?:pub\S* )?mod \w+);', r"\2 = <\1>;", file.read_text())
    text = without_tests(COMMENTS_AND_TEXT.sub(blank, text))
    text = re.sub(r"\bpub\([^)]*\)", "pub", text)
    modules[here] = Module(file)
    token = re.compile(
        r"\bmod\s+(\w+)\s*(?:= <([^>]+)>)?([{;])|(pub\s+)?\buse\s+([^;]+);|([{}])"
        r"|((?<![\w:])[a-z$]\w*(?:\s*::\s*\w+)+)"
    )
    inner, depth = [(here, 0)], 0
    for found in token.finditer(text):
        name, at, kind, passes_on, tree, brace, path = found.groups()
        now = inner[-1][0]
        if name and kind == ";":
            child = now + (name,)
            while child in modules:
                child = now + (child[-1] + "'",)  # another one, for other systems
            source = file.parent / at if at else children / f"{name}.rs"
            if source.exists():
                read(source, child, modules, source.parent if at else children / name)
        elif name:
            depth += 1
            inner.append((now + (name,), depth))
            modules.setdefault(inner[-1][0], Module(file))
        elif tree:
            for path, name in use_tree(re.sub(r"\s+", " ", tree)):
                if not (passes_on and now + path[:1] in modules):
                    modules[now].paths.append(path)
                if name == "*":
                    modules[now].globs.append(path[:-1])
                else:
                    modules[now].uses[name].append(path)
        elif path:
            parts = tuple(re.sub(r"\s", "", path).replace("$", "").split("::"))
            modules[now].paths.append(parts)
        elif brace == "{":
            depth += 1
        else:
            if inner[-1][1] == depth and len(inner) > 1:
                inner.pop()
            depth -= 1
    for found in ITEM.finditer(text):
        modules[here].items.add(found.group(1))


def start_of(path, here, modules):
    """The module that a path begins at, and the rest of the path; `None` for other crates'."""
    if path[0] == "crate":
        return ROOT, path[1:]
    if path[0] == "self":
        return here, path[1:]
    rest = path
    while rest and rest[0] == "super":
        here, rest = here[:-1], rest[1:]
    if rest != path:
        return here, rest
    if path[0] in modules[here].uses and path != modules[here].uses[path[0]][0]:
        return here, path
    return (here, path) if here + path[:1] in modules else None


def files_of(path, here, modules, depth=0):
    """The files that define what the path names."""
    start = start_of(path, here, modules)
    if start is None or depth > 12:
        return
    at, rest = start
    for index, part in enumerate(rest):
        if at + (part,) in modules:
            at += (part,)
            continue
        if part == "*":
            break
        module, behind = modules[at], rest[index + 1 :]
        passed_on = [found for found in module.uses.get(part, []) if (found, at) != (path, here)]
        if not passed_on and part not in module.items:
            passed_on = [glob + (part,) for glob in module.globs]
        found = [
            file
            for target in passed_on
            for file in files_of(target + behind, at, modules, depth + 1)
        ]
        yield from found or [module.file]
        return
    yield modules[at].file


def relative(file):
    return file.relative_to(SRC).as_posix()


def room(file):
    return relative(file).split("/")[0].removesuffix(".rs")


def folder(file, files):
    """`a/b.rs` belongs to the folder `a/b/` if there is code in it."""
    own = file.with_suffix("")
    return own if any(own in other.parents for other in files) else file.parent


def imports():
    modules = {}
    read(SRC / "lib.rs", ROOT, modules, SRC)
    edges = defaultdict(set)
    for here, module in modules.items():
        if module.file.name == "lib.rs":
            continue
        for path in module.paths:
            for file in files_of(path, here, modules):
                if file not in (module.file, SRC / "lib.rs"):
                    edges[module.file].add(file)
    return {module.file for module in modules.values()} - {SRC / "lib.rs"}, edges, modules


def storeys():
    rows = re.findall(r"^\| *(\d+) *\|([^|]*)\|", PAGE.read_text(), re.M)
    return {name: int(number) for number, cell in rows for name in re.findall(r"`(\w+)`", cell)}


def circles(nodes, edges):
    """Strongly connected components of more than one node (Tarjan 1972)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in sorted(edges[node]):
            if target not in index:
                visit(target)
            if target in stack:
                low[node] = min(low[node], low[target])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(stack[at:])
            del stack[at:]

    for node in sorted(nodes):
        if node not in index:
            visit(node)
    return found


def main(arguments):
    files, edges, modules = imports()
    storey = storeys()
    arrows = defaultdict(lambda: defaultdict(list))
    for file, targets in edges.items():
        for target in targets:
            if room(file) != room(target):
                arrows[room(file)][room(target)].append((relative(file), relative(target)))
    rooms = sorted({room(file) for file in files}, key=lambda name: (-storey.get(name, 99), name))

    if arguments == ["--files"]:
        for file in sorted(files):
            print(f"{relative(file)}: {', '.join(sorted(map(relative, edges[file]))) or '-'}")
    elif len(arguments) == 2:
        for pair in sorted(arrows[arguments[0]][arguments[1]]):
            print(" -> ".join(pair))
    elif not arguments:
        for name in rooms:
            below = sorted(arrows[name], key=lambda other: (-storey.get(other, 99), other))
            counted = ", ".join(f"{other} {len(arrows[name][other])}" for other in below)
            print(f"{storey.get(name, '?'):>2}  {name:<18} -> {counted or '-'}")
        count = sum(len(targets) for targets in arrows.values())
        print(f"{len(files)} files in {len(rooms)} rooms, {count} arrows between rooms")
    else:
        sys.exit(__doc__)

    wrong = [f"{name}: no storey in {PAGE.relative_to(SRC.parent)}" for name in rooms if name not in storey]
    wrong += [f"{name}: has a storey, but is not in src/" for name in storey if name not in rooms]
    for name in rooms:
        for other, pairs in arrows[name].items():
            if storey.get(other, 0) > storey.get(name, 99):
                wrong += [f"upward: {file} imports {target}" for file, target in sorted(pairs)]
    skins = {name for name in storey if storey[name] == storey["sync"]}
    for here, module in modules.items():
        for path in module.paths if here[:1] and here[0] in skins else ():
            if path[0] == "crate" and path[1] in storey and path[1] not in skins | {"skin"}:
                wrong.append(f"past the door: {relative(module.file)} imports {'::'.join(path)}")
    for circle in circles(files, edges):
        if len({folder(file, files) for file in circle}) > 1:
            names = " ".join(sorted(map(relative, circle)))
            wrong.append(f"a circle of {len(circle)} files across folders: {names}")
    room_edges = defaultdict(set, {name: set(targets) for name, targets in arrows.items()})
    for circle in circles(rooms, room_edges):
        wrong.append(f"a circle of rooms: {' '.join(sorted(circle))}")
    for line in wrong:
        print(line, file=sys.stderr)
    sys.exit(bool(wrong))


main(sys.argv[1:])
