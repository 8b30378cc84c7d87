//! The threads' present states, on the index.
#![forbid(unsafe_code)]

use super::html::{Html, html, when};
use super::words::grouped;
use super::{categories, deadlock};
use crate::live::{Deadlock, Glance, Thread};
use crate::text::units::human;

/// From afar: it interrupts no thread, so any page may make a browser ask for it.
pub(super) fn section(
    glance: &Glance,
    longest_wait: Option<&Thread>,
    deadlocks: &[Deadlock],
) -> Html {
    let states = glance.threads.iter().map(|thread| &thread.state);
    html!(
        "{}<section class=\"card\" id=\"now\" aria-labelledby=\"now-name\">\n\
         <h2 id=\"now-name\">now</h2>\n<p class=\"question\">What do the threads do?</p>\n\
         <p class=\"explained\"><b>{}</b> threads. {}{}</p>\n{}{}\
         <nav class=\"links\" aria-label=\"threads\"><a class=\"main\" href=\"threads?form=page\">Threads</a>\
         <a href=\"monitor?form=page\">Monitor</a><a href=\"threads?form=text\">Text</a>\
         <a href=\"goroutine\" download>Download</a></nav></section>\n",
        deadlock::notice(deadlocks),
        grouped(glance.threads.len() as u64),
        longest(glance),
        longest_wait.map(holder).unwrap_or_default(),
        categories::bar(&categories::count(states)),
        when(
            !glance.notes.is_empty(),
            "<p class=\"notice\">Not all can be seen here: the threads' own page says why.</p>\n"
        ),
    )
}

/// The holders of the subjects of waits.
fn holder(thread: &Thread) -> Html {
    let Some(wait) = thread.wait() else {
        return Html::default();
    };
    let holders = wait.holders().iter().take(1);
    holders
        .map(|holder| {
            html!(
                " It is {} thread {}.",
                wait.relation(holder),
                holder.to_string()
            )
        })
        .collect()
}

/// The longest wait that holds somebody up.
fn longest(glance: &Glance) -> Html {
    let held_up = glance.held_up();
    let Some((thread, wait)) = held_up.first() else {
        return html!("None waits for a lock.");
    };
    let lock = wait
        .lock()
        .map_or(String::new(), |lock| format!(" {lock:#x}"));
    html!(
        "The longest wait: <b>{}</b> for {}{}, of thread {} <code>{}</code>.",
        human(wait.waited()),
        wait.kind(),
        lock,
        u64::from(thread.tid),
        &*thread.name,
    )
}
