#!/usr/bin/env python3
"""The command must print the numbers that Go's own pprof prints, for every row.

    go_cli.py GO CONTEND EXAMPLE

GO is the `go` command, CONTEND the built command, EXAMPLE the built `contended_counter`. Compiles a Go
program that writes a mutex, a block, a goroutine and a CPU profile, twice, runs the example twice, and
compares `top`, `diff`, `list`, `tree`, `peek`, `merge` and the filters with `go tool pprof`'s -top, -diff_base, -list,
-tree, -peek, -proto and filters on all of them. The same for profiles that are put together here: the shapes that Go's own tests have (inlined frames, frames
to leave out, no names), other producers' dialects, and random ones. Then asks the program's net/http/pprof. Exits
with 1 at the first number that differs.
"""

import gzip
import random

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


def pprof_command():
    """`go tool` looks each time whether pprof is built, which takes ten times as long as pprof itself."""
    attempt(go, "tool", "pprof", "-h")
    path = run(go, "tool", "-n", "pprof").strip()
    return [path] if os.path.isfile(path) else [go, "tool", "pprof"]


TOOL = pprof_command()
PPROF = [*TOOL, "-symbolize=none"]


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


def tree_parts(output):
    """Each function with its callers and its callees."""
    parts, edges, node = [], [], None
    for line in output.splitlines():
        if match := re.match(rf"^ *{VALUE} +{SHARE} +\|   (.*)$", line):
            edges.append(match.groups())
        elif match := re.match(rf"^ *{VALUE} +{SHARE} +{SHARE} +{VALUE} +{SHARE} +\| (.*)$", line):
            m, callers, edges = match, sorted(edges), []
            node = (m[1], m[2], m[4], m[5], m[6], callers)
        elif line.startswith("------") and node:
            parts.append((*node, sorted(edges)))
            edges, node = [], None
    return parts


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


def varint(value):
    value &= (1 << 64) - 1
    encoded = b""
    while value > 127:
        encoded += bytes([value & 127 | 128])
        value >>= 7
    return encoded + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def message(field, body):
    body = body.encode() if isinstance(body, str) else body
    return varint(field << 3 | 2) + varint(len(body)) + body


class Profile:
    """A stack is a list of locations, leaf first, a location a list of frames, innermost first: (name, line)."""

    def __init__(self, *types, **head):
        self.strings, self.functions, self.locations = [""], [], []
        self.body = b""
        for name, unit in types:
            self.body += message(1, number(1, self.string(name)) + number(2, self.string(unit)))
        for field, value in head.items():
            field = {"drop": 7, "keep": 8, "time": 9, "duration": 10, "default": 14, "doc_url": 15}[field]
            self.body += number(field, self.string(value) if isinstance(value, str) else value)

    def string(self, text):
        if text not in self.strings:
            self.strings.append(text)
        return self.strings.index(text)

    def place(self, table, entry):
        if entry not in table:
            table.append(entry)
        return table.index(entry) + 1

    def sample(self, values, *stack, labels={}):
        ids = [self.place(self.locations, tuple(location)) for location in stack]
        sample = message(1, b"".join(map(varint, ids))) + message(2, b"".join(map(varint, values)))
        for key, value in labels.items():
            label = number(2, self.string(value)) if isinstance(value, str) else number(3, value)
            sample += message(3, number(1, self.string(key)) + label)
        self.body += message(2, sample)
        return self

    def write(self, path):
        """In the names `name`, `name|system name`, or `|system name`; `name@file` says the file."""
        mapping = number(1, 1) + number(2, 0x1000) + number(3, 0x900000) + number(5, self.string("/srv/bin/shop"))
        body = self.body + message(3, mapping + number(7, 1))
        for index, location in enumerate(self.locations, start=1):
            lines = b""
            for name, line in location:
                function = number(1, self.place(self.functions, name)) if name is not None else b""
                lines += message(4, function + number(2, line))
            body += message(4, number(1, index) + number(2, 1) + number(3, 0x1000 * index) + lines)
        for index, name in enumerate(self.functions, start=1):
            name, _, file = name.partition("@")
            name, bar, system_name = name.partition("|")
            system_name = system_name if bar else name
            function = number(1, index) + number(2, self.string(name)) + number(3, self.string(system_name))
            body += message(5, function + number(4, self.string(file)))
        for string in self.strings:
            body += message(6, string)
        with open(path, "wb") as file:
            file.write(gzip.compress(body))
        return path


