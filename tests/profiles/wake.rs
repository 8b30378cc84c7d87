//! The wake profile: who ended a wait that no lock made.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use contend::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use contend::sync::{Barrier, Condvar, Mutex};
use contend::{Profile, thread};

use crate::block_kinds::events::{leaf, without_parameters};
use crate::common::{Sleeper, release_when_asleep};
use crate::ground_truth::*;

/// Contentions and delay of each kind that somebody ends.
fn sums(profile: &Profile) -> BTreeMap<String, (u64, Duration)> {
    const KINDS: [&str; 7] = [
        "condvar",
        "chan_send",
        "chan_recv",
        "select",
        "barrier",
        "join",
        "park",
    ];
    let mut sums = BTreeMap::new();
    for sample in profile.samples() {
        let kind = sample.label("kind").unwrap_or_default();
        if KINDS.contains(&kind) {
            let sum: &mut (u64, Duration) = sums.entry(kind.to_owned()).or_default();
            sum.0 += sample.contentions();
            sum.1 += sample.delay();
        }
    }
    sums
}

/// All that the block profile has of these kinds is in the wake profile, to the nanosecond.
#[track_caller]
pub(crate) fn assert_conserved() {
    let (wake, block) = (contend::wake_profile(), contend::block_profile());
    assert_eq!(sums(&wake), sums(&block), "{wake}\n{block}");
}

/// Runs `wait` on a thread, and `end_it` when that is asleep. The only wait must be charged to the
/// function `by`, whose call of ours is `method`.
#[track_caller]
fn assert_ended_by<R: Send>(
    kind: &str,
    by: &str,
    method: &str,
    wait: impl FnOnce() -> R + Send,
    end_it: impl FnOnce(),
) {
    let _recording = recording(1, 1);
    release_when_asleep(wait, end_it);
    let profile = contend::wake_profile();
    let samples = samples_of(&profile, by);
    assert_eq!(samples.len(), 1, "{profile}");
    assert_eq!(samples[0].label("kind"), Some(kind));
    assert_eq!(samples[0].contentions(), 1);
    assert_eq!(without_parameters(leaf(samples[0])), method);
    assert_eq!(profile.total_contentions(), 1, "{profile}");
    assert_eq!(profile.lost().total(), 0);
    assert_conserved();
}

/// The only wait must have ended by itself.
#[track_caller]
fn assert_timed_out(wait: impl FnOnce()) {
    let _recording = recording(1, 1);
    wait();
    let profile = contend::wake_profile();
    assert_eq!(profile.total_contentions(), 1, "{profile}");
    assert_eq!(leaf(&profile.samples()[0]), "contend::timeout");
    assert_conserved();
}

#[inline(never)]
fn notify_one(changed: &Condvar) {
    changed.notify_one();
}

#[inline(never)]
fn notify_all(changed: &Condvar) {
    changed.notify_all();
}

#[inline(never)]
fn send(sender: &Sender<u8>) {
    sender.send(1).unwrap();
}

#[inline(never)]
fn let_go_of(sender: Sender<u8>) {
    drop(sender);
    // So that the drop is not the last call, which would be made a jump.
    std::hint::black_box(());
}

#[inline(never)]
fn receive(receiver: &Receiver<u8>) {
    receiver.recv().unwrap();
}

#[inline(never)]
fn arrive(barrier: &Barrier) {
    barrier.wait();
}

#[inline(never)]
fn unpark(thread: &thread::Thread) {
    thread.unpark();
}

fn run_until(end: Receiver<u8>) -> impl FnOnce() + Send {
    move || assert!(end.recv().is_ok())
}

#[test]
fn condvar() {
    let (ready, changed) = (Mutex::new(false), Condvar::new());
    assert_ended_by(
        "condvar",
        "notify_one",
        "contend::sync::Condvar::notify_one",
        || drop(changed.wait(ready.lock().unwrap())),
        || notify_one(&changed),
    );
    assert_ended_by(
        "condvar",
        "notify_all",
        "contend::sync::Condvar::notify_all",
        || drop(changed.wait_while(ready.lock().unwrap(), |ready| !*ready)),
        || {
            *ready.lock().unwrap() = true;
            notify_all(&changed);
        },
    );
}

