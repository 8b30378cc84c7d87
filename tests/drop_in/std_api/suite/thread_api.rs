use std::panic::catch_unwind;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::super::thread::{self, Builder, JoinHandle, Scope, ScopedJoinHandle};

#[test]
fn spawn_and_join() {
    let handle: JoinHandle<u8> = thread::spawn(|| 7);
    let id = handle.thread().id();
    assert_ne!(id, thread::current().id());
    assert!(format!("{handle:?}").starts_with("JoinHandle"));
    assert_eq!(handle.join().unwrap(), 7);
    let payload = thread::spawn(|| panic!("on purpose")).join().unwrap_err();
    assert_eq!(*payload.downcast::<&str>().unwrap(), "on purpose");
}

#[test]
fn builders() {
    let builder = Builder::new().name("named".into()).stack_size(128 << 10);
    assert!(format!("{builder:?}").starts_with("Builder { name: "));
    let handle = builder.spawn(|| thread::current().name().map(str::to_owned));
    assert_eq!(handle.unwrap().join().unwrap().as_deref(), Some("named"));
    let local = 5;
    // SAFETY: the thread is joined before `local` is gone.
    let handle = unsafe { Builder::new().spawn_unchecked(|| local + 1) };
    assert_eq!(handle.unwrap().join().unwrap(), 6);
}

#[test]
fn scopes_lend() {
    let mut numbers = vec![1, 2, 3];
    let mut count = 0;
    let result = thread::scope(|scope| {
        scope.spawn(|| assert_eq!(numbers.len(), 3));
        scope.spawn(|| count += numbers[0]);
        scope.spawn(|| numbers.iter().sum::<i32>()).join().unwrap()
    });
    numbers.push(4);
    assert_eq!((result, count), (6, 1));
}

/// A function that is handed a scope, with the lifetimes that programs write.
fn spawn_in<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    log: &'env Mutex<Vec<u32>>,
    number: u32,
) -> ScopedJoinHandle<'scope, u32> {
    scope.spawn(move || {
        log.lock().unwrap().push(number);
        number
    })
}

struct Pool<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    handles: Vec<ScopedJoinHandle<'scope, u32>>,
}

#[test]
fn scopes_are_passed_on_and_nested() {
    let log = Mutex::new(Vec::new());
    let sum = thread::scope(|scope| {
        let handle = spawn_in(scope, &log, 1);
        scope.spawn(|| {
            // A thread of the scope spawns another one, with the scope captured.
            scope.spawn(|| log.lock().unwrap().push(2));
            spawn_in(scope, &log, 3);
        });
        let mut pool = Pool {
            scope,
            handles: vec![handle],
        };
        let built = Builder::new().name("in scope".into());
        let built = built.spawn_scoped(pool.scope, || {
            log.lock().unwrap().push(4);
            4
        });
        pool.handles.push(built.unwrap());
        let joined = pool.handles.drain(..).map(|thread| thread.join().unwrap());
        joined.sum::<u32>()
    });
    assert_eq!(sum, 5);
    let mut log = log.into_inner().unwrap();
    log.sort_unstable();
    assert_eq!(log, [1, 2, 3, 4]);
}

#[test]
fn handles_go_out_of_order_and_to_other_threads() {
    thread::scope(|scope| {
        let first = scope.spawn(|| 1);
        let second = scope.spawn(move || first.join().unwrap() + 1);
        assert!(format!("{second:?}").starts_with("ScopedJoinHandle"));
        assert_eq!(second.join().unwrap(), 2);
        assert!(format!("{scope:?}").starts_with("Scope"));
    });
}

#[test]
fn scopes_pass_panics_on() {
    let result = catch_unwind(|| thread::scope(|scope| drop(scope.spawn(|| panic!("on purpose")))));
    let payload = result.unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"a scoped thread panicked"),);
    let result = catch_unwind(|| thread::scope(|_| panic!("in the closure")));
    let result: Result<(), _> = result;
    assert_eq!(result.unwrap_err().downcast_ref(), Some(&"in the closure"));
}

#[allow(deprecated)]
#[test]
fn sleeping_and_parking() {
    let begin = Instant::now();
    thread::sleep(Duration::from_millis(5));
    thread::sleep_ms(5);
    assert!(begin.elapsed() >= Duration::from_millis(10));
    thread::park_timeout(Duration::from_millis(1));
    thread::park_timeout_ms(1);
    thread::current().unpark();
    thread::park();
}

#[test]
fn the_rest_of_the_module_is_there() {
    thread::yield_now();
    assert!(!thread::panicking());
    assert!(thread::available_parallelism().is_ok());
    std::thread_local!(static LOCAL: u8 = const { 3 });
    let local: &'static thread::LocalKey<u8> = &LOCAL;
    assert_eq!(local.try_with(|value| *value).ok(), Some(3));
    let _: Option<thread::AccessError> = None;
    let _: thread::ThreadId = thread::current().id();
}

#[cfg(unix)]
#[test]
fn handles_have_their_extension_on_unix() {
    use std::os::unix::thread::JoinHandleExt;

    let handle = thread::spawn(|| ());
    assert_ne!(handle.as_pthread_t(), 0);
    handle.join().unwrap();
}
