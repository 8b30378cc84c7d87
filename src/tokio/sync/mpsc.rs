//! [`tokio::sync::mpsc`], profiled.
//!
//! A task that waits for room is an event of kind `async_send`, one that waits for a message of
//! kind `async_recv`, both in the block profile alone. The ends of a channel are types of their
//! own; [`From`] goes both ways, for adapters that take the original's, such as `ReceiverStream`
//! and `PollSender`. What waits in an adapter is not profiled.
//!
//! ```
//! use contend::tokio::sync::mpsc;
//!
//! # contend::tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let (jobs, mut queue) = mpsc::channel(1);
//! contend::tokio::spawn(async move {
//!     for job in 0..3 {
//!         jobs.send(job).await.unwrap();
//!     }
//! });
//! let mut sum = 0;
//! while let Some(job) = queue.recv().await {
//!     sum += job;
//! }
//! assert_eq!(sum, 3);
//! # });
//! ```

// A name that is shadowed below wins over the glob.
pub use ::tokio::sync::mpsc::*;

mod owned_permit;
mod receiver;
mod sender;
mod unbounded_sender;

pub use owned_permit::OwnedPermit;
pub use receiver::{Receiver, UnboundedReceiver};
pub use sender::{Sender, WeakSender};
pub use unbounded_sender::{UnboundedSender, WeakUnboundedSender};

/// Creates a channel with room for so many messages.
///
/// # Panics
///
/// If that is 0, or more than a semaphore has permits.
#[track_caller]
pub fn channel<T>(buffer: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = ::tokio::sync::mpsc::channel(buffer);
    (sender.into(), receiver.into())
}

/// Creates a channel with room for any number of messages.
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    let (sender, receiver) = ::tokio::sync::mpsc::unbounded_channel();
    (sender.into(), receiver.into())
}
