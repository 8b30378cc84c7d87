//! Regions and logs: what a thread says of itself.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::marker::PhantomData;

use super::imp;
use super::task::current;

/// A piece of one thread's work, until it is dropped: a slice in a timeline. It stays with the
/// thread.
#[derive(Debug)]
#[must_use = "the region ends when this is dropped"]
pub struct Region {
    /// 0: nothing was recorded when it began.
    number: u64,
    _not_send: PhantomData<*const ()>,
}

/// Begins a region of this thread: `runtime/trace.StartRegion` of Go. It belongs to the
/// [task](super::task) that the thread works for. The first 200 bytes of the name are kept.
///
/// # Overhead
///
/// While nothing is recorded, one load. While it is, a reading of the clock and a record, at the
/// beginning and at its end.
///
/// # Examples
///
/// ```
/// let _region = contend::trace::region("parse");
/// ```
///
/// It does not leave its thread:
///
/// ```compile_fail
/// let region = contend::trace::region("parse");
/// std::thread::spawn(move || drop(region));
/// ```
pub fn region(name: impl AsRef<str>) -> Region {
    region_of(current(), name.as_ref())
}

/// A region of a task; 0: of none.
pub(super) fn region_of(task: u64, name: &str) -> Region {
    thread_local! {
        /// The number that was given last in this thread. Without a destructor.
        static LAST: Cell<u64> = const { Cell::new(0) };
    }
    let mut number = 0;
    if imp::is_on() {
        number = LAST.get() + 1;
        LAST.set(number);
        imp::region_begin(task, number, name);
    }
    Region {
        number,
        _not_send: PhantomData,
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if self.number != 0 && imp::is_on() {
            imp::region_end(self.number);
        }
    }
}

/// Says something at this moment, in this thread, for the [task](super::task) that it works for:
/// `runtime/trace.Log` of Go. The first 64 bytes of the category and the first 200 of the text are
/// kept.
///
/// # Overhead
///
/// While nothing is recorded, one load; see [`is_enabled`](super::is_enabled) for texts that are
/// dear to make. While it is, a reading of the clock and a record.
///
/// # Examples
///
/// ```
/// contend::trace::log("request", "id=4711");
/// ```
pub fn log(category: impl AsRef<str>, text: impl AsRef<str>) {
    if imp::is_on() {
        imp::log(current(), category.as_ref(), text.as_ref());
    }
}
