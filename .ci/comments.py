#!/usr/bin/env python3
"""Fails where a comment in Rust is wider than 100 columns, or opens with a clause instead of a subject.

    python3 .ci/comments.py

Rows of tables, examples, definitions of links and single words may be wider. `Of`, `What`, `Who`, `That` and
`To be` begin sentences that have to be read twice.
"""

import re
import subprocess
import sys

WIDTH = 100
COMMENT = re.compile(r"\s*//[/!]?(?: |$)(.*)")
OPENING = re.compile(r"(Of|What|Who|That|To be)\b")
MAY_BE_WIDER = re.compile(r"\||\[[^\]]+\]: |\S+$")


def faults(path):
    """The line, its number and the fault, of each comment of this file that has one."""
    is_example = False
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            comment = COMMENT.match(line)
            text = comment[1].strip() if comment else ""
            is_fence = text.startswith("```")
            is_example = bool(comment) and is_example != is_fence
            if not comment or is_example or is_fence:
                continue
            if len(line.rstrip("\n")) > WIDTH and not MAY_BE_WIDER.match(text):
                yield number, f"wider than {WIDTH} columns", text
            if OPENING.match(text) and text[0].isupper():
                yield number, "opens with a clause", text


def main():
    paths = subprocess.check_output(["git", "ls-files", "*.rs"], text=True).split()
    count = 0
    for path in paths:
        for number, fault, text in faults(path):
            print(f"{path}:{number}: {fault}: {text}")
            count += 1
    return min(count, 1)


if __name__ == "__main__":
    sys.exit(main())
