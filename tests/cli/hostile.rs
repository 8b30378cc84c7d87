//! Files from anybody, at every subcommand that reads some: each is shown or refused, with bounded
//! memory and work, and nothing of it commands the terminal.

use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::handmade::{Builder, gzip, message, number, numbers, shop, varint};
use super::open::Open;
use super::{Folder, contend};

/// Address space, for files of some megabytes.
const SPACE: u64 = 1 << 30;
/// The same for files that end at a limit of the command's own, which is 1 GiB.
const MUCH_SPACE: u64 = 4 << 30;
/// Seconds of a processor, of which a build without optimisation takes a few.
const WORK: u64 = 60;

/// Numbers that look random (xorshift, Marsaglia 2003).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// With bounds that end it by a signal, or make it abort.
fn bounded(arguments: &[&str], space: u64) -> Command {
    let mut command = contend(arguments);
    let limit = move |what, bound| {
        let limit = libc::rlimit {
            rlim_cur: bound,
            rlim_max: bound,
        };
        // SAFETY: reads a live local.
        match unsafe { libc::setrlimit(what, &limit) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: makes system calls, and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            limit(libc::RLIMIT_AS, space)?;
            limit(libc::RLIMIT_CPU, WORK)
        })
    };
    command
}

/// A result or an error, in text that a terminal only shows.
#[track_caller]
fn assert_ended_well(what: &str, output: &Output) {
    let [stdout, stderr] = [&output.stdout, &output.stderr];
    let said = String::from_utf8_lossy(stderr);
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{what}: {}: {said}",
        output.status
    );
    assert!(!said.contains("panicked"), "{what}: {said}");
    for text in [stdout, stderr] {
        let text = String::from_utf8_lossy(text);
        let control = text.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(control, None, "{what}: {text}");
    }
}

/// Every subcommand that reads profiles.
fn read_by_all(folder: &Folder, what: &str, file: &str, space: u64) {
    let good = folder.file("good.pb.gz", shop().gzip());
    let (merged, svg) = (folder.path("merged.pb.gz"), folder.path("out.svg"));
    for arguments in [
        &["top", file][..],
        &["top", "--by=line", "--all", file],
        &["top", "--by=label:kind", "--cum", file],
        &["list", ".", file],
        &["peek", ".", file],
        &["tree", "--all", file],
        &["diff", &good, file],
        &["diff", file, &good],
        &["ci", &good, file, "--per-second"],
        &["ci", file, &good, "--fail-if=delay(\"nowhere\") > 1000x"],
        &["merge", file, &good, file, "-o", &merged],
        &["flamegraph", file, "-o", &svg],
        &["trace", file],
    ] {
        let output = bounded(arguments, space).output().unwrap();
        assert_ended_well(&format!("{what}: {arguments:?}"), &output);
    }
}

/// Pages of a profile, as `contend open` serves them until it is ended.
fn read_by_open(what: &str, file: &str, space: u64) {
    let mut command = bounded(&["open", file], space);
    command.stderr(Stdio::piped());
    let mut open = match Open::start(command) {
        Ok(open) => open,
        Err(output) => return assert_ended_well(&format!("{what}: open"), &output),
    };
    for path in [
        "/",
        "/top?profile=1",
        "/flamegraph?profile=1",
        "/function?profile=1&name=f",
    ] {
        let answer = open.get(path, &open.address);
        let status = answer.lines().next().unwrap_or_default();
        assert!(status.starts_with("HTTP/1.1 "), "{what}: {path}: {status}");
        assert!(!status.contains(" 500"), "{what}: {path}: {status}");
    }
    let has_ended = open.child.try_wait().unwrap();
    assert!(has_ended.is_none(), "{what}: it has ended");
}

/// The fuzzer's corpus: profiles of this crate's, and those of other tools that were read wrongly.
fn kept() -> Vec<Vec<u8>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/profile_reader");
    let mut paths: Vec<_> = fs::read_dir(corpus)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Not compressed, so that a changed byte is one of the profile's.
fn plain(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut plain) {
        Ok(_) => plain,
        Err(_) => bytes.to_vec(),
    }
}

/// Cut short, or with some bits and bytes changed, or a piece twice.
fn mutated(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.is_empty() {
        return bytes;
    }
    let at = numbers.below(bytes.len());
    match numbers.below(5) {
        0 => bytes.truncate(at),
        1 => {
            // A number of ten bytes, the largest that there is.
            bytes.splice(at..=at, [0xff; 9].into_iter().chain([1]));
        }
        2 => {
            let piece = bytes[at..].to_vec();
            let to = numbers.below(bytes.len());
            bytes.splice(to..to, piece);
        }
        _ => {
            for _ in 0..=numbers.below(4) {
                let at = numbers.below(bytes.len());
                bytes[at] ^= 1 << numbers.below(8);
            }
        }
    }
    bytes
}

