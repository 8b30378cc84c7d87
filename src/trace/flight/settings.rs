//! A flight recorder in one line of text: what the variable `CONTEND_FLIGHT` has.
#![forbid(unsafe_code)]

use std::path;
use std::time::Duration;

use super::FlightRecorderBuilder;
use crate::text::duration::parse_nanos;

const EXPECTED: &str = "expected a time and triggers, such as \
    10s,wait=100ms,deadlock,alarm,signal=USR2,in=/tmp, or bytes=16MiB, tail=200ms, cooldown=60s, files=10";

/// Reads the settings: items behind commas, in any order.
///
/// # Errors
///
/// The first item that cannot be obeyed, with what is accepted.
pub(crate) fn parse(text: &str) -> Result<FlightRecorderBuilder, String> {
    let mut builder = FlightRecorderBuilder::new();
    let mut folder = ".";
    let items = text.split(',').map(str::trim);
    for item in items.filter(|item| !item.is_empty()) {
        let (name, value) = item.split_once('=').unwrap_or((item, ""));
        let wrong = || format!("`{item}`: {EXPECTED}");
        let time = |text: &str| time(text).ok_or_else(wrong);
        builder = match (name, value) {
            ("wait", value) => builder.on_wait(time(value)?),
            ("deadlock", "") => builder.on_deadlock(),
            ("alarm", "") => builder.on_alarm(),
            #[cfg(unix)]
            ("signal", value) => builder.on_signal(signal(value).ok_or_else(wrong)?),
            ("in", value) if !value.is_empty() => {
                folder = value;
                builder
            }
            ("bytes", value) => builder.max_bytes(bytes(value).ok_or_else(wrong)?),
            ("tail", value) => builder.tail(time(value)?),
            ("cooldown", value) => builder.cooldown(time(value)?),
            ("files", value) => builder.max_files(value.parse().map_err(|_| wrong())?),
            (age, "") if !item.contains('=') => builder.min_age(time(age)?),
            _ => return Err(wrong()),
        };
    }
    // The program may change its folder.
    let folder = path::absolute(folder).map_err(|error| format!("in={folder}: {error}"))?;
    if !folder.is_dir() {
        return Err(format!("in={}: there is no such folder", folder.display()));
    }
    Ok(builder.files_in(folder))
}

/// With its unit: a bare number is more likely a slip than a number of nanoseconds.
fn time(text: &str) -> Option<Duration> {
    let has_unit = !text.ends_with(|c: char| c.is_ascii_digit());
    let nanos = parse_nanos(text).filter(|nanos| has_unit && *nanos > 0)?;
    Some(Duration::from_nanos(nanos))
}

/// `16MiB`, `512KiB`, or a number.
fn bytes(text: &str) -> Option<usize> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let with_unit = |(unit, shift)| Some((text.strip_suffix(unit)?, shift));
    let (number, shift) = units.into_iter().find_map(with_unit).unwrap_or((text, 0));
    let number: usize = number.parse().ok()?;
    number.checked_mul(1 << shift).filter(|bytes| *bytes > 0)
}

#[cfg(unix)]
fn signal(name: &str) -> Option<i32> {
    match name.strip_prefix("SIG").unwrap_or(name) {
        "USR1" => Some(libc::SIGUSR1),
        "USR2" => Some(libc::SIGUSR2),
        "HUP" => Some(libc::SIGHUP),
        number => number.parse().ok().filter(|number| *number > 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_in_any_order() {
        let text = "wait=100ms, deadlock,alarm, 3s,bytes=16MiB,in=/,tail=1ms,cooldown=2s,files=3";
        let read = format!("{:?}", parse(text).unwrap());
        for part in [
            "min_age: 3s",
            "max_bytes: 16777216",
            "wait: Some(100ms)",
            "deadlock: true",
            "alarm: true",
            "max_files: 3",
        ] {
            assert!(read.contains(part), "{read}");
        }
        assert!(parse("").is_ok());
        #[cfg(unix)]
        assert_eq!(signal("SIGUSR2"), signal("USR2"));
    }

    #[test]
    fn what_cannot_be_obeyed_is_named() {
        for item in [
            "10",
            "wait",
            "wait=5",
            "wait=0s",
            "bytes=0",
            "bytes=1XB",
            "files=-1",
            "size=3",
        ] {
            let problem = parse(&format!("1s,{item}")).unwrap_err();
            assert!(
                problem.starts_with(&format!("`{item}`: expected")),
                "{problem}"
            );
        }
        let problem = parse("in=/nowhere/at/all").unwrap_err();
        assert!(problem.contains("no such folder"), "{problem}");
    }
}
