//! What the variables ask for, and what is wrong with them.
#![forbid(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::path;
use crate::export::form::Form;
use crate::text::duration::parse_nanos;
use crate::text::save;

const MUTEX_PROFILE: &str = "CONTEND_MUTEX_PROFILE";
const MUTEX_FRACTION: &str = "CONTEND_MUTEX_PROFILE_FRACTION";
const BLOCK_PROFILE: &str = "CONTEND_BLOCK_PROFILE";
const BLOCK_RATE: &str = "CONTEND_BLOCK_PROFILE_RATE";
pub(super) const HTTP: &str = "CONTEND_HTTP";

/// What begins so and is none of the above is a slip, which would be worse to pass over than to
/// name. Other variables may begin with `CONTEND_`: a program's own.
const OURS: [&str; 3] = ["CONTEND_MUTEX", "CONTEND_BLOCK", "CONTEND_HTTP"];

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) mutex: Switch,
    pub(super) block: Switch,
    /// The address to serve at.
    pub(super) http: Option<String>,
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
    /// Of all variables of the environment.
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
        problems.extend(settings.one_file_for_both());
        match problems.is_empty() {
            true => Ok(settings),
            false => Err(problems),
        }
    }

    fn take(&mut self, name: &str, value: &OsStr) -> Result<(), String> {
        match name {
            MUTEX_PROFILE => self.mutex.file = Some(file(value)?),
            BLOCK_PROFILE => self.block.file = Some(file(value)?),
            MUTEX_FRACTION => self.mutex.rate = Some(fraction(value)?),
            BLOCK_RATE => self.block.rate = Some(rate(value)?),
            HTTP => self.http = Some(address(value)?),
            _ if OURS.iter().any(|ours| name.starts_with(ours)) => return Err(unknown()),
            _ => {}
        }
        Ok(())
    }

    fn one_file_for_both(&self) -> Option<Problem> {
        let (mutex, block) = (self.mutex.file.as_ref()?, self.block.file.as_ref()?);
        path::is_same_file(mutex, block).then(|| Problem {
            variable: BLOCK_PROFILE.to_owned(),
            value: block.into(),
            reason: format!("{MUTEX_PROFILE} is the same file; expected one for each profile"),
        })
    }
}

impl Switch {
    pub(super) fn is_off(&self) -> bool {
        *self == Self::default()
    }

    /// What to set the rate to: everything is recorded for a file, unless told otherwise.
    pub(super) fn rate_to_set(&self) -> Option<u64> {
        self.rate.or(self.file.as_ref().map(|_| 1))
    }
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

/// Better told before a long run than after it.
fn check(path: &Path) -> Result<(), String> {
    if cfg!(not(feature = "flamegraph")) && Form::of(path) == Form::FlameGraph {
        return Err("a flame graph (.svg) needs contend's feature `flamegraph`".to_owned());
    }
    let folder = path.parent().unwrap_or(path);
    save::check(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("there is no folder {folder:?}"),
        _ => error.to_string(),
    })
}

fn fraction(value: &OsStr) -> Result<u64, String> {
    // Digits only: `parse` would take a sign.
    let is_number = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    let text = value.to_str().filter(is_number);
    let fraction = text.and_then(|text| text.parse::<u32>().ok());
    let expected = "expected a whole number from 0 (off) and 1 (everything) to 4294967295";
    fraction.map(u64::from).ok_or_else(|| expected.to_owned())
}

fn rate(value: &OsStr) -> Result<u64, String> {
    let expected = "expected a whole number with ns, us, ms or s, or of nanoseconds, \
        such as 1ms, 10us, 1 (everything) or 0 (off)";
    let rate = value.to_str().and_then(parse_nanos);
    rate.ok_or_else(|| expected.to_owned())
}

fn address(value: &OsStr) -> Result<String, String> {
    let address = value.to_str().map(str::to_owned);
    address.ok_or_else(|| "not valid UTF-8; expected an address such as 127.0.0.1:6060".to_owned())
}

fn unknown() -> String {
    format!(
        "no variable of contend's; expected one of \
         {MUTEX_PROFILE}, {MUTEX_FRACTION}, {BLOCK_PROFILE}, {BLOCK_RATE} and {HTTP}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(settings.mutex.file.as_deref(), Some(path.as_ref()));
        assert_eq!(settings.mutex.rate_to_set(), Some(1));
        assert!(settings.block.is_off());
        let settings = read(&[(MUTEX_PROFILE, path), (MUTEX_FRACTION, "0")]).unwrap();
        assert_eq!(settings.mutex.rate_to_set(), Some(0));
    }

    #[test]
    fn rates_are_numbers() {
        let settings = read(&[(MUTEX_FRACTION, "4294967295"), (BLOCK_RATE, "10us")]).unwrap();
        assert_eq!(settings.mutex.rate, Some(u64::from(u32::MAX)));
        assert_eq!(settings.block.rate, Some(10_000));
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
