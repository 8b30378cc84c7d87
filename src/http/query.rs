//! The part of a request's target behind the `?`.
#![forbid(unsafe_code)]

use std::borrow::Cow;

/// Names and values, decoded. Of a name that occurs twice the first counts, as in Go.
#[derive(Debug, Default)]
pub(super) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).collect())
    }

    /// The value of `name`; `None` where it is missing or empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(it, _)| it == name)?;
        (!value.is_empty()).then_some(&**value)
    }
}
