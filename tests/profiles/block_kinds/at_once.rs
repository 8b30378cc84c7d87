//! An operation that does not block is no event.

use std::time::Instant;

use contend::sync::mpsc::{RecvTimeoutError, TryRecvError, TrySendError, channel, sync_channel};
use contend::sync::{Barrier, LazyLock, OnceLock};
use contend::thread;

use crate::ground_truth::*;

/// Nothing is recorded of `operations` in either profile.
#[track_caller]
fn records_nothing(operations: impl FnOnce()) {
    let _recording = recording(1, 1);
    operations();
    for profile in [contend::mutex_profile(), contend::block_profile()] {
        assert_eq!(profile.total_contentions(), 0, "{profile}");
        assert_eq!(profile.samples().len(), 0, "{profile}");
        assert_eq!(profile.lost().total(), 0);
    }
}

#[test]
fn channels() {
    records_nothing(|| {
        let (sender, receiver) = channel();
        sender.send(1).unwrap();
        assert_eq!(receiver.recv(), Ok(1));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        sender.send(2).unwrap();
        assert_eq!(receiver.recv_timeout(ms(1000)), Ok(2));
        sender.send(3).unwrap();
        drop(sender);
        assert_eq!(receiver.try_iter().count(), 1);
        assert!(receiver.recv().is_err());
        assert_eq!(
            receiver.recv_timeout(ms(1000)),
            Err(RecvTimeoutError::Disconnected)
        );
        assert_eq!(receiver.iter().next(), None);

        let (sender, receiver) = sync_channel(2);
        sender.send(1).unwrap();
        sender.try_send(2).unwrap();
        assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
        assert_eq!(receiver.recv(), Ok(1));
        drop(receiver);
        assert!(sender.send(4).is_err());
    });
}

#[test]
fn barriers_of_one() {
    records_nothing(|| {
        assert!(Barrier::new(1).wait().is_leader());
        assert!(Barrier::new(0).wait().is_leader());
    });
}

#[test]
fn initialisers_without_company() {
    records_nothing(|| {
        let cell = OnceLock::new();
        cell.get_or_init(|| nap(ms(5)));
        assert_eq!(cell.set(()), Err(()));
        cell.wait();
        let lazy = LazyLock::new(|| nap(ms(5)));
        *lazy;
        *lazy;
    });
}

#[test]
fn threads() {
    records_nothing(|| {
        let handle = thread::spawn(|| ());
        while !handle.is_finished() {
            thread::yield_now();
        }
        handle.join().unwrap();
        thread::sleep(ms(0));
    });
}

/// Their time alone tells, from the end of the closure; as with parks.
#[test]
fn scopes_whose_threads_have_ended() {
    let _recording = recording(1, 1);
    let mut long = 0;
    for _ in 0..200 {
        let mut end_of_closure = Instant::now();
        thread::scope(|scope| {
            let handle = scope.spawn(|| ());
            while !handle.is_finished() {
                thread::yield_now();
            }
            handle.join().unwrap();
            end_of_closure = Instant::now();
        });
        long += u64::from(is_long(end_of_closure));
        let start = Instant::now();
        thread::scope(|_| ());
        long += u64::from(is_long(start));
    }
    let events = contend::block_profile().total_contentions();
    assert!(events <= long, "{events}, where {long} took long");
}

/// Their time alone tells, and this thread may lose the processor in between.
#[test]
fn parks_with_a_token() {
    let _recording = recording(1, 1);
    let mut long = 0;
    for park in [thread::park, || thread::park_timeout(ms(1000))].repeat(1000) {
        thread::current().unpark();
        let start = Instant::now();
        park();
        long += u64::from(is_long(start));
    }
    let events = contend::block_profile().total_contentions();
    assert!(events <= long, "{events}, where {long} took long");
}

#[test]
fn everything_while_profiling_is_off() {
    let recording = recording(0, 0);
    let (sender, receiver) = channel::<()>();
    let sleeper = thread::spawn(move || {
        thread::sleep(ms(10));
        drop(sender);
    });
    assert!(receiver.recv().is_err());
    sleeper.join().unwrap();
    contend::blocking("off", || nap(ms(1)));
    assert_eq!(contend::block_profile().total_contentions(), 0);
    drop(recording);
}
