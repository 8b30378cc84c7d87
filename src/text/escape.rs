//! Text of the program's inside markup.
#![forbid(unsafe_code)]

use std::fmt::{self, Write};

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

/// Displays text on one line, without what could command a terminal.
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match is_unfit(c) {
            true => write!(f, "{}", c.escape_default()),
            false => f.write_char(c),
        })
    }
}

/// Whether a character does not show, or does not belong into XML at all.
pub(crate) fn is_unfit(c: char) -> bool {
    let turns_text_around = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns_text_around || matches!(c, '\u{fffe}' | '\u{ffff}')
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
    fn what_does_not_show_is_spelled_out() {
        let escaped = Escaped("a\0b\u{1b}[1m\u{202e}c\u{ffff}é\n").to_string();
        assert_eq!(escaped, r"a\u{0}b\u{1b}[1m\u{202e}c\u{ffff}é\n");
    }
}
