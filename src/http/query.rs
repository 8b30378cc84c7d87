//! The part of a request's target behind the `?`.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::num::IntErrorKind;

use super::Response;

/// Characters of a wrong value that an error repeats: enough to recognise it.
const SHOWN_CHARS: usize = 64;

/// Names and values, decoded. Where a name occurs twice the first counts, as in Go. Text that is no
/// percent-encoding stands for itself, what is no UTF-8 becomes U+FFFD: neither is a number or a
/// name that means anything here.
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

    /// Whether `name` is there without a value.
    pub(super) fn has_empty(&self, name: &str) -> bool {
        let same = self.0.iter().find(|(key, _)| key == name);
        same.is_some_and(|(_, value)| value.is_empty())
    }

    /// Whether functions are to be named, as they are unless `names=0` says that who asked does it.
    pub(super) fn wants_names(&self) -> Result<bool, Response> {
        match self.get("names") {
            None | Some("1") => Ok(true),
            Some("0") => Ok(false),
            Some(other) => Err(invalid("names", "0 or 1", other)),
        }
    }

    /// Whether `debug=` asks for text. Go takes a word for 0 and writes a compressed file under
    /// the content type of text for a negative number; here these are errors.
    pub(super) fn wants_text(&self) -> Result<bool, Response> {
        let Some(value) = self.get("debug") else {
            return Ok(false);
        };
        match number(value) {
            Some(debug) => Ok(debug != 0),
            None => Err(invalid("debug", "an integer, 0 or more", value)),
        }
    }
}

/// A whole number; one that is too large is the largest there is. Go's `+5` is one, too.
pub(super) fn number(text: &str) -> Option<u64> {
    match text.parse() {
        Ok(number) => Some(number),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => Some(u64::MAX),
        Err(_) => None,
    }
}

/// A parameter with a value that it cannot have.
pub(super) fn invalid(name: &str, must_be: &str, value: &str) -> Response {
    let shown = shown(value);
    Response::error(
        400,
        &format!("invalid value for \"{name}\" - must be {must_be}, not {shown}"),
    )
}

/// Something that the client sent, quoted, on one line and not too long.
pub(super) fn shown(text: &str) -> String {
    let end = text.char_indices().nth(SHOWN_CHARS);
    match end {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_name_counts_and_empty_is_missing() {
        let query = Query::new("a=1&a=2&b=&c&d=%41+b&=x&&e=f=g");
        assert_eq!(query.get("a"), Some("1"));
        assert_eq!(query.get("b"), None);
        assert_eq!(query.get("c"), None);
        assert_eq!(query.get("d"), Some("A b"));
        assert_eq!(query.get("e"), Some("f=g"));
        assert_eq!(query.get("z"), None);
    }

    #[test]
    fn broken_encodings_are_no_numbers() {
        let query = Query::new("a=%zz&b=%ff&c=%00&d=%&e=%2");
        for name in ["a", "b", "c", "d", "e"] {
            assert_eq!(number(query.get(name).unwrap()), None, "{name}");
        }
    }

    #[test]
    fn too_large_a_number_is_the_largest() {
        assert_eq!(number("99999999999999999999999"), Some(u64::MAX));
        assert_eq!(number("007"), Some(7));
        assert_eq!(number("+5"), Some(5));
        assert_eq!(number("-1"), None);
        assert_eq!(number("1.5"), None);
        assert_eq!(number("١"), None);
    }

    #[test]
    fn wrong_values_are_shown_on_one_line_and_cut() {
        assert_eq!(shown("a\nb\u{1b}"), r#""a\nb\u{1b}""#);
        assert_eq!(shown(&"µ".repeat(70)), format!("\"{}\"…", "µ".repeat(64)));
    }
}