def stacks_of_gos_tests(profile, scale):
    """The stacks of google/pprof's driver tests: each location has one to three inlined frames."""
    one = [("line1000@file1000.src", 1)]
    two = [("line2001@file2000.src", 9), ("line2000@file2000.src", 4)]
    three = [("line3002@file3000.src", 2), ("line3001@file3000.src", 5), ("line3000@file3000.src", 6)]
    fourth = [("line3001@file3000.src", 8), ("line3000@file3000.src", 9)]
    fifth = [("line3002@file3000.src", 5), ("line3000@file3000.src", 9)]
    for index, stack in enumerate([(one, two, three), (one, fourth), (two, fifth), (three,)]):
        values = [scale * 2**index, scale * 7**index]
        profile.sample(values, *stack, labels={"key1": f"tag{index}", "bytes": 1 << index})
    return profile


SYMBOLS = [
    "_ZN4shop4Cart3addERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE",
    "_ZN4shop5serve17h0123456789abcdefE",
    "_RNvMs_CsaBcDeFgHi_4shopNtB4_5Stock4take",
    "_ZNSt6vectorIiSaIiEE9push_backERKi",
    "_ZNK4shop5PriceltERKS0_",
    "_ZN12_GLOBAL__N_16Hidden3runEi",
    "_ZN4shop4callILi3EZ4mainEUlvE_EEDTclfp_EET0_",
    "main",
]


def dialects():
    """Name by name the profiles, each with another of the same kind to compare it with."""
    contention = [("contentions", "count"), ("delay", "nanoseconds")]
    for name, types, scale, head in [
        ("cpu", [("samples", "count"), ("cpu", "milliseconds")], 10, {"duration": 10**10}),
        ("heap", [("inuse_objects", "count"), ("inuse_space", "bytes")], 102_400, {"default": "inuse_objects"}),
        ("contention", contention, 1_024_000, {"time": 1_700_000_000 * 10**9, "doc_url": "https://example.com"}),
        ("drop", contention, 1_000, {"drop": "line300[12]|line2001", "keep": "line3002"}),
        ("seconds", [("n", "count"), ("t", "seconds")], 3, {}),
        ("micro", [("n", "count"), ("t", "us")], 999, {}),
        ("odd", [("n", "count"), ("t", "apples")], 999, {}),
    ]:
        yield name, *(stacks_of_gos_tests(Profile(*types, **head), scale * by) for by in (1, 3))
    symz = [Profile(*contention).sample([by, 10 * by], [], [("main", 3)], []) for by in (1, 2)]
    yield "no names", *symz
    for form in ["{0}", "|{0}", "{0}|{0}"]:
        pair = [Profile(("n", "count")), Profile(("n", "count"))]
        for by, profile in enumerate(pair, start=1):
            for index, symbol in enumerate(SYMBOLS):
                stack = [[(form.format(symbol), 0)], [(form.format(SYMBOLS[(index + 1) % len(SYMBOLS)]), 0)]]
                profile.sample([by * 100 + index], *stack)
        yield f"symbols {form.count('0')}{form[0] == '|'}", *pair
    locks = Profile(*contention, drop=r"base::Mutex::.*|release", keep=r".*Kept")
    stack = lambda *names: [[(name, 1)] for name in names]
    locks.sample([3, 300], *stack("base::Mutex::Unlock", "release", "add", "serve", "main"))
    locks.sample([2, 100], *stack("take(int)", "base::Mutex::Lock", "serve", "main"))
    locks.sample([1, 50], *stack("base::Mutex::LockKept", "serve", "main"))
    # A stack of nothing but dropped frames keeps them.
    locks.sample([1, 7], *stack("base::Mutex::Lock"))
    yield "locks", locks, stacks_of_gos_tests(Profile(*contention), 5)
    micro, nano = Profile(("t", "us"), ("size", "kB"), ("n", "count")), Profile(("n", "count"), ("t", "ns"))
    micro.sample([400, 1, 4], *stack("a", "b")).sample([100, 9, 1], *stack("b"))
    yield "units", micro, nano.sample([3, 350_500], *stack("a", "b")).sample([1, 7], *stack("c"))
    for seed in range(12):
        chance = random.Random(seed)
        pair = [Profile(*contention), Profile(*contention)]
        for profile in pair:
            for _ in range(chance.randint(1, 60)):
                frame = lambda: (f"f{chance.randint(0, 9)}@src/{chance.randint(0, 2)}.rs", chance.randint(0, 40))
                location = lambda: [frame() for _ in range(chance.randint(1, 3))]
                values = [chance.randint(0, 5), chance.choice([0, 1, -7, 10**4, 10**7, 3 * 10**9])]
                profile.sample(values, *(location() for _ in range(chance.randint(1, 6))))
        yield f"random {seed}", *pair


