//! Which frames are this crate's own, and what the method of a wrapper is called.
//!
//! A recorded stack begins in the slow path of a wrapper, inlined and outlined pieces of which
//! precede the user's code. People know the wrapper as `contend::sync::Mutex<T>::lock`.
//!
//! A frame is known by its path where the name has one. With `debug = "line-tables-only"` names
//! are bare (`lock<u64>`), and the source file tells. A user's crate `contender`, or a user's
//! own `src/sync/mutex.rs`, is neither.
#![forbid(unsafe_code)]

use super::path::{Path, parameters};
use super::start_up::is_start_up;
use crate::skin::table::{SKINS, Skin};

/// The outlined partner of a method, which stands for it where inlined frames are not known.
const OUTLINED_SUFFIX: &str = "_contended";

/// Whether this function is such a partner. A stack has one at its leaf for the operation that was
/// recorded; the next one is of another operation, into which the user's callback was inlined.
pub(super) fn is_outlined(function: &str) -> bool {
    let path = Path::parse(function);
    let mut segments = path.segments.iter().chain(&path.rest);
    path.segments.first() == Some(&"contend")
        && segments.any(|segment| segment.ends_with(OUTLINED_SUFFIX))
}

/// A frame of ours at the leaf of a stack.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OwnFrame {
    /// False: only if a frame that it called is (lock_api could also be someone else's).
    pub(super) is_certain: bool,
    /// The wrapper's method as users write it; `None` for the engine and for glue.
    pub(super) name: Option<String>,
}

/// Judges one frame; `None` means that it is the user's.
pub(super) fn own_frame(function: &str, is_mangled: bool, file: Option<&str>) -> Option<OwnFrame> {
    // Ours too, but what was inlined into it is the user's.
    if is_start_up(function) {
        return None;
    }
    if let Some(dropped) = dropped_type(function) {
        if is_of_engine(dropped) {
            return Some(certain(None));
        }
        let path = Path::parse(dropped);
        if is_of_scopeguard(&path) {
            return Some(uncertain(None));
        }
        let mut own = of_path(&path, file)?;
        let name = own.name.take()?;
        // A future that is dropped is a wait that is over, as one that has come to its end.
        let is_future = path
            .segments
            .last()
            .is_some_and(|last| last.starts_with('{'));
        let name = if is_future { name } else { name + "::drop" };
        return own.is_certain.then(|| certain(Some(name)));
    }
    // By which an unoptimised build calls the outlined function of a task's wait.
    if function == "core::ops::function::Fn::call" {
        return Some(uncertain(None));
    }
    if is_mangled {
        let path = Path::parse(function);
        return of_path(&path, file).or_else(|| {
            // `drop(guard)`: where it stands between the guard and the user, it is no caller.
            path.segments
                .starts_with(&["core", "mem", "drop"])
                .then(|| uncertain(None))
        });
    }
    of_file(function, file?)
}

/// `T` of `core::ptr::drop_in_place<T>`, in every spelling.
pub(super) fn dropped_type(function: &str) -> Option<&str> {
    let glue = function.strip_prefix("core::ptr::").unwrap_or(function);
    let parameters = glue.strip_prefix("drop_in_place")?;
    let parameters = parameters.strip_prefix("::").unwrap_or(parameters);
    parameters.strip_prefix('<')?.strip_suffix('>')
}

/// A wait or a release on a skin's own stack, perhaps optional. Users have none of these.
fn is_of_engine(dropped: &str) -> bool {
    let optional = dropped.strip_prefix("core::option::Option<");
    let inner = optional.and_then(|inner| inner.strip_suffix('>'));
    let path = Path::parse(inner.unwrap_or(dropped));
    let is_in = |room| path.segments.starts_with(&["contend", room]);
    is_in("engine") || is_in("skin")
}

/// Whether it is scopeguard's, with which lock_api locks again after `unlocked`. It says whose it
/// is by being next to our code.
fn is_of_scopeguard(path: &Path<'_>) -> bool {
    path.segments.first() == Some(&"scopeguard")
}

/// The crates whose traits this crate implements for its types. The method of any other trait is
/// its user's, who has implemented it for a wrapper.
const TRAITS_OF: [&str; 5] = ["core", "alloc", "std", "lock_api", "contend"];

fn of_path(path: &Path<'_>, file: Option<&str>) -> Option<OwnFrame> {
    let is_ours = |name| TRAITS_OF.contains(&name);
    if !path.crate_of_trait.is_none_or(is_ours) {
        return None;
    }
    let segments: Vec<&str> = path.segments.iter().chain(&path.rest).copied().collect();
    match *segments {
        // Tests within this crate play the user.
        ["contend", ..] if segments.contains(&"tests") => None,
        ["contend", module, ref inside @ ..] => {
            let skin = SKINS.iter().find(|skin| skin.module == module);
            Some(certain(skin.and_then(|skin| public_name(skin, inside))))
        }
        ["lock_api", ref inside @ ..] => Some(OwnFrame {
            is_certain: inside.iter().any(|segment| segment.contains("<contend::")),
            name: lock_api_name(inside, file),
        }),
        _ if is_of_scopeguard(path) => Some(uncertain(None)),
        _ => None,
    }
}