#[test]
fn mutated_profiles_are_shown_or_refused() {
    let folder = Folder::new();
    let mut numbers = Numbers(20_261_127);
    for (index, bytes) in kept().iter().enumerate() {
        let file = folder.file("kept", bytes);
        let what = format!("kept {index}");
        read_by_all(&folder, &what, &file, SPACE);
        read_by_open(&what, &file, SPACE);
        for round in 0..4 {
            let file = match round {
                0 => folder.file("mutated", mutated(bytes, &mut numbers)),
                _ => folder.file("mutated", mutated(&plain(bytes), &mut numbers)),
            };
            let what = format!("kept {index}, mutation {round}");
            read_by_all(&folder, &what, &file, SPACE);
            if round == 1 {
                read_by_open(&what, &file, SPACE);
            }
        }
    }
}

/// Numbers that are too large for what they say, and much of something.
fn extremes() -> Vec<(&'static str, Vec<u8>)> {
    let with = |fields: Vec<u8>| shop().with(fields).plain();
    let extreme = [i64::MAX, i64::MIN, -1];
    let values =
        extreme.map(|value| message(2, [numbers(1, &[1]), numbers(2, &[value, value])].concat()));
    // Behind the functions and locations of the shop.
    let lines = extreme.map(|line| {
        let line = [number(1, 1), number(2, line)].concat();
        message(
            4,
            [
                number(1, 90),
                number(3, line.len() as i64),
                message(4, line),
            ]
            .concat(),
        )
    });
    let deep_stack = numbers(1, &vec![1; 1_000_000]);
    let many_labels = message(3, [number(1, 1), number(2, 1)].concat()).repeat(200_000);
    let group = [varint(15 << 3 | 3), vec![15 << 3 | 4]];
    let parts = "a/".repeat(100_000);
    vec![
        ("values", with(values.concat())),
        ("a line", with(lines[0].clone())),
        ("a negative line", with(lines[1].clone())),
        (
            "deep stack",
            with(message(2, [deep_stack, numbers(2, &[1, 1])].concat())),
        ),
        (
            "labels",
            with(message(
                2,
                [numbers(1, &[1]), numbers(2, &[1, 1]), many_labels].concat(),
            )),
        ),
        (
            "samples",
            with(message(2, [numbers(1, &[1, 2]), numbers(2, &[1, 1])].concat()).repeat(200_000)),
        ),
        (
            "groups",
            with([group[0].repeat(100_000), group[1].repeat(100_000)].concat()),
        ),
        (
            "messages in a message",
            with((0..2000).fold(Vec::new(), |inner, _| message(15, inner))),
        ),
        (
            "a file of many parts",
            Builder::contention()
                .sample(&[1, 1], &[&format!("f {parts}x.rs:1")])
                .plain(),
        ),
        (
            "a name of many parts",
            Builder::contention()
                .sample(&[1, 1], &[&"a::".repeat(100_000)])
                .plain(),
        ),
        (
            "a name of many brackets",
            Builder::contention()
                .sample(
                    &[1, 1],
                    &[
                        &format!("_ZN{}", "1a".repeat(100_000)),
                        &"<".repeat(100_000),
                        &format!("_RN{}", "v".repeat(100_000)),
                    ],
                )
                .plain(),
        ),
        (
            "packed often",
            (0..20).fold(shop().plain(), |inner, _| gzip(&inner)),
        ),
        (
            "times",
            with(
                [
                    number(9, i64::MIN),
                    number(10, i64::MAX),
                    number(12, i64::MIN),
                ]
                .concat(),
            ),
        ),
    ]
}

#[test]
fn extreme_profiles_are_shown_or_refused() {
    let folder = Folder::new();
    for (what, bytes) in extremes() {
        let file = folder.file("extreme", bytes);
        read_by_all(&folder, what, &file, SPACE);
        read_by_open(what, &file, SPACE);
    }
}

/// A trace: a batch of each thread, of events as their code, a time, and their arguments.
fn trace(batches: &[(u64, u64, Vec<u8>)]) -> Vec<u8> {
    let mut file = b"go 1.23 trace\0\0\0".to_vec();
    for (thread, time, data) in batches {
        file.push(1);
        file.extend([1, *thread, *time, data.len() as u64].map(varint).concat());
        file.extend(data);
    }
    file
}

fn event(code: u8, numbers: &[u64]) -> Vec<u8> {
    let numbers = numbers.iter().flat_map(|number| varint(*number));
    [code].into_iter().chain(numbers).collect()
}