def dialect_filters(name):
    """What may tell the frames, files and labels of a dialect apart."""
    if name.startswith("random 1"):
        return [
            ["-focus=f[1-3]$"],
            ["-ignore=f[13]$|2.rs"],
            ["-hide=f[0-4]$"],
            ["-show=f[0-4]$|src/1"],
            ["-focus=f1", "-ignore=f2$", "-hide=f3|f5", "-show=f[0-8]"],
        ]
    if name in ("contention", "drop"):
        return [
            ["-focus=line300[12]|file1000"],
            ["-ignore=line2001"],
            ["-hide=line300.|line2001"],
            ["-show=line3000|line1000"],
            ["-show=shop"],
            ["-focus=shop", "-hide=file3000"],
            ["-tagfocus=tag[13]"],
            ["-tagfocus=key1=tag1,tag3"],
            ["-tagfocus=key1:tag,tag2"],
            ["-tagignore=key1=tag0"],
            ["-tagfocus=2b:4b", "-tagignore=bytes=4B"],
            ["-tagfocus=bytes=:1b"],
            ["-tagfocus=key1=nobody"],
        ]
    return [["-focus=.", "-hide=a|main"], ["-show=nobody"]]


def compare_top(path):
    for value in sample_types(path):
        go_value = f"-sample_index={value}"
        for ours, gos in [([], []), (["--by=line"], ["-lines"])]:
            what = f"top {path} {value} {ours}"
            printed = run(contend, "top", "--idle", path, "--value", value, *ours)
            expected = pprof("-top", go_value, *gos, path)
            same(what, top_rows(printed), top_rows(expected))
            # The order: by flat and by cum.
            same(f"{what}: order", [str(flats(top_rows(printed)))], [str(flats(top_rows(expected)))])
            printed = run(contend, "top", "--idle", "--cum", path, "--value", value, *ours)
            expected = pprof("-top", "-cum", go_value, *gos, path)
            same(f"{what}: order", [str(flats(top_rows(printed)))], [str(flats(top_rows(expected)))])
        printed = run(contend, "top", "--idle", "--all", path, "--value", value)
        same(f"top --all {path}", top_rows(printed), top_rows(pprof("-top", "-nodefraction=0", go_value, path)))
        printed = run(contend, "top", "--idle", "-n", "5", path, "--value", value)
        same(f"top -n {path}", flats(top_rows(printed)), flats(top_rows(pprof("-top", "-nodecount=5", go_value, path))))


def compare_tree(path, functions):
    for value in sample_types(path):
        for ours, gos in [([], []), (["--by=line"], ["-lines"])]:
            printed = run(contend, "tree", path, "--value", value, *ours)
            expected = pprof("-tree", f"-sample_index={value}", *gos, path)
            same(f"tree {path} {value} {ours}", tree_parts(printed), tree_parts(expected))
            what = f"peek {path} {value} {ours}"
            for function in functions:
                printed, finds, _ = attempt(contend, "peek", function, path, "--value", value, *ours)
                options = [f"-peek={function}", f"-sample_index={value}"]
                expected, go_finds, _ = attempt(*PPROF, *options, *gos, path)
                same(f"{what}: found", [finds], [go_finds])
                if finds:
                    same(what, tree_parts(printed), tree_parts(expected))
        printed = run(contend, "tree", "-n", "3", path, "--value", value)
        expected = pprof("-tree", "-nodecount=3", f"-sample_index={value}", path)
        # Which of those that are equal are the first three is a matter of taste.
        nodes = [[part[:4] for part in tree_parts(text)] for text in (printed, expected)]
        same(f"tree -n 3 {path} {value}", *nodes)


def same_or_none(what, ours, gos):
    """As `same`, where a filter may leave nothing."""
    same(what, ours or ["nothing"], gos or ["nothing"])
    return bool(gos)


