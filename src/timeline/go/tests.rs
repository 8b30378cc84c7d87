//! Written files are read back, and accepted by Go's own reader (`.ci/go_trace.py`).

use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::profile::Frame;
use crate::timeline::{
    Log, NO_LABELS, NO_STACK, Region, Task, Thread, ThreadIndex, Timeline, Wait, Waker,
};

fn frame(function: &str, line: u32) -> Frame {
    Frame {
        function: function.into(),
        system_name: None,
        file: Some("src/shop.rs".into()),
        line: Some(line),
        address: 0,
    }
}

/// A start at which the clock has been running for a while.
const START: u64 = 5_000_000;
const END: u64 = 9_000_000;

fn thread(number: u64) -> Thread {
    Thread {
        number,
        tid: 100 + number,
        name: format!("worker-{number}"),
        ..Thread::default()
    }
}

fn wait(thread: ThreadIndex, begin: u64, end: u64) -> Wait {
    Wait {
        thread,
        kind: "mutex".into(),
        is_of_task: false,
        lock: 0x7f00,
        labels: NO_LABELS,
        begin,
        end,
        is_over: true,
        stack: 1,
        waker: None,
    }
}

fn read_back(timeline: &Timeline) -> Timeline {
    let mut file = Vec::new();
    write(timeline, &mut file).unwrap();
    assert!(is_trace(&file));
    read(&file).unwrap()
}

/// Three threads: one waits twice, one is let go by the first, and works for a task.
pub(in crate::timeline) fn story() -> Timeline {
    let mut timeline = Timeline::empty(START, END);
    timeline.threads = vec![thread(1), thread(2), thread(3)];
    timeline.threads[2].begin = Some(START + 100);
    timeline.threads[2].parent = Some((0, START + 50));
    timeline.threads[2].end = Some(END - 10);
    timeline
        .stacks
        .push([frame("std::lock", 3), frame("shop::serve", 9)].into());
    timeline
        .stacks
        .push([frame("shop::Cache<K>::fill", 4)].into());
    let labels = |text: &str| [("endpoint".into(), text.into())].into();
    timeline.labels.extend(["/cart", "/search"].map(labels));
    timeline.waits = vec![
        wait(1, START + 1_000, START + 60_000),
        Wait {
            waker: Some(Waker {
                thread: 0,
                at: START + 190_000,
                stack: 2,
                labels: 2,
            }),
            labels: 1,
            ..wait(2, START + 100_000, START + 200_000)
        },
        Wait {
            kind: "chan_recv".into(),
            lock: 0,
            is_over: false,
            ..wait(1, START + 300_000, END)
        },
    ];
    timeline.tasks = vec![Task {
        id: 7,
        parent: 0,
        name: "GET /cart".into(),
        begin: Some((2, START + 90_000)),
        end: Some((0, START + 500_000)),
    }];
    timeline.regions = vec![Region {
        thread: 2,
        task: 7,
        name: "look up".into(),
        begin: START + 95_000,
        end: Some(START + 210_000),
    }];
    timeline.logs = vec![Log {
        thread: 2,
        at: START + 220_000,
        task: 7,
        category: "request".into(),
        text: "4711".into(),
    }];
    timeline
}

#[test]
fn a_story_comes_back() {
    let before = story();
    let after = read_back(&before);
    let names = |timeline: &Timeline| -> Vec<String> {
        let names = timeline.threads.iter();
        names.map(|thread| thread.name.clone()).collect()
    };
    assert_eq!(names(&after), names(&before));
    assert_eq!(after.threads[2].parent, before.threads[2].parent);
    let told = |timeline: &Timeline| -> Vec<_> {
        let waits = timeline.waits.iter().map(|wait| {
            let waker = wait.waker.map(|waker| (waker.thread, waker.at));
            let times = (wait.begin, wait.is_over.then_some(wait.end));
            (wait.thread, wait.kind.clone(), wait.lock, times, waker)
        });
        waits.collect()
    };
    assert_eq!(told(&after), told(&before));
    assert_eq!(
        (&after.tasks, &after.regions),
        (&before.tasks, &before.regions)
    );
    assert_eq!(after.logs, before.logs);
    let labels = |timeline: &Timeline| -> Vec<_> {
        let waits = timeline.waits.iter().map(|wait| {
            let of_waker = wait.waker.map(|waker| timeline.labels_text(waker.labels));
            (timeline.labels_text(wait.labels), of_waker)
        });
        waits.collect()
    };
    assert_eq!(labels(&after), labels(&before));
    assert_eq!(after.labels_text(after.waits[1].labels), "endpoint=/cart");
    assert_eq!((after.start, after.end), (START, END));
    let waker = after.waits[1].waker.unwrap();
    assert_eq!(
        after.stack(waker.stack)[0].function(),
        "shop::Cache[K]::fill"
    );
    assert_eq!(
        after.stack(after.waits[0].stack)[1].function(),
        "shop::serve"
    );
}

#[test]
fn nothing_is_a_trace_too() {
    let after = read_back(&Timeline::empty(START, END));
    assert_eq!((after.threads.len(), after.waits.len()), (0, 0));
}

#[test]
fn what_is_no_trace_of_ours_is_named() {
    let why = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    assert_eq!(why(b"hello"), "not a trace");
    let of_go = b"go 1.26 trace\0\0\0\x01";
    assert!(is_trace(of_go) && why(of_go).contains("another version"));
    let mut file = Vec::new();
    write(&story(), &mut file).unwrap();
    // Cut anywhere, or changed anywhere, it is an error or another timeline, and no panic.
    for cut in 16..file.len() {
        let _ = read(&file[..cut]);
        let mut changed = file.clone();
        changed[cut] ^= 0x41;
        let _ = read(&changed);
    }
}

