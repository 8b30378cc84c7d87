#!/usr/bin/env python3
"""The command must print the numbers that Go's own pprof prints, for every row.

    go_cli.py GO CONTEND EXAMPLE

GO is the `go` command, CONTEND the built command, EXAMPLE the built `contended_counter`. Compiles a Go
program that writes a mutex, a block, a goroutine and a CPU profile, twice, runs the example twice, and
compares `top`, `diff`, `list` and `merge` with `go tool pprof`'s -top, -diff_base, -list and -proto on all of
them. Then asks the program's net/http/pprof. Exits with 1 at the first number that differs.
"""

import os
import re
import subprocess
import sys
import tempfile

go, contend, example = (os.path.abspath(path) for path in sys.argv[1:4])
environment = dict(os.environ, GOPROXY="off", GOTOOLCHAIN="local", GOFLAGS="", NO_COLOR="1")
checks = 0

GO_PROGRAM = r"""
package main

import (
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"time"
)

func work(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
	}
}

func slowUpdate(mu *sync.Mutex) {
	mu.Lock()
	defer mu.Unlock()
	work(400 * time.Microsecond)
}

func quickUpdate(mu *sync.Mutex) {
	mu.Lock()
	work(100 * time.Microsecond)
	mu.Unlock()
}

// Recursion counts once.
func descend(depth int, mu *sync.RWMutex) {
	if depth > 0 {
		descend(depth-1, mu)
		return
	}
	mu.Lock()
	work(50 * time.Microsecond)
	mu.Unlock()
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

func (p pair[K, V]) send(channel chan<- pair[K, V]) { channel <- p }

func receive(channel <-chan pair[string, int]) int { return (<-channel).value }

func write(name string) {
	file, err := os.Create(name + ".pb.gz")
	if err != nil {
		panic(err)
	}
	defer file.Close()
	if err := pprof.Lookup(name).WriteTo(file, 0); err != nil {
		panic(err)
	}
}

func main() {
	runtime.SetMutexProfileFraction(1)
	runtime.SetBlockProfileRate(1)
	cpu, err := os.Create("cpu.pb.gz")
	if err != nil {
		panic(err)
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		panic(err)
	}
	rounds, _ := strconv.Atoi(os.Args[1])
	var mutex sync.Mutex
	var rwMutex sync.RWMutex
	var group sync.WaitGroup
	channel := make(chan pair[string, int])
	for worker := range 4 {
		group.Go(func() {
			for range rounds {
				if worker%2 == 0 {
					slowUpdate(&mutex)
				} else {
					quickUpdate(&mutex)
				}
				descend(worker, &rwMutex)
			}
		})
	}
	group.Go(func() {
		for range rounds {
			receive(channel)
		}
	})
	for index := range rounds {
		time.Sleep(100 * time.Microsecond)
		pair[string, int]{"round", index}.send(channel)
	}
	group.Wait()
	pprof.StopCPUProfile()
	cpu.Close()
	for range rounds / 100 {
		go receive(channel)
	}
	time.Sleep(10 * time.Millisecond)
	for _, name := range []string{"mutex", "block", "goroutine"} {
		write(name)
	}
	if len(os.Args) > 2 {
		serve()
	}
}

// Nothing is recorded any more, so whoever asks gets the same.
func serve() {
	runtime.SetMutexProfileFraction(0)
	runtime.SetBlockProfileRate(0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	panic(http.Serve(listener, nil))
}
"""


def attempt(*command, **options):
    """What it prints, and whether it succeeds."""
    result = subprocess.run(command, env=environment, capture_output=True, text=True, **options)
    return result.stdout, result.returncode == 0, result.stderr


def run(*command, **options):
    stdout, succeeds, stderr = attempt(*command, **options)
    if not succeeds:
        sys.exit(f"{' '.join(command)} fails:\n{stderr}")
    return stdout


PPROF = [go, "tool", "pprof", "-symbolize=none"]


def pprof(*arguments):
    return run(*PPROF, *arguments)


