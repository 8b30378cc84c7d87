//! A monitor in one line of text: what the variable `CONTEND_MONITOR` has.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::builder::MonitorBuilder;
use super::rule::MonitorRule;
use crate::text::duration::parse_nanos;

const EXPECTED: &str = "expected an interval and rules, such as \
    1s,wait=5s,deadlock,threads=1000,growth,blocked=50%,file=/tmp/{pid}-{time}.txt, \
    or history=100, stacks=10, cooldown=60s, files=10";

/// Reads the settings: items behind commas, in any order.
///
/// # Errors
///
/// The first item that cannot be obeyed, with what is accepted.
pub(crate) fn parse(text: &str) -> Result<MonitorBuilder, String> {
    let mut builder = MonitorBuilder::new();
    let mut rules = Vec::new();
    let mut file = None;
    for item in text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
    {
        let (name, value) = item.split_once('=').unwrap_or((item, ""));
        let wrong = || format!("`{item}`: {EXPECTED}");
        let time = |text: &str| time(text).ok_or_else(wrong);
        let number = |text: &str| text.parse::<u32>().map_err(|_| wrong());
        match (name, value) {
            ("deadlock", "") => rules.push(MonitorRule::deadlock()),
            ("growth", "") => rules.push(MonitorRule::growth()),
            ("wait", value) => rules.push(MonitorRule::wait(time(value)?)),
            ("threads", value) => rules.push(MonitorRule::threads(number(value)? as usize)),
            ("blocked", value) => {
                rules.push(MonitorRule::blocked(share(value).ok_or_else(wrong)?));
            }
            ("file", value) if !value.is_empty() => file = Some(value),
            ("history", value) => builder = builder.history(number(value)? as usize),
            ("stacks", value) => builder = builder.stacks_every(number(value)?),
            ("cooldown", value) => builder = builder.cool_down(time(value)?),
            ("files", value) => builder = builder.max_files(number(value)?),
            (interval, "") if !item.contains('=') => builder = builder.interval(time(interval)?),
            _ => return Err(wrong()),
        }
    }
    let rules = rules.into_iter().map(|rule| match file {
        Some(file) => rule.file(file),
        None => rule,
    });
    let builder = rules.fold(builder, MonitorBuilder::rule);
    builder.check().map_err(|error| error.to_string())?;
    Ok(builder)
}

/// With its unit: a bare number is more likely a slip than a number of nanoseconds.
fn time(text: &str) -> Option<Duration> {
    let has_unit = !text.ends_with(|c: char| c.is_ascii_digit());
    let nanos = parse_nanos(text).filter(|_| has_unit)?;
    Some(Duration::from_nanos(nanos))
}

/// `50%` or `0.5`.
fn share(text: &str) -> Option<f64> {
    match text.strip_suffix('%') {
        Some(percent) => percent.parse().ok().map(|percent: f64| percent / 100.0),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_in_any_order() {
        let builder = parse("wait=5s, 100ms,growth,threads=10,blocked=50%,history=7").unwrap();
        assert_eq!(builder.interval, Duration::from_millis(100));
        assert_eq!(builder.history, 7);
        let rules = format!("{builder:?}");
        for rule in ["Wait(5s)", "Growth", "Threads(10)", "Blocked(0.5)"] {
            assert!(rules.contains(rule), "{rules}");
        }
        assert_eq!(parse("").unwrap().interval, Duration::from_secs(1));
        assert_eq!(share("0.25"), Some(0.25));
    }

    #[test]
    fn what_cannot_be_obeyed_is_named() {
        for item in [
            "1",
            "1h",
            "wait",
            "wait=5",
            "threads=-1",
            "growth=1",
            "blocked=x",
            "file=",
            "size=3",
        ] {
            let problem = parse(&format!("1s,{item}")).unwrap_err();
            assert!(
                problem.starts_with(&format!("`{item}`: expected")),
                "{problem}"
            );
        }
        for (text, problem) in [
            ("1ms", "the interval must be from 10 ms to a day"),
            ("history=1", "the history must have 2 looks"),
            ("blocked=100%", "the share of blocked threads must be"),
            ("wait=0s", "a wait longer than 0 is any wait"),
            ("growth,file=/nowhere/at/all", "there is no folder"),
            ("growth,file={bin}", "`{bin}` is no placeholder"),
        ] {
            let found = parse(text).unwrap_err();
            assert!(found.contains(problem), "{text}: {found}");
        }
    }
}
