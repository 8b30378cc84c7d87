#!/usr/bin/env python3
"""Go's own trace tool must read our timelines, and show what happened.

    go_trace.py GO EXAMPLE FUZZED

GO is the `go` command, EXAMPLE the built `slow_request`, FUZZED a folder of traces of arbitrary
events. Runs the example, and compares what the tool says about its trace with what the program did:
the events, the profiles of waiting and of wake-ups, tasks, regions. Then every trace in FUZZED must
be accepted. Exits with 1 at the first difference.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

go, example, fuzzed = (os.path.abspath(path) for path in sys.argv[1:4])
environment = {
    name: value for name, value in os.environ.items() if name not in ("GOROOT", "GOFLAGS")
} | {"GOPROXY": "off", "GOTOOLCHAIN": "local"}
checks = 0


def run(*command, **options):
    done = subprocess.run(command, env=environment, capture_output=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr.decode()}")
    return done.stdout


def check(condition, what):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"go_trace: {what}")


# The tool itself: `go tool` would look whether it is up to date for each of hundreds of files.
folder = tempfile.mkdtemp(prefix="contend-trace-")
os.chdir(folder)
run(go, "tool", "trace", "-d=footprint", os.path.join(fuzzed, "story.trace"))
tool = run(go, "tool", "-n", "trace").decode().strip()

output = run(example, folder).decode()
[trace] = glob.glob("contend-*.trace")
check(trace in output, f"the example does not name its file:\n{output}")
parsed = run(tool, "-d=parsed", trace).decode()

# Each thread by its name, each request as a task, its parts as regions.
for name in ["rebuilder", "worker-0", "worker-1", "worker-2", "worker-3"]:
    check(f'Label="{name}"' in parsed, f"no thread {name}")
begun = parsed.count('TaskBegin') - parsed.count('TaskEnd')
check(0 <= begun <= 4, f"{begun} tasks have no end, of four workers")
check('Type="GET /cart"' in parsed and 'Type="look up prices"' in parsed, "no task, or no region")
check(re.search(r'Category="request" Message="\d-\d+"', parsed), "no log")
blocked = re.findall(r'Running->Waiting Reason="(sync rwlock_read 0x[0-9a-f]+)"', parsed)
check(len(blocked) >= 1 and len(set(blocked)) == 1, f"who waited for the prices: {blocked}")

# Whoever was let go was let go by the thread that rebuilt.
unblocks = re.findall(
    r"G=(\d+) StateTransition .* GoID=(\d+) Waiting->Runnable .*\n"
    r"(?:TransitionStack=\n(?:\t.*\n)*\n?)?Stack=\n((?:\t.*\n)+)",
    parsed,
)
label = dict(re.findall(r'Label="(.*)" Resource=Goroutine\((\d+)\)', parsed))
rebuilder = label["rebuilder"]
by_rebuilder = [stack for who, _, stack in unblocks if who == rebuilder]
check(by_rebuilder, "the rebuilder lets nobody go")
check(any("slow_request::rebuild" in stack for stack in by_rebuilder), "its stack is another one")

# The longest wait is in the profile of synchronisation, with its stack.
for kind, expected in [("sync", "slow_request::answer"), ("sched", "slow_request::rebuild")]:
    with open(kind, "wb") as file:
        file.write(run(tool, f"-pprof={kind}", trace))
    top = run(go, "tool", "pprof", "-symbolize=none", "-top", "-cum", "-unit=ns", kind).decode()
    check(expected in top, f"-pprof={kind} does not name {expected}:\n{top}")
    if kind == "sync":
        total = int(re.search(r"of (\d+)ns total", top).group(1))
        check(total >= 30_000_000, f"less than the wait that triggered: {total} ns")

files = sorted(glob.glob(os.path.join(fuzzed, "*.trace")))
check(len(files) >= 400, f"only {len(files)} traces in {fuzzed}")


def refused(file):
    done = subprocess.run([tool, "-d=parsed", file], env=environment, capture_output=True)
    return done.returncode and f"{file}: {done.stderr.decode().strip()[-300:]}"


with ThreadPoolExecutor(os.cpu_count()) as pool:
    for result in pool.map(refused, files):
        check(not result, result)

print(f"go_trace: {checks} passed, 0 failed; {len(files)} traces of arbitrary events accepted")
