//! The form of an answer that people, tools and programs read.
#![forbid(unsafe_code)]

use super::Response;
use super::call::Call;
use super::query::invalid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Page,
    Text,
    Json,
}

impl Form {
    /// The form that `form=` names. Without it a page for whoever says that it takes one, as
    /// browsers do, and text for all others.
    pub(super) fn of(call: &Call<'_>) -> Result<Self, Response> {
        match call.query.get("form") {
            Some("page") => Ok(Self::Page),
            Some("text") => Ok(Self::Text),
            Some("json") => Ok(Self::Json),
            Some(other) => Err(invalid("form", "page, text or json", other)),
            None => Ok(Self::accepted(call.request.accept.unwrap_or(""))),
        }
    }

    fn accepted(accept: &str) -> Self {
        let types = accept.split(',').map(|range| range.split(';').next());
        let has = |wanted: &str| {
            let mut types = types.clone().flatten();
            types.any(|range| range.trim().eq_ignore_ascii_case(wanted))
        };
        match () {
            () if has("text/html") => Self::Page,
            () if has("application/json") => Self::Json,
            () => Self::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_pages_and_others_text() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert_eq!(Form::accepted(browser), Form::Page);
        assert_eq!(Form::accepted("application/json; q=1"), Form::Json);
        for other in ["", "*/*", "text/plain", "text/htmlx"] {
            assert_eq!(Form::accepted(other), Form::Text, "{other}");
        }
    }
}
