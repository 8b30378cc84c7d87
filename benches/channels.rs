//! The cost of a profiled channel next to that of the bare one.
//!
//! ```text
//! cargo bench --bench channels --features crossbeam-channel
//! cargo bench --bench channels --features crossbeam-channel -- --filter ping-pong --json channels.json
//! ```
//!
//! **Not blocking**: one thread sends and receives in turn, so nobody waits; with profiling on it
//! has to cost what it costs with profiling off. **Ping-pong**: two threads and two channels of
//! capacity 0 or 1, each message waited for: the most waits per message there can be. The threads
//! stay on a core each: left to the scheduler they meet on one core or on two, which differ by a
//! factor of up to 80, and so do the segments of a pair. **Queue**: four producers, one consumer,
//! capacity 128, no work on either side, so both wait now and then. An operation is a message.
//! `waits ‰` is how many waits the block profile counted per thousand.
//!
//! `benches/peers/go_channels` measures the same of Go, see there.

mod common;

use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use common::contest::{Contestant, Cost, Outcome, contest};
use common::options::Options;
use common::profiling::Profiling;
use common::report::{Report, Row};

/// One sample per millisecond of waiting or less, and everything.
const BAR_AT_1_MS: f64 = 1.05;
const BAR_AT_1_NS: f64 = 1.10;
const BAR_NOT_BLOCKING: f64 = 1.03;

const PRODUCERS: u64 = 4;

/// A channel's two ends, bare or profiled.
trait Channel {
    type Sender: Clone + Send;
    type Receiver: Send;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver);
    fn send(sender: &Self::Sender, message: u64);
    fn recv(receiver: &Self::Receiver) -> u64;
}

/// Selects among two receivers.
trait Selectable: Channel {
    fn select(one: &Self::Receiver, other: &Self::Receiver) -> u64;
}

struct Bare;
struct Ours;
struct BareStd;
struct OurStd;

macro_rules! channel {
    ($name:ident, $($module:ident)::+) => {
        channel!($name, $($module)::+, Sender, bounded);

        impl Selectable for $name {
            #[inline(always)]
            fn select(one: &Self::Receiver, other: &Self::Receiver) -> u64 {
                $($module)::+::select! {
                    recv(one) -> message => message.expect("the sender is there"),
                    recv(other) -> message => message.expect("the sender is there"),
                }
            }
        }
    };
    ($name:ident, $($module:ident)::+, $sender:ident, $bounded:ident) => {
        impl Channel for $name {
            type Sender = $($module)::+::$sender<u64>;
            type Receiver = $($module)::+::Receiver<u64>;

            fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
                $($module)::+::$bounded(capacity)
            }

            #[inline(always)]
            fn send(sender: &Self::Sender, message: u64) {
                sender.send(message).expect("the receiver is there");
            }

            #[inline(always)]
            fn recv(receiver: &Self::Receiver) -> u64 {
                receiver.recv().expect("the sender is there")
            }
        }
    };
}

channel!(Bare, crossbeam_channel);
channel!(Ours, contend::crossbeam_channel);
channel!(BareStd, std::sync::mpsc, SyncSender, sync_channel);
channel!(OurStd, contend::sync::mpsc, SyncSender, sync_channel);

/// A measured loop, which sends and receives so many messages.
type Segment = fn(u64) -> Cost;

/// A loop over each of the two channels, and how to run it.
struct Case {
    name: &'static str,
    bare: Segment,
    ours: Segment,
    rounds: usize,
    messages: u64,
    /// At each of the rates.
    bars: [Option<f64>; 3],
}

fn main() {
    let options = Options::from_args();
    let mut report = Report::begin("overhead of profiled channels", &options);
    report.contests("crossbeam-channel, and std::sync::mpsc");
    let not_blocking = [Some(BAR_NOT_BLOCKING); 3];
    let blocking = [None, Some(BAR_AT_1_MS), Some(BAR_AT_1_NS)];
    let cases = [
        Case {
            name: "not blocking, send + recv",
            bare: in_turn::<Bare>,
            ours: in_turn::<Ours>,
            rounds: 101,
            messages: 200_000,
            bars: not_blocking,
        },
        Case {
            name: "std, not blocking, send + recv",
            bare: in_turn::<BareStd>,
            ours: in_turn::<OurStd>,
            rounds: 101,
            messages: 200_000,
            bars: not_blocking,
        },
        Case {
            name: "not blocking, send + select of 2",
            bare: in_turn_by_select::<Bare>,
            ours: in_turn_by_select::<Ours>,
            rounds: 51,
            messages: 50_000,
            bars: [None; 3],
        },
        Case {
            name: "ping-pong, capacity 0",
            bare: ping_pong::<Bare, 0>,
            ours: ping_pong::<Ours, 0>,
            rounds: 101,
            messages: 4_000,
            bars: blocking,
        },
        Case {
            name: "std, ping-pong, capacity 0",
            bare: ping_pong::<BareStd, 0>,
            ours: ping_pong::<OurStd, 0>,
            rounds: 101,
            messages: 4_000,
            bars: blocking,
        },
        Case {
            name: "ping-pong, capacity 1",
            bare: ping_pong::<Bare, 1>,
            ours: ping_pong::<Ours, 1>,
            rounds: 101,
            messages: 4_000,
            bars: blocking,
        },
        Case {
            name: "std, ping-pong, capacity 1",
            bare: ping_pong::<BareStd, 1>,
            ours: ping_pong::<OurStd, 1>,
            rounds: 101,
            messages: 4_000,
            bars: blocking,
        },
        Case {
            name: "queue of 128, 4 producers",
            bare: queue::<Bare>,
            ours: queue::<Ours>,
            rounds: 101,
            messages: 100_000,
            bars: blocking,
        },
        Case {
            name: "std, queue of 128, 4 producers",
            bare: queue::<BareStd>,
            ours: queue::<OurStd>,
            rounds: 101,
            messages: 100_000,
            bars: blocking,
        },
    ];
    for case in cases.iter().filter(|case| options.wants(case.name)) {
        run(case, &options, &mut report);
    }
    report.end(&options);
}

