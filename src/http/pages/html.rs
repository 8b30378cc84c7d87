//! Markup that escapes whatever is put into it, so that nothing has to be remembered.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;

use crate::text::escape::Escaped;

/// Markup. Everything that is put into [`html!`] is escaped unless it is of this type.
#[derive(Clone, Debug, Default)]
pub(super) struct Html(String);

/// `format!` for markup: the values are [shown](Show) in the places of `{}`.
macro_rules! html {
    ($format:literal $(, $value:expr)* $(,)?) => {{
        // A name in the braces would be put in as it is.
        const { assert!($crate::http::pages::html::has_only_empty_braces($format)) };
        $crate::http::pages::html::Html::from(
            format_args!($format $(, $crate::http::pages::html::Shown(&$value))*)
        )
    }};
}
pub(super) use html;

impl From<fmt::Arguments<'_>> for Html {
    fn from(markup: fmt::Arguments<'_>) -> Self {
        Self(markup.to_string())
    }
}

impl Html {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Html> for Html {
    fn from_iter<I: IntoIterator<Item = Html>>(parts: I) -> Self {
        Self(parts.into_iter().map(|part| part.0).collect())
    }
}

/// A text of many lines, for a `pre`. Put in as it is, its ends of lines would be shown as `\n`.
pub(super) fn lines(text: &str) -> Html {
    text.lines().map(|line| html!("{}\n", line)).collect()
}

impl From<Html> for Vec<u8> {
    fn from(html: Html) -> Self {
        html.0.into()
    }
}

/// Values that can stand between tags and in quoted attributes.
pub(super) trait Show {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

pub(super) struct Shown<'a, T: ?Sized>(pub(super) &'a T);

impl<T: Show + ?Sized> fmt::Display for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(f)
    }
}

impl Show for Html {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Show for str {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Escaped(self))
    }
}

impl Show for String {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().show(f)
    }
}

impl Show for Arc<str> {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).show(f)
    }
}

impl Show for u64 {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Show for usize {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).show(f)
    }
}

pub(super) const fn has_only_empty_braces(format: &str) -> bool {
    let bytes = format.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'{' && bytes[at + 1] != b'}' {
            return false;
        }
        at += 1;
    }
    true
}

/// Markup that is there or not.
pub(super) fn when(condition: bool, markup: &'static str) -> Html {
    Html(if condition { markup } else { "" }.to_owned())
}

/// The title of a column that is sorted by a click. `first`: how it is sorted at first; `more`:
/// attributes.
pub(super) fn sortable_title(text: &str, first: &str, more: Html) -> Html {
    html!(
        "<th role=\"columnheader\" scope=\"col\" data-first=\"{}\"{}>{}</th>",
        first,
        more,
        text,
    )
}

/// The titles of a table that is sorted by its first column, and how each is sorted at first.
pub(super) fn sortable_titles(titles: &[(&str, &str)]) -> Html {
    let titles = titles.iter().enumerate().map(|(index, (text, first))| {
        sortable_title(text, first, when(index == 0, " aria-sort=\"descending\""))
    });
    titles.collect()
}

/// A whole page. `scripts` are assets.
pub(super) fn page(title: &str, scripts: &[&str], body: &Html) -> Html {
    let script = |name: &&str| html!("<script src=\"assets/{}\" defer></script>\n", name);
    html!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n\
         <link rel=\"icon\" href=\"assets/icon.svg\">\n\
         <link rel=\"stylesheet\" href=\"assets/style.css\">\n{}</head>\n<body>\n{}</body>\n</html>\n",
        title,
        scripts.iter().map(script).collect::<Html>(),
        body,
    )
}

/// Shown by the script that it needs (`threads.js`): keeps the parts of a page up to date.
pub(super) fn refresh() -> Html {
    html!(
        "<p id=\"refresh\" hidden><label class=\"check\"><input type=\"checkbox\"> refresh every second\
         </label> <output role=\"status\"></output></p>\n"
    )
}

/// A function's path, which may break at its segments rather than anywhere.
pub(super) fn breakable(name: &str) -> Html {
    let segments = name.split("::").enumerate();
    segments
        .map(|(at, segment)| match at {
            0 => html!("{}", segment),
            _ => html!("::<wbr>{}", segment),
        })
        .collect()
}

/// A bar as wide as its part of the whole.
pub(super) fn bar(part: u64, whole: u64) -> Html {
    let percent = part as f64 / whole.max(1) as f64 * 100.0;
    html!(
        "<svg class=\"bar\" aria-hidden=\"true\"><rect width=\"{}%\" height=\"100%\"/></svg>",
        format!("{percent:.2}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_lines() {
        assert_eq!(lines("a <b>\nc").0, "a &lt;b&gt;\nc\n");
    }

    #[test]
    fn text_is_escaped_and_markup_is_not() {
        let name = "<b title='x'>";
        let inner = html!("<i>{}</i>", name);
        let outer = html!("<p title=\"{}\">{}</p>", name, inner);
        assert_eq!(
            outer.0,
            "<p title=\"&lt;b title=&#39;x&#39;&gt;\"><i>&lt;b title=&#39;x&#39;&gt;</i></p>"
        );
    }

    #[test]
    fn names_in_braces_are_refused() {
        assert!(has_only_empty_braces("<p>{}</p>{}"));
        assert!(!has_only_empty_braces("<p>{name}</p>"));
        assert!(!has_only_empty_braces("<p>{0}</p>"));
        assert!(!has_only_empty_braces("<p>{:?}</p>"));
    }

    #[test]
    fn a_path_breaks_at_its_segments() {
        assert_eq!(breakable("a::b<C>").0, "a::<wbr>b&lt;C&gt;");
        assert_eq!(breakable("main").0, "main");
    }

    #[test]
    fn bars_show_shares() {
        assert!(bar(1, 4).0.contains("width=\"25.00%\""));
        assert!(bar(0, 0).0.contains("width=\"0.00%\""));
    }
}
