//! Profiles of the program's own, at paths of their own.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::error::Error;
use std::sync::{Arc, MutexGuard};

use super::call::{Answer, Call};
use super::response::BYTES;
use super::{Response, panics};
use crate::fork;

/// By name. Locked for a moment at a time, never while a profile is taken.
static PROFILES: fork::Lock<BTreeMap<String, Custom>> = fork::Lock::new();

#[derive(Clone)]
struct Custom {
    description: Arc<str>,
    take: Arc<dyn Fn() -> Taken + Send + Sync>,
}

pub(super) type Taken = Result<Vec<u8>, Box<dyn Error + Send + Sync>>;

/// Adds a profile. False: the name is taken.
pub(super) fn add(
    name: &str,
    description: &str,
    take: impl Fn() -> Taken + Send + Sync + 'static,
) -> bool {
    let custom = Custom {
        description: description.into(),
        take: Arc::new(take),
    };
    match profiles().entry(name.to_owned()) {
        Entry::Vacant(entry) => {
            entry.insert(custom);
            true
        }
        Entry::Occupied(_) => false,
    }
}

pub(super) fn is_registered(name: &str) -> bool {
    profiles().contains_key(name)
}

fn profiles() -> MutexGuard<'static, BTreeMap<String, Custom>> {
    PROFILES.lock()
}

/// A profile of the program's own, as pages list it.
pub(super) struct Registered {
    pub(super) name: String,
    /// Any text at all: to be escaped.
    pub(super) description: Arc<str>,
}

/// All of them, by name.
pub(super) fn registered() -> Vec<Registered> {
    let profiles = profiles();
    let registered = profiles.iter().map(|(name, custom)| Registered {
        name: name.clone(),
        description: Arc::clone(&custom.description),
    });
    registered.collect()
}

/// Takes the profile `name`. `None`: there is no such one; else it, or why it failed.
pub(super) fn take(name: &str) -> Option<Result<Vec<u8>, String>> {
    let take = Arc::clone(&profiles().get(name)?.take);
    Some(
        match panics::caught(|| take().map_err(|error| error.to_string())) {
            Ok(taken) => taken,
            Err(message) => Err(format!("it panicked: {message}")),
        },
    )
}

pub(super) fn profile(call: &Call<'_>) -> Answer {
    call.refuse_seconds()?;
    if call.query.wants_text()? {
        let message = "\"debug\" parameter is not supported for this profile type";
        return Err(Response::error(400, message));
    }
    match take(call.name) {
        Some(Ok(body)) => Ok(Response::attachment(BYTES, call.name, body)),
        Some(Err(why)) => Err(Response::error(
            500,
            &format!("failed to collect profile \"{}\": {why}", call.name),
        )),
        None => Err(Response::error(404, "Unknown profile")),
    }
}
