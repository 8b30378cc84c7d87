//! Text that comes from outside (names of functions and files, kinds, variables, comments) inside
//! our own: on a line, in a column, in markup.
//!
//! Whoever picks such a text must not be able to add a line, a column or a tag, or to move a
//! terminal's cursor. So every output writes it through one of the two wrappers here.
#![forbid(unsafe_code)]
// Markup is theirs.
#![cfg_attr(not(any(feature = "flamegraph", feature = "http")), allow(dead_code))]

use std::fmt::{self, Write};

/// Displays text so that it stays on its line and in its column: what does not show is spelled out
/// as Rust would write it.
pub(crate) struct OneLine<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Cleaner(f), "{}", self.0)
    }
}

struct Cleaner<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for Cleaner<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_unfit(*c)) {
            write!(self.0, "{}{}", &rest[..at], c.escape_default())?;
            rest = &rest[at + c.len_utf8()..];
        }
        self.0.write_str(rest)
    }
}

/// Displays text so that it is text in HTML and XML, too, between tags and in quoted attributes.
///
/// XML has no way to write most control characters; these are shown as Rust would write them.
pub(crate) struct Escaped<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaper(f), "{}", self.0)
    }
}

struct Escaper<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for Escaper<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| self.write_char(c))
    }

    fn write_char(&mut self, c: char) -> fmt::Result {
        match c {
            '&' => self.0.write_str("&amp;"),
            '<' => self.0.write_str("&lt;"),
            '>' => self.0.write_str("&gt;"),
            '"' => self.0.write_str("&quot;"),
            '\'' => self.0.write_str("&#39;"),
            c if is_unfit(c) => write!(self.0, "{}", c.escape_default()),
            c => self.0.write_char(c),
        }
    }
}

/// Whether a character does not show, or does not belong into XML at all.
pub(crate) fn is_unfit(c: char) -> bool {
    let turns_text_around = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_line_end = matches!(c, '\u{2028}' | '\u{2029}');
    c.is_control() || turns_text_around || is_line_end || matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        let escaped = Escaped("<img src=\"x\" onerror='f()'>&amp;").to_string();
        assert_eq!(
            escaped,
            "&lt;img src=&quot;x&quot; onerror=&#39;f()&#39;&gt;&amp;amp;"
        );
    }

    #[test]
    fn a_line_stays_one() {
        let text = "a\tb\r\n\u{1b}]0;x\u{7}\u{9b}2J\u{2028}\u{202e}é<&";
        let shown = OneLine(text).to_string();
        assert_eq!(shown, r"a\tb\r\n\u{1b}]0;x\u{7}\u{9b}2J\u{2028}\u{202e}é<&");
        assert_eq!(OneLine("plain é").to_string(), "plain é");
    }

    #[test]
    fn what_does_not_show_is_spelled_out() {
        let escaped = Escaped("a\0b\u{1b}[1m\u{202e}c\u{ffff}é\n").to_string();
        assert_eq!(escaped, r"a\u{0}b\u{1b}[1m\u{202e}c\u{ffff}é\n");
    }
}
