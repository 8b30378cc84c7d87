//! Puts the interrupted function on the stacks that the pprof crate notes down.
//!
//! The crate starts at the frame pointer of the interrupted function, so the first address that
//! it finds is the one to which that function returns: in its caller. Our handler stands in front
//! of the crate's, and lets it find one more frame: a frame that returns to where the program was
//! interrupted.
//!
//! ```text
//! the handler's frame pointer register ─▶ [ frame pointer │ place of interruption + 1 ]   ours
//!                                           └▶ [ caller's frame pointer │ return address ]
//! ```

use std::ffi::{c_int, c_void};
use std::io;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

/// The pprof crate's handler, once it is known.
///
/// Stored with `Release` before ours is installed; the `Acquire` in ours is its partner. The crate
/// has only one, so that it never changes.
static INNER: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// As both processors lay it out, and as the crate reads it.
#[repr(C)]
struct FrameRecord {
    frame_pointer: usize,
    return_address: usize,
}

/// Whether somebody handles the signal of profilers: to take it would end their profile.
pub(super) fn is_taken() -> bool {
    let taken = action().map(|action| action.sa_sigaction);
    taken.is_ok_and(|handler| handler != libc::SIG_DFL && handler != libc::SIG_IGN)
}

/// Puts our handler in front of the one that the crate has installed.
pub(super) fn stand_in_front() -> io::Result<()> {
    let mut action = action()?;
    let inner = action.sa_sigaction;
    let takes_context = action.sa_flags & libc::SA_SIGINFO != 0;
    if !takes_context || inner == libc::SIG_DFL || inner == libc::SIG_IGN {
        return Err(io::Error::other("SIGPROF was taken away"));
    }
    INNER.store(ptr::with_exposed_provenance_mut(inner), Ordering::Release);
    action.sa_sigaction = (handle as Handler as *const ()).expose_provenance();
    // SAFETY: the action is the one that is in force, with another handler of the same type.
    match unsafe { libc::sigaction(libc::SIGPROF, &action, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether the loader finds the object of an address without a lock: from glibc 2.35 on.
pub(super) fn is_loader_lock_free() -> bool {
    // SAFETY: the name ends with a zero; the look-up has no other duties.
    !unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr()) }.is_null()
}

fn action() -> io::Result<libc::sigaction> {
    // SAFETY: zeros are a value of each of its fields.
    let mut action = unsafe { mem::zeroed() };
    // SAFETY: changes nothing; what is in force is written to `action`.
    match unsafe { libc::sigaction(libc::SIGPROF, ptr::null(), &mut action) } {
        0 => Ok(action),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Async-signal-safe: an atomic load, and what the crate's handler does.
extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let inner = INNER.load(Ordering::Acquire);
    if inner.is_null() || context.is_null() {
        return;
    }
    // SAFETY: `stand_in_front` stored the handler of an action that has `SA_SIGINFO`, and such
    // handlers are of this type.
    let inner = unsafe { mem::transmute::<*mut (), Handler>(inner) };
    let context = context.cast::<libc::ucontext_t>();
    // SAFETY: with `SA_SIGINFO` the kernel passes a context that is this handler's until it
    // returns.
    let (place, frame_pointer) = unsafe { registers(context) };
    // SAFETY: the same; both registers are only read here.
    let frame = unsafe {
        FrameRecord {
            frame_pointer: *frame_pointer as usize,
            // Readers of stacks subtract one: they take every address for one behind a call.
            return_address: (*place as usize).wrapping_add(1),
        }
    };
    // SAFETY: the same. The crate reads the frame while it lives, which is to the end of this
    // function; before that the register gets its own value back, as the program goes on with it.
    unsafe {
        let saved = *frame_pointer;
        *frame_pointer = (&raw const frame).expose_provenance() as _;
        inner(signal, info, context.cast());
        *frame_pointer = saved;
    }
}

/// Where the instruction pointer and the frame pointer of the interrupted code are kept.
///
/// # Safety
///
/// - `context` is the one of a signal handler that is running, and used for no longer.
#[cfg(target_arch = "x86_64")]
unsafe fn registers(context: *mut libc::ucontext_t) -> (*const i64, *mut i64) {
    // SAFETY: by the function's duty the context is valid; both indices are within the array.
    unsafe {
        let registers = (&raw mut (*context).uc_mcontext.gregs).cast::<i64>();
        (
            registers.add(libc::REG_RIP as usize),
            registers.add(libc::REG_RBP as usize),
        )
    }
}

/// Where the instruction pointer and the frame pointer of the interrupted code are kept.
///
/// # Safety
///
/// - `context` is the one of a signal handler that is running, and used for no longer.
#[cfg(target_arch = "aarch64")]
unsafe fn registers(context: *mut libc::ucontext_t) -> (*const u64, *mut u64) {
    // SAFETY: by the function's duty the context is valid. The frame pointer is register 29 of 31.
    unsafe {
        let machine = &raw mut (*context).uc_mcontext;
        (
            &raw const (*machine).pc,
            (&raw mut (*machine).regs).cast::<u64>().add(29),
        )
    }
}
