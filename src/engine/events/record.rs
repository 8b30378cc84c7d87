//! An event as words, and back.
//!
//! The first word is the time, the second `type | words << 8 | kind << 16 | thread << 32`. What
//! follows depends on the type; texts are inline, so that nothing has to outlive the program's
//! strings.

use std::ops::Range;

use super::ring::MAX_WORDS;
use super::stacks::StackNumber;
use super::threads::ThreadNumber;
use crate::profile::kind::Kind;
use crate::profile::labels::LabelSet;
use crate::text::floor_char_boundary;

/// Longer names and texts are cut, at a character.
pub(crate) const MAX_TEXT_BYTES: usize = 200;
/// The same for the category of a log.
pub(crate) const MAX_CATEGORY_BYTES: usize = 64;

/// Something that happened at a time, in a thread.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event<'t> {
    /// The reading of [`clock::now`](crate::engine::clock::now).
    pub(crate) time: u64,
    pub(crate) thread: ThreadNumber,
    pub(crate) what: What<'t>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What<'t> {
    /// A wait, at its end.
    Wait(Wait),
    /// A release that others waited for.
    Release(Release),
    /// The first thing that a thread does.
    ThreadStart(Spawned),
    /// The last one.
    ThreadEnd,
    TaskBegin {
        task: u64,
        /// The task in which it was made; 0: none.
        parent: u64,
        name: Text<'t>,
    },
    TaskEnd {
        task: u64,
    },
    RegionBegin {
        /// 0: none.
        task: u64,
        /// Different for each region of a thread.
        region: u64,
        name: Text<'t>,
    },
    RegionEnd {
        region: u64,
    },
    Log {
        task: u64,
        category: Text<'t>,
        text: Text<'t>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) kind: Kind,
    /// Whether a task waited, whose thread went on meanwhile.
    pub(crate) is_of_task: bool,
    pub(crate) nanos: u64,
    /// The address that the lock is known by; 0: it was no lock.
    pub(crate) lock: u64,
    /// The waiter's.
    pub(crate) labels: LabelSet,
    pub(crate) stack: StackNumber,
    pub(crate) waker: Option<Waker>,
}

/// The release that let a waiter go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waker {
    pub(crate) thread: ThreadNumber,
    /// From the release to the wait's end.
    pub(crate) latency_nanos: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Release {
    pub(crate) kind: Kind,
    pub(crate) lock: u64,
    /// The releaser's.
    pub(crate) labels: LabelSet,
    pub(crate) stack: StackNumber,
    /// The waiting that it is charged with in the mutex profile.
    pub(crate) blame_nanos: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spawned {
    pub(crate) parent: ThreadNumber,
    /// When the parent asked for it.
    pub(crate) at: u64,
}

/// Text of at most so many bytes as its event has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text<'t>(pub(crate) &'t str);

const WAIT: u64 = 1;
const RELEASE: u64 = 2;
const THREAD_START: u64 = 3;
const THREAD_END: u64 = 4;
const TASK_BEGIN: u64 = 5;
const TASK_END: u64 = 6;
const REGION_BEGIN: u64 = 7;
const REGION_END: u64 = 8;
const LOG: u64 = 9;
const TASK_WAIT: u64 = 10;

const NO_LATENCY: u64 = u64::MAX;

/// Addresses of programs have 48 bits, whatever the processor could.
const ADDRESS_BITS: u32 = 48;

fn with_labels(address: u64, labels: LabelSet) -> u64 {
    address & ((1 << ADDRESS_BITS) - 1) | (u64::from(labels.index()) << ADDRESS_BITS)
}

fn without_labels(word: u64) -> (u64, LabelSet) {
    let labels = LabelSet::from_index((word >> ADDRESS_BITS) as u16);
    (word & ((1 << ADDRESS_BITS) - 1), labels)
}

/// The words of an event that has texts.
///
/// PERF: handed on by reference. Made by value, step by step, each step copied all 400 bytes, and
/// an event took 170 ns.
struct Words {
    words: [u64; MAX_WORDS],
    len: usize,
}

impl Words {
    #[inline]
    fn new<const N: usize>(first: [u64; N]) -> Self {
        let mut words = [0; MAX_WORDS];
        words[..N].copy_from_slice(&first);
        Self { words, len: N }
    }

    #[inline]
    fn push(&mut self, word: u64) {
        if let Some(place) = self.words.get_mut(self.len) {
            *place = word;
            self.len += 1;
        }
    }

    #[inline]
    fn push_text(&mut self, Text(text): Text<'_>, max: usize) {
        let text = &text[..floor_char_boundary(text, max)];
        self.push(text.len() as u64);
        let mut pieces = text.as_bytes().chunks_exact(8);
        for piece in &mut pieces {
            self.push(u64::from_le_bytes(piece.try_into().unwrap_or_default()));
        }
        let rest = pieces.remainder();
        if !rest.is_empty() {
            let bytes = rest.iter().rev();
            self.push(bytes.fold(0, |word, byte| (word << 8) | u64::from(*byte)));
        }
    }

    /// With their number in the header.
    #[inline]
    fn finish(&mut self) -> &[u64] {
        self.words[1] |= (self.len as u64) << LEN_SHIFT;
        &self.words[..self.len]
    }
}

const LEN_SHIFT: u32 = 8;

impl Event<'_> {
    /// The header of an event of so many words; 0: not known yet.
    #[inline]
    fn header(&self, kind_of_event: u64, kind: Option<Kind>, len: usize) -> u64 {
        let kind = kind.map_or(0, Kind::index) as u64;
        kind_of_event | ((len as u64) << LEN_SHIFT) | (kind << 16) | (u64::from(self.thread) << 32)
    }

    /// Hands the event's words on.
    #[inline]
    pub(super) fn with_words<R>(&self, hand_on: impl FnOnce(&[u64]) -> R) -> R {
        let time = self.time;
        let header = |kind_of_event, len| self.header(kind_of_event, None, len);
        match self.what {
            What::Wait(wait) => {
                let (thread, latency) = wait
                    .waker
                    .map_or((0, NO_LATENCY), |waker| (waker.thread, waker.latency_nanos));
                let type_ = if wait.is_of_task { TASK_WAIT } else { WAIT };
                hand_on(&[
                    time,
                    self.header(type_, Some(wait.kind), 6),
                    wait.nanos,
                    with_labels(wait.lock, wait.labels),
                    latency,
                    u64::from(wait.stack) | (u64::from(thread) << 32),
                ])
            }
            What::Release(release) => hand_on(&[
                time,
                self.header(RELEASE, Some(release.kind), 5),
                with_labels(release.lock, release.labels),
                release.blame_nanos,
                release.stack.into(),
            ]),
            What::ThreadStart(spawned) => hand_on(&[
                time,
                header(THREAD_START, 4),
                spawned.parent.into(),
                spawned.at,
            ]),
            What::ThreadEnd => hand_on(&[time, header(THREAD_END, 2)]),
            What::TaskEnd { task } => hand_on(&[time, header(TASK_END, 3), task]),
            What::RegionEnd { region } => hand_on(&[time, header(REGION_END, 3), region]),
            What::TaskBegin { task, parent, name } => {
                let mut words = Words::new([time, header(TASK_BEGIN, 0), task, parent]);
                words.push_text(name, MAX_TEXT_BYTES);
                hand_on(words.finish())
            }
            What::RegionBegin { task, region, name } => {
                let mut words = Words::new([time, header(REGION_BEGIN, 0), task, region]);
                words.push_text(name, MAX_TEXT_BYTES);
                hand_on(words.finish())
            }
            What::Log {
                task,
                category,
                text,
            } => {
                let mut words = Words::new([time, header(LOG, 0), task]);
                words.push_text(category, MAX_CATEGORY_BYTES);
                words.push_text(text, MAX_TEXT_BYTES);
                hand_on(words.finish())
            }
        }
    }
}

/// Visits the events of a row of them, each with a time of at least `since`.
pub(super) fn visit(words: &[u64], since: u64, mut visit: impl FnMut(&Event<'_>)) {
    for_each(words, |time, header, rest| {
        if time >= since {
            read(time, header, rest, &mut visit);
        }
    });
}

/// How many events of a row of them have such a time.
pub(super) fn count(words: &[u64], times: Range<u64>) -> u64 {
    let mut count = 0;
    for_each(words, |time, _, _| {
        count += u64::from(times.contains(&time))
    });
    count
}

/// Visits each event: its time, its header, its other words.
fn for_each(mut words: &[u64], mut visit: impl FnMut(u64, u64, &[u64])) {
    while let [time, header, ..] = *words {
        let len = ((header >> 8) & 0xff) as usize;
        let Some((event, rest)) = words.split_at_checked(len.max(2)) else {
            return;
        };
        words = rest;
        visit(time, header, &event[2..]);
    }
}

fn read(time: u64, header: u64, words: &[u64], visit: &mut impl FnMut(&Event<'_>)) {
    let mut reader = Reader { words };
    let kind = Kind::from_index((header >> 16) as u16).unwrap_or(Kind::OTHER);
    let thread = (header >> 32) as ThreadNumber;
    let mut tell = |what: What<'_>| visit(&Event { time, thread, what });
    match header & 0xff {
        type_ @ (WAIT | TASK_WAIT) => {
            let nanos = reader.word();
            let (lock, labels) = without_labels(reader.word());
            let latency_nanos = reader.word();
            let last = reader.word();
            let thread = (last >> 32) as ThreadNumber;
            tell(What::Wait(Wait {
                kind,
                is_of_task: type_ == TASK_WAIT,
                nanos,
                lock,
                labels,
                stack: last as StackNumber,
                waker: (latency_nanos != NO_LATENCY).then_some(Waker {
                    thread,
                    latency_nanos,
                }),
            }));
        }
        RELEASE => {
            let (lock, labels) = without_labels(reader.word());
            tell(What::Release(Release {
                kind,
                lock,
                labels,
                blame_nanos: reader.word(),
                stack: reader.word() as StackNumber,
            }));
        }
        THREAD_START => tell(What::ThreadStart(Spawned {
            parent: reader.word() as ThreadNumber,
            at: reader.word(),
        })),
        THREAD_END => tell(What::ThreadEnd),
        TASK_BEGIN => {
            let (task, parent) = (reader.word(), reader.word());
            let name = reader.text();
            let name = Text(&name);
            tell(What::TaskBegin { task, parent, name });
        }
        TASK_END => tell(What::TaskEnd {
            task: reader.word(),
        }),
        REGION_BEGIN => {
            let (task, region) = (reader.word(), reader.word());
            let name = reader.text();
            tell(What::RegionBegin {
                task,
                region,
                name: Text(&name),
            });
        }
        REGION_END => tell(What::RegionEnd {
            region: reader.word(),
        }),
        LOG => {
            let task = reader.word();
            let (category, text) = (reader.text(), reader.text());
            tell(What::Log {
                task,
                category: Text(&category),
                text: Text(&text),
            });
        }
        _ => {}
    }
}

struct Reader<'w> {
    words: &'w [u64],
}

impl Reader<'_> {
    /// 0 where there is none: a ring that something else wrote into must not make us panic.
    fn word(&mut self) -> u64 {
        let Some((first, rest)) = self.words.split_first() else {
            return 0;
        };
        self.words = rest;
        *first
    }

    fn text(&mut self) -> String {
        let len = (self.word() as usize).min(self.words.len() * 8);
        let mut bytes = Vec::with_capacity(len.next_multiple_of(8));
        while bytes.len() < len {
            bytes.extend(self.word().to_le_bytes());
        }
        bytes.truncate(len);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_comes_back(what: What<'_>) {
        let event = Event {
            time: 123_456_789,
            thread: 42,
            what,
        };
        // Twice, to see that the second one is found behind the first.
        let both = event.with_words(|words| words.repeat(2));
        assert!(both.len() <= 2 * MAX_WORDS);
        let mut count = 0;
        visit(&both, 0, |found| {
            assert_eq!(*found, event);
            count += 1;
        });
        assert_eq!(count, 2);
        visit(&both, event.time + 1, |_| unreachable!("too old"));
    }

    #[test]
    fn events_come_back() {
        let wait = Wait {
            kind: Kind::RWLOCK_WRITE,
            is_of_task: false,
            nanos: u64::MAX / 3,
            lock: 0x7fff_1234_5678,
            labels: LabelSet::OVERFLOW,
            stack: 0x0700_0123,
            waker: Some(Waker {
                thread: 7,
                latency_nanos: 60_000,
            }),
        };
        assert_comes_back(What::Wait(wait));
        assert_comes_back(What::Wait(Wait {
            waker: None,
            ..wait
        }));
        assert_comes_back(What::Release(Release {
            kind: Kind::MUTEX,
            lock: 0x1000,
            labels: LabelSet::OVERFLOW,
            stack: 9,
            blame_nanos: 77,
        }));
        assert_comes_back(What::ThreadStart(Spawned { parent: 1, at: 99 }));
        assert_comes_back(What::ThreadEnd);
        let name = Text("request 17 of \u{1f980}");
        assert_comes_back(What::TaskBegin {
            task: 1 << 40,
            parent: 0,
            name,
        });
        assert_comes_back(What::TaskEnd { task: 3 });
        assert_comes_back(What::RegionBegin {
            task: 3,
            region: 4,
            name: Text(""),
        });
        assert_comes_back(What::RegionEnd { region: 4 });
        assert_comes_back(What::Log {
            task: 0,
            category: Text("cache"),
            text: Text("miss"),
        });
    }

    #[test]
    fn a_wait_has_six_words() {
        let event = Event {
            time: 1,
            thread: 1,
            what: What::Wait(Wait {
                kind: Kind::MUTEX,
                is_of_task: false,
                nanos: 1,
                lock: 1,
                labels: LabelSet::NONE,
                stack: 1,
                waker: None,
            }),
        };
        assert_eq!(event.with_words(<[u64]>::len), 6);
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let long = "\u{e4}".repeat(500);
        let event = Event {
            time: 1,
            thread: 1,
            what: What::Log {
                task: 0,
                category: Text(&long[..]),
                text: Text(&format!("x{long}")),
            },
        };
        let words = event.with_words(<[u64]>::to_vec);
        assert!(words.len() <= MAX_WORDS);
        visit(&words, 0, |event| {
            let What::Log { category, text, .. } = &event.what else {
                panic!("{event:?}")
            };
            assert_eq!(category.0, "\u{e4}".repeat(MAX_CATEGORY_BYTES / 2));
            assert_eq!(
                text.0,
                format!("x{}", "\u{e4}".repeat(MAX_TEXT_BYTES / 2 - 1))
            );
        });
    }

    #[test]
    fn broken_words_are_passed_over() {
        for header in [0, u64::MAX, 0x0100, 0xff01, 0x0207] {
            visit(&[1, header, 3, 4], 0, |_| {});
        }
    }
}
