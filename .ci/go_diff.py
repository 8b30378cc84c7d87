#!/usr/bin/env python3
"""Go's own pprof must show our differences as it shows its own.

    go_diff.py GO EXAMPLE

GO is the `go` command, EXAMPLE the built `compare_maps`. Runs the example in an empty folder and
compares what pprof says about `diff.pb.gz` with what it says about the two profiles and
`-diff_base`. Exits with 1 at the first difference.
"""

import os
import subprocess
import sys
import tempfile

go, example = (os.path.abspath(path) for path in sys.argv[1:3])
environment = dict(os.environ, GOPROXY="off", GOTOOLCHAIN="local")


def pprof(*arguments):
    """What `go tool pprof` prints. It exits with non-zero on a malformed profile."""
    command = [go, "tool", "pprof", "-symbolize=none", "-nodecount=1000", *arguments]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {run.returncode}\n{run.stderr}")
    return run.stdout


os.chdir(tempfile.mkdtemp(prefix="contend-diff-"))
subprocess.run([example], check=True, stdout=subprocess.DEVNULL)

reports = [["-top"], ["-top", "-cum"], ["-top", "-lines"], ["-top", "-contentions"], ["-peek=refresh"]]
for report in reports:
    ours = pprof(*report, "diff.pb.gz")
    theirs = pprof(*report, "-diff_base=one_lock.pb.gz", "sharded.pb.gz")
    if ours != theirs:
        sys.exit(f"{' '.join(report)} of our difference:\n{ours}\nof -diff_base:\n{theirs}")
    if "refresh" not in ours:
        sys.exit(f"{' '.join(report)} names no `refresh`:\n{ours}")

print(f"go_diff: {len(reports)} passed, 0 failed")
