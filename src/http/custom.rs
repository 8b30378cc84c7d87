//! Profiles of the program's own, at paths of their own.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::handler::{Answer, Call};
use super::response::BYTES;
use super::{Response, panics, routes};

/// Longest name of a profile.
const MAX_NAME: usize = 64;

/// By name. Locked for a moment at a time, never while a profile is taken.
static PROFILES: Mutex<BTreeMap<String, Custom>> = Mutex::new(BTreeMap::new());

#[derive(Clone)]
struct Custom {
    description: Arc<str>,
    take: Arc<dyn Fn() -> Taken + Send + Sync>,
}

type Taken = Result<Vec<u8>, Box<dyn Error + Send + Sync>>;

/// Why a profile was not registered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// There is a profile or another path of this name. Some names are kept for later.
    NameTaken(String),
    /// The name is empty, longer than 64 characters, made of dots only, or has other characters
    /// than the letters A to Z in both cases, digits, `_`, `-` and `.`.
    InvalidName(String),
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameTaken(name) => write!(f, "profile name already in use: {name:?}"),
            Self::InvalidName(name) => write!(f, "invalid profile name: {name:?}"),
        }
    }
}

impl Error for RegisterError {}

/// Adds a profile of the program's own, such as its allocator's heap profile, to what
/// [`contend::http`](crate::http) serves: at `/debug/pprof/NAME`, listed on the index with its
/// description.
///
/// `profile` is called for each request, several times at once if there are several. What it
/// returns is sent as a file, as it is: usually a pprof profile, compressed with gzip. Its error
/// or its panic is the answer to that request, with status 500. Registering lasts as long as the
/// process.
///
/// # Errors
///
/// See [`RegisterError`]. Nothing changes then.
///
/// # Examples
///
/// ```
/// use contend::http::{Request, handle};
///
/// # fn heap_profile() -> Vec<u8> { b"pprof".to_vec() }
/// contend::register_profile("heap", "What the allocator holds.", || Ok(heap_profile()))?;
///
/// let response = handle(&Request::new("GET", "/debug/pprof/heap"));
/// assert_eq!(response.status(), 200);
/// assert_eq!(response.body(), heap_profile());
///
/// // `mutex` is taken.
/// assert!(contend::register_profile("mutex", "", || Ok(Vec::new())).is_err());
/// # Ok::<(), contend::http::RegisterError>(())
/// ```
pub fn register_profile(
    name: &str,
    description: &str,
    profile: impl Fn() -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> + Send + Sync + 'static,
) -> Result<(), RegisterError> {
    if !is_valid(name) {
        return Err(RegisterError::InvalidName(name.to_owned()));
    }
    let custom = Custom {
        description: description.into(),
        take: Arc::new(profile),
    };
    match profiles().entry(name.to_owned()) {
        Entry::Vacant(entry) if !routes::is_taken(name) => {
            entry.insert(custom);
            Ok(())
        }
        _ => Err(RegisterError::NameTaken(name.to_owned())),
    }
}

fn is_valid(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    // Browsers take `.` and `..` for folders.
    let is_dots = name.bytes().all(|byte| byte == b'.');
    !is_dots && name.len() <= MAX_NAME && name.bytes().all(is_allowed)
}

fn profiles() -> MutexGuard<'static, BTreeMap<String, Custom>> {
    PROFILES.lock().unwrap_or_else(PoisonError::into_inner)
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
    if !profiles().contains_key(call.name) {
        return Err(Response::error(404, "Unknown profile"));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parts_of_paths() {
        for name in ["heap", "a", "jemalloc.heap-2_x", &"x".repeat(64)] {
            assert!(is_valid(name), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "a b",
            "é",
            "<b>",
            "a\0",
            &"x".repeat(65),
        ] {
            assert!(!is_valid(name), "{name}");
        }
    }
}
