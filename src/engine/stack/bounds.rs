//! Where this thread's stack lies: a walk reads nothing outside it, and needs some of it.

use std::cell::Cell;
use std::mem::MaybeUninit;

thread_local! {
    /// Asked for once per thread. Without a destructor, so that it is there till the end.
    static BOUNDS: Cell<Option<Bounds>> = const { Cell::new(None) };
}

/// From the lowest usable address to the end of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    low: usize,
    high: usize,
}

impl Bounds {
    /// Contains nothing: of a thread whose bounds the system does not tell.
    const UNKNOWN: Self = Self { low: 0, high: 0 };

    /// Of the stack that the thread was started on.
    ///
    /// The low end of the main thread's is where its limit stood when it was asked for. A fork
    /// keeps both ends.
    #[inline]
    pub(super) fn of_this_thread() -> Option<Self> {
        let bounds = BOUNDS.with(|cached| cached.get().unwrap_or_else(|| ask_once(cached)));
        (bounds != Self::UNKNOWN).then_some(bounds)
    }

    #[inline]
    pub(super) fn contains(self, address: usize) -> bool {
        (self.low..self.high).contains(&address)
    }

    /// How much stack is left below `address`.
    #[inline]
    pub(super) fn bytes_left(self, address: usize) -> usize {
        address.saturating_sub(self.low)
    }

    /// One past the last byte.
    #[cfg(all(feature = "framehop", target_arch = "x86_64"))]
    pub(super) fn end(self) -> usize {
        self.high
    }
}

#[cold]
fn ask_once(cached: &Cell<Option<Bounds>>) -> Bounds {
    let bounds = ask_system().unwrap_or(Bounds::UNKNOWN);
    cached.set(Some(bounds));
    bounds
}

/// For the main thread glibc reads `/proc/self/maps`: tens of microseconds, and memory of C's
/// allocator, not of Rust's.
fn ask_system() -> Option<Bounds> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: a thread may ask for its own attributes at any time. They are written where the
    // pointer points, which is large enough by its type.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: the call above returned 0, so it has initialised them.
    let mut attributes = unsafe { attributes.assume_init() };
    let mut low = std::ptr::null_mut();
    let mut size = 0;
    let mut guard = 0;
    // SAFETY: `attributes` is initialised; the results go to live locals of the right types. It
    // is destroyed once, afterwards, and not used again.
    let failed = unsafe {
        let failed = libc::pthread_attr_getstack(&attributes, &mut low, &mut size)
            | libc::pthread_attr_getguardsize(&attributes, &mut guard);
        libc::pthread_attr_destroy(&mut attributes);
        failed
    };
    if failed != 0 {
        return None;
    }
    let high = low.addr().checked_add(size)?;
    // glibc before 2.27 counts the guard as a part of the stack. Where it is not, this gives
    // away a page.
    let low = low.addr().checked_add(guard)?;
    (low < high).then_some(Bounds { low, high })
}
