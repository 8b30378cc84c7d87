use std::time::{Duration, Instant};

use super::super::sync::mpsc::*;
use super::super::thread;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn smoke() {
    let (sender, receiver): (Sender<i32>, Receiver<i32>) = channel();
    sender.send(1).unwrap();
    assert_eq!(receiver.recv(), Ok(1));
    let (sender, receiver): (SyncSender<i32>, Receiver<i32>) = sync_channel(1);
    sender.send(1).unwrap();
    assert_eq!(receiver.recv(), Ok(1));
}

#[test]
fn messages_are_dropped_with_the_channel() {
    let counted = std::sync::Arc::new(());
    let (sender, receiver) = channel();
    for _ in 0..3 {
        sender.send(counted.clone()).unwrap();
    }
    drop((sender, receiver));
    assert_eq!(std::sync::Arc::strong_count(&counted), 1);
}

#[test]
fn errors_of_a_receiver() {
    let (sender, receiver) = channel::<u8>();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(receiver.recv_timeout(ms(1)), Err(RecvTimeoutError::Timeout));
    assert_eq!(
        receiver.recv_timeout(Duration::ZERO),
        Err(RecvTimeoutError::Timeout)
    );
    sender.send(1).unwrap();
    drop(sender);
    assert_eq!(receiver.recv_timeout(Duration::MAX), Ok(1));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(receiver.recv(), Err(RecvError));
    assert_eq!(
        receiver.recv_timeout(Duration::MAX),
        Err(RecvTimeoutError::Disconnected)
    );
}

#[test]
fn errors_of_senders() {
    let (sender, receiver) = channel();
    let (bounded, bounded_receiver) = sync_channel(1);
    bounded.send(1).unwrap();
    assert_eq!(bounded.try_send(2), Err(TrySendError::Full(2)));
    drop((receiver, bounded_receiver));
    assert_eq!(sender.send(3), Err(SendError(3)));
    assert_eq!(bounded.send(4), Err(SendError(4)));
    assert_eq!(bounded.try_send(5), Err(TrySendError::Disconnected(5)));
}

#[test]
fn a_receiver_that_goes_wakes_a_sender() {
    for bound in [0, 1] {
        let (sender, receiver) = sync_channel(bound);
        let sending = thread::spawn(move || {
            let first = sender.send(1);
            first.and_then(|()| sender.send(2))
        });
        thread::sleep(ms(20));
        drop(receiver);
        assert!(sending.join().unwrap().is_err());
    }
}

#[test]
fn rendezvous_hands_over() {
    let (sender, receiver) = sync_channel(0);
    assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
    let begin = Instant::now();
    let receiving = thread::spawn(move || {
        thread::sleep(ms(30));
        receiver.recv()
    });
    sender.send(2).unwrap();
    assert!(begin.elapsed() >= ms(29), "returned before it was received");
    assert_eq!(receiving.join().unwrap(), Ok(2));
}

#[test]
fn rendezvous_with_a_receiver_that_waits_needs_no_blocking() {
    let (sender, receiver) = sync_channel(0);
    let receiving = thread::spawn(move || receiver.recv());
    let begin = Instant::now();
    while sender.try_send(1).is_err() {
        assert!(begin.elapsed() < Duration::from_secs(20));
        thread::yield_now();
    }
    assert_eq!(receiving.join().unwrap(), Ok(1));
}

#[test]
fn iterators() {
    let (sender, receiver) = channel();
    for number in 0..6 {
        sender.send(number).unwrap();
    }
    assert_eq!(receiver.iter().take(2).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(receiver.try_iter().take(2).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(IntoIterator::into_iter(&receiver).next(), Some(4));
    drop(sender);
    let mut rest: IntoIter<i32> = receiver.into_iter();
    assert_eq!((rest.next(), rest.next()), (Some(5), None));
}

#[test]
fn many_producers() {
    let (sender, receiver) = sync_channel(4);
    thread::scope(|scope| {
        for producer in 0..4 {
            let sender = sender.clone();
            scope.spawn(move || {
                for number in 0..500 {
                    sender.send(producer * 1000 + number).unwrap();
                }
            });
        }
        drop(sender);
        let mut next = [0; 4];
        for message in receiver {
            let producer = message / 1000;
            assert_eq!(message % 1000, next[producer], "out of order");
            next[producer] += 1;
        }
        assert_eq!(next, [500; 4]);
    });
}

#[test]
fn formats() {
    let (sender, receiver) = channel::<u8>();
    let (sync_sender, _receiver) = sync_channel::<u8>(1);
    assert_eq!(format!("{sender:?}"), "Sender { .. }");
    assert_eq!(format!("{sync_sender:?}"), "SyncSender { .. }");
    assert_eq!(format!("{receiver:?}"), "Receiver { .. }");
    assert_eq!(
        format!("{:?}", receiver.iter()),
        "Iter { rx: Receiver { .. } }"
    );
    let formatted = format!("{:?}", receiver.try_iter());
    assert_eq!(formatted, "TryIter { rx: Receiver { .. } }");
    let formatted = format!("{:?}", receiver.into_iter());
    assert_eq!(formatted, "IntoIter { rx: Receiver { .. } }");
}
