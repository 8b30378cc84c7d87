//! The ways to make a channel.

use std::time::{Duration, Instant};

use super::{Receiver, Sender};
use crate::skin::{self, ReceiverEnd};

/// Creates a channel of unlimited capacity: [`crossbeam_channel::unbounded`], profiled.
///
/// # Examples
///
/// ```
/// let (sender, receiver) = contend::crossbeam_channel::unbounded();
/// sender.send("now").unwrap();
/// assert_eq!(receiver.recv(), Ok("now"));
/// ```
///
/// [`crossbeam_channel::unbounded`]: ::crossbeam_channel::unbounded
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    wrapped(::crossbeam_channel::unbounded())
}

/// Creates a channel that holds at most `cap` messages, or, if that is 0, hands them over from a
/// sender to a receiver that are there at the same time: [`crossbeam_channel::bounded`], profiled.
///
/// # Examples
///
/// ```
/// let (sender, receiver) = contend::crossbeam_channel::bounded(1);
/// sender.send("first").unwrap();
/// assert!(sender.try_send("second").is_err());
/// assert_eq!(receiver.recv(), Ok("first"));
/// ```
///
/// [`crossbeam_channel::bounded`]: ::crossbeam_channel::bounded
pub fn bounded<T>(cap: usize) -> (Sender<T>, Receiver<T>) {
    wrapped(::crossbeam_channel::bounded(cap))
}

fn wrapped<T>(
    (sender, receiver): (
        ::crossbeam_channel::Sender<T>,
        ::crossbeam_channel::Receiver<T>,
    ),
) -> (Sender<T>, Receiver<T>) {
    let (sending, receiving) = skin::channel();
    (
        Sender::new(sending, sender),
        Receiver::new(receiving, receiver),
    )
}

/// Creates a receiver that gets one message, after `duration`: [`crossbeam_channel::after`],
/// profiled.
///
/// # Examples
///
/// ```
/// use contend::crossbeam_channel::after;
/// use std::time::Duration;
///
/// assert!(after(Duration::from_millis(1)).recv().is_ok());
/// ```
///
/// [`crossbeam_channel::after`]: ::crossbeam_channel::after
pub fn after(duration: Duration) -> Receiver<Instant> {
    Receiver::new(ReceiverEnd::TIMER, ::crossbeam_channel::after(duration))
}

/// Creates a receiver that gets one message, at `when`: [`crossbeam_channel::at`], profiled.
///
/// # Examples
///
/// ```
/// let now = std::time::Instant::now();
/// assert_eq!(contend::crossbeam_channel::at(now).recv(), Ok(now));
/// ```
///
/// [`crossbeam_channel::at`]: ::crossbeam_channel::at
pub fn at(when: Instant) -> Receiver<Instant> {
    Receiver::new(ReceiverEnd::TIMER, ::crossbeam_channel::at(when))
}

/// Creates a receiver that never gets a message: [`crossbeam_channel::never`].
///
/// # Examples
///
/// ```
/// assert!(contend::crossbeam_channel::never::<()>().try_recv().is_err());
/// ```
///
/// [`crossbeam_channel::never`]: ::crossbeam_channel::never
pub const fn never<T>() -> Receiver<T> {
    Receiver::new(ReceiverEnd::TIMER, ::crossbeam_channel::never())
}

/// Creates a receiver that gets a message every `duration`: [`crossbeam_channel::tick`], profiled.
///
/// # Examples
///
/// ```
/// use contend::crossbeam_channel::tick;
/// use std::time::Duration;
///
/// let ticks = tick(Duration::from_millis(1));
/// assert!(ticks.recv().unwrap() < ticks.recv().unwrap());
/// ```
///
/// [`crossbeam_channel::tick`]: ::crossbeam_channel::tick
pub fn tick(duration: Duration) -> Receiver<Instant> {
    Receiver::new(ReceiverEnd::TIMER, ::crossbeam_channel::tick(duration))
}
