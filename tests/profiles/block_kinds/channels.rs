//! Channels, and the barrier.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use contend::sync::Barrier;
use contend::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};

use super::events::Event;
use crate::common::Sleeper;
use crate::ground_truth::*;

#[inline(never)]
fn block_recv(receiver: &Receiver<u8>) -> Between {
    timed!(receiver.recv().is_ok()).0
}

#[inline(never)]
fn block_recv_timeout(receiver: &Receiver<u8>, timeout: Duration) -> Between {
    timed!({
        assert_eq!(
            receiver.recv_timeout(timeout),
            Err(RecvTimeoutError::Timeout)
        )
    })
    .0
}

#[inline(never)]
fn block_next(receiver: Receiver<u8>) -> Between {
    let mut messages = receiver.into_iter();
    timed!(assert_eq!(messages.next(), Some(1))).0
}

#[inline(never)]
fn block_send(sender: &SyncSender<u8>) -> Between {
    timed!(sender.send(1).is_ok()).0
}

#[inline(never)]
fn block_barrier(barrier: &Barrier) -> Between {
    timed!(barrier.wait()).0
}

const RECV: Event = Event {
    kind: "chan_recv",
    leaf: "contend::sync::mpsc::Receiver::recv",
    caller: "block_recv",
};

const SEND: Event = Event {
    kind: "chan_send",
    leaf: "contend::sync::mpsc::SyncSender::send",
    caller: "block_send",
};

#[test]
fn recv() {
    let (sender, receiver) = channel();
    // A receiver is not `Sync`: it moves to the thread and comes back.
    RECV.expect(move || block_recv(&receiver), || sender.send(1).unwrap());
}

#[test]
fn recv_from_a_bounded_channel() {
    let (sender, receiver) = sync_channel(1);
    RECV.expect(move || block_recv(&receiver), || sender.send(1).unwrap());
}

#[test]
fn recv_that_disconnection_ends() {
    let (sender, receiver) = channel();
    RECV.expect(move || block_recv(&receiver), || drop(sender));
}

#[test]
fn recv_timeout_that_expires() {
    let event = Event {
        kind: "chan_recv",
        leaf: "contend::sync::mpsc::Receiver::recv_timeout",
        caller: "block_recv_timeout",
    };
    let (sender, receiver) = channel();
    event.expect_alone(|| block_recv_timeout(&receiver, HELD));
    drop(sender);
}

#[test]
fn next_of_an_iterator() {
    let event = Event {
        kind: "chan_recv",
        leaf: "contend::sync::mpsc::IntoIter::next",
        caller: "block_next",
    };
    let (sender, receiver) = channel();
    event.expect(move || block_next(receiver), || sender.send(1).unwrap());
}

#[test]
fn send() {
    let (sender, receiver) = sync_channel(1);
    sender.send(0).unwrap();
    SEND.expect(
        || block_send(&sender),
        || assert_eq!(receiver.recv(), Ok(0)),
    );
}

#[test]
fn send_that_is_handed_over() {
    let (sender, receiver) = sync_channel(0);
    SEND.expect(
        || block_send(&sender),
        || assert_eq!(receiver.recv(), Ok(1)),
    );
}

#[test]
fn send_that_disconnection_ends() {
    let (sender, receiver) = sync_channel(1);
    sender.send(0).unwrap();
    SEND.expect(|| block_send(&sender), || drop(receiver));
}

/// The leader, who wakes the other, is no event.
#[test]
fn barrier() {
    let event = Event {
        kind: "barrier",
        leaf: "contend::sync::Barrier::wait",
        caller: "block_barrier",
    };
    let barrier = Barrier::new(2);
    event.expect(
        || block_barrier(&barrier),
        || assert!(barrier.wait().is_leader()),
    );
}

#[test]
fn three_waiters_wait_three_times_as_long() {
    let _recording = recording(1, 1);
    let (sender, receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| channel()).unzip();
    let sleepers = [const { Sleeper::new() }; 3];
    let waited = thread::scope(|scope| {
        let waiters = sleepers.iter().zip(receivers).map(|(sleeper, receiver)| {
            scope.spawn(move || {
                sleeper.about_to_wait();
                block_recv(&receiver)
            })
        });
        let waiters: Vec<_> = waiters.collect();
        sleepers.iter().for_each(Sleeper::await_sleep);
        nap(HELD);
        drop(sender);
        let waited = waiters.into_iter().map(|waiter| waiter.join().unwrap());
        waited.sum::<Between>()
    });
    assert!(waited.most >= 3 * HELD, "{waited:?}");
    RECV.check(waited, 3);
}

#[inline(never)]
fn fast_producer(sender: SyncSender<u32>) {
    for number in 0..60 {
        sender.send(number).unwrap();
    }
}

#[inline(never)]
fn slow_consumer(receiver: Receiver<u32>) {
    for _ in receiver {
        nap(ms(5));
    }
}

#[test]
fn behind_a_slow_consumer_the_send_line_is_on_top() {
    let _recording = recording(1, 1);
    let (sender, receiver) = sync_channel(1);
    thread::scope(|scope| {
        scope.spawn(|| fast_producer(sender));
        scope.spawn(|| slow_consumer(receiver));
    });
    let profile = contend::block_profile();
    let top = profile
        .samples()
        .iter()
        .max_by_key(|sample| sample.delay())
        .unwrap();
    let names: Vec<_> = top.frames().iter().map(|frame| frame.function()).collect();
    assert_eq!(top.label("kind"), Some("chan_send"));
    assert!(names[1].ends_with("::fast_producer"), "{names:?}");
    assert!(
        top.delay() > profile.total_delay().mul_f64(0.7),
        "{profile}"
    );
}

/// A thread-local's destructor may wait too: the thread has ended but for that.
#[test]
fn a_wait_while_the_thread_exits() {
    struct WaitsAtExit(Mutex<Receiver<u8>>, Arc<Sleeper>);
    impl Drop for WaitsAtExit {
        fn drop(&mut self) {
            self.1.about_to_wait();
            block_recv(self.0.get_mut().unwrap());
        }
    }
    thread_local! {
        static AT_EXIT: std::cell::RefCell<Option<WaitsAtExit>> = const { std::cell::RefCell::new(None) };
    }
    let _recording = recording(1, 1);
    let (sender, receiver) = channel();
    let sleeper = Arc::new(Sleeper::new());
    let at_exit = WaitsAtExit(Mutex::new(receiver), Arc::clone(&sleeper));
    let thread = thread::spawn(move || AT_EXIT.set(Some(at_exit)));
    sleeper.await_sleep();
    nap(HELD);
    sender.send(1).unwrap();
    thread.join().unwrap();
    let profile = contend::block_profile();
    assert_eq!(contentions_of(&profile, "block_recv"), 1, "{profile}");
    assert!(profile.total_delay() > HELD.mul_f64(0.95), "{profile}");
}

/// A wait in progress is not in the profile yet; when it ends, the whole of it is.
#[test]
fn a_wait_in_progress_is_not_there_yet() {
    let _recording = recording(1, 1);
    let (sender, receiver) = channel();
    let waited = while_asleep(
        move || block_recv(&receiver),
        || {
            assert_eq!(contend::block_profile().total_contentions(), 0);
            sender.send(1).unwrap();
        },
    );
    RECV.check(waited, 1);
}
