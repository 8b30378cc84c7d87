//! Senders, receivers and their iterators.

use std::thread;
use std::time::Instant;

use contend::crossbeam_channel::{
    Receiver, RecvError, RecvTimeoutError, SendTimeoutError, Sender, after, at, bounded, never,
    tick, unbounded,
};

use super::{assert_nothing_recorded, assert_only_wait, assert_waits};
use crate::common::Sleeper;
use crate::ground_truth::*;

const SEND: &str = "contend::crossbeam_channel::Sender<T>::send";
const RECV: &str = "contend::crossbeam_channel::Receiver<T>::recv";

#[inline(never)]
fn send_site(sender: &Sender<u32>) -> Between {
    timed!(sender.send(1).unwrap()).0
}

#[inline(never)]
fn recv_site<T>(receiver: &Receiver<T>) -> (Between, Result<T, RecvError>) {
    timed!(receiver.recv())
}

#[test]
fn send_into_a_full_channel() {
    let _recording = recording(1, 1);
    let (sender, receiver) = bounded(1);
    sender.send(0).unwrap();
    let truth = while_asleep(|| send_site(&sender), || assert!(receiver.recv().is_ok()));
    assert_only_wait("chan_send", SEND, "send_site", truth);
}

#[test]
fn recv_from_an_empty_channel() {
    for (sender, receiver) in [bounded(4), unbounded()] {
        let _recording = recording(1, 1);
        let end = || sender.send(7).unwrap();
        let (truth, result) = while_asleep(|| recv_site(&receiver), end);
        assert_eq!(result, Ok(7));
        assert_only_wait("chan_recv", RECV, "recv_site", truth);
    }
}

#[test]
fn zero_capacity_both_ways() {
    {
        let _recording = recording(1, 1);
        let (sender, receiver) = bounded(0);
        let truth = while_asleep(|| send_site(&sender), || assert!(receiver.recv().is_ok()));
        assert_only_wait("chan_send", SEND, "send_site", truth);
    }
    let _recording = recording(1, 1);
    let (sender, receiver) = bounded(0);
    let end = || sender.send(1).unwrap();
    let (truth, _) = while_asleep(|| recv_site(&receiver), end);
    assert_only_wait("chan_recv", RECV, "recv_site", truth);
}

#[test]
fn recv_ended_by_disconnection() {
    let _recording = recording(1, 1);
    let (sender, receiver) = bounded::<u32>(1);
    let (truth, result) = while_asleep(|| recv_site(&receiver), || drop(sender));
    assert_eq!(result, Err(RecvError));
    assert_only_wait("chan_recv", RECV, "recv_site", truth);
}

#[test]
fn send_ended_by_disconnection() {
    #[inline(never)]
    fn hopeless_site(sender: &Sender<u32>) -> Between {
        timed!(sender.send(1).unwrap_err()).0
    }
    let _recording = recording(1, 1);
    let (sender, receiver) = bounded(1);
    sender.send(0).unwrap();
    let truth = while_asleep(|| hopeless_site(&sender), || drop(receiver));
    assert_only_wait("chan_send", SEND, "hopeless_site", truth);
}

#[test]
fn timeouts_that_expire() {
    #[inline(never)]
    fn send_timeout_site(sender: &Sender<u32>) -> Between {
        let (time, result) = timed!(sender.send_timeout(1, HELD));
        assert_eq!(result, Err(SendTimeoutError::Timeout(1)));
        time
    }
    #[inline(never)]
    fn send_deadline_site(sender: &Sender<u32>) -> Between {
        timed!(sender.send_deadline(1, Instant::now() + HELD).unwrap_err()).0
    }
    #[inline(never)]
    fn recv_timeout_site(receiver: &Receiver<u32>) -> Between {
        let (time, result) = timed!(receiver.recv_timeout(HELD));
        assert_eq!(result, Err(RecvTimeoutError::Timeout));
        time
    }
    #[inline(never)]
    fn recv_deadline_site(receiver: &Receiver<u32>) -> Between {
        timed!(receiver.recv_deadline(Instant::now() + HELD).unwrap_err()).0
    }
    let _recording = recording(1, 1);
    let (sender, receiver) = bounded(1);
    let truth = recv_timeout_site(&receiver);
    assert_waits(
        1,
        "chan_recv",
        &format!("{RECV}_timeout"),
        "recv_timeout_site",
        truth,
    );
    let truth = recv_deadline_site(&receiver);
    assert_waits(
        1,
        "chan_recv",
        &format!("{RECV}_deadline"),
        "recv_deadline_site",
        truth,
    );
    sender.send(0).unwrap();
    let truth = send_timeout_site(&sender);
    assert_waits(
        1,
        "chan_send",
        &format!("{SEND}_timeout"),
        "send_timeout_site",
        truth,
    );
    let truth = send_deadline_site(&sender);
    assert_waits(
        1,
        "chan_send",
        &format!("{SEND}_deadline"),
        "send_deadline_site",
        truth,
    );
    assert_eq!(contend::block_profile().total_contentions(), 4);
}

