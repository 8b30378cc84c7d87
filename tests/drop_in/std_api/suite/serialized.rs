//! serde's traits on the locks.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::sync::{Mutex, RwLock};

fn json(value: &(impl Serialize + ?Sized)) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}

fn back<T: DeserializeOwned + Debug>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[test]
fn a_lock_is_written_as_its_value() {
    assert_eq!(json(&Mutex::new(vec![1, 2])).unwrap(), "[1,2]");
    assert_eq!(json(&RwLock::new("a")).unwrap(), "\"a\"");
    let unsized_value: Box<Mutex<[u8]>> = Box::new(Mutex::new([7, 8]));
    assert_eq!(json(&*unsized_value).unwrap(), "[7,8]");
}

#[test]
fn and_read_as_its_value() {
    let mutex: Mutex<Option<u8>> = back("3").unwrap();
    assert_eq!(mutex.into_inner().unwrap(), Some(3));
    let lock: RwLock<(u8, String)> = back("[1,\"b\"]").unwrap();
    assert_eq!(lock.into_inner().unwrap(), (1, "b".to_owned()));
    let error = back::<Mutex<u8>>("\"no number\"").unwrap_err();
    assert!(error.contains("invalid type: string"), "{error}");
}

#[test]
fn a_poisoned_lock_is_an_error() {
    let (mutex, lock) = (Mutex::new(1), RwLock::new(1));
    let panics = AssertUnwindSafe(|| {
        let _held = (mutex.lock().unwrap(), lock.write().unwrap());
        panic!("on purpose");
    });
    assert!(catch_unwind(panics).is_err());
    let error = Err("lock poison error while serializing".to_owned());
    assert_eq!(json(&mutex), error);
    assert_eq!(json(&lock), error);
}

/// Through lock_api, whose feature is switched on with ours.
#[cfg(feature = "parking_lot")]
#[test]
fn parking_lots_locks_too() {
    use contend::parking_lot::{Mutex, RwLock};

    assert_eq!(json(&Mutex::new(1)).unwrap(), "1");
    let lock: RwLock<u8> = back("2").unwrap();
    assert_eq!(*lock.read(), 2);
}
