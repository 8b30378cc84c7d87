//! A lock that a fork does not leave closed.

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use super::install_hooks;
use crate::engine::published::Published;

/// For statics. In a child of `fork` it is open: with what is in it if nobody held it at the fork,
/// and else with a new `T`, because its holder may have left that half changed and does not exist
/// there.
///
/// Poison is ignored: whoever holds it changes it in one step.
#[derive(Debug)]
pub(crate) struct Lock<T: 'static> {
    /// A mutex that its holder has locked for ever is forgotten, not opened: the thread that forks
    /// may be that holder, and have a guard of it.
    current: Published<Mutex<T>>,
    /// Whether it is in [`LISTED`]. Relaxed: decides who lists it.
    is_listed: AtomicBool,
}

impl<T: Default + Send + 'static> Lock<T> {
    pub(crate) const fn new() -> Self {
        Self {
            current: Published::new(),
            is_listed: AtomicBool::new(false),
        }
    }

    pub(crate) fn lock(&'static self) -> MutexGuard<'static, T> {
        if !self.is_listed.swap(true, Ordering::Relaxed) {
            list(self);
            install_hooks();
        }
        let current = self.current.get_or_publish(Mutex::default);
        current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

trait Open: Sync {
    /// In a child, whose only thread this is. Allocates nothing.
    fn open(&self);
}

impl<T: Send> Open for Lock<T> {
    fn open(&self) {
        let is_held = |lock: &Mutex<T>| matches!(lock.try_lock(), Err(TryLockError::WouldBlock));
        if self.current.get().is_some_and(is_held) {
            self.current.forget();
        }
    }
}

/// A lock that was used. Never freed, as the locks are statics.
struct Listed {
    lock: &'static dyn Open,
    next: *const Listed,
}

/// Stored with `Release`, after the entry was made; whoever goes through the list loads it with
/// `Acquire`.
static LISTED: AtomicPtr<Listed> = AtomicPtr::new(ptr::null_mut());

fn list(lock: &'static dyn Open) {
    let new = Box::into_raw(Box::new(Listed {
        lock,
        next: ptr::null(),
    }));
    let mut first = LISTED.load(Ordering::Relaxed);
    loop {
        // SAFETY: made above, and nobody else has it before it is published below.
        unsafe { (*new).next = first };
        match LISTED.compare_exchange_weak(first, new, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => first = now,
        }
    }
}

/// In a child of `fork`.
pub(super) fn open_all() {
    let mut next = LISTED.load(Ordering::Acquire).cast_const();
    // SAFETY: null, or an entry that was published whole, is never changed after that and never
    // freed.
    while let Some(listed) = unsafe { next.as_ref() } {
        listed.lock.open();
        next = listed.next;
    }
}
