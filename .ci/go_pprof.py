#!/usr/bin/env python3
"""Go's own pprof must read what the example writes, and show its sites and numbers.

    go_pprof.py GO EXAMPLE LABELLED

GO is the `go` command, EXAMPLE the built `contended_counter`, LABELLED the built `endpoints`. Runs them in an empty
folder and puts every promise about the output to the real tool. Exits with 1 at the first
promise that is broken.
"""

import os
import re
import subprocess
import sys
import tempfile

go, example, labelled = (os.path.abspath(path) for path in sys.argv[1:4])
environment = dict(os.environ, GOPROXY="off", GOTOOLCHAIN="local")
checks = 0


def pprof(*arguments):
    """What `go tool pprof` prints. It exits with non-zero on a malformed profile."""
    command = [go, "tool", "pprof", "-symbolize=none", *arguments]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {run.returncode}\n{run.stderr}")
    return run.stdout


def check(what, output, *patterns):
    global checks
    for pattern in patterns:
        if not re.search(pattern, output, re.MULTILINE):
            sys.exit(f"{what}: nothing like {pattern!r} in\n{output}")
        checks += 1


def run_example(*arguments):
    subprocess.run([example, *arguments], check=True, stdout=subprocess.DEVNULL)


def totals(path):
    """Contentions and nanoseconds of all samples, as pprof reads them."""
    raw = pprof("-raw", path)
    rows = re.findall(r"^ +(\d+) +(\d+): ", raw, re.MULTILINE)
    assert rows, raw
    return sum(int(row[0]) for row in rows), sum(int(row[1]) for row in rows)


os.chdir(tempfile.mkdtemp(prefix="contend-pprof-"))
run_example()
os.rename("mutex.pb.gz", "before.pb.gz")
run_example()

sites = r"contended_counter::"
drop = r"contend::sync::MutexGuard<.*>::drop"
file = r"examples/contended_counter\.rs"

for profile in ["mutex.pb.gz", "block.pb.gz"]:
    raw = pprof("-raw", profile)
    check(
        f"-raw {profile}",
        raw,
        r"^PeriodType: contentions count$",
        r"^contentions/count delay/nanoseconds\[dflt\]$",
        r"^Comment: contend \d+\.\d+\.\d+",
        r"^Mappings$",
        r"contended_counter [0-9a-f]{40} \[FN\]\[FL\]\[LN\]\[IN\]$",
    )

top = pprof("-top", "mutex.pb.gz")
check("-top", top, drop, sites + "slow_update$", sites + "quick_update$")
check("-top", top, r"RwLockWriteGuard<.*>::drop", sites + "publish_config$")

# The generic parameters of the program's own types are not stripped, whatever the spelling.
check("-top block", pprof("-top", "block.pb.gz"), sites + r"Queue<.*>::pop$")

check("-lines -top", pprof("-lines", "-top", "mutex.pb.gz"), rf"slow_update .*{file}:\d+$")
check("-list", pprof("-list=slow_update", "mutex.pb.gz"), r"^ +\. +\d.*s +\d+:\}$")
check("-peek", pprof("-peek=slow_update", "mutex.pb.gz"), rf"\| +{drop}")
check("-contentions", pprof("-contentions", "-top", "mutex.pb.gz"), r"^Type: contentions$", drop)
check("-traces", pprof("-traces", "mutex.pb.gz"), r"kind: +mutex$", r"kind: +rwlock_write$")
check("-diff_base", pprof("-top", "-diff_base=before.pb.gz", "mutex.pb.gz"), sites)
kind = pprof("-tagfocus=kind=condvar", "-top", "block.pb.gz")
check("-tagfocus", kind, r"contend::sync::Condvar::wait_timeout_while", r"Queue<.*>::pop$")

# The text form: read back to the same totals, at any fraction. (Go's own is scaled twice.)
for fraction in ["1", "5"]:
    run_example(fraction)
    if totals("mutex.txt") != totals("mutex.pb.gz"):
        sys.exit(f"text {totals('mutex.txt')}, pprof {totals('mutex.pb.gz')} at fraction {fraction}")
    checks += 1

# Labels of the program: the releaser's in the mutex profile, the waiter's in the block profile.
subprocess.run([labelled], check=True, stdout=subprocess.DEVNULL)
# Who made others wait need not have waited, and the other way round.
for profile, endpoint in [("mutex.pb.gz", "/report"), ("block.pb.gz", "/(cart|search)")]:
    check("-tags", pprof("-tags", profile), r"^ *endpoint: Total ", rf": {endpoint}$")
    all_nanos = totals(profile)[1]
    shown = pprof("-tagfocus=endpoint=^/report$", "-top", "-unit=ns", profile)
    found = re.search(r"Showing nodes accounting for (\d+)(?:ns)?,.* of (\d+)ns total", shown)
    if not found or int(found[2]) != all_nanos:
        sys.exit(f"-tagfocus {profile}: not of {all_nanos}\n{shown}")
    # Reports hold for 5 ms, the others for 20 µs.
    share = int(found[1]) / all_nanos
    if (share > 0.5) != (profile == "mutex.pb.gz"):
        sys.exit(f"{profile}: /report has {share:.0%}\n{shown}")
    checks += 1

print(f"go_pprof: {checks} passed, 0 failed")
