#!/usr/bin/env python3
"""Go's own pprof must get along with the server, as with one written in Go.

    go_http.py GO SERVE_EXAMPLE

GO is the `go` command, SERVE_EXAMPLE the built `serve`. Starts the example on a free port and lets
the real tool fetch what it fetches from a Go program. Exits with 1 at the first promise that is
broken.
"""

import os
import re
import subprocess
import sys
import tempfile

go, example = (os.path.abspath(path) for path in sys.argv[1:3])
folder = tempfile.mkdtemp(prefix="contend-http-")
# The tool keeps what it fetches; not in the user's home.
environment = dict(os.environ, GOPROXY="off", GOTOOLCHAIN="local", PPROF_TMPDIR=folder)
checks = 0


def pprof(*arguments, succeeds=True):
    """What `go tool pprof` prints: its output if it succeeds, else its complaints."""
    command = [go, "tool", "pprof", *arguments]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder)
    if (run.returncode == 0) != succeeds:
        sys.exit(f"{' '.join(command)}: exit code {run.returncode}\n{run.stdout}{run.stderr}")
    return run.stdout if succeeds else run.stderr


def check(what, output, *patterns):
    global checks
    # What else is told of a function in an optimised build.
    output = output.replace(" (inline)", "")
    for pattern in patterns:
        if not re.search(pattern, output, re.MULTILINE):
            sys.exit(f"{what}: nothing like {pattern!r} in\n{output}")
        checks += 1


class Example:
    """The running example. `address` is its `host:port`."""

    def __init__(self, *arguments):
        command = [example, "--port", "0", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        line = self.process.stdout.readline()
        self.address = re.search(r"http://([^/]+)/debug/pprof/", line)[1]
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


drop = r"contend::sync::MutexGuard<.*>::drop"

with Example() as served:
    url = f"http://{served.address}/debug/pprof/"

    # A window first, so that there is something in what is cumulative.
    window = pprof("-top", "-seconds", "2", url + "mutex")
    check("-seconds 2 mutex", window, r"^Type: delay$", r"^Duration: \d+(\.\d+)?s, ", drop)
    check("-seconds 2 mutex", window, r"serve::stock::Stock<.*>::recount$")

    mutex = pprof("-top", url + "mutex")
    check("mutex", mutex, r"^File: serve$", r"^Type: delay$", drop)
    check("mutex", mutex, r"serve::journal::Journal::append$")

    block = pprof("-top", url + "block")
    check("block", block, r"^Type: delay$", r"contend::sync::Mutex<.*>::lock$")
    check("block", block, r"serve::packing::hand_over$")

    contentions = pprof("-top", "-sample_index=contentions", url + "mutex")
    check("-sample_index", contentions, r"^Type: contentions$", drop)

    check("-lines", pprof("-top", "-lines", url + "mutex"), r"recount .*examples/serve\.rs:\d+$")
    check("rate of a window", pprof("-top", "-seconds", "1", url + "block?rate=1"), r"::lock$")

    # The text is read back, too.
    check("debug=1", pprof("-top", url + "mutex?debug=1"), r"^Type: delay$")

    # What the tool shows of our errors.
    wrong = pprof("-top", url + "nothing", succeeds=False)
    check("unknown profile", wrong, r"404 Not Found", r"Unknown profile")
    wrong = pprof("-top", url + "mutex?seconds=9999", succeeds=False)
    check("too long a window", wrong, r"400 Bad Request", r"seconds")

    # A bare address means the CPU profile. Where there is none, the answer says how to get it.
    with_cpu = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url + "profile?seconds=1"],
        capture_output=True,
        text=True,
    ).stdout
    if with_cpu == "200":
        cpu = pprof("-top", "-seconds", "2", served.address)
        check("bare host:port", cpu, r"^Type: cpu$", r"serve::work$")
    else:
        wrong = pprof("-top", "-seconds", "2", served.address, succeeds=False)
        check("bare host:port", wrong, r"501 Not Implemented", r"feature.*cpu")

with Example("--token", "open sesame") as served:
    wrong = pprof("-top", f"http://{served.address}/debug/pprof/mutex", succeeds=False)
    check("no token", wrong, r"401 Unauthorized", r"token")
    url = f"http://any:open%20sesame@{served.address}/debug/pprof/mutex"
    check("token", pprof("-top", "-seconds", "1", url), r"^Type: delay$", drop)

print(f"go_http: {checks} passed, 0 failed")
