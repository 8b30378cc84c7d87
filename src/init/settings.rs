//! The settings that the variables ask for, and the problems of variables.
#![forbid(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::path;
use crate::export::form::Form;
use crate::monitor;
use crate::profile::kind::{ProfileKind, RateUnit};
use crate::text::duration::parse_nanos;
use crate::text::save;
use crate::trace::flight;

/// Begins the names of all variables.
const PREFIX: &str = "CONTEND_";

pub(super) const HTTP: &str = "CONTEND_HTTP";
pub(super) const MONITOR: &str = "CONTEND_MONITOR";
pub(super) const WATCHDOG: &str = "CONTEND_WATCHDOG";
pub(super) const TRACE: &str = "CONTEND_TRACE";
pub(super) const FLIGHT: &str = "CONTEND_FLIGHT";

/// The variable with the path of a kind's file: `CONTEND_MUTEX_PROFILE`.
fn file_variable(kind: ProfileKind) -> String {
    format!("{PREFIX}{}_PROFILE", kind.name().to_uppercase())
}

/// The variable with the rate of a kind: `CONTEND_MUTEX_PROFILE_FRACTION`.
fn rate_variable(kind: ProfileKind) -> String {
    format!("{PREFIX}{}", kind.rate().name.to_uppercase())
}

/// Whether a variable of this name can only be meant for us. If it is none of ours it is a slip,
/// which would be worse to pass over than to name. Other variables may begin with `CONTEND_`: a
/// program's own.
fn begins_like_ours(name: &str) -> bool {
    let is_of = |kind: ProfileKind| {
        let rest = name.strip_prefix(PREFIX);
        rest.is_some_and(|rest| rest.starts_with(&kind.name().to_uppercase()))
    };
    let others = [HTTP, MONITOR, WATCHDOG, TRACE, FLIGHT];
    others.iter().any(|other| name.starts_with(other)) || ProfileKind::ALL.into_iter().any(is_of)
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// By the number of their kind.
    pub(super) switches: [Switch; ProfileKind::COUNT],
    /// The address to serve at.
    pub(super) http: Option<String>,
    /// The settings of a monitor, which [`monitor::parse`] has read already.
    pub(super) monitor: Option<String>,
    /// How long the program may run.
    pub(super) watchdog: Option<Duration>,
    /// Where the timeline of the run is written.
    pub(super) trace: Option<PathBuf>,
    /// The settings of a flight recorder, which [`flight::parse`] has read already.
    pub(super) flight: Option<String>,
}

/// One of the profiles.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Switch {
    pub(super) file: Option<PathBuf>,
    /// The fraction, or nanoseconds.
    pub(super) rate: Option<u64>,
}

/// A variable that cannot be obeyed.
#[derive(Debug)]
pub(super) struct Problem {
    variable: String,
    value: OsString,
    reason: String,
}

/// One line, whatever the value is.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?}: {}", self.variable, self.value, self.reason)
    }
}

impl Settings {
    /// Reads the settings from all variables of the environment.
    pub(super) fn read(
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::default();
        let mut problems = Vec::new();
        for (name, value) in variables.filter(|(_, value)| !value.is_empty()) {
            let Some(name) = name.to_str() else { continue };
            if let Err(reason) = settings.take(name, &value) {
                problems.push(Problem {
                    variable: name.to_owned(),
                    value,
                    reason,
                });
            }
        }
        problems.extend(settings.one_file_for_two());
        match problems.is_empty() {
            true => Ok(settings),
            false => Err(problems),
        }
    }

    fn take(&mut self, name: &str, value: &OsStr) -> Result<(), String> {
        for kind in ProfileKind::ALL {
            let switch = &mut self.switches[kind as usize];
            if name == file_variable(kind) {
                switch.file = Some(file(value)?);
                return Ok(());
            }
            if name == rate_variable(kind) {
                switch.rate = Some(rate(kind, value)?);
                return Ok(());
            }
        }
        match name {
            HTTP => self.http = Some(text(value, "an address such as 127.0.0.1:6060")?),
            MONITOR => {
                let settings = text(value, "settings such as 1s,wait=5s")?;
                drop(monitor::parse(&settings)?);
                self.monitor = Some(settings);
            }
            WATCHDOG => self.watchdog = Some(time(value)?),
            TRACE => self.trace = Some(trace_file(value)?),
            FLIGHT => {
                let settings = text(value, "settings such as 10s,wait=100ms")?;
                drop(flight::parse(&settings)?);
                self.flight = Some(settings);
            }
            _ if begins_like_ours(name) => return Err(unknown()),
            _ => {}
        }
        Ok(())
    }

