//! The first page: what the threads do now, both profiles with what they say already, and every
//! path.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::card::{Card, hint};
use super::html::{Html, html, page, refresh, when};
use super::now;
use super::paths::{custom_profiles, for_tools};
use crate::ask::control;
use crate::http::Response;
use crate::http::access;
use crate::http::call::{Answer, Call};
use crate::http::custom::{Registered, registered};
use crate::http::process::program;
use crate::http::response::HTML;
use crate::http::route::Route;
use crate::live::{self, Glance, Looker, Thread};
use crate::profile::kind::ProfileKind;

pub(in crate::http) fn index(call: &Call<'_>, routes: &[Route]) -> Answer {
    // Each is made when the page comes to it: two profiles at once would take twice the memory.
    let _turn = call.state.turn();
    let cards = ProfileKind::ALL.into_iter().map(|which| Card {
        profile: control::profile(which),
        rate_set: control::rate_set(which),
        own_rate: call.state.own_rates.of(which),
        recorded_for: control::recorded_for(),
        can_record: cfg!(feature = "profiling"),
        hint: hint(which),
        longest_window: call.state.windows.longest(),
    });
    let title = format!("{}: /debug/pprof/", program());
    // A page of another site may load this one, and is not to interrupt the program's threads.
    let may_interrupt = access::refuse_other_sites(call.request).is_ok();
    let deadlocks = match may_interrupt {
        true => live::deadlocks(),
        false => Vec::new(),
    };
    let glance = Looker::new().look();
    let longest = may_interrupt.then(|| longest_wait(&glance)).flatten();
    let body = body(
        cards,
        &now::section(&glance, longest.as_ref(), &deadlocks),
        &registered(),
        routes,
    );
    let scripts = ["window.js", "sort.js", "threads.js", "index.js"];
    let page = page(&title, &scripts, &body);
    Ok(Response::new(HTML, page))
}

/// Shorter waits are over before one has read who is to blame.
const LONG: Duration = Duration::from_millis(100);

/// The thread that has waited longest, with who has what it waits for, if it is long.
fn longest_wait(glance: &Glance) -> Option<Thread> {
    let held_up = glance.held_up();
    let (thread, _) = held_up.first().filter(|(_, wait)| wait.waited() >= LONG)?;
    let threads = live::threads();
    let mut same = threads.threads().iter();
    same.find(|other| other.tid() == thread.tid).cloned()
}

pub(super) fn body(
    cards: impl IntoIterator<Item = Card>,
    now: &Html,
    registered: &[Registered],
    routes: &[Route],
) -> Html {
    let cards = cards.into_iter().map(|card| card.html());
    html!(
        "<header class=\"place\"><b>{}</b> <span>/debug/pprof/</span> \
         <span class=\"about\">process {} · contend {}</span></header>\n\
         <main>\n{}{}\
         <div id=\"live\">\n<div id=\"threads-now\" data-part>{}</div>\n<div class=\"cards\">\n{}</div>\n</div>\n\
         {}{}</main>\n",
        program(),
        u64::from(std::process::id()),
        env!("CARGO_PKG_VERSION"),
        when(cfg!(not(feature = "profiling")), NOT_BUILT_IN),
        refresh(),
        now,
        cards.collect::<Html>(),
        custom_profiles(registered),
        for_tools(routes),
    )
}

const NOT_BUILT_IN: &str = "<p class=\"notice\">Nothing is recorded: contend was built without its \
    feature <code>profiling</code>. It is one of the default features; a dependency with \
    <code>default-features = false</code> has to name it.</p>\n";
