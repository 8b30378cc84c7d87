//! From a thread's pointer, by which the record path knows it, to the kernel's number.

use std::sync::atomic::{AtomicU64, Ordering};

use super::procfs::{self, Tid};
use crate::engine::stack::memory;
use crate::engine::thread_state;

/// The number of the thread whose control block is at `pointer`. `None`: there is none any more, or
/// this C library does not say where the number is.
pub(super) fn tid_of(pointer: u64) -> Option<Tid> {
    read_tid(pointer.checked_add(known_offset()?)?)
}

/// Whether this C library says where the number is.
pub(super) fn are_tids_known() -> bool {
    known_offset().is_some()
}

fn known_offset() -> Option<u64> {
    // The offset plus one; 0: not asked yet; 1: not known. Relaxed: it is all that there is to see.
    static OFFSET: AtomicU64 = AtomicU64::new(0);
    let mut known = OFFSET.load(Ordering::Relaxed);
    if known == 0 {
        known = tid_offset().map_or(1, |offset| offset + 1);
        OFFSET.store(known, Ordering::Relaxed);
    }
    known.checked_sub(1).filter(|offset| *offset > 0)
}

fn read_tid(address: u64) -> Option<Tid> {
    // Through the kernel: the thread may have ended, and its memory be gone.
    let mut bytes = [0; size_of::<Tid>()];
    let is_read = memory::read(address, &mut bytes) == bytes.len();
    let tid = Tid::from_ne_bytes(bytes);
    (is_read && tid > 0).then_some(tid)
}

/// Where the number stands in a control block, checked with the thread that asks.
fn tid_offset() -> Option<u64> {
    offset_for_debuggers().or_else(found_offset)
}

/// The one place near the start of this thread's control block that has its number: musl's has some
/// ten words there, of which no other one is a number of a thread.
fn found_offset() -> Option<u64> {
    const SEARCHED_BYTES: u64 = 128;
    let own = thread_state::thread_pointer() as u64;
    let is_there = |offset: &u64| read_tid(own + offset) == Some(procfs::own_tid());
    let mut places = (0..SEARCHED_BYTES)
        .step_by(size_of::<Tid>())
        .filter(is_there);
    let place = places.next()?;
    places.next().is_none().then_some(place)
}

/// Where glibc says that it is, for debuggers (`libthread_db`).
fn offset_for_debuggers() -> Option<u64> {
    // SAFETY: the name ends with a zero; the lookup has no other duties.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_thread_db_pthread_tid".as_ptr()) };
    if symbol.is_null() {
        return None;
    }
    // SAFETY: the symbol of this name is three words of 32 bits in every glibc that has it
    // (`DB_FIELD` in `nptl_db/db_info.c`): how many bits the field has, how many there are, where.
    let [bits, count, offset] = unsafe { symbol.cast::<[u32; 3]>().read() };
    let offset = u64::from(offset);
    let own = thread_state::thread_pointer() as u64 + offset;
    (bits == 32 && count == 1 && offset > 0 && read_tid(own) == Some(procfs::own_tid()))
        .then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_found_by_their_pointers() {
        if tid_offset().is_none() {
            // Not glibc.
            return;
        }
        let of_this = || (thread_state::thread_pointer() as u64, procfs::own_tid());
        let (pointer, tid) = of_this();
        assert_eq!(tid_of(pointer), Some(tid));
        let theirs = std::thread::spawn(move || {
            let (pointer, tid) = of_this();
            assert_eq!(tid_of(pointer), Some(tid));
            tid
        });
        assert_ne!(theirs.join().unwrap(), tid);
        assert_eq!(tid_of(8), None);
    }
}