    fn one_file_for_two(&self) -> Option<Problem> {
        let files = || {
            let kinds = ProfileKind::ALL.into_iter().zip(&self.switches);
            kinds.filter_map(|(kind, switch)| Some((kind, switch.file.as_ref()?)))
        };
        files().find_map(|(kind, file)| {
            let mut earlier = files().take_while(|(other, _)| *other != kind);
            let (other, _) = earlier.find(|(_, other)| path::is_same_file(other, file))?;
            let other = file_variable(other);
            Some(Problem {
                variable: file_variable(kind),
                value: file.into(),
                reason: format!("{other} is the same file; expected one for each profile"),
            })
        })
    }
}

impl Switch {
    pub(super) fn is_off(&self) -> bool {
        *self == Self::default()
    }

    /// The rate to set: everything is recorded for a file, unless told otherwise.
    pub(super) fn rate_to_set(&self) -> Option<u64> {
        self.rate.or(self.file.as_ref().map(|_| 1))
    }
}

/// Whether it is one of ours, or meant to be.
pub(super) fn is_ours(name: &OsStr) -> bool {
    name.to_str().is_some_and(begins_like_ours)
}

fn file(value: &OsStr) -> Result<PathBuf, String> {
    let file = value
        .to_str()
        .ok_or_else(|| "not valid UTF-8".to_owned())
        .and_then(path::expand)
        .and_then(|path| check(&path).map(|()| path));
    file.map_err(|reason| {
        format!(
            "{reason}; expected the path of a file in a folder that exists, \
             in which only {{bin}} and {{pid}} are replaced"
        )
    })
}

/// The file of a timeline, which has one form.
fn trace_file(value: &OsStr) -> Result<PathBuf, String> {
    let file = value
        .to_str()
        .ok_or_else(|| "not valid UTF-8".to_owned())
        .and_then(path::expand)
        .and_then(|path| match save::check(&path) {
            Ok(()) => Ok(path),
            Err(error) => Err(error.to_string()),
        });
    file.map_err(|reason| {
        format!("{reason}; expected the path of a file in a folder that exists, such as run.trace")
    })
}

/// Better told before a long run than after it.
fn check(path: &Path) -> Result<(), String> {
    let form = Form::of(path);
    if let Some(feature) = form.missing_feature {
        let ending = form.ending;
        return Err(format!(".{ending} needs contend's feature `{feature}`"));
    }
    save::check(path).map_err(|error| error.to_string())
}

fn rate(kind: ProfileKind, value: &OsStr) -> Result<u64, String> {
    let unit = kind.rate().unit;
    let expected = match unit {
        RateUnit::OneIn => "expected a whole number from 0 (off) and 1 (everything) to 4294967295",
        RateUnit::Nanoseconds => {
            "expected a whole number with ns, us, ms or s, or of nanoseconds, \
             such as 1ms, 10us, 1 (everything) or 0 (off)"
        }
    };
    let rate = value.to_str().and_then(|text| unit.parse(text));
    rate.ok_or_else(|| expected.to_owned())
}

fn text(value: &OsStr, expected: &str) -> Result<String, String> {
    let text = value.to_str().map(str::to_owned);
    text.ok_or_else(|| format!("not valid UTF-8; expected {expected}"))
}

/// With its unit: a bare number is more likely a slip than a number of nanoseconds.
fn time(value: &OsStr) -> Result<Duration, String> {
    let text = value.to_str().unwrap_or("");
    let has_unit = !text.ends_with(|c: char| c.is_ascii_digit());
    let nanos = parse_nanos(text).filter(|nanos| has_unit && *nanos > 0);
    let time = nanos.map(Duration::from_nanos);
    time.ok_or_else(|| "expected a time with ns, us, ms or s, such as 60s".to_owned())
}

