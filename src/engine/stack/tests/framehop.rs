//! framehop against the system's unwinder, and the objects that come and go below it.

mod loaded_code;

use super::imp_framehop::Pool;
use super::*;
use crate::loader::find_object::FindObject;

fn new_pool() -> Pool {
    bounds::start();
    Pool::new(FindObject::look_up())
}

/// Both walkers' view of one stack, from the caller of `marker_link` on.
fn walk_both(pool: &Pool) -> (Option<Stack>, Stack) {
    #[inline(never)]
    fn marker_link(pool: &Pool) -> (Option<Stack>, Stack) {
        let (mut ours, mut systems) = (Stack::new(), Stack::new());
        let marker = std::ptr::from_ref(black_box(&ours)).addr();
        let served = pool.walk(marker, Bounds::of_this_thread().unwrap(), &mut ours);
        assert!(imp_backtrace::walk(marker, None, &mut systems));
        (served.then_some(ours), systems)
    }
    marker_link(pool)
}

/// The first frame called both, at two places. The rest is the same.
#[track_caller]
fn assert_same(ours: &Stack, systems: &Stack) {
    assert_eq!(ours.addresses()[1..], systems.addresses()[1..]);
    // The last name is the function's own, those before are inlined into it.
    let first = |stack: &Stack| names(&stack.addresses()[..1]).pop();
    assert_eq!(first(ours), first(systems));
}

#[test]
fn both_walkers_agree() {
    let pool = new_pool();
    // Learned in the first round, remembered in the second.
    for _ in 0..2 {
        for depth in [0, 1, 40, 300] {
            descend(depth, &mut || {
                let (ours, systems) = walk_both(&pool);
                assert_same(&ours.unwrap(), &systems);
            });
        }
        outer_link(&mut || {
            let (ours, systems) = walk_both(&pool);
            assert_callers(
                &systems,
                &[
                    "marker_link",
                    "leaf_link",
                    "inner_link",
                    "middle_link",
                    "outer_link",
                ],
            );
            assert_same(&ours.unwrap(), &systems);
        });
    }
}

#[test]
fn both_walkers_agree_where_the_loader_is_not_asked_by_address() {
    let _alone = loaded_code::nothing_is_loaded();
    bounds::start();
    outer_link(&mut || {
        // Refused at a moment at which another test asks the loader, or loads something.
        let (ours, systems) = loop {
            let (ours, systems) = walk_both(&Pool::new(None));
            if let Some(ours) = ours {
                break (ours, systems);
            }
        };
        assert_same(&ours, &systems);
    });
}

#[test]
fn callback_through_the_c_library_keeps_its_callers() {
    unsafe extern "C" fn compare(pool: *const libc::c_void, _: *const libc::c_void) -> libc::c_int {
        // SAFETY: both elements that `qsort` compares are the pointer stored below.
        let pool = unsafe { &**pool.cast::<&Pool>() };
        let (ours, systems) = walk_both(pool);
        let ours = ours.unwrap();
        assert_same(&ours, &systems);
        assert_callers(
            &ours,
            &[
                "marker_link",
                "leaf_link",
                "inner_link",
                "middle_link",
                "outer_link",
            ],
        );
        0
    }

    let pool = new_pool();
    outer_link(&mut || {
        let mut elements = [&pool; 2];
        let size = size_of::<&Pool>();
        // SAFETY: two elements of this size, which the function leaves as they are, compared by
        // a function that takes two of them. It unwinds only to abort the test.
        unsafe { libc::qsort(elements.as_mut_ptr().cast(), 2, size, Some(compare)) }
    });
}

#[test]
fn signal_handler_is_left_to_the_system() {
    static HANDLED: std::sync::Mutex<Option<(Option<Stack>, Stack)>> = std::sync::Mutex::new(None);

    extern "C" fn handler(_: libc::c_int) {
        // Raised by this thread at a known place, so that a handler may do what it likes.
        *HANDLED.lock().unwrap() = Some(walk_both(&new_pool()));
    }

    outer_link(&mut || {
        let handler: extern "C" fn(libc::c_int) = handler;
        // SAFETY: no other test uses this signal; the handler is raised here and nowhere else.
        unsafe {
            libc::signal(libc::SIGWINCH, handler as libc::sighandler_t);
            libc::raise(libc::SIGWINCH);
            libc::signal(libc::SIGWINCH, libc::SIG_DFL);
        }
    });
    let (ours, systems) = HANDLED.lock().unwrap().take().unwrap();
    assert!(ours.is_none());
    assert_callers(
        &systems,
        &[
            "marker_link",
            "leaf_link",
            "inner_link",
            "middle_link",
            "outer_link",
        ],
    );
}

