use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::sync::{Barrier, BarrierWaitResult, LazyLock, OnceLock};
use super::super::thread;

fn message(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().unwrap()).to_owned(),
    }
}

static IN_A_STATIC: LazyLock<Vec<u32>> =
    LazyLock::new(|| (0..3).map(|number| number * 2).collect());
static CELL_IN_A_STATIC: OnceLock<String> = OnceLock::new();
const _: OnceLock<u8> = OnceLock::new();

#[test]
fn statics() {
    assert_eq!(*IN_A_STATIC, [0, 2, 4]);
    assert_eq!(IN_A_STATIC.len(), 3);
    assert_eq!(CELL_IN_A_STATIC.get_or_init(|| "once".into()), "once");
}

#[test]
fn once_lock_api() {
    let mut cell: OnceLock<String> = OnceLock::default();
    assert_eq!(cell.get(), None);
    assert_eq!(cell.get_mut(), None);
    assert_eq!(cell.take(), None);
    assert_eq!(
        format!("{cell:?}"),
        format!("{:?}", std::sync::OnceLock::<u8>::new())
    );
    assert_eq!(cell.set("a".into()), Ok(()));
    assert_eq!(cell.set("b".into()), Err("b".into()));
    cell.get_mut().unwrap().push('!');
    assert_eq!(cell.wait(), "a!");
    assert_eq!(format!("{cell:?}"), r#"OnceLock("a!")"#);
    assert_eq!(cell.clone(), cell);
    assert_eq!(OnceLock::from("a!".to_owned()), cell);
    assert_ne!(OnceLock::new(), cell);
    assert_eq!(cell.take().as_deref(), Some("a!"));
    assert_eq!(cell.get_or_init(|| "c".into()), "c");
    assert_eq!(cell.into_inner().as_deref(), Some("c"));
}

#[test]
fn a_once_lock_is_free_again_after_a_panic() {
    let cell = OnceLock::new();
    let result = catch_unwind(AssertUnwindSafe(|| {
        cell.get_or_init(|| panic!("on purpose"))
    }));
    assert!(result.is_err());
    assert_eq!(cell.get(), None);
    assert_eq!(cell.get_or_init(|| 5), &5);
}

#[test]
fn one_initialiser_runs() {
    let runs = AtomicU32::new(0);
    let cell = OnceLock::new();
    let lazy = LazyLock::new(|| {
        runs.fetch_add(1, Ordering::Relaxed);
        thread::sleep(std::time::Duration::from_millis(10));
        7
    });
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(cell.get_or_init(|| *lazy), &7));
            scope.spawn(|| assert_eq!(cell.wait(), &7));
            scope.spawn(|| assert_eq!(*lazy, 7));
        }
    });
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[test]
fn a_waiter_runs_its_own_after_a_panic() {
    let cell = OnceLock::new();
    let runs = Barrier::new(2);
    thread::scope(|scope| {
        let panics = scope.spawn(|| {
            cell.get_or_init(|| {
                runs.wait();
                thread::sleep(std::time::Duration::from_millis(20));
                panic!("on purpose")
            });
        });
        runs.wait();
        assert_eq!(cell.get_or_init(|| 3), &3);
        assert!(panics.join().is_err());
    });
}

#[test]
fn lazy_lock_api() {
    let text = String::from("moved in");
    let mut lazy = LazyLock::new(move || text);
    assert_eq!(format!("{lazy:?}"), "LazyLock(<uninit>)");
    assert_eq!(LazyLock::force(&lazy), "moved in");
    assert_eq!(format!("{lazy:?}"), r#"LazyLock("moved in")"#);
    lazy.push('!');
    assert_eq!(*lazy, "moved in!");
    let by_default: LazyLock<u8> = LazyLock::default();
    assert_eq!(*by_default, 0);
    let mut unforced = LazyLock::new(|| 1);
    *unforced += 1;
    assert_eq!(*unforced, 2);
}

#[test]
fn a_lazy_lock_is_poisoned_by_a_panic() {
    let mut lazy: LazyLock<u8> = LazyLock::new(|| panic!("on purpose"));
    let force =
        |lazy: &LazyLock<u8>| message(catch_unwind(AssertUnwindSafe(|| **lazy)).unwrap_err());
    assert_eq!(force(&lazy), "on purpose");
    for _ in 0..2 {
        assert_eq!(
            force(&lazy),
            "LazyLock instance has previously been poisoned"
        );
    }
    assert_eq!(format!("{lazy:?}"), "LazyLock(<uninit>)");
    let changed = catch_unwind(AssertUnwindSafe(|| *lazy = 1));
    assert_eq!(
        message(changed.unwrap_err()),
        "LazyLock instance has previously been poisoned"
    );
}

/// From Rust 1.94 on in the standard library.
#[test]
fn lazy_lock_looked_into() {
    let mut lazy = LazyLock::new(|| 1);
    assert_eq!(LazyLock::get(&lazy), None);
    assert_eq!(LazyLock::get_mut(&mut lazy), None);
    *LazyLock::force_mut(&mut lazy) = 2;
    *LazyLock::get_mut(&mut lazy).unwrap() += 1;
    assert_eq!(LazyLock::get(&lazy), Some(&3));
}

#[test]
fn barriers_let_one_lead() {
    static BARRIER: Barrier = Barrier::new(4);
    assert!(format!("{BARRIER:?}").starts_with("Barrier"));
    for _ in 0..20 {
        let leaders: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| BARRIER.wait())).collect();
            let results = threads.into_iter().map(|thread| thread.join().unwrap());
            results.filter(BarrierWaitResult::is_leader).count()
        });
        assert_eq!(leaders, 1);
    }
}