#[test]
fn clocks_are_waited_for_as_messages() {
    let clocks = [|| after(HELD), || at(Instant::now() + HELD), || tick(HELD)];
    for clock in clocks {
        let _recording = recording(1, 1);
        let (truth, _) = recv_site(&clock());
        assert_only_wait("chan_recv", RECV, "recv_site", truth);
    }
}

#[test]
fn iterators_wait_in_next() {
    #[inline(never)]
    fn iter_site(receiver: &Receiver<u32>) -> Between {
        timed!(assert_eq!(receiver.iter().next(), Some(1))).0
    }
    #[inline(never)]
    fn into_iter_site(receiver: Receiver<u32>) -> Between {
        let watch = Watch::start();
        let mut sum = 0;
        for message in receiver {
            sum += message;
        }
        assert_eq!(sum, 1);
        watch.took()
    }
    let _recording = recording(1, 1);
    let (sender, receiver) = bounded(1);
    let truth = while_asleep(|| iter_site(&receiver), || sender.send(1).unwrap());
    let leaf = "contend::crossbeam_channel::Iter<T>::next";
    assert_waits(1, "chan_recv", leaf, "iter_site", truth);
    sender.send(1).unwrap();
    let truth = while_asleep(|| into_iter_site(receiver), || drop(sender));
    let leaf = "contend::crossbeam_channel::IntoIter<T>::next";
    assert_waits(1, "chan_recv", leaf, "into_iter_site", truth);
}

#[test]
fn three_waiters_wait_three_times() {
    let _recording = recording(1, 1);
    let (sender, receiver) = bounded::<u32>(1);
    let sleepers = [const { Sleeper::new() }; 3];
    let truth: Between = thread::scope(|scope| {
        let waiters = sleepers.each_ref().map(|sleeper| {
            let receiver = receiver.clone();
            scope.spawn(move || {
                sleeper.about_to_wait();
                recv_site(&receiver).0
            })
        });
        sleepers.iter().for_each(Sleeper::await_sleep);
        nap(HELD);
        drop(sender);
        waiters
            .map(|waiter| waiter.join().unwrap())
            .into_iter()
            .sum()
    });
    assert!(truth.most > HELD * 2);
    assert_waits(3, "chan_recv", RECV, "recv_site", truth);
}

#[test]
fn a_slow_consumer_shows_the_send_line() {
    #[inline(never)]
    fn producer(sender: Sender<u32>) -> Between {
        let mut waited = Between::default();
        for n in 0..20 {
            waited += timed!(sender.send(n).unwrap()).0;
        }
        waited
    }
    #[inline(never)]
    fn slow_consumer(receiver: Receiver<u32>) {
        for _ in receiver {
            nap(ms(5));
        }
    }
    let _recording = recording(1, 1);
    let (sender, receiver) = bounded(1);
    let truth = thread::scope(|scope| {
        scope.spawn(move || slow_consumer(receiver));
        producer(sender)
    });
    let profile = contend::block_profile();
    let top = &profile.samples()[0];
    assert_eq!(top.frames()[0].function(), SEND);
    assert!(top.frames()[1].function().contains("::producer"));
    assert_eq!(top.label("kind"), Some("chan_send"));
    assert_between("producer", top.delay(), truth, super::TOLERANCE);
}