fn run(case: &Case, options: &Options, report: &mut Report) {
    const RATES: [Profiling; 3] = [Profiling::OFF, Profiling::SOME, Profiling::ALL];
    let messages = options.scaled(case.messages);
    let mut waits = [None; 3];
    let contestants = RATES.iter().zip(&mut waits).map(|(profiling, waits)| {
        Contestant::new(profiling.name, move || {
            profiling.begin();
            let cost = (case.ours)(messages);
            let counted = profiling.end();
            *waits = counted.map(|count| count + waits.unwrap_or(0));
            cost
        })
    });
    let bare = Contestant::new("bare", || (case.bare)(messages));
    let outcomes: Vec<Outcome> = contest(options.rounds(case.rounds), bare, contestants.collect());
    for ((outcome, waits), bar) in outcomes.iter().zip(waits).zip(case.bars) {
        let mut row = Row::of_outcome(case.name.to_owned(), outcome, bar);
        row.waits_per_thousand = waits.map(|count| count as f64 * 1e3 / outcome.operations as f64);
        report.add(row);
    }
}

fn cost(start: Instant, messages: u64) -> Cost {
    Cost {
        nanos: start.elapsed().as_nanos() as f64 / messages as f64,
        bystander_nanos: None,
        operations: messages,
    }
}

#[inline(never)]
fn in_turn<C: Channel>(messages: u64) -> Cost {
    let (sender, receiver) = C::bounded(128);
    let start = Instant::now();
    for message in 0..messages {
        C::send(&sender, message);
        assert_eq!(C::recv(&receiver), message);
    }
    cost(start, messages)
}

#[inline(never)]
fn in_turn_by_select<C: Selectable>(messages: u64) -> Cost {
    let (sender, receiver) = C::bounded(128);
    let (_other_sender, other) = C::bounded(1);
    let start = Instant::now();
    for message in 0..messages {
        C::send(&sender, message);
        assert_eq!(C::select(&other, &receiver), message);
    }
    cost(start, messages)
}

#[inline(never)]
fn ping_pong<C: Channel, const CAPACITY: usize>(messages: u64) -> Cost {
    let (ping_sender, ping) = C::bounded(CAPACITY);
    let (pong_sender, pong) = C::bounded(CAPACITY);
    let round_trips = messages / 2;
    let ready = Barrier::new(2);
    thread::scope(|scope| {
        let ready = &ready;
        scope.spawn(move || {
            pin_to_core(1);
            ready.wait();
            for _ in 0..round_trips {
                C::send(&pong_sender, C::recv(&ping) + 1);
            }
        });
        let measured = scope.spawn(move || {
            pin_to_core(0);
            ready.wait();
            let start = Instant::now();
            for message in 0..round_trips {
                C::send(&ping_sender, message);
                assert_eq!(C::recv(&pong), message + 1);
            }
            cost(start, round_trips * 2)
        });
        measured.join().expect("every message comes back")
    })
}

/// Keeps the calling thread on one core. Without effect where there are not as many cores, or the
/// system does not let it.
#[cfg(target_os = "linux")]
fn pin_to_core(core: usize) {
    // SAFETY: the set is plain data that all-zero bytes are valid for; the system reads it during
    // the call, with its size, and 0 means the calling thread.
    unsafe {
        let mut cores: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut cores);
        libc::sched_setaffinity(0, size_of_val(&cores), &cores);
    }
}

#[cfg(not(target_os = "linux"))]
fn pin_to_core(_: usize) {}

#[inline(never)]
fn queue<C: Channel>(messages: u64) -> Cost {
    let (sender, receiver) = C::bounded(128);
    let each = messages / PRODUCERS;
    let ready = Barrier::new(PRODUCERS as usize + 1);
    thread::scope(|scope| {
        for _ in 0..PRODUCERS {
            let (sender, ready) = (sender.clone(), &ready);
            scope.spawn(move || {
                ready.wait();
                (0..each).for_each(|message| C::send(&sender, message));
            });
        }
        ready.wait();
        let start = Instant::now();
        let sum: u64 = (0..each * PRODUCERS).map(|_| C::recv(&receiver)).sum();
        let cost = cost(start, each * PRODUCERS);
        assert_eq!(sum, PRODUCERS * each * each.saturating_sub(1) / 2);
        cost
    })
}
