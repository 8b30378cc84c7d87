//! Tests that must hold whichever walker serves; those of framehop alone are in
//! `tests/framehop.rs`.

mod allocations;
#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
mod framehop;

use std::hint::black_box;

use super::*;

/// Names of the functions, inlined ones too, leaf first.
fn names(addresses: &[usize]) -> Vec<String> {
    let mut names = Vec::new();
    for &address in addresses {
        backtrace::resolve(std::ptr::without_provenance_mut(address - 1), |symbol| {
            names.extend(symbol.name().map(|name| format!("{name:#}")));
        });
    }
    names
}

/// Whether the functions come in this order, without others of this module in between.
#[track_caller]
fn assert_callers(stack: &Stack, expected: &[&str]) {
    let names = names(stack.addresses());
    let ours = names.iter().filter(|name| name.contains("_link"));
    let ours: Vec<&str> = ours.map(|name| name.rsplit("::").next().unwrap()).collect();
    assert_eq!(ours, expected, "in {names:#?}");
}

#[inline(never)]
fn leaf_link(visit: &mut dyn FnMut()) {
    visit();
    black_box(());
}

#[inline(never)]
fn inner_link(visit: &mut dyn FnMut()) {
    leaf_link(visit);
    black_box(());
}

#[inline(never)]
fn middle_link(visit: &mut dyn FnMut()) {
    // Frames of various sizes, and one with an alignment that needs a frame pointer.
    let room = Aligned([1; 3000]);
    black_box(&room.0);
    inner_link(visit);
    black_box(&room.0);
}

#[repr(align(64))]
struct Aligned([u8; 3000]);

#[inline(never)]
fn outer_link(visit: &mut dyn FnMut()) {
    middle_link(visit);
    black_box(());
}

const CHAIN: [&str; 4] = ["leaf_link", "inner_link", "middle_link", "outer_link"];

/// Calls `visit` at the end of `depth` calls.
#[inline(never)]
fn descend(depth: usize, visit: &mut dyn FnMut()) {
    match depth {
        0 => visit(),
        _ => descend(depth - 1, visit),
    }
    black_box(());
}

#[inline(always)]
fn capture<T: ?Sized>(marker: &T) -> Option<Stack> {
    let mut stack = Stack::new();
    (has_room() && stack.capture(marker)).then_some(stack)
}

fn capture_here() -> Option<Stack> {
    let marker = 0_u8;
    capture(black_box(&marker))
}

#[test]
fn chain_is_complete_and_in_order() {
    start();
    let mut stack = None;
    outer_link(&mut || stack = capture_here());
    assert_callers(&stack.unwrap(), &CHAIN);
}

#[test]
fn system_unwinder_gives_the_same_chain() {
    let mut stack = Stack::new();
    outer_link(&mut || {
        let marker = 0_u8;
        let marker = std::ptr::from_ref(black_box(&marker)).addr();
        assert!(imp_backtrace::walk(marker, None, &mut stack));
    });
    assert_callers(&stack, &CHAIN);
}

#[test]
fn marker_cuts_the_frames_below_it() {
    start();
    #[inline(never)]
    fn own_frames(depth: usize, marker: &[u8]) -> Option<Stack> {
        let stack = match depth {
            0 => capture(marker),
            _ => own_frames(depth - 1, marker),
        };
        black_box(stack)
    }
    #[inline(never)]
    fn marked() -> Option<Stack> {
        let marker = [1_u8, 2, 3];
        black_box(own_frames(10, black_box(&marker[..])))
    }
    let stack = marked().unwrap();
    let first = names(&stack.addresses()[..1]);
    assert!(
        first.iter().any(|name| name.ends_with("::marked")),
        "{first:?}"
    );
    let all = names(stack.addresses());
    assert!(
        !all.iter().any(|name| name.ends_with("own_frames")),
        "{all:#?}"
    );
    assert!(
        !all.iter().any(|name| name.contains("Stack::capture")),
        "{all:#?}"
    );
}

#[test]
fn marker_on_no_frame_gives_nothing() {
    start();
    // Above the stack of this thread: never passed.
    std::thread::spawn(|| {
        let address = usize::MAX / 2;
        let mut stack = Stack::new();
        assert!(!imp::walk(address, Bounds::of_this_thread(), &mut stack));
        assert!(!imp_backtrace::walk(address, None, &mut stack));
    })
    .join()
    .unwrap();
}