#[test]
fn what_does_not_wait_is_not_recorded() {
    let _recording = recording(1, 1);
    let (sender, receiver) = bounded(2);
    for _ in 0..100 {
        sender.send(1).unwrap();
        sender.send_timeout(1, HELD).unwrap();
        assert!(sender.try_send(1).is_err());
        assert_eq!(receiver.recv(), Ok(1));
        assert_eq!(receiver.recv_timeout(HELD), Ok(1));
        assert!(receiver.try_recv().is_err() && receiver.try_iter().next().is_none());
        sender.send_deadline(1, Instant::now()).unwrap();
        assert_eq!(receiver.recv_deadline(Instant::now()), Ok(1));
        assert!(never::<()>().try_recv().is_err());
    }
    drop(sender);
    assert_eq!(receiver.recv(), Err(RecvError));
    assert_eq!(receiver.iter().next(), None);
    assert_nothing_recorded();
}

#[test]
fn nothing_is_recorded_while_off() {
    let _recording = recording(0, 0);
    let (sender, receiver) = bounded(1);
    sender.send(0).unwrap();
    while_asleep(|| send_site(&sender), || assert!(receiver.recv().is_ok()));
    assert_nothing_recorded();
}

/// Toggled while threads wait: what is recorded is recorded once, and nothing is lost.
#[test]
fn rates_may_change_under_load() {
    let _recording = recording(1, 1);
    let (sender, receiver) = bounded::<u32>(1);
    thread::scope(|scope| {
        scope.spawn(|| (0..20_000).for_each(|n| sender.send(n).unwrap()));
        scope.spawn(|| (0..20_000).for_each(|n| assert_eq!(receiver.recv(), Ok(n))));
        for rate in [0, 1_000, 1, 0, 50, 1].repeat(5) {
            contend::set_block_profile_rate(rate);
            nap(ms(1));
        }
    });
    assert_eq!(contend::block_profile().lost().total(), 0);
}

/// A thread-local's destructor may wait too: the thread has ended but for that.
#[test]
fn a_wait_while_the_thread_exits() {
    struct WaitsAtExit(Receiver<u32>);
    impl Drop for WaitsAtExit {
        fn drop(&mut self) {
            SLEEPER.about_to_wait();
            assert_eq!(recv_site(&self.0).1, Ok(1));
        }
    }
    static SLEEPER: Sleeper = Sleeper::new();
    thread_local! {
        static AT_EXIT: std::cell::RefCell<Option<WaitsAtExit>> =
            const { std::cell::RefCell::new(None) };
    }
    let _recording = recording(1, 1);
    let (sender, receiver) = bounded(0);
    let thread = thread::spawn(move || AT_EXIT.set(Some(WaitsAtExit(receiver))));
    SLEEPER.await_sleep();
    nap(ms(50));
    sender.send(1).unwrap();
    thread.join().unwrap();
    let profile = contend::block_profile();
    assert_eq!(profile.total_contentions(), 1, "{profile}");
    assert_eq!(profile.samples()[0].label("kind"), Some("chan_recv"));
    assert!(profile.total_delay() > ms(30), "{profile}");
}

#[test]
fn bare_and_profiled_ends_convert() {
    let (bare_sender, bare_receiver) = ::crossbeam_channel::unbounded();
    let (sender, receiver) = (
        Sender::from(bare_sender.clone()),
        Receiver::from(bare_receiver),
    );
    assert!(sender.as_inner().same_channel(&bare_sender));
    sender.send(1).unwrap();
    bare_sender.send(2).unwrap();
    assert_eq!(
        (receiver.recv(), receiver.as_inner().recv()),
        (Ok(1), Ok(2))
    );
    let bare_again: ::crossbeam_channel::Receiver<i32> = receiver.into();
    ::crossbeam_channel::Sender::from(sender).send(3).unwrap();
    assert_eq!(bare_again.recv(), Ok(3));
}

#[test]
fn looks_like_the_original() {
    let (sender, receiver) = bounded::<u8>(3);
    assert_eq!(
        format!("{sender:?} {receiver:?}"),
        "Sender { .. } Receiver { .. }"
    );
    assert_eq!(format!("{:?}", receiver.iter()), "Iter { .. }");
    assert_eq!(format!("{:?}", receiver.try_iter()), "TryIter { .. }");
    assert_eq!(
        (sender.len(), sender.capacity(), receiver.capacity()),
        (0, Some(3), Some(3))
    );
    assert!(sender.is_empty() && !sender.is_full() && receiver.is_empty() && !receiver.is_full());
    assert!(sender.same_channel(&sender.clone()) && receiver.same_channel(&receiver.clone()));
    assert!(!receiver.same_channel(&bounded(3).1));
    assert_eq!(format!("{:?}", receiver.into_iter()), "IntoIter { .. }");
}
