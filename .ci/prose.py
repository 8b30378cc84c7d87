#!/usr/bin/env python3
"""Wraps the prose of the Markdown pages at 100 columns; fails where it is not, with `--check`.

    python3 .ci/prose.py [--check]

Tables, headings, code and definitions of links stay as they are.
"""

import re
import subprocess
import sys
import textwrap

WIDTH = 100
KEPT = re.compile(r"\s*(\||#|<|\[[^\]]+\]: |$)")
ITEM = re.compile(r"(\s*(?:[-*+]|\d+[.)])\s+)(.*)")
# Words that would make a list, a heading or a quotation of a line that they begin.
MARKER = re.compile(r"(?<=\S) (?=(?:[-+*>|]|#+|\d+[.)])(?: |$))")
# Code and the words of a link stay in one line, if they are short.
WHOLE = re.compile(r"`[^`]{1,60}`|\[[^\]]{1,40}\](?=\()")
GLUE = "\0"


def paragraphs(lines):
    """Lists of lines that belong together, each with whether it may be wrapped."""
    in_fence, block = False, []
    for line in lines:
        is_fence = line.lstrip().startswith("```")
        starts_anew = is_fence or in_fence or KEPT.match(line) or ITEM.match(line)
        if starts_anew and block:
            yield block, True
            block = []
        if is_fence or in_fence or KEPT.match(line):
            in_fence ^= is_fence
            yield [line], False
        else:
            block.append(line)
    if block:
        yield block, True


def wrapped(block):
    first = block[0]
    item = ITEM.match(first)
    lead = item[1] if item else first[: len(first) - len(first.lstrip())]
    text = " ".join(line.strip() for line in block)
    text = text[len(lead.strip()):].lstrip() if item else text
    text = MARKER.sub(GLUE, text)
    text = WHOLE.sub(lambda match: match[0].replace(" ", GLUE), text)
    lines = textwrap.wrap(
        text, WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead),
        break_long_words=False, break_on_hyphens=False)
    return [line.replace(GLUE, " ") for line in lines]


def main():
    check = sys.argv[1:] == ["--check"]
    faults = 0
    for path in subprocess.check_output(["git", "ls-files", "*.md"], text=True).split():
        before = open(path, encoding="utf-8").read()
        after = []
        for block, may_wrap in paragraphs(before.splitlines()):
            after += wrapped(block) if may_wrap else block
        after = "\n".join(after) + "\n"
        if after != before:
            faults += 1
            if check:
                print(f"{path}: prose is not wrapped at {WIDTH} columns: python3 .ci/prose.py")
            else:
                open(path, "w", encoding="utf-8").write(after)
    return 1 if check and faults else 0


if __name__ == "__main__":
    sys.exit(main())