fn unknown() -> String {
    let of_kind = |kind| [file_variable(kind), rate_variable(kind)];
    let names: Vec<String> = ProfileKind::ALL.into_iter().flat_map(of_kind).collect();
    format!(
        "no variable of contend's; expected one of {}, {HTTP}, {MONITOR}, {WATCHDOG}, {TRACE} and {FLIGHT}",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const MUTEX_PROFILE: &str = "CONTEND_MUTEX_PROFILE";
    const MUTEX_FRACTION: &str = "CONTEND_MUTEX_PROFILE_FRACTION";
    const BLOCK_RATE: &str = "CONTEND_BLOCK_PROFILE_RATE";

    fn read(variables: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
        let variables = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        let problems = |problems: Vec<Problem>| problems.iter().map(Problem::to_string).collect();
        Settings::read(variables).map_err(problems)
    }

    fn only_problem(variables: &[(&str, &str)]) -> String {
        let problems = read(variables).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems[0].clone()
    }

    #[test]
    fn without_variables_nothing_is_asked_for() {
        let others = [("PATH", "/bin"), ("CONTEND_TEST", "x"), ("CONTEND", "x")];
        assert_eq!(read(&others), Ok(Settings::default()));
        let empty = [(MUTEX_PROFILE, ""), (BLOCK_RATE, ""), (HTTP, "")];
        assert_eq!(read(&empty), Ok(Settings::default()));
        assert_eq!(Switch::default().rate_to_set(), None);
    }

    #[test]
    fn a_file_without_a_rate_means_everything() {
        let path = std::env::temp_dir().join("contend-settings.pb.gz");
        let path = path.to_str().unwrap();
        let settings = read(&[(MUTEX_PROFILE, path)]).unwrap();
        assert_eq!(settings.switches[0].file.as_deref(), Some(path.as_ref()));
        assert_eq!(settings.switches[0].rate_to_set(), Some(1));
        assert!(settings.switches[1].is_off());
        let settings = read(&[(MUTEX_PROFILE, path), (MUTEX_FRACTION, "0")]).unwrap();
        assert_eq!(settings.switches[0].rate_to_set(), Some(0));
    }

    #[test]
    fn rates_are_numbers() {
        let settings = read(&[(MUTEX_FRACTION, "4294967295"), (BLOCK_RATE, "10us")]).unwrap();
        assert_eq!(settings.switches[0].rate, Some(u64::from(u32::MAX)));
        assert_eq!(settings.switches[1].rate, Some(10_000));
        for value in ["-1", "+1", "1.5", "one", "1ms", "4294967296", " 1"] {
            let problem = only_problem(&[(MUTEX_FRACTION, value)]);
            let expected = format!("{MUTEX_FRACTION}={value:?}: expected a whole number from 0");
            assert!(problem.starts_with(&expected), "{problem}");
        }
        for value in ["-1", "1 parsec", "1.5ms", "99999999999s"] {
            let problem = only_problem(&[(BLOCK_RATE, value)]);
            let expected = format!("{BLOCK_RATE}={value:?}: expected a whole number with ns");
            assert!(problem.starts_with(&expected), "{problem}");
        }
    }

    #[test]
    fn a_problem_is_one_line_whatever_the_value() {
        let problem = only_problem(&[(MUTEX_FRACTION, "1\n2\u{1b}[31m")]);
        assert!(!problem.contains(char::is_control), "{problem}");
    }

    #[test]
    fn every_problem_is_named() {
        let variables = [(MUTEX_FRACTION, "x"), (BLOCK_RATE, "y")];
        assert_eq!(read(&variables).unwrap_err().len(), 2);
    }

    #[test]
    fn a_slip_in_a_name_is_a_problem() {
        for name in [
            "CONTEND_BLOCK_RATE",
            "CONTEND_BLOCK_PROFILE_FRACTION",
            "CONTEND_HTTP_ADDR",
        ] {
            let problem = only_problem(&[(name, "1")]);
            assert!(
                problem.starts_with(&format!("{name}=\"1\": no variable")),
                "{problem}"
            );
            assert!(problem.contains(BLOCK_RATE), "{problem}");
        }
    }
}
