//! Threads that wait for each other: as a notice, and on a page of their own.
#![forbid(unsafe_code)]

use super::graph;
use super::html::{Html, breakable, html, page, refresh};
use super::threads::stack;
use crate::http::Response;
use crate::http::process::program;
use crate::http::response::HTML;
use crate::live::{Deadlock, Thread};
use crate::profile::Frame;
use crate::text::units::human;

/// In the place of deadlocks.
pub(in crate::http) const NO_DEADLOCK: &str = "no deadlock: no threads wait for each other";

/// On top of a page, in red. Nothing where there is no deadlock.
pub(super) fn notice(deadlocks: &[Deadlock]) -> Html {
    let words = deadlocks.iter().map(|deadlock| {
        html!(
            "<p><b>{}</b> {}. <a href=\"deadlock?form=page\">Who, and where</a></p>\n",
            word(deadlock),
            deadlock.summary(),
        )
    });
    match deadlocks.is_empty() {
        true => Html::default(),
        false => html!(
            "<section id=\"deadlock\" class=\"alarm\" role=\"alert\" data-part>\n{}</section>\n",
            words.collect::<Html>(),
        ),
    }
}

fn word(deadlock: &Deadlock) -> &'static str {
    match deadlock.is_certain() {
        true => "Deadlock:",
        false => "Possible deadlock:",
    }
}

pub(in crate::http) fn deadlock(deadlocks: &[Deadlock]) -> Response {
    let title = format!("{}: deadlock", program());
    Response::new(
        HTML,
        page(&title, &["sort.js", "threads.js"], &body(deadlocks)),
    )
}

pub(super) fn body(deadlocks: &[Deadlock]) -> Html {
    let content = match deadlocks.is_empty() {
        true => html!("<p class=\"empty\">{}</p>\n", NO_DEADLOCK),
        false => deadlocks.iter().map(one).collect(),
    };
    html!(
        "<header class=\"place\"><a href=\"./\">{}</a> <span>/debug/pprof/deadlock</span></header>\n\
         <main class=\"threads\">\n\
         <h1>deadlock <span class=\"question\">Which threads wait for each other?</span></h1>\n\
         <nav class=\"tabs\"><a href=\"threads?form=page\">Threads</a> \
         <a href=\"deadlock?form=text\">Text</a> <a href=\"deadlock?form=json\">JSON</a></nav>\n\
         {}<div id=\"live\">\n<section id=\"all\" data-part>\n{}</section>\n</div>\n</main>\n",
        program(),
        refresh(),
        content,
    )
}

fn one(deadlock: &Deadlock) -> Html {
    let behind = match deadlock.behind().is_empty() {
        true => Html::default(),
        false => html!(
            "<h2 class=\"behind\">Stuck behind them</h2>\n{}",
            deadlock.behind().iter().map(member).collect::<Html>(),
        ),
    };
    html!(
        "<div class=\"alarm\"><p><b>{}</b> {}.</p></div>\n\
         <p class=\"explained\">Threads wait for the lock below them, which the thread below it holds. \
         Dashed: probably. Red: the circle.</p>\n<div class=\"graphs\">{}</div>\n{}{}",
        word(deadlock),
        deadlock.summary(),
        graph::pictures(deadlock.threads().iter().chain(deadlock.behind())),
        deadlock.threads().iter().map(member).collect::<Html>(),
        behind,
    )
}

fn member(thread: &Thread) -> Html {
    let wait = thread.wait().map(|wait| {
        let lock = wait
            .lock()
            .map_or(String::new(), |lock| format!(" {lock:#x}"));
        let holders = wait.holders().iter();
        let holders =
            holders.map(|holder| html!(", {} {}", wait.relation(holder), holder.to_string()));
        html!(
            "<span class=\"waited\">has waited {}</span> for {}{}{}",
            human(wait.waited()),
            wait.kind(),
            lock,
            holders.collect::<Html>(),
        )
    });
    html!(
        "<details class=\"group\" data-key=\"t{}\"><summary><span class=\"count\">{}</span> \
         <span class=\"name\">{}</span> <span>{}</span> <span class=\"function\">{}</span></summary>\n{}\
         </details>\n",
        u64::from(thread.tid()),
        u64::from(thread.tid()),
        thread.name(),
        wait.unwrap_or_default(),
        thread
            .place()
            .map(Frame::function)
            .map(breakable)
            .unwrap_or_default(),
        stack(thread),
    )
}
