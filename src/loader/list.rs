//! The dynamic loader's list of objects, and the one place that asks for it.
//!
//! glibc holds a lock of its own while it answers, and a fork does not open that lock in the child:
//! a child made meanwhile that asks, or loads something, waits for ever. So all that we ask is
//! asked under a flag that a fork waits for; and in a child, where the lock may have been held by
//! code that is not ours, the loader is not asked at all.

use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::mem::offset_of;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{ptr, slice};

use libc::dl_phdr_info;

#[cfg(target_pointer_width = "64")]
pub(crate) type ProgramHeader = libc::Elf64_Phdr;
#[cfg(target_pointer_width = "32")]
pub(crate) type ProgramHeader = libc::Elf32_Phdr;

/// One object, while the loader holds its lock.
///
/// NOTE: no `Debug`, which its headers have only since libc 0.2.176.
pub(crate) struct LoadedObject<'a> {
    /// The number that is added to the addresses that the file speaks of.
    pub(crate) bias: usize,
    /// As the loader found it; empty for the program.
    pub(super) name: &'a [u8],
    pub(crate) headers: &'a [ProgramHeader],
    /// How many objects were ever loaded; 0 where the loader does not count.
    pub(super) loads: u64,
    pub(super) unloads: u64,
}

/// Up while one of our threads asks.
///
/// Raised with `Acquire`, lowered with `Release`, though it publishes nothing: what a fork waits
/// for is that the thread has left the loader.
static IS_ASKED: AtomicBool = AtomicBool::new(false);

/// Whether this process came from a fork. Written in the child's hook, when it has one thread.
static IS_CHILD: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread has raised `IS_ASKED` for its fork.
    static RAISED_FOR_FORK: Cell<bool> = const { Cell::new(false) };
}

/// Tries to get the flag, some 10 ms in all. An answer takes some 10 µs; what takes longer is a
/// thread that waits for the loader's own lock, and its holder may be the one who tries: it asks
/// for a profile, or forks, in a callback of the loader's.
const TRIES: u32 = 200;

/// Calls `visit` with each loaded object, the program first, until it returns false. False: the
/// loader must not be asked here, and was not.
///
/// The loader holds a lock of its own meanwhile: no object goes away, and `visit` should neither
/// allocate (an allocator may hold a lock of its own while it waits for the loader's) nor wait.
pub(crate) fn for_each_object(mut visit: impl FnMut(&LoadedObject<'_>) -> bool) -> bool {
    if !may_be_asked() {
        return false;
    }
    // Without the flag it goes on all the same: to wait longer could be for ever.
    let _flag = Flag::raise(TRIES);
    iterate(&mut visit);
    true
}

/// How many objects were ever loaded and unloaded. It grows whenever the list changes. `None`:
/// it cannot be known at this moment.
#[allow(dead_code)] // Asked for by the fast unwinder, which is a feature.
pub(crate) fn changes() -> Option<u64> {
    if !may_be_asked() {
        return None;
    }
    // Waits for nobody: this is asked where a wait is recorded, with the C libraries that need it.
    let _flag = Flag::raise(1)?;
    let mut changes = 0;
    iterate(&mut |object| {
        changes = object.loads.wrapping_add(object.unloads);
        false
    });
    Some(changes)
}

/// Whether this process was forked from one that was profiled.
fn is_child() -> bool {
    // Relaxed: written before this process had a second thread.
    IS_CHILD.load(Ordering::Relaxed)
}

/// Whether the loader's own lock is known not to be left closed by a fork. musl opens its lock
/// in a child itself.
pub(crate) fn may_be_asked() -> bool {
    cfg!(target_env = "musl") || !is_child()
}

/// Waits until no thread of ours is in the loader, for as long as that may take and no longer.
pub(crate) fn before_fork() {
    let flag = Flag::raise(TRIES);
    RAISED_FOR_FORK.set(flag.is_some());
    std::mem::forget(flag);
}

pub(crate) fn after_fork_in_parent() {
    if RAISED_FOR_FORK.replace(false) {
        drop(Flag(()));
    }
}

pub(crate) fn after_fork_in_child() {
    RAISED_FOR_FORK.set(false);
    IS_CHILD.store(true, Ordering::Relaxed);
    IS_ASKED.store(false, Ordering::Relaxed);
}

/// The raised flag. Lowers it on drop.
struct Flag(());

impl Flag {
    fn raise(tries: u32) -> Option<Self> {
        for tried in 0..tries {
            let raised =
                IS_ASKED.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
            if raised.is_ok() {
                return Some(Self(()));
            }
            if tried + 1 < tries {
                std::thread::sleep(Duration::from_micros(50));
            }
        }
        None
    }
}

impl Drop for Flag {
    fn drop(&mut self) {
        IS_ASKED.store(false, Ordering::Release);
    }
}

fn iterate(visit: &mut dyn FnMut(&LoadedObject<'_>) -> bool) {
    type Visit<'a> = &'a mut dyn FnMut(&LoadedObject<'_>) -> bool;

    /// # Safety
    ///
    /// - `info` points to the description of an object that stays loaded during the call, of which
    ///   `size` bytes are filled in.
    /// - `visit` points to a [`Visit`] that nobody else uses.
    unsafe extern "C" fn call(info: *mut dl_phdr_info, size: usize, visit: *mut c_void) -> c_int {
        // SAFETY: by the second duty.
        let visit = unsafe { &mut *visit.cast::<Visit<'_>>() };
        // SAFETY: by the first duty; these fields are part of every loader's description.
        let (bias, name, headers, count) = unsafe {
            let info = &raw const *info;
            (
                (*info).dlpi_addr as usize,
                (*info).dlpi_name,
                (*info).dlpi_phdr,
                usize::from((*info).dlpi_phnum),
            )
        };
        let counts = size >= offset_of!(dl_phdr_info, dlpi_subs) + size_of::<u64>();
        let (loads, unloads) = if counts {
            // SAFETY: by the first duty, and the check that the description reaches this far.
            unsafe { ((*info).dlpi_adds, (*info).dlpi_subs) }
        } else {
            (0, 0)
        };
        let name = if name.is_null() {
            &[]
        } else {
            // SAFETY: by the first duty the name is a C string that stays during the call.
            unsafe { CStr::from_ptr(name) }.to_bytes()
        };
        let headers = if headers.is_null() {
            &[]
        } else {
            // SAFETY: by the first duty the loader's headers are there and stay, and nobody writes
            // to them; `count` is how many.
            unsafe { slice::from_raw_parts(headers, count) }
        };
        c_int::from(!visit(&LoadedObject {
            bias,
            name,
            headers,
            loads,
            unloads,
        }))
    }

    let mut visit: Visit<'_> = visit;
    // SAFETY: `call` casts the pointer back to the type that it has here, and only during this
    // call, which `visit` outlives. It does not unwind: no closure of this crate's panics, and the
    // function is `extern "C"`, which would abort.
    unsafe { libc::dl_iterate_phdr(Some(call), ptr::from_mut(&mut visit).cast()) };
}