/// A batch of texts, by their numbers from 1 on.
fn texts(texts: &[&str]) -> (u64, u64, Vec<u8>) {
    let entries = (1..).zip(texts).flat_map(|(id, text): (u64, &&str)| {
        let head = event(5, &[id, text.len() as u64]);
        [head, text.as_bytes().to_vec()].concat()
    });
    (u64::MAX, 0, [4].into_iter().chain(entries).collect())
}

/// Two threads: one waits for a lock that the other releases, in a task and a region.
fn small_trace() -> Vec<u8> {
    let reason = "sync mutex 0x7f00";
    let first = [
        event(16, &[0, 1, 1]),
        event(39, &[0, 2]),
        event(40, &[1, 7, 0, 3, 0]),
        event(42, &[1, 7, 3, 0]),
        event(20, &[2, 1, 1]),
        event(16, &[90, 1, 3]),
        event(44, &[1, 7, 2, 3, 0]),
        event(43, &[1, 7, 3, 0]),
        event(41, &[1, 7, 0]),
    ];
    let second = [event(16, &[0, 2, 1]), event(21, &[60, 1, 2, 1])];
    let stack = [vec![2], event(3, &[1, 1, 0x1000, 3, 2, 12])].concat();
    trace(&[
        (5, 1000, first.concat()),
        (6, 1000, second.concat()),
        (u64::MAX, 0, stack),
        texts(&[reason, "worker\u{1b}[2J", "shop::checkout"]),
    ])
}

fn read_by_trace(folder: &Folder, what: &str, file: &str, space: u64) -> Vec<Output> {
    let output = folder.path("out");
    let runs = [
        &["trace", file][..],
        &["trace", file, "--to", "go", "-o", &output],
        &["trace", file, "--to", "perfetto", "-o", &output],
    ];
    let read = |arguments: &&[&str]| {
        let output = bounded(arguments, space).output().unwrap();
        assert_ended_well(&format!("{what}: {arguments:?}"), &output);
        output
    };
    runs.iter().map(read).collect()
}

#[test]
fn mutated_traces_are_shown_or_refused() {
    let folder = Folder::new();
    let whole = small_trace();
    let outputs = read_by_trace(&folder, "whole", &folder.file("whole", &whole), SPACE);
    let text = String::from_utf8_lossy(&outputs[0].stdout);
    assert!(
        text.contains("mutex 0x7f00") && text.contains("shop::checkout"),
        "{text}"
    );
    let mut numbers = Numbers(20_261_127);
    for round in 0..60 {
        // The first 16 bytes say what it is.
        let changed = mutated(&whole[16..], &mut numbers);
        let file = folder.file("mutated", [&whole[..16], &changed].concat());
        read_by_trace(&folder, &format!("mutation {round}"), &file, SPACE);
    }
}

#[test]
fn extreme_traces_are_shown_or_refused() {
    let folder = Folder::new();
    let start = event(16, &[0, 1, 1]);
    let name = "x".repeat(1 << 20);
    let refused = [
        // A name of a megabyte in each of many tasks, logs and regions.
        ("tasks", event(40, &[0, 7, 0, 1, 0]).repeat(20_000)),
        ("logs", event(44, &[0, 7, 1, 1, 0]).repeat(20_000)),
        ("regions", event(42, &[0, 7, 1, 0]).repeat(20_000)),
    ];
    for (what, events) in refused {
        let events = [&start[..], &events].concat();
        let file = folder.file(what, trace(&[(5, 0, events), texts(&[&name])]));
        for output in read_by_trace(&folder, what, &file, MUCH_SPACE) {
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(
                error.contains("too large: takes more than 1024 MB"),
                "{what}: {error}"
            );
        }
    }
    let backwards = [event(20, &[0, 0, 0]), event(16, &[1, 1, 3])].concat();
    let batches = (0..2000).map(|number| {
        let time = if number % 2 == 0 {
            u64::MAX - 1
        } else {
            number
        };
        (5, time, backwards.clone())
    });
    let batches: Vec<_> = std::iter::once((5, 0, start.clone()))
        .chain(batches)
        .collect();
    let open_regions = event(42, &[1, 7, 0, 0]).repeat(100_000);
    for (what, file) in [
        ("backwards", trace(&batches)),
        (
            "open regions",
            trace(&[(5, 0, [&start[..], &open_regions].concat())]),
        ),
        (
            "stacks",
            trace(&[(u64::MAX, 0, event(2, &[3, 1, u64::MAX]))]),
        ),
        ("size", trace(&[(5, u64::MAX, start)])[..20].to_vec()),
    ] {
        read_by_trace(&folder, what, &folder.file(what, file), SPACE);
    }
}
