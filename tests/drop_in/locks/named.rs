//! Locks with names are of the types that they are without: in statics and constant expressions,
//! with the profiler and without it.

/// The functions of a module, each with what it makes.
macro_rules! named {
    ($module:ident, $original:path: $($function:ident $lock:ident)*) => {
        mod $module {
            use contend::$module as ours;
            #[cfg(not(feature = "profiling"))]
            #[allow(unused_imports)]
            use $original as original;

            $(mod $function {
                use super::ours::{$function, $lock};
                use super::value;

                static IN_STATIC: $lock<Vec<u32>> = $function(&"in a static", Vec::new());
                static IN_ARRAY: [$lock<u32>; 3] = [const { $function(&"in an array", 1) }; 3];
                const NAME: &str = "a constant";

                #[test]
                fn makes_a_lock() {
                    let mut lock: $lock<u32> = $function(&NAME, 7);
                    assert_eq!(size_of_val(&lock), size_of_val(&$lock::new(7_u32)));
                    assert_eq!(value(lock.get_mut()), 7);
                    for lock in &IN_ARRAY {
                        assert!(format!("{lock:?}").contains('1'));
                    }
                    assert!(format!("{:?}", &IN_STATIC).contains("[]"));
                    let name = contend::lock_name("not a constant");
                    let lock: $lock<Vec<u8>> = $function(name, vec![7]);
                    assert!(format!("{lock:?}").contains("[7]"));
                }

                #[cfg(not(feature = "profiling"))]
                #[test]
                fn makes_the_original() {
                    let _: super::original::$lock<u32> = $function(&NAME, 7);
                }
            })*

            /// The value that `get_mut` of a lock returns, the standard library's in a result.
            trait Value {
                fn value(self) -> u32;
            }

            impl Value for &mut u32 {
                fn value(self) -> u32 {
                    *self
                }
            }

            impl Value for std::sync::LockResult<&mut u32> {
                fn value(self) -> u32 {
                    *self.unwrap()
                }
            }

            fn value(value: impl Value) -> u32 {
                value.value()
            }
        }
    };
}

named!(sync, std::sync:
    named_mutex Mutex
    named_rwlock RwLock
);

#[cfg(feature = "parking_lot")]
named!(parking_lot, ::parking_lot:
    named_mutex Mutex
    named_fair_mutex FairMutex
    named_reentrant_mutex ReentrantMutex
    named_rwlock RwLock
);

#[cfg(feature = "parking_lot_0_13")]
named!(parking_lot_0_13, ::parking_lot_0_13:
    named_mutex Mutex
    named_fair_mutex FairMutex
    named_reentrant_mutex ReentrantMutex
    named_rwlock RwLock
    named_recursive_rwlock RecursiveRwLock
);