/// The notification after which the condition was false ended the wait, and no earlier one.
#[test]
fn wait_while_is_ended_by_the_last_notification() {
    let (rounds, changed) = (Mutex::new(2), Condvar::new());
    let goes_on = Sleeper::new();
    assert_ended_by(
        "condvar",
        "notify_all",
        "contend::sync::Condvar::notify_all",
        || {
            let guard = rounds.lock().unwrap();
            drop(changed.wait_while(guard, |rounds| {
                // Told before each sleep: the first one, and the one after the first notification.
                goes_on.about_to_wait();
                *rounds > 0
            }));
        },
        || {
            *rounds.lock().unwrap() = 1;
            goes_on.await_sleep();
            notify_one(&changed);
            goes_on.await_sleep();
            *rounds.lock().unwrap() = 0;
            notify_all(&changed);
        },
    );
}

#[test]
fn condvar_that_times_out() {
    let (ready, changed) = (Mutex::new(()), Condvar::new());
    assert_timed_out(|| {
        let guard = ready.lock().unwrap();
        drop(changed.wait_timeout(guard, ms(1)));
    });
}

#[test]
fn messages() {
    let (sender, receiver) = channel();
    assert_ended_by(
        "chan_recv",
        "send",
        "contend::sync::mpsc::Sender::send",
        move || receiver.recv(),
        || send(&sender),
    );
    let (sender, receiver) = channel();
    assert_ended_by(
        "chan_recv",
        "let_go_of",
        "contend::sync::mpsc::Sender::drop",
        move || receiver.recv(),
        || let_go_of(sender),
    );
    let (_sender, receiver) = channel::<u8>();
    assert_timed_out(|| assert!(receiver.recv_timeout(ms(1)).is_err()));
}

#[test]
fn room() {
    let (sender, receiver) = sync_channel(1);
    sender.send(1).unwrap();
    assert_ended_by(
        "chan_send",
        "receive",
        "contend::sync::mpsc::Receiver::recv",
        || sender.send(2),
        || receive(&receiver),
    );
    let (sender, receiver) = sync_channel(0);
    assert_ended_by(
        "chan_send",
        "receive",
        "contend::sync::mpsc::Receiver::recv",
        || sender.send(2),
        || receive(&receiver),
    );
}

#[test]
fn barrier_that_the_last_one_opens() {
    let barrier = Barrier::new(3);
    let _recording = recording(1, 1);
    let first = Sleeper::new();
    thread::scope(|scope| {
        let wait = || {
            first.about_to_wait();
            barrier.wait();
        };
        let one = scope.spawn(wait);
        first.await_sleep();
        let other = scope.spawn(wait);
        first.await_sleep();
        arrive(&barrier);
        one.join().unwrap();
        other.join().unwrap();
    });
    let profile = contend::wake_profile();
    assert_eq!(contentions_of(&profile, "arrive"), 2, "{profile}");
    assert_conserved();
}

#[test]
fn park() {
    let (own, handle) = std::sync::mpsc::channel();
    assert_ended_by(
        "park",
        "unpark",
        "contend::thread::Thread::unpark",
        move || {
            own.send(thread::current()).unwrap();
            thread::park();
        },
        || unpark(&handle.recv().unwrap()),
    );
    // On a thread of its own, which nobody can have unparked already.
    let parks = || assert_timed_out(|| thread::park_timeout(ms(1)));
    std::thread::scope(|scope| scope.spawn(parks).join().unwrap());
}

#[test]
fn threads_that_end() {
    let named = |profile: &Profile, function: &str| {
        let mut samples = profile.samples().iter();
        let sample = samples.find(|sample| sample.label("kind") == Some("join"));
        let sample = sample.unwrap_or_else(|| panic!("{profile}"));
        assert_eq!(sample.contentions(), 1);
        assert_eq!(leaf(sample), "contend::thread_end");
        let caller = sample.frames()[1].function();
        assert!(caller.contains(function), "{caller}");
    };
    {
        let _recording = recording(1, 1);
        let (end, ended) = channel();
        let handle = thread::spawn(run_until(ended));
        release_when_asleep(|| handle.join(), || send(&end)).unwrap();
        named(&contend::wake_profile(), "run_until");
        assert_conserved();
    }
    let _recording = recording(1, 1);
    let (end, ended) = channel();
    let at_the_end = || {
        thread::scope(|scope| {
            scope.spawn(run_until(ended));
        });
    };
    release_when_asleep(at_the_end, || send(&end));
    named(&contend::wake_profile(), "run_until");
    assert_conserved();
}

