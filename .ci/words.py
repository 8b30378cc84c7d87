#!/usr/bin/env python3
"""Checks what CONTRIBUTING.md says of the words in the code. With --wrap it wraps long comments.

- A comment ends at column 100. Rows of tables, code and links may be longer.
- A comment opens with a subject or a verb, not with "Of", "What", "Who", "That" or "To be".
- No closure calls its parameter `it`.
"""

import pathlib
import re
import sys
import textwrap

WIDTH = 100
COMMENT = re.compile(r"^(\s*//[/!]?)( ?)(.*)$")
OPENING = re.compile(r"^(Of|What|Who|That|To be) (?!.*\?$)")
LIST = re.compile(r"^(\s*(?:[-*]|\d+\.) )")
ROOMS = ("src", "tests", "benches", "examples")


def files():
    for room in ROOMS:
        for path in sorted(pathlib.Path(room).rglob("*.rs")):
            if "target" not in path.parts:
                yield path


def blocks(lines):
    """Ranges of lines that are one paragraph or list item of a comment, with its prefix."""
    start, prefix, in_code = None, None, False
    for index, line in enumerate(lines + [""]):
        match = COMMENT.match(line)
        text = match and match[3]
        fence = match and text.lstrip().startswith("```")
        is_text = match and not fence and not in_code and text.strip() and not text.lstrip().startswith(("|", "#", "["))
        opens = is_text and (LIST.match(text) or prefix != match[1])
        if start is not None and (not is_text or opens):
            yield start, index, prefix
            start = None
        if is_text and start is None:
            start = index
        prefix = match[1] if match else None
        if fence:
            in_code = not in_code
        if not match:
            in_code = False


def wrapped(lines, start, end, prefix):
    texts = [COMMENT.match(line)[3] for line in lines[start:end]]
    item = LIST.match(texts[0])
    indent = re.match(r"\s*", texts[0])[0]
    hang = " " * len(item[1]) if item else indent
    body = " ".join(text.strip() for text in texts)
    return textwrap.wrap(body, WIDTH, initial_indent=f"{prefix} {indent}", subsequent_indent=f"{prefix} {hang}",
                         break_long_words=False, break_on_hyphens=False)


def too_long(line):
    return len(line) > WIDTH and " " in COMMENT.match(line)[3].strip()[:-1]


def main():
    faults = []
    for path in files():
        lines = path.read_text().split("\n")
        changed = False
        for start, end, prefix in reversed(list(blocks(lines))):
            text = COMMENT.match(lines[start])[3]
            previous = COMMENT.match(lines[start - 1]) if start else None
            if not (previous and previous[3].strip()) and OPENING.match(text):
                faults.append(f"{path}:{start + 1}: opens with {text.split()[0]!r}")
            if not any(too_long(line) for line in lines[start:end]):
                continue
            new = wrapped(lines, start, end, prefix)
            if new == lines[start:end]:
                continue
            if "--wrap" in sys.argv:
                lines[start:end] = new
                changed = True
            else:
                faults.append(f"{path}:{start + 1}: a comment beyond column {WIDTH}")
        if changed:
            path.write_text("\n".join(lines))
        for number, line in enumerate(lines, 1):
            if re.search(r"\|it\|", line):
                faults.append(f"{path}:{number}: a closure's parameter called `it`")
    print("\n".join(faults))
    return 1 if any(faults) else 0


sys.exit(main())