#[test]
fn new_code_is_left_to_the_system_while_all_readers_are_taken() {
    let pool = new_pool();
    // In the last round everything is known. (The compiler does not see how many rounds there
    // are, so it keeps them all at the same address.)
    let rounds = [(true, false), (false, true), (true, true)];
    for &(readers_are_taken, is_served) in black_box(&rounds[..]) {
        let wanted = if readers_are_taken { usize::MAX } else { 0 };
        let taken: Vec<_> = std::iter::from_fn(|| pool.claim_reader())
            .take(wanted)
            .collect();
        let (ours, systems) = walk_both(&pool);
        assert_eq!(ours.is_some(), is_served, "{} taken", taken.len());
        if let Some(ours) = ours {
            assert_same(&ours, &systems);
        }
    }
}

#[test]
fn other_stacks_are_left_to_the_system() {
    static HANDLED: std::sync::Mutex<Option<Stack>> = std::sync::Mutex::new(None);

    extern "C" fn handler(_: libc::c_int) {
        // Raised by this thread at a known place, so that a handler may do what it likes.
        *HANDLED.lock().unwrap() = capture_here();
    }

    // On a signal's own stack, as on a coroutine's: not where the thread began.
    start();
    let mut room = vec![0_u8; 1 << 20];
    outer_link(&mut || {
        let handler: extern "C" fn(libc::c_int) = handler;
        // SAFETY: no other test uses this signal; the handler is raised here and nowhere else.
        // Its stack is `room`, which lives until the thread has its old one back. All zeros is a
        // valid value of both C structures.
        unsafe {
            let mut old: libc::stack_t = std::mem::zeroed();
            let new = libc::stack_t {
                ss_sp: room.as_mut_ptr().cast(),
                ss_size: room.len(),
                ..std::mem::zeroed()
            };
            assert_eq!(libc::sigaltstack(&new, &mut old), 0);
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as libc::sighandler_t;
            action.sa_flags = libc::SA_ONSTACK;
            libc::sigaction(libc::SIGURG, &action, std::ptr::null_mut());
            libc::raise(libc::SIGURG);
            libc::signal(libc::SIGURG, libc::SIG_DFL);
            assert_eq!(libc::sigaltstack(&old, std::ptr::null_mut()), 0);
        }
    });
    let stack = HANDLED.lock().unwrap().take();
    assert_callers(&stack.unwrap(), &CHAIN);
}

#[test]
fn walks_while_the_list_is_replaced() {
    let pool = new_pool();
    std::thread::scope(|scope| {
        let walking = scope.spawn(|| {
            for _ in 0..2_000 {
                outer_link(&mut || {
                    let (ours, systems) = walk_both(&pool);
                    if let Some(ours) = ours {
                        assert_same(&ours, &systems);
                    }
                });
            }
        });
        while !walking.is_finished() {
            pool.read_again();
        }
    });
}

#[test]
fn cold_walk_does_not_allocate() {
    let pool = new_pool();
    let mut stack = Stack::new();
    let bounds = Bounds::of_this_thread().unwrap();
    descend(20, &mut || {
        let marker = std::ptr::from_ref(&stack).addr();
        let allocations = allocations::allocations_in(|| {
            pool.walk(marker, bounds, &mut stack);
        });
        assert_eq!(allocations, 0);
    });
}

#[test]
fn needed_stack_is_enough_for_a_cold_walk() {
    #[inline(never)]
    fn fill(pool: &Pool) {
        let here = 0_u8;
        let left = Bounds::of_this_thread()
            .unwrap()
            .bytes_left(std::ptr::from_ref(black_box(&here)).addr());
        if left > STACK_NEEDED_BYTES {
            fill(pool);
        } else {
            let (ours, systems) = walk_both(pool);
            assert_eq!(ours.unwrap().addresses()[1..], systems.addresses()[1..]);
        }
        black_box(());
    }

    let pool = new_pool();
    std::thread::Builder::new()
        .stack_size(STACK_NEEDED_BYTES + (64 << 10))
        .spawn(move || fill(&pool))
        .unwrap()
        .join()
        .unwrap();
}
