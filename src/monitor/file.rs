//! The file that an alarm leaves behind.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::path::{self, PathBuf};

use super::report::MonitorReport;
use crate::ask::control;
use crate::live::Threads;
use crate::profile::kind::ProfileKind;
use crate::text::save;
use crate::text::template;
use crate::text::utc::Utc;

/// Where a rule's files go: with placeholders, and absolute, because the program may change its
/// folder.
#[derive(Debug)]
pub(super) struct Template {
    text: String,
    rule: &'static str,
}

impl Template {
    /// # Errors
    ///
    /// A placeholder is unknown, the folder does not exist, or nothing can be written there.
    pub(super) fn new(text: &str, rule: &'static str) -> io::Result<Self> {
        let absolute = path::absolute(text)?;
        let text = absolute.to_str().map(str::to_owned);
        let text = text.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "the folder's name is not UTF-8",
            )
        })?;
        let template = Self { text, rule };
        save::check(&template.path()?)?;
        Ok(template)
    }

    fn path(&self) -> io::Result<PathBuf> {
        let value = |name: &str| match name {
            "pid" => Some(std::process::id().to_string().into()),
            "time" => Some(Utc::now().compact().into()),
            "rule" => Some(self.rule.into()),
            _ => None,
        };
        let path = template::replace(&self.text, value).map_err(|problem| {
            let what = format!(
                "{}: {problem}; expected {{pid}}, {{time}} or {{rule}}",
                self.text
            );
            io::Error::new(io::ErrorKind::InvalidInput, what)
        })?;
        Ok(path.into())
    }

    /// Writes all that tells what goes on. Returns the path.
    pub(super) fn write(
        &self,
        message: &str,
        report: &MonitorReport,
        threads: &Threads,
    ) -> io::Result<PathBuf> {
        let path = self.path()?;
        save::save(&path, |file| {
            let mut text = io::BufWriter::new(file);
            writeln!(text, "alarm at {}: {message}\n", Utc::now())?;
            // The report has the deadlocks.
            writeln!(text, "# Report\n\n{report}\n# Threads\n\n{threads}")?;
            for profile in control::profiles(ProfileKind::ALL) {
                writeln!(text, "# {}\n\n{profile}", profile.kind().question())?;
            }
            text.flush()
        })?;
        Ok(path)
    }
}