def same(what, ours, gos):
    """Rows in any order: what is equal in value and name may be sorted differently."""
    global checks
    if not gos:
        sys.exit(f"{what}: Go's pprof prints no row")
    if sorted(ours, key=str) != sorted(gos, key=str):
        only = lambda a, b: "\n".join(sorted(map(str, set(a) - set(b))))
        sys.exit(f"{what}:\nonly contend:\n{only(ours, gos)}\nonly Go:\n{only(gos, ours)}")
    checks += len(gos)


VALUE = r"(-?[\d.]+\w*|\.)"
SHARE = r"([\d.e+-]+%)"


def top_rows(output, words=""):
    """Flat, flat%, cum, cum% and name. sum% depends on the order of what is equal."""
    row = re.compile(rf"^ *{VALUE} +{SHARE} +{SHARE} +{VALUE} +{SHARE} +{words}(.*)$")
    found = [match for match in map(row.match, output.splitlines()) if match]
    inlined = re.compile(r" \((partial-)?inline\)$")
    return [(m[1], m[2], m[4], m[5], inlined.sub("", m[6])) for m in found]


def flats(rows):
    return [(row[0], row[2]) for row in rows]


def list_rows(output):
    """The heading of each routine, its sums, and each line with a value."""
    rows = []
    for line in output.splitlines():
        if line.startswith(("Total:", "ROUTINE")):
            rows.append(line)
        elif match := re.match(rf"^ *{VALUE} +{VALUE} \(flat, cum\) +{SHARE} of Total$", line):
            rows.append(match.groups())
        elif match := re.match(rf"^ *{VALUE} +{VALUE} +(\d+):(.*)$", line):
            rows.append(match.groups())
    return rows


def sample_types(path):
    raw = pprof("-raw", path)
    line = raw.splitlines()[raw.splitlines().index("Samples:") + 1]
    return [column.split("/")[0] for column in line.split()]


def totals(path):
    """The sum of each value, and how many samples there are, as Go's pprof reads them."""
    values = re.findall(r"^ +((?:\d+ +)*\d+): [\d ]*$", pprof("-raw", path), re.MULTILINE)
    columns = zip(*(map(int, row.split()) for row in values))
    return [sum(column) for column in columns], len(values)


def compare_top(path):
    for value in sample_types(path):
        go_value = f"-sample_index={value}"
        for ours, gos in [([], []), (["--by=line"], ["-lines"])]:
            what = f"top {path} {value} {ours}"
            printed = run(contend, "top", path, "--value", value, *ours)
            expected = pprof("-top", go_value, *gos, path)
            same(what, top_rows(printed), top_rows(expected))
            # The order: by flat and by cum.
            same(f"{what}: order", [str(flats(top_rows(printed)))], [str(flats(top_rows(expected)))])
            printed = run(contend, "top", "--cum", path, "--value", value, *ours)
            expected = pprof("-top", "-cum", go_value, *gos, path)
            same(f"{what}: order", [str(flats(top_rows(printed)))], [str(flats(top_rows(expected)))])
        printed = run(contend, "top", "--all", path, "--value", value)
        same(f"top --all {path}", top_rows(printed), top_rows(pprof("-top", "-nodefraction=0", go_value, path)))
        printed = run(contend, "top", "-n", "5", path, "--value", value)
        same(f"top -n {path}", flats(top_rows(printed)), flats(top_rows(pprof("-top", "-nodecount=5", go_value, path))))


def compare_diff(base, new):
    for value in sample_types(new):
        for ours, gos in [([], []), (["--by=line"], ["-lines"])]:
            printed = run(contend, "diff", base, new, "--value", value, *ours)
            expected = pprof("-top", f"-diff_base={base}", f"-sample_index={value}", *gos, new)
            words = r"(?:new|gone|better|worse) +"
            same(f"diff {base} {new} {value} {ours}", top_rows(printed, words), top_rows(expected))


