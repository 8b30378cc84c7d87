//! A queue that holds one message against one that holds 128, between two threads.
//!
//! ```text
//! cargo bench -p contend-harnesses --bench bounded_queue
//! CONTEND_BLOCK_PROFILE='{bin}.txt' cargo bench -p contend-harnesses --bench bounded_queue -- '1$'
//! ```
//!
//! The second shows who waits: `send` and `recv` of the small queue block for about two thirds of
//! the messages. With `128` in the place of `1$` you should see a small part of these waits. The
//! guard in `main` is all that the bench does for it, here with divan, and in the same way with
//! every harness whose `main` is one's own. (A profile of a measured run costs what it costs:
//! measure without.)

use std::thread;

use contend::sync::mpsc::sync_channel;

const MESSAGES: u64 = 5_000;

fn main() {
    let _profiles = contend::init();
    divan::main();
}

#[inline(never)]
fn produce(queue: impl Fn(u64)) {
    (1..=MESSAGES).for_each(queue);
}

#[divan::bench(args = [1, 128], sample_count = 50)]
fn hand_over(capacity: usize) {
    let (sender, receiver) = sync_channel(capacity);
    let sum: u64 = thread::scope(|scope| {
        scope.spawn(move || produce(|message| sender.send(message).unwrap()));
        receiver.into_iter().sum()
    });
    assert_eq!(sum, MESSAGES * (MESSAGES + 1) / 2);
}
