//! The locks that have a name, as a table to sort.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::html::{Html, html, page, refresh, sortable_titles};
use super::words::grouped;
use crate::LockWaits;
use crate::http::Response;
use crate::http::process::program;
use crate::http::response::HTML;
use crate::text::units::human;

/// In the place of the table.
pub(in crate::http) const NO_LOCKS: &str = "no lock that has a name was waited for: \
    contend::sync::named_mutex gives it one, and the block or the mutex profile must be on";

pub(in crate::http) fn locks(locks: &[LockWaits]) -> Response {
    let title = format!("{}: locks", program());
    let page = page(&title, &["sort.js", "threads.js"], &body(locks));
    Response::new(HTML, page)
}

pub(super) fn body(locks: &[LockWaits]) -> Html {
    html!(
        "<header class=\"place\"><a href=\"./\">{}</a> <span>/debug/pprof/locks</span></header>\n\
         <main class=\"threads\">\n\
         <h1>locks <span class=\"question\">How long does which lock keep others waiting?</span></h1>\n\
         <nav class=\"tabs\"><a href=\"threads?form=page\">Threads</a> \
         <a href=\"locks?form=text\">Text</a> <a href=\"locks?form=json\">JSON</a></nav>\n\
         {}<div id=\"live\">\n<section id=\"locks\" data-part>\n{}</section>\n</div>\n</main>\n",
        program(),
        refresh(),
        match locks.is_empty() {
            true => html!("<p class=\"empty\">{}</p>\n", NO_LOCKS),
            false => table(locks),
        },
    )
}

/// Titles, and how their columns are sorted at first.
const TITLES: [(&str, &str); 8] = [
    ("delay", "descending"),
    ("waits", "descending"),
    ("p50 \u{2264}", "descending"),
    ("p99 \u{2264}", "descending"),
    ("longest", "descending"),
    ("wait now", "descending"),
    ("lock", "ascending"),
    ("kind", "ascending"),
];

fn table(locks: &[LockWaits]) -> Html {
    html!(
        "<p class=\"explained\">Waits that are over, since the program started. A quantile is the bound of \
         the bucket in which it lies: up to four times too long, and never too short.</p>\n\
         <div class=\"scroll\">\n<table class=\"sites\" role=\"table\">\n\
         <thead role=\"rowgroup\"><tr role=\"row\">{}</tr></thead>\n\
         <tbody role=\"rowgroup\">\n{}</tbody>\n</table>\n</div>\n",
        sortable_titles(&TITLES),
        locks.iter().map(row).collect::<Html>(),
    )
}

fn row(lock: &LockWaits) -> Html {
    let number = |class: &str, value: u64, text: String| {
        html!(
            "<td role=\"cell\" class=\"number {}\" data-value=\"{}\">{}</td>",
            class,
            value,
            text,
        )
    };
    let time = |class: &str, time: Duration| {
        let nanos = time.as_nanos().try_into().unwrap_or(u64::MAX);
        number(class, nanos, human(time))
    };
    html!(
        "<tr role=\"row\">{}{}{}{}{}{}<td role=\"cell\" class=\"name\">{}</td>\
         <td role=\"cell\" class=\"kind\">{}</td></tr>\n",
        time("delay", lock.delay()),
        number("waits", lock.contentions(), grouped(lock.contentions())),
        time("p50", lock.quantile(0.5)),
        time("p99", lock.quantile(0.99)),
        time("longest", lock.longest()),
        number(
            "waiting",
            lock.waiting() as u64,
            grouped(lock.waiting() as u64)
        ),
        lock.name(),
        lock.kind(),
    )
}
