//! Which locks work in constants and statics, which coerce to an unsized content, which lifetimes
//! shorten, and that a lock of ours fits where the original did. Mostly a matter of compiling.

use std::cell::Cell;
use std::mem::size_of;

/// A lock of each kind: as a constant, in a constant expression, behind pointers that unsize, and
/// in a constant function.
macro_rules! locks {
    ($module:ident: $($path:path as $lock:ident)*) => {
        mod $module {
            use std::fmt::Debug;
            use std::rc::Rc;
            use std::sync::Arc;

            $(mod $lock {
                #[allow(unused_imports)]
                use super::{Arc, Debug, Rc};
                use $path as Lock;

                static IN_STATIC: Lock<Vec<u32>> = Lock::new(Vec::new());
                static IN_ARRAY: [Lock<u32>; 3] = [const { Lock::new(1) }; 3];

                struct Table {
                    rows: [Lock<Option<String>>; 2],
                }

                impl Table {
                    const fn new() -> Self {
                        Self {
                            rows: [Lock::new(None), Lock::new(None)],
                        }
                    }
                }

                static TABLE: Table = Table::new();

                #[test]
                fn in_constants() {
                    thread_local! {
                        static LOCAL: Lock<u32> = const { Lock::new(0) };
                    }

                    assert_eq!(format!("{IN_STATIC:?}"), format!("{:?}", Lock::<Vec<u32>>::default()));
                    assert_eq!(IN_ARRAY.len() + TABLE.rows.len(), 5);
                    LOCAL.with(|lock| assert!(format!("{lock:?}").contains('0')));
                }

                #[test]
                fn unsizes() {
                    let array = Lock::new([1_u32, 2, 3]);
                    let slice: &Lock<[u32]> = &array;
                    let boxed: Box<Lock<[u32]>> = Box::new(Lock::new([1, 2, 3]));
                    let shared: Arc<Lock<[u32]>> = Arc::new(Lock::new([1, 2, 3]));
                    let counted: Rc<Lock<dyn Debug>> = Rc::new(Lock::new([1_u32, 2, 3]));
                    let text = format!("{slice:?}");
                    assert_eq!(text, format!("{boxed:?}"));
                    assert_eq!(text, format!("{shared:?}"));
                    assert_eq!(text, format!("{counted:?}"));
                }
            })*
        }
    };
}

#[allow(non_snake_case)]
mod locks {
    locks!(sync: contend::sync::Mutex as Mutex contend::sync::RwLock as RwLock);

    #[cfg(feature = "parking_lot")]
    locks!(parking_lot:
        contend::parking_lot::Mutex as Mutex
        contend::parking_lot::FairMutex as FairMutex
        contend::parking_lot::ReentrantMutex as ReentrantMutex
        contend::parking_lot::RwLock as RwLock
    );
}

/// A condition variable and a once in a constant.
#[test]
fn without_content_in_constants() {
    struct Gate {
        opened: contend::sync::Condvar,
        once: contend::sync::Once,
    }

    static GATE: Gate = Gate {
        opened: contend::sync::Condvar::new(),
        once: contend::sync::Once::new(),
    };
    static ONCES: [contend::sync::Once; 2] = [const { contend::sync::Once::new() }; 2];

    GATE.opened.notify_all();
    GATE.once.call_once(|| ());
    assert!(GATE.once.is_completed() && !ONCES[1].is_completed());

    #[cfg(feature = "parking_lot")]
    {
        static OPENED: contend::parking_lot::Condvar = contend::parking_lot::Condvar::new();
        static ONCE: contend::parking_lot::Once = contend::parking_lot::Once::new();

        assert!(!OPENED.notify_one());
        ONCE.call_once(|| ());
    }
}

/// A guard that may only be read through takes a shorter-lived content, as the original's does.
#[allow(dead_code)]
fn read_guard_is_covariant<'short>(
    guard: contend::sync::RwLockReadGuard<'short, &'static str>,
) -> contend::sync::RwLockReadGuard<'short, &'short str> {
    guard
}

/// A lock may own what is borrowed from something that is dropped together with it.
#[test]
fn content_may_borrow_a_sibling() {
    let (text, lock);
    text = String::from("borrowed");
    lock = contend::sync::Mutex::new(Cell::new(text.as_str()));
    assert_eq!(lock.lock().unwrap().get(), "borrowed");

    let (text, lock);
    text = String::from("borrowed");
    lock = contend::sync::RwLock::new(Cell::new(text.as_str()));
    assert_eq!(lock.read().unwrap().get(), "borrowed");
}

/// `Option` of a guard costs no more than the guard, as with the original.
#[test]
fn guards_have_a_niche() {
    use contend::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};

    fn has_niche<T>() {
        assert_eq!(size_of::<Option<T>>(), size_of::<T>());
    }

    has_niche::<MutexGuard<'static, u64>>();
    has_niche::<RwLockReadGuard<'static, u64>>();
    has_niche::<RwLockWriteGuard<'static, u64>>();
}

/// As the page of each skin says: 24 bytes more for a lock, padded.
#[test]
fn sizes_are_as_documented() {
    fn is_flag_larger<Ours, Original>() {
        let (ours, original) = (size_of::<Ours>(), size_of::<Original>());
        let most = (original + 24).next_multiple_of(8);
        assert!(ours <= most, "{ours} bytes, the original has {original}");
    }

    is_flag_larger::<contend::sync::Mutex<u64>, std::sync::Mutex<u64>>();
    is_flag_larger::<contend::sync::RwLock<u64>, std::sync::RwLock<u64>>();
    is_flag_larger::<contend::sync::Mutex<u8>, std::sync::Mutex<u8>>();
    #[cfg(feature = "parking_lot")]
    {
        use ::parking_lot as original;
        use contend::parking_lot as ours;

        is_flag_larger::<ours::Mutex<u64>, original::Mutex<u64>>();
        is_flag_larger::<ours::RwLock<u64>, original::RwLock<u64>>();
        assert_eq!(
            size_of::<ours::MutexGuard<'_, u64>>(),
            size_of::<original::MutexGuard<'_, u64>>(),
        );
    }
}
