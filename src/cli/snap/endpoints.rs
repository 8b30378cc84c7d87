//! The requests to make of a program.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use crate::http::route::{Route, When};
use crate::http::routes::ROUTES;

/// Profiles of the program's own, from its index. A page with more is no index.
const MAX_LINKED: usize = 64;
const MAX_NAME: usize = 64;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Endpoint {
    /// The file's name, without its extension.
    pub(super) name: String,
    /// Behind `/debug/pprof/`.
    pub(super) path: String,
    /// Takes as long as was asked for.
    pub(super) is_window: bool,
}

impl Endpoint {
    fn new(name: impl Into<String>, path: impl Into<String>) -> Self {
        let path = path.into();
        Self {
            name: name.into(),
            is_window: path.contains("seconds="),
            path,
        }
    }

    /// Its name in messages.
    pub(super) fn title(&self) -> &str {
        if self.path.is_empty() {
            &self.name
        } else {
            &self.path
        }
    }
}

/// The requests that can be made side by side, with what the index links to.
pub(super) fn at_once(seconds: u32, index: &str) -> Vec<Endpoint> {
    let mut endpoints = known(When::AtOnce, seconds);
    for name in linked(index) {
        endpoints.push(match &*name {
            "trace" => Endpoint::new(
                format!("trace-{seconds}s"),
                format!("trace?seconds={seconds}"),
            ),
            _ => Endpoint::new(&name, &name),
        });
    }
    endpoints
}

/// The requests that use up what the others need.
pub(super) fn at_last(seconds: u32) -> Vec<Endpoint> {
    known(When::AtLast, seconds)
}

/// The requests of the table of paths. Go's programs have many of the same paths.
fn known(when: When, seconds: u32) -> Vec<Endpoint> {
    let seconds = seconds.to_string();
    let filled = |text: &str| text.replace("{s}", &seconds);
    let of_route = |route: &'static Route| {
        let snapped = route
            .snapped
            .iter()
            .filter(move |snapped| snapped.when == when);
        snapped.map(move |snapped| (route.name, snapped))
    };
    let endpoints = ROUTES.iter().flat_map(of_route).map(|(name, snapped)| {
        let path = format!("{name}{}", filled(snapped.query));
        Endpoint::new(filled(snapped.file), path)
    });
    endpoints.collect()
}

/// The names that the index links to beside what is asked for anyway.
fn linked(index: &str) -> BTreeSet<String> {
    let links = index.split("href=").skip(1).filter_map(|rest| {
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        rest[1..].split(quote).next()
    });
    let names = links.filter_map(|link| {
        let path = link.split(['?', '#']).next()?;
        let path = path.strip_prefix("./").unwrap_or(path);
        Some(path.strip_prefix("/debug/pprof/").unwrap_or(path))
    });
    let is_known = |name: &str| name == "index" || ROUTES.iter().any(|route| route.name == name);
    let is_profile = |name: &&str| is_name(name) && !is_known(name);
    names
        .filter(is_profile)
        .map(str::to_owned)
        .take(MAX_LINKED)
        .collect()
}

/// Becomes a file's name, so it must not lead out of the folder.
fn is_name(name: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (1..=MAX_NAME).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(is_fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(index: &str) -> Vec<String> {
        linked(index).into_iter().collect()
    }

    #[test]
    fn profiles_that_the_index_links_to_are_found() {
        // As Go's index has them, and as ours.
        let index = r#"<a href='goroutine?debug=1'>goroutine</a> <a href="heap?debug=1">
            <a href="/debug/pprof/sessions"> <a href='./queue'> <a href="mutex?debug=1"> <a href=heap>"#;
        assert_eq!(names(index), ["heap", "queue", "sessions"]);
    }

    #[test]
    fn names_that_lead_elsewhere_are_left_alone() {
        for link in [
            "../x",
            "/etc/passwd",
            "..",
            ".x",
            "a/b",
            "https://example.com/",
            "a\\b",
            "a b",
            "",
            "#x",
            "é",
        ] {
            assert_eq!(names(&format!("<a href=\"{link}\">")), [""; 0], "{link}");
        }
        let many: String = (0..1000)
            .map(|number| format!("<a href='p{number}'>"))
            .collect();
        assert_eq!(names(&many).len(), MAX_LINKED);
        let long = "x".repeat(MAX_NAME + 1);
        assert_eq!(names(&format!("href='{long}'")), [""; 0]);
    }
}
