//! Locks in types that derive serde's traits: as serde has it for the standard library's, a lock is
//! written as its value (the implementations for `std::sync::Mutex` in serde_core).

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Error, Serialize, Serializer};

use super::{Mutex, RwLock};

/// Text of the error for a poisoned lock: serde's own.
const POISONED: &str = "lock poison error while serializing";

/// Serializes the value, with the lock held meanwhile.
///
/// # Errors
///
/// The lock is poisoned, or the serializer's.
impl<T: ?Sized + Serialize> Serialize for Mutex<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.lock().map_err(|_| S::Error::custom(POISONED))?;
        value.serialize(serializer)
    }
}

/// Serializes the value, with the lock held by a reader meanwhile.
///
/// # Errors
///
/// The lock is poisoned, or the serializer's.
impl<T: ?Sized + Serialize> Serialize for RwLock<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.read().map_err(|_| S::Error::custom(POISONED))?;
        value.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Mutex<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for RwLock<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}