def compare_filters(base, new, filters, function):
    """Each a list of options, as Go's pprof has them; `function` is one whose source is there."""
    left = False
    for options in filters:
        ours = [f"-{option}" for option in options]
        # One of the values will do: which samples and frames stay is the same for all.
        for value in [value for value in sample_types(new) if value in sample_types(base)][-1:]:
            go_value = f"-sample_index={value}"
            what = f"{options} {new} {value}"
            printed = run(contend, "top", "--idle", new, "--value", value, *ours)
            expected = pprof("-top", go_value, *options, new)
            left |= same_or_none(f"top {what}", top_rows(printed), top_rows(expected))
            printed = run(contend, "tree", new, "--value", value, *ours)
            expected = pprof("-tree", go_value, *options, new)
            same_or_none(f"tree {what}", tree_parts(printed), tree_parts(expected))
            printed = run(contend, "diff", base, new, "--value", value, *ours)
            expected = pprof("-top", f"-diff_base={base}", go_value, *options, new)
            words = r"(?:new|gone|better|worse) +"
            same_or_none(f"diff {what}", top_rows(printed, words), top_rows(expected))
            command = [contend, "list", function, new, "--value", value, "--source-path=/:.", *ours]
            printed, finds, _ = attempt(*command)
            expected, go_finds, _ = attempt(*PPROF, f"-list={function}", go_value, *options, new)
            same(f"list {what}: found", [finds], [go_finds])
            if finds:
                same(f"list {what}", list_rows(printed), list_rows(expected))
            # Go draws no such picture, but writes what it has left.
            pprof("-proto", "-output=left.pb.gz", *options, new)
            run(contend, "flamegraph", new, "--value", value, *ours, "-o", "ours.svg")
            run(contend, "flamegraph", "left.pb.gz", "--value", value, "-o", "gos.svg")
            drawn = [re.findall("<title>(.*?)</title>", open(svg).read()) for svg in ("ours.svg", "gos.svg")]
            same_or_none(f"flamegraph {what}", *drawn)
    # Or all of it would hold of filters that leave nothing.
    same(f"filters of {new}: leave something", [left], [True])


def compare_diff(base, new):
    for value in filter(sample_types(base).__contains__, sample_types(new)):
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
            command = [contend, "list", function, path, "--value", value, "--source-path=/:."]
            printed, finds, _ = attempt(*command)
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
        same(f"top {argument}", top_rows(run(contend, "top", "--idle", argument)), top_rows(expected))
    printed = run(contend, "snap", address, "--seconds", "1", "-o", "snap")
    [folder] = os.listdir("snap")
    same("snap: failed", re.findall(r"\d+ failed$", printed, re.MULTILINE), ["0 failed"])
    wanted = ["mutex.pb.gz", "mutex-1s.pb.gz", "block.txt", "cpu-1s.pb.gz", "goroutine.pb.gz", "heap.pb.gz"]
    saved = [name for name in wanted if os.path.exists(f"snap/{folder}/{name}")]
    same("snap: files", saved, wanted)
    saved = f"snap/{folder}/mutex.pb.gz"
    same("snap: mutex", top_rows(run(contend, "top", "--idle", saved)), top_rows(run(contend, "top", "--idle", address)))
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
# What Go's CPU and goroutine profiles have in common is `main`.
filters = {
    "go": [
        ["-focus=main"],
        ["-ignore=slowUpdate|receive"],
        ["-hide=sync|runtime"],
        ["-show=main"],
        ["-focus=main", "-ignore=runtime.goexit", "-hide=Mutex"],
        ["-focus=nobody"],
    ],
    "rust": [
        ["-focus=slow_update"],
        ["-ignore=slow_update", "-hide=contend::"],
        ["-show=contended_counter|std::"],
        ["-tagfocus=kind=^(mutex|chan_recv|condvar)$"],
        ["-tagignore=kind:nobody", "-focus=.", "-hide=nobody"],
        ["-tagfocus=nobody"],
    ],
}
for program, names in profiles.items():
    for name in names:
        base, new = (f"{program}/{index}/{name}.pb.gz" for index in (1, 2))
        compare_top(new)
        compare_diff(base, new)
        compare_diff(new, base)
        compare_list(new, functions[program])
        compare_tree(new, functions[program])
        compare_filters(base, new, filters[program], functions[program][0])
        compare_merge(base, new)

# Symbols are read by Go as well then; there is no such program.
PPROF[:] = [*TOOL, "-symbolize=local"]
os.makedirs("dialects")
os.makedirs("src")
for file in ["file1000.src", "file2000.src", "file3000.src", "src/0.rs", "src/1.rs", "src/2.rs"]:
    with open(file, "w") as source:
        source.writelines(f"line {line} of {file}\n" for line in range(1, 60))
for name, *pair in dialects():
    base, new = (profile.write(f"dialects/{name} {index}.pb.gz") for index, profile in enumerate(pair, start=1))
    for path in (base, new):
        compare_top(path)
    compare_list(new, [".", "line300|a|main", "f[1-3]"])
    compare_tree(new, ["line300|a|main", "f[1-3]"])
    compare_filters(base, new, dialect_filters(name), ".")
    compare_diff(base, new)
    compare_diff(new, base)
    compare_merge(base, new)
PPROF[:] = [*TOOL, "-symbolize=none"]

command = [os.path.abspath("go_program"), "100", "serve"]
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
    try:
        compare_server(server.stdout.readline().strip())
    finally:
        server.kill()

print(f"go_cli: {checks} passed, 0 failed")