#[test]
fn deep_stack_keeps_its_leaf_side() {
    start();
    let mut stack = None;
    let mut all = Vec::new();
    descend(300, &mut || {
        stack = capture_here();
        backtrace::trace(|frame| {
            all.push(frame.ip().addr());
            true
        });
    });
    let stack = stack.unwrap();
    assert_eq!(stack.addresses().len(), MAX_DEPTH);
    // From the frame of `descend` on, both saw the same.
    let in_both = &stack.addresses()[8..];
    let start = all.windows(in_both.len()).position(|part| part == in_both);
    assert!(start.is_some_and(|start| start < 30), "{start:?}");
}

#[test]
fn works_on_a_small_stack() {
    start();
    let small = std::thread::Builder::new().stack_size(STACK_NEEDED_BYTES + (48 << 10));
    let depth = small.spawn(|| capture_here().map(|stack| stack.addresses().len()));
    assert!(depth.unwrap().join().unwrap().unwrap() > 2);
}

#[cfg(target_os = "linux")]
#[test]
fn nearly_full_stack_gives_nothing() {
    /// Goes deeper until there was no stack for a capture several times.
    #[inline(never)]
    fn fill(captured: &mut usize, refused: &mut usize) {
        match capture_here() {
            Some(stack) => {
                assert!(!stack.addresses().is_empty());
                *captured += 1;
            }
            None => *refused += 1,
        }
        if *refused < 5 {
            fill(captured, refused);
        }
        black_box(());
    }

    start();
    let thread = std::thread::Builder::new().stack_size(STACK_NEEDED_BYTES + (256 << 10));
    let fill = || {
        let (mut captured, mut refused) = (0, 0);
        fill(&mut captured, &mut refused);
        (captured, refused)
    };
    let (captured, refused) = thread.spawn(fill).unwrap().join().unwrap();
    assert!(captured > 20, "{captured}");
    assert_eq!(refused, 5);
}

#[test]
fn many_threads_capture_at_once() {
    start();
    std::thread::scope(|scope| {
        for _ in 0..48 {
            scope.spawn(|| {
                let mut stacks = Vec::new();
                outer_link(&mut || {
                    for _ in 0..200 {
                        stacks.push(capture_here().unwrap());
                    }
                });
                let first = &stacks[0];
                assert_callers(first, &CHAIN);
                for stack in &stacks {
                    assert_eq!(stack.addresses(), first.addresses());
                }
            });
        }
    });
}

#[test]
fn works_in_a_destructor_of_a_thread_local() {
    use std::sync::mpsc;

    struct CapturesLast(mpsc::Sender<usize>);
    impl Drop for CapturesLast {
        fn drop(&mut self) {
            let depth = capture_here().map_or(0, |stack| stack.addresses().len());
            self.0.send(depth).unwrap();
        }
    }
    thread_local!(static LAST: std::cell::RefCell<Option<CapturesLast>> = const {
        std::cell::RefCell::new(None)
    });

    start();
    let (sender, depths) = mpsc::channel();
    std::thread::spawn(|| LAST.set(Some(CapturesLast(sender))))
        .join()
        .unwrap();
    assert!(depths.recv().unwrap() > 2);
}

#[test]
fn works_while_panicking() {
    struct CapturesInDrop<'a>(&'a mut Option<Stack>);
    impl Drop for CapturesInDrop<'_> {
        fn drop(&mut self) {
            *self.0 = capture_here();
        }
    }

    start();
    let mut stack = None;
    outer_link(&mut || {
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _captures = CapturesInDrop(&mut stack);
            std::panic::resume_unwind(Box::new("on purpose"));
        }));
        assert!(unwound.is_err());
    });
    assert_callers(&stack.unwrap(), &CHAIN);
}

#[cfg(unix)]
#[test]
fn works_in_a_forked_child() {
    start();
    // SAFETY: the child calls nothing that another thread may have held a lock of at the fork:
    // `capture` waits for no lock. It leaves without running anything of the test's harness.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let depth = capture_here().map_or(0, |stack| stack.addresses().len());
        // SAFETY: ends the process; nothing in it is used any more.
        unsafe { libc::_exit(if depth > 2 { 0 } else { 1 }) }
    }
    let mut status = -1;
    // SAFETY: `child` is our own child, waited for once; `status` is a live local.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
}