def compare_list(path, functions):
    found = set()
    for value in sample_types(path):
        for function in functions:
            what = f"list {function} {path} {value}"
            printed, finds, _ = attempt(contend, "list", function, path, "--value", value)
            options = [f"-list={function}", f"-sample_index={value}"]
            expected, go_finds, _ = attempt(*PPROF, *options, path)
            same(f"{what}: found", [finds], [go_finds])
            if finds:
                found.add(function)
                same(what, list_rows(printed), list_rows(expected))
    # Or all of it would hold of two that find nothing.
    same(f"list {path}: found at all", [bool(found)], [True])


def compare_merge(*paths):
    run(contend, "merge", *paths, "-o", "ours.pb.gz")
    pprof("-proto", "-output=gos.pb.gz", *paths)
    same(f"merge {paths}", [str(totals("ours.pb.gz"))], [str(totals("gos.pb.gz"))])
    for value in sample_types("gos.pb.gz"):
        tops = [top_rows(pprof("-top", "-lines", f"-sample_index={value}", path)) for path in ("ours.pb.gz", "gos.pb.gz")]
        same(f"merge {paths} {value}", *tops)


def compare_server(address):
    """What Go's own server answers, asked by address alone, by URL, and for everything."""
    for argument, path in [(address, "mutex"), (f"http://{address}/debug/pprof/block", "block")]:
        expected = pprof("-top", f"http://{address}/debug/pprof/{path}")
        same(f"top {argument}", top_rows(run(contend, "top", argument)), top_rows(expected))
    printed = run(contend, "snap", address, "--seconds", "1", "-o", "snap")
    [folder] = os.listdir("snap")
    same("snap: failed", re.findall(r"\d+ failed$", printed, re.MULTILINE), ["0 failed"])
    wanted = ["mutex.pb.gz", "mutex-1s.pb.gz", "block.txt", "cpu-1s.pb.gz", "goroutine.pb.gz", "heap.pb.gz"]
    saved = [name for name in wanted if os.path.exists(f"snap/{folder}/{name}")]
    same("snap: files", saved, wanted)
    saved = f"snap/{folder}/mutex.pb.gz"
    same("snap: mutex", top_rows(run(contend, "top", saved)), top_rows(run(contend, "top", address)))
    table = run(contend, "watch", address, "--every", "0.5", "--count", "1")
    same("watch", re.findall("nothing was recorded", table), ["nothing was recorded"])


os.chdir(tempfile.mkdtemp(prefix="contend-cli-"))
# Where pprof leaves what it fetched.
environment["PPROF_TMPDIR"] = os.getcwd()
os.makedirs("program")
for name, text in [("go.mod", "module program\n\ngo 1.25\n"), ("main.go", GO_PROGRAM)]:
    with open(f"program/{name}", "w") as file:
        file.write(text)
run(go, "build", "-o", "../go_program", ".", cwd="program")

# Each program twice: the folders `1` and `2` are what `diff` and `merge` are given.
for index, (rounds, fraction) in enumerate([("300", "1"), ("500", "3")], start=1):
    for program, argument in [("go", rounds), ("rust", fraction)]:
        os.makedirs(f"{program}/{index}")
    run(os.path.abspath("go_program"), rounds, cwd=f"go/{index}")
    run(example, fraction, cwd=f"rust/{index}")

profiles = {
    "go": ["mutex", "block", "goroutine", "cpu"],
    "rust": ["mutex", "block"],
}
functions = {
    "go": ["main", r"^main\.slowUpdate$", r"sync\.\(\*", "pair|receive"],
    "rust": ["slow_update|quick_update", "Queue<.*>::pop$", "contended_counter"],
}
for program, names in profiles.items():
    for name in names:
        base, new = (f"{program}/{index}/{name}.pb.gz" for index in (1, 2))
        compare_top(new)
        compare_diff(base, new)
        compare_diff(new, base)
        compare_list(new, functions[program])
        compare_merge(base, new)

command = [os.path.abspath("go_program"), "100", "serve"]
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
    try:
        compare_server(server.stdout.readline().strip())
    finally:
        server.kill()

print(f"go_cli: {checks} passed, 0 failed")
