//! `assert_contention!`: what passes, what fails, and what a failure says.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex as StdMutex;
use std::thread;
use std::time::Duration;

use crate::common::{ms, release_when_asleep, secs};
use contend::assert_contention;
use contend::sync::{Mutex, MutexGuard};

#[inline(never)]
fn checkout(held: MutexGuard<'_, ()>) {
    drop(held);
    // Not a jump to the guard's drop, where that is not inlined.
    std::hint::black_box(());
}

/// One contention of 10 ms or more, for which `release` is to blame.
fn contention(release: fn(MutexGuard<'_, ()>)) {
    let lock = Mutex::new(());
    let held = lock.lock().unwrap();
    let wait = || drop(lock.lock().unwrap());
    release_when_asleep(wait, || {
        thread::sleep(ms(10));
        release(held);
    });
}

/// The tests of this file take turns, so that they do not see each other's contention.
fn alone<R>(test: impl FnOnce() -> R) -> R {
    let _turn = crate::common::turn();
    test()
}

/// The message and the line of a failure.
fn failure(test: impl FnOnce()) -> (String, u32) {
    static LINE: StdMutex<u32> = StdMutex::new(0);
    alone(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(|info| {
            *LINE.lock().unwrap() = info.location().unwrap().line();
        }));
        let result = panic::catch_unwind(AssertUnwindSafe(test));
        panic::set_hook(hook);
        let message = result.expect_err("it passes");
        let message: Box<dyn Any> = message;
        (
            *message.downcast::<String>().unwrap(),
            *LINE.lock().unwrap(),
        )
    })
}

#[test]
fn what_is_below_the_bounds_passes_with_the_value_of_the_block() {
    let value = alone(|| {
        let value = assert_contention!(
            delay < secs(20),
            contentions < 2,
            share("profiles::assertions::browse") < 0.01,
            share("profiles::assertions::checkout") < 1.01,
            delay("profiles::assertions::browse") < Duration::from_nanos(1),
            contentions("profiles::assertions::browse") < 1,
            blocked < secs(60),
            {
                contention(checkout);
                "value"
            }
        );
        assert_eq!(contend::mutex_profile_fraction(), 0);
        value
    });
    assert_eq!(value, "value");
}

#[test]
fn no_contention_passes_every_bound_but_0() {
    alone(|| {
        assert_contention!(
            contentions < 1,
            share("anything") < 0.01,
            delay < Duration::from_nanos(1),
            {}
        );
    });
    let (message, _) = failure(|| assert_contention!(contentions < 0, {}));
    assert!(
        message.starts_with("too much contention: contentions < 0 does not hold: it is 0\n"),
        "{message}"
    );
    assert!(message.contains("the mutex profile is empty"), "{message}");
}

#[test]
fn a_failure_names_condition_bound_site_and_line() {
    let (message, line) = failure(|| {
        assert_contention!(delay < ms(5), contentions < 9, {
            contention(checkout);
        })
    });
    // How long the holder really slept is up to the machine.
    assert!(
        message.starts_with("too much contention: delay < 5.00ms does not hold: it is "),
        "{message}"
    );
    assert!(
        !message.contains("contentions <"),
        "that one holds: {message}"
    );
    assert!(message.contains("mutex profile: "), "{message}");
    let source = include_str!("assertions.rs");
    let of = |text: &str| 1 + source.lines().position(|line| line.trim() == text).unwrap();
    assert!(
        message.contains("profiles::assertions::checkout"),
        "{message}"
    );
    assert!(
        message.contains(&format!(
            "tests/profiles/assertions.rs:{}",
            of("drop(held);")
        )),
        "{message}"
    );
    let expected = of("assert_contention!(delay < ms(5), contentions < 9, {");
    assert_eq!(line as usize, expected);
}

#[test]
fn every_violated_condition_is_named() {
    let (message, _) = failure(|| {
        assert_contention!(
            contentions < 1,
            share("profiles::assertions::checkout") < 0.2,
            delay("profiles::assertions::checkout") < ms(1),
            blocked < ms(1),
            { contention(checkout) }
        )
    });
    let first = message.lines().next().unwrap();
    let violations: Vec<_> = first.split("; ").collect();
    assert_eq!(violations.len(), 4, "{message}");
    assert_eq!(
        violations[0],
        "too much contention: contentions < 1 does not hold: it is 1"
    );
    assert_eq!(
        violations[1],
        "share(\"profiles::assertions::checkout\") < 0.2 does not hold: it is 1.000"
    );
    assert!(violations[2].starts_with("delay(\"profiles::assertions::checkout\") < 1.00ms does"));
    assert!(violations[3].starts_with("blocked < 1.00ms does"));
    assert!(
        message.contains("block profile: "),
        "blocked is of that one: {message}"
    );
}

#[test]
fn a_bound_that_is_no_number_never_holds() {
    let (message, _) = failure(|| assert_contention!(share("x") < f64::NAN, {}));
    assert!(
        message.contains("share(\"x\") < NaN does not hold: it is 0.000"),
        "{message}"
    );
}

#[test]
fn the_block_may_return_and_fail() {
    fn parse(text: &str) -> Result<i32, std::num::ParseIntError> {
        let number = assert_contention!(contentions < 1, { text.parse::<i32>()? });
        Ok(number + 1)
    }
    alone(|| {
        assert_eq!(parse("1"), Ok(2));
        assert!(parse("one").is_err());
        let fraction = contend::mutex_profile_fraction();
        assert_eq!(fraction, 0, "also after `?`");
    });
}