/// For bare names, as `lock<u64>`.
fn of_file(function: &str, file: &str) -> Option<OwnFrame> {
    if let Some(inside) = own_source(file) {
        let mut parts = inside
            .split('/')
            .map(|part| part.strip_suffix(".rs").unwrap_or(part));
        if parts.clone().any(|part| part == "tests") {
            return None;
        }
        let module = parts.next()?;
        let skin = SKINS.iter().find(|skin| skin.module == module);
        return Some(certain(
            skin.and_then(|skin| public_name(skin, &[function])),
        ));
    }
    if file.contains("/lock_api-") {
        return Some(OwnFrame {
            is_certain: function.contains("<contend::"),
            name: lock_api_name(&[function], Some(file)),
        });
    }
    if file.contains("/scopeguard-") {
        return Some(uncertain(None));
    }
    function
        .starts_with("drop<contend::")
        .then(|| certain(None))
}

/// The path of one of this crate's files within its `src`.
fn own_source(file: &str) -> Option<&str> {
    const OF_MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/");
    // The compiler's own idea of the place differs where `--remap-path-prefix` is in force.
    // It is relative when this crate is part of the workspace, and then says nothing.
    let of_compiler = file!()
        .strip_suffix("symbols/own_frames.rs")
        .unwrap_or_default();
    file.strip_prefix(OF_MANIFEST).or_else(|| {
        let is_absolute = of_compiler.starts_with('/');
        file.strip_prefix(of_compiler).filter(|_| is_absolute)
    })
}

/// `mutex`, `Mutex<T>`, `lock_contended` → `contend::sync::Mutex<T>::lock`.
fn public_name(skin: &Skin, inside: &[&str]) -> Option<String> {
    let is_named = |segment: &&str| !segment.starts_with(['{', '<']);
    let mut inside: Vec<&str> = inside.iter().copied().filter(is_named).collect();
    let is_public = |module: &&&str| skin.public_modules.contains(*module);
    let public = inside.iter().take_while(is_public).count();
    let is_module = |segment: &str| segment.starts_with(|c: char| c.is_ascii_lowercase());
    while inside.len() > public + 1 && is_module(inside[public]) {
        inside.remove(public);
    }
    let last = inside.pop()?;
    // The parameters of a bare name come after the suffix.
    let (method, parameters) = last.split_at(last.find('<').unwrap_or(last.len()));
    let holds = |owner: &&str| owner.contains("Guard") || owner.contains("Permit");
    let of_guard = inside.last().is_some_and(holds);
    let method = match method.strip_suffix(OUTLINED_SUFFIX).unwrap_or(method) {
        "release" if of_guard => "drop",
        method => method,
    };
    let mut name = "contend::".to_owned();
    if !skin.is_at_root {
        name += skin.module;
        name += "::";
    }
    for segment in inside {
        name += segment;
        name += "::";
    }
    Some(name + method + parameters)
}

/// The name in the skin of one of lock_api's methods. Its types have parameters for the raw
/// lock, which users of `contend::parking_lot` never see; the last one is what is locked.
fn lock_api_name(inside: &[&str], file: Option<&str>) -> Option<String> {
    let skin = skin_of_lock_api(inside, file)?;
    let keep_last = |segment: &&str| match parameters(segment) {
        (name, parameters) if parameters.len() > 1 => {
            let last = parameters.last().copied().unwrap_or_default();
            format!("{name}<{last}>")
        }
        ("Condvar", _) => "Condvar".to_owned(),
        _ => segment.to_string(),
    };
    let inside: Vec<String> = inside.iter().map(keep_last).collect();
    let inside: Vec<&str> = inside.iter().map(String::as_str).collect();
    public_name(skin, &inside)
}

/// The skin whose locks are those of this `lock_api`: the parameters name it, or its source's
/// version tells. Without either it is the first one that is built in.
fn skin_of_lock_api(inside: &[&str], file: Option<&str>) -> Option<&'static Skin> {
    let skins = || SKINS.iter().filter(|skin| skin.lock_api.is_some());
    let is_named = |skin: &&Skin| {
        let module = format!("contend::{}::", skin.module);
        inside.iter().any(|segment| segment.contains(&module))
    };
    let has_source = |skin: &&Skin| {
        let version = skin.lock_api.unwrap_or_default();
        let folder = format!("/lock_api-{version}.");
        file.is_some_and(|file| file.contains(&folder))
    };
    let is_on = |skin: &&Skin| skin.feature.is_none_or(|feature| feature.is_on);
    skins()
        .find(is_named)
        .or_else(|| skins().find(has_source))
        .or_else(|| skins().find(is_on))
        .or_else(|| skins().next())
}

fn certain(name: Option<String>) -> OwnFrame {
    OwnFrame {
        is_certain: true,
        name,
    }
}

fn uncertain(name: Option<String>) -> OwnFrame {
    OwnFrame {
        is_certain: false,
        name,
    }
}

#[cfg(test)]
mod tests;
