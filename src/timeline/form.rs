//! The forms of a timeline, one row each.

use std::io::{self, Write};

use super::model::Timeline;
use super::{go, perfetto};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Go,
    Perfetto,
    /// For the page that draws it.
    #[cfg(feature = "http")]
    Json,
    /// To read.
    Text,
}

impl Form {
    #[cfg(feature = "http")]
    pub(crate) const ALL: [Self; 4] = [Self::Go, Self::Perfetto, Self::Json, Self::Text];

    #[allow(dead_code)] // Features decide who asks.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Perfetto => "perfetto",
            #[cfg(feature = "http")]
            Self::Json => "json",
            Self::Text => "text",
        }
    }

    #[cfg(feature = "http")]
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }
}

pub(crate) fn write(timeline: &Timeline, form: Form, mut writer: impl Write) -> io::Result<()> {
    match form {
        Form::Go => go::write(timeline, writer),
        Form::Perfetto => perfetto::write(timeline, writer),
        #[cfg(feature = "http")]
        Form::Json => super::json::write(timeline, writer),
        Form::Text => write!(writer, "{timeline}"),
    }
}
