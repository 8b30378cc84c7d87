//! Functions by the names that people gave them, where a profile has those of the linker.
//!
//! As Go's pprof: a name that differs from the system's name is taken as it is. Names of C++ come
//! without parameters and without template arguments, so that a function is one row. Unlike there,
//! a mangled name counts without a system's name beside it as well, and names of Rust's keep what
//! stands in `<>`: there `Cache<u8>` and `Cache<u64>` are one row named `Cache<>`, which is not how
//! Rust's own profiles have them.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use crate::pprof::decoded::DecodedProfile;
use crate::text::demangle::readable;

/// # Errors
///
/// If the names are too much to spell out.
pub(super) fn demangle(profile: &mut DecodedProfile) -> Result<(), String> {
    let mut new: HashMap<i64, i64> = HashMap::new();
    for at in 0..profile.tables.function.len() {
        let function = &profile.tables.function[at];
        let (name, system_name) = (function.name, function.system_name);
        let symbol = match (profile.string(name), profile.string(system_name)) {
            ("", _) => system_name,
            (_, "") => name,
            (readable, symbol) if readable != symbol => continue,
            _ => name,
        };
        let known = new.get(&symbol).copied();
        let shown = known.unwrap_or_else(|| match readable(profile.string(symbol)) {
            Some(readable) => {
                profile.strings.push(readable);
                profile.strings.len() as i64 - 1
            }
            None => symbol,
        });
        new.insert(symbol, shown);
        profile.tables.function[at].name = shown;
    }
    profile.check_names()
}