#[test]
fn a_notification_for_nobody_is_nothing() {
    let _recording = recording(1, 1);
    let (sender, _receiver) = channel();
    send(&sender);
    notify_all(&Condvar::new());
    unpark(&thread::current());
    let profile = contend::wake_profile();
    assert_eq!(profile.samples().len(), 0, "{profile}");
}

#[inline(never)]
fn slow_site(changed: &Condvar) {
    changed.notify_one();
}

#[inline(never)]
fn quick_site(changed: &Condvar) {
    changed.notify_one();
}

/// Two who notify, one after three times as long as the other: each is charged with the waits that
/// it ended, as the waiter's own clock has them.
#[test]
fn two_notifiers() {
    let _recording = recording(1, 1);
    let (turn, changed) = (Mutex::new(0_u32), Condvar::new());
    let sleeper = Sleeper::new();
    const ROUNDS: u32 = 10;
    let waits: Vec<Between> = std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let wait_for = |round| {
                let guard = turn.lock().unwrap();
                sleeper.about_to_wait();
                let (took, guard) = timed!(changed.wait_while(guard, |turn| *turn < round));
                drop(guard);
                took
            };
            (1..=ROUNDS).map(wait_for).collect()
        });
        for round in 1..=ROUNDS {
            sleeper.await_sleep();
            let is_slow = round % 2 == 0;
            sleep(ms(if is_slow { 6 } else { 2 }));
            *turn.lock().unwrap() = round;
            match is_slow {
                true => slow_site(&changed),
                false => quick_site(&changed),
            }
        }
        waiter.join().unwrap()
    });
    let profile = contend::wake_profile();
    let truth = |parity| -> Between { waits.iter().skip(parity).step_by(2).copied().sum() };
    for (function, truth) in [("quick_site", truth(0)), ("slow_site", truth(1))] {
        assert_between(function, delay_of(&profile, function), truth, 0.01);
        assert_eq!(contentions_of(&profile, function), u64::from(ROUNDS) / 2);
    }
    assert_conserved();
}

/// Many at once, of all kinds: whoever ends whose wait, nothing is lost or counted twice.
#[test]
fn nothing_is_lost() {
    let _recording = recording(1, 1);
    const WORK: u32 = 400;
    let ended = thread::scope(|scope| {
        let (jobs, queue) = sync_channel::<u32>(2);
        let (results, answers) = channel();
        let shared = Arc::new((Mutex::new(0_u32), Condvar::new()));
        let barrier = Arc::new(Barrier::new(3));
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..2 {
            let (results, shared) = (results.clone(), Arc::clone(&shared));
            let (queue, barrier) = (Arc::clone(&queue), Arc::clone(&barrier));
            scope.spawn(move || {
                loop {
                    let job = queue.lock().unwrap().recv();
                    let Ok(job) = job else { break };
                    *shared.0.lock().unwrap() += 1;
                    shared.1.notify_all();
                    results.send(job).unwrap();
                }
                drop(results);
                barrier.wait();
            });
        }
        drop(results);
        for _ in 0..2 {
            let shared = Arc::clone(&shared);
            scope.spawn(move || {
                let mut seen = 0;
                while seen < WORK {
                    let guard = shared.0.lock().unwrap();
                    let wait = shared
                        .1
                        .wait_timeout_while(guard, ms(1), |done| *done == seen);
                    seen = *wait.unwrap().0;
                }
            });
        }
        let feed = |sender: SyncSender<u32>| (0..WORK).for_each(|job| sender.send(job).unwrap());
        let feeder = scope.spawn(move || feed(jobs));
        let count = answers.into_iter().count();
        barrier.wait();
        feeder.join().unwrap();
        count
    });
    assert_eq!(ended, WORK as usize);
    assert_eq!(contend::wake_profile().lost().total(), 0);
    assert_conserved();
}

