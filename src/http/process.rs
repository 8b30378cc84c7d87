//! `cmdline` and `symbol`: what the process is, as old clients of pprof ask it.
#![forbid(unsafe_code)]

use std::env;
use std::fmt::Write;
use std::path::Path;

use super::Response;
use super::call::{Answer, Call};
use super::response::TEXT;

/// A name is looked up in some ten microseconds, while profiles that are taken wait.
const MAX_ADDRESSES: usize = 10_000;

/// The name of the program's file, as its user started it.
pub(super) fn program() -> String {
    let argument = env::args_os().next().unwrap_or_default();
    let name = Path::new(&argument).file_name();
    let name = name.map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "program".to_owned())
}

/// The program and its arguments with a NUL between them, as Go's.
pub(super) fn cmdline(_call: &Call<'_>) -> Answer {
    let arguments: Vec<_> = env::args_os().collect();
    let arguments: Vec<&[u8]> = arguments
        .iter()
        .map(|argument| argument.as_encoded_bytes())
        .collect();
    Ok(Response::new(TEXT, arguments.join(&0)))
}

/// The names of the functions at `0x41fc3+0x5a20`, in the query or posted: lines of an address and
/// a name, without those that have none. The first line says that there are names at all.
pub(super) fn symbol(call: &Call<'_>) -> Answer {
    let asked = match call.request.method {
        "POST" => String::from_utf8_lossy(call.request.body),
        _ => call.request.path_and_query().1.into(),
    };
    let mut addresses = Vec::new();
    // A part that is no number is passed over, as in Go: `%2B` in the place of a plus sign, say.
    addresses.extend(asked.split('+').filter_map(address).take(MAX_ADDRESSES + 1));
    if addresses.len() > MAX_ADDRESSES {
        let message = format!("too many addresses: at most {MAX_ADDRESSES} are answered at once");
        return Err(Response::error(413, &message));
    }
    let mut text = String::from("num_symbols: 1\n");
    for (address, name) in names(&addresses) {
        // A `String` takes all that is written to it.
        let _ = writeln!(text, "{address:#x} {}", name.replace(char::is_control, "?"));
    }
    Ok(Response::new(TEXT, text))
}

/// As C writes integers: hexadecimal behind `0x`, else decimal.
fn address(text: &str) -> Option<u64> {
    let text = text.trim_ascii();
    let number = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.ok().filter(|address| *address != 0)
}

#[cfg(feature = "profiling")]
fn names(addresses: &[u64]) -> Vec<(u64, String)> {
    let mut symbolizer = crate::symbols::symbolizer();
    let behind = addresses
        .iter()
        .filter_map(|address| usize::try_from(address.checked_add(1)?).ok());
    symbolizer.prepare(behind);
    let names = addresses
        .iter()
        .map(|address| Some((*address, symbolizer.name(*address)?)));
    names.flatten().collect()
}

/// The code that looks names up is not built in.
#[cfg(not(feature = "profiling"))]
fn names(_addresses: &[u64]) -> Vec<(u64, String)> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn addresses_are_integers_as_c_writes_them() {
        for (text, expected) in [
            ("0x41fc3", Some(0x41fc3)),
            ("0X41FC3", Some(0x41fc3)),
            ("270275", Some(270_275)),
            (" 0x1\n", Some(1)),
            ("0xffffffffffffffff", Some(u64::MAX)),
            ("0x10000000000000000", None),
            ("0x0", None),
            ("-1", None),
            ("0x", None),
            ("", None),
            ("main", None),
        ] {
            assert_eq!(address(text), expected, "{text:?}");
        }
    }
}
