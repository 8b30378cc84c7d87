//! Rates that change while channels are at work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use contend::sync::Barrier;
use contend::sync::mpsc::{channel, sync_channel};
use contend::thread;

use crate::ground_truth::*;

const THREADS: u32 = 7;

/// Messages arrive in order and all of them; what is recorded is no more than there was.
#[test]
fn rates_that_are_toggled() {
    let _recording = recording(1, 1);
    let start = Instant::now();
    let stop = AtomicBool::new(false);
    let (stop, barrier) = (&stop, &Barrier::new(3));
    let mut longest_in_progress = Duration::ZERO;
    thread::scope(|scope| {
        for bound in [0, 1] {
            let (sender, receiver) = sync_channel(bound);
            let (answer, answers) = channel();
            scope.spawn(move || {
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    sender.send(number).unwrap();
                    assert_eq!(answers.recv(), Ok(number));
                }
            });
            scope.spawn(move || {
                for (expected, number) in receiver.into_iter().enumerate() {
                    assert_eq!(number, expected);
                    answer.send(number).unwrap();
                }
            });
        }
        for _ in 0..3 {
            scope.spawn(move || {
                // The number of rounds is fixed: with a flag, one would be left behind.
                for _ in 0..2000 {
                    barrier.wait();
                }
            });
        }
        for round in 0..60 {
            contend::set_block_profile_rate(u64::from(round % 2 == 0));
            contend::set_mutex_profile_fraction(round % 3);
            nap(ms(5));
            if round % 10 == 0 {
                longest_in_progress =
                    longest_in_progress.max(contend::block_profile().total_delay());
            }
        }
        contend::set_block_profile_rate(1);
        stop.store(true, Ordering::Relaxed);
    });
    let profile = contend::block_profile();
    assert!(profile.total_delay() >= longest_in_progress);
    assert!(profile.total_delay() <= (THREADS + 1) * start.elapsed());
    for kind in ["chan_recv", "chan_send", "barrier"] {
        let of_kind = |sample: &&contend::Sample| sample.label("kind") == Some(kind);
        assert!(
            profile.samples().iter().any(|sample| of_kind(&sample)),
            "{kind}"
        );
    }
    assert_eq!(profile.lost().total(), 0);
}

/// A rate of T makes of short waits the right sum: 200 of 2 ms at T = 20 ms, one in ten sampled.
#[test]
fn sampled_waits_are_scaled() {
    let _recording = recording(0, 20_000_000);
    let (sender, receiver) = channel::<()>();
    let mut waited = Duration::ZERO;
    for _ in 0..200 {
        let start = Instant::now();
        assert!(receiver.recv_timeout(ms(2)).is_err());
        waited += start.elapsed();
    }
    drop(sender);
    // About 20 samples of 20 ms: the standard error is 21 %, and this is four of them.
    let profile = contend::block_profile();
    assert_close("sampled", profile.total_delay(), waited, 0.9);
}