#[cfg(any(feature = "parking_lot", feature = "parking_lot_0_13"))]
macro_rules! parking_lot {
    ($module:ident) => {
        mod $module {
            use contend::$module::{Condvar, Mutex};

            use super::*;

            #[inline(never)]
            fn wake_one(changed: &Condvar) {
                changed.notify_one();
            }

            #[test]
            fn condvar() {
                let (ready, changed) = (Mutex::new(false), Condvar::new());
                assert_ended_by(
                    "condvar",
                    "wake_one",
                    concat!("contend::", stringify!($module), "::Condvar::notify_one"),
                    || changed.wait(&mut ready.lock()),
                    || wake_one(&changed),
                );
                assert_ended_by(
                    "condvar",
                    "wake_one",
                    concat!("contend::", stringify!($module), "::Condvar::notify_one"),
                    || changed.wait_while(&mut ready.lock(), |ready| !*ready),
                    || {
                        *ready.lock() = true;
                        wake_one(&changed);
                    },
                );
                assert_timed_out(|| {
                    assert!(changed.wait_for(&mut ready.lock(), ms(1)).timed_out())
                });
            }
        }
    };
}
#[cfg(feature = "parking_lot")]
parking_lot!(parking_lot);
#[cfg(feature = "parking_lot_0_13")]
parking_lot!(parking_lot_0_13);

#[cfg(feature = "crossbeam-channel")]
mod crossbeam_channel {
    use contend::crossbeam_channel::{Receiver, Sender, after, bounded, select, unbounded};

    use super::*;

    #[inline(never)]
    fn put(sender: &Sender<u8>) {
        sender.send(1).unwrap();
    }

    #[inline(never)]
    fn take(receiver: &Receiver<u8>) {
        receiver.recv().unwrap();
    }

    #[test]
    fn channels() {
        let (sender, receiver) = bounded(1);
        assert_ended_by(
            "chan_recv",
            "put",
            "contend::crossbeam_channel::Sender::send",
            || receiver.recv(),
            || put(&sender),
        );
        put(&sender);
        assert_ended_by(
            "chan_send",
            "take",
            "contend::crossbeam_channel::Receiver::recv",
            || sender.send(2),
            || take(&receiver),
        );
        assert_timed_out(|| assert!(after(ms(1)).recv().is_ok()));
    }

    /// A sender that waited has sent all the same.
    #[test]
    fn a_message_that_waited_for_room_ends_a_wait() {
        let _recording = recording(1, 1);
        let (sender, receiver) = bounded(1);
        let (feeder, reader) = (Sleeper::new(), Sleeper::new());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                put(&sender);
                feeder.about_to_wait();
                put(&sender);
            });
            feeder.await_sleep();
            scope.spawn(|| {
                for _ in 0..2 {
                    take(&receiver);
                }
                reader.about_to_wait();
                take(&receiver);
            });
            reader.await_sleep();
            put(&sender);
        });
        assert_conserved();
    }

    #[test]
    fn selections() {
        let (sender, receiver) = unbounded();
        let (_other, never) = unbounded::<u8>();
        assert_ended_by(
            "select",
            "put",
            "contend::crossbeam_channel::Sender::send",
            || {
                select! {
                    recv(never) -> _ => panic!("nobody sends there"),
                    recv(receiver) -> message => assert_eq!(message, Ok(1)),
                }
            },
            || put(&sender),
        );
        assert_timed_out(|| {
            select! {
                recv(receiver) -> _ => panic!("nobody sends there"),
                recv(never) -> _ => panic!("nobody sends there"),
                default(ms(1)) => {}
            }
        });
    }
}

#[cfg(feature = "crossbeam-utils")]
mod crossbeam_utils {
    use contend::crossbeam_utils::sync::{Parker, Unparker, WaitGroup};

    use super::*;

    #[inline(never)]
    fn wake(unparker: &Unparker) {
        unparker.unpark();
    }

    #[inline(never)]
    fn leave(group: WaitGroup) {
        drop(group);
        std::hint::black_box(());
    }

    #[test]
    fn parker() {
        let parker = Parker::new();
        let unparker = parker.unparker().clone();
        assert_ended_by(
            "park",
            "wake",
            "contend::crossbeam_utils::sync::Unparker::unpark",
            move || parker.park(),
            || wake(&unparker),
        );
        assert_timed_out(|| Parker::new().park_timeout(ms(1)));
    }

    #[test]
    fn the_last_one_of_a_group() {
        let group = WaitGroup::new();
        let (early, late) = (group.clone(), group.clone());
        assert_ended_by(
            "barrier",
            "leave",
            "contend::crossbeam_utils::sync::WaitGroup::drop",
            || group.wait(),
            || {
                drop(early);
                leave(late);
            },
        );
    }
}