/// SplitMix64, as in `engine::thread_state`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// Events that no program would make: waits within waits, wakers that wait, ends without begins,
/// regions across each other, tasks twice, clocks that disagree, threads that ended.
pub(in crate::timeline) fn arbitrary(seed: u64) -> Timeline {
    let random = &mut Random(seed);
    let span = [3, 100, 10_000, 4_000_000][random.below(4) as usize];
    let mut timeline = Timeline::empty(START, START + span);
    // Times lie a little outside as well.
    let time =
        |random: &mut Random| (START + random.below(span + span / 4)).saturating_sub(span / 8);
    let threads = random.below(12) + 1;
    for number in 1..=threads {
        let begin = (!random.one_in(3)).then(|| time(random));
        let parent = random.below(threads) as usize;
        timeline.threads.push(Thread {
            number,
            // Some have none, and some the same one.
            tid: random.below(threads),
            name: ["", "main", "\u{1f980}"][random.below(3) as usize]
                .repeat(random.below(400) as usize),
            begin,
            end: random.one_in(4).then(|| time(random)),
            parent: random.one_in(2).then(|| (parent, time(random))),
        });
    }
    for depth in 0..6_u32 {
        let depth = if depth == 5 { 200 } else { depth };
        let frames =
            (0..depth).map(|line| frame(&format!("a::b<{}>", "x".repeat(line as usize * 7)), line));
        timeline.stacks.push(frames.collect::<Vec<_>>().into());
    }
    let stacks = timeline.stacks.len() as u64;
    for number in 0..random.below(4) {
        let value = "v".repeat(number as usize * 300);
        timeline.labels.push([("key".into(), value.into())].into());
    }
    let sets = timeline.labels.len() as u64;
    for _ in 0..random.below(300) {
        let (one, other) = (time(random), time(random));
        let (begin, end) = (one.min(other), one.max(other));
        let end = if random.one_in(2) {
            begin + random.below(50)
        } else {
            end
        };
        let waker = Waker {
            thread: random.below(threads + 1) as usize,
            at: if random.one_in(3) { end } else { time(random) },
            stack: random.below(stacks) as usize,
            labels: random.below(sets) as usize,
        };
        timeline.waits.push(Wait {
            thread: random.below(threads) as usize,
            kind: Arc::from(
                ["mutex", "chan_recv", "forever", "network", "x"][random.below(5) as usize],
            ),
            is_of_task: random.one_in(9),
            lock: random.below(70) * 8,
            labels: random.below(sets) as usize,
            begin,
            end,
            is_over: !random.one_in(30),
            stack: random.below(stacks) as usize,
            waker: (!random.one_in(3)).then_some(waker),
        });
    }
    for _ in 0..random.below(60) {
        let end = |random: &mut Random| (random.below(threads) as usize, time(random));
        timeline.tasks.push(Task {
            id: random.below(20) + 1,
            parent: random.below(20),
            name: "t".repeat(random.below(1100) as usize),
            begin: (!random.one_in(5)).then(|| end(random)),
            end: (!random.one_in(5)).then(|| end(random)),
        });
        let begin = time(random);
        timeline.regions.push(Region {
            thread: random.below(threads) as usize,
            task: random.below(20),
            name: ["", "look up", "render"][random.below(3) as usize].into(),
            begin,
            end: (!random.one_in(5)).then(|| time(random).max(begin)),
        });
        timeline.logs.push(Log {
            thread: random.below(threads) as usize,
            at: time(random),
            task: random.below(20),
            category: "c".repeat(random.below(3) as usize),
            text: "\u{e4}".repeat(random.below(700) as usize),
        });
    }
    timeline.waits.sort_by_key(|wait| wait.begin);
    timeline
}

#[test]
fn arbitrary_events_are_written_and_read() {
    for seed in 0..300 {
        let before = arbitrary(seed);
        let after = read_back(&before);
        // No more waits than there were, each of a thread that had one.
        assert!(after.waits.len() <= before.waits.len(), "{seed}");
        let blocks = |wait: &Wait| wait.begin < wait.end || !wait.is_over || wait.is_of_task;
        assert!(after.waits.iter().all(blocks), "{seed}");
    }
}

#[test]
fn many_names_and_threads_are_written() {
    let mut timeline = Timeline::empty(START, END);
    for number in 1..=20_000_u64 {
        timeline.threads.push(Thread {
            begin: Some(START + number * 20),
            end: Some(START + number * 20 + 10),
            ..thread(number)
        });
        timeline.waits.push(Wait {
            stack: NO_STACK,
            ..wait(
                number as usize - 1,
                START + number * 20 + 2,
                START + number * 20 + 5,
            )
        });
    }
    let after = read_back(&timeline);
    assert_eq!(after.waits.len(), timeline.waits.len());
    assert!(after.threads.iter().all(|thread| thread.end.is_some()));
}

#[test]
#[ignore = "writes files for .ci/go_trace.py, into the folder CONTEND_FUZZED"]
fn write_arbitrary_traces() {
    let folder = PathBuf::from(std::env::var_os("CONTEND_FUZZED").expect("a folder"));
    for seed in 1000..1420 {
        let file = std::fs::File::create(folder.join(format!("{seed}.trace"))).unwrap();
        arbitrary(seed).write_go(file).unwrap();
    }
    let file = std::fs::File::create(folder.join("story.trace")).unwrap();
    story().write_go(file).unwrap();
}
