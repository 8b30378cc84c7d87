//! Every thread's present state: by stack, by time waited, and over a window.
#![forbid(unsafe_code)]

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use super::html::{Html, breakable, html, lines, page, refresh, sortable_titles};
use super::words::grouped;
use super::{categories, deadlock, graph};
use crate::http::Response;
use crate::http::call::Call;
use crate::http::process::program;
use crate::http::response::HTML;
use crate::live::{Deadlock, Group, Thread, ThreadTimes, Threads};
use crate::profile::Frame;
use crate::text::units::{human, shortened};

pub(in crate::http) fn threads(
    call: &Call<'_>,
    threads: &Threads,
    times: Option<&ThreadTimes>,
) -> Response {
    let deadlocks = crate::live::deadlocks();
    let longest = call.state.windows.longest();
    let title = format!("{}: threads", program());
    let body = body(threads, &deadlocks, times, longest);
    let page = page(&title, &["window.js", "sort.js", "threads.js"], &body);
    Response::new(HTML, page)
}

/// `longest`: seconds that a window may have.
pub(super) fn body(
    threads: &Threads,
    deadlocks: &[Deadlock],
    times: Option<&ThreadTimes>,
    longest: Option<u32>,
) -> Html {
    html!(
        "<header class=\"place\"><a href=\"./\">{}</a> <span>/debug/pprof/threads</span></header>\n\
         <main class=\"threads\">\n\
         <h1>threads <span class=\"question\">What does every thread do now?</span></h1>\n{}{}\
         <div id=\"live\">\n{}{}{}{}{}{}</div>\n</main>\n",
        program(),
        controls(longest),
        times.is_none().then(refresh).unwrap_or_default(),
        deadlock::notice(deadlocks),
        summary(threads),
        who_blocks_whom(threads),
        times.map(spent).unwrap_or_default(),
        by_stack(threads),
        by_time(threads),
    )
}

fn controls(longest: Option<u32>) -> Html {
    let window = longest.map(|longest| {
        let seconds = u64::from(longest.min(5));
        html!(
            "<form class=\"window\" method=\"get\" action=\"threads\">\
             <input type=\"hidden\" name=\"form\" value=\"page\">\
             <label>Where does their time go in the next <input type=\"number\" name=\"seconds\" \
             value=\"{}\" min=\"1\" max=\"{}\" required> s?</label> \
             <span class=\"buttons\"><button>Account</button></span>\
             <output role=\"status\"></output></form>\n",
            seconds,
            u64::from(longest),
        )
    });
    html!(
        "<nav class=\"tabs\"><a href=\"threads?form=page\">Now</a> <a href=\"threads?form=text\">Text</a> \
         <a href=\"threads?form=json\">JSON</a> <a href=\"goroutine?debug=2\">As Go's stacks</a> \
         <a href=\"goroutine\" download>Download</a> <a href=\"monitor?form=page\">Monitor</a> <a href=\"locks?form=page\">Locks</a></nav>\n{}",
        window.unwrap_or_default(),
    )
}

fn summary(threads: &Threads) -> Html {
    let all = threads.threads();
    let states = all.iter().map(Thread::state);
    let notes = threads.notes().iter();
    let notes = notes.map(|note| html!("<p class=\"notice\">Not seen: {}.</p>\n", note));
    html!(
        "<section id=\"summary\" data-part>\n<p class=\"summary\"><b>{}</b> threads</p>\n{}{}</section>\n",
        grouped(all.len() as u64),
        categories::bar(&categories::count(states)),
        notes.collect::<Html>(),
    )
}

fn who_blocks_whom(threads: &Threads) -> Html {
    let pictures = graph::pictures(threads.threads());
    match pictures.is_empty() {
        true => pictures,
        false => html!(
            "<section id=\"blocks\" data-part>\n<h2>Who blocks whom</h2>\n\
             <p class=\"explained\">Threads wait for the lock below them, which the thread below it holds. \
             Dashed: probably. Red: a circle.</p>\n<div class=\"graphs\">{}</div></section>\n",
            pictures,
        ),
    }
}

fn by_stack(threads: &Threads) -> Html {
    let groups = threads.groups();
    let items = groups.iter().map(group);
    html!(
        "<section id=\"stacks\" data-part>\n<h2>By stack</h2>\n\
         <p class=\"explained\">Threads that do the same, at the same place. Open one to see its stack.</p>\n\
         {}</section>\n",
        items.collect::<Html>(),
    )
}

fn group(group: &Group<'_>) -> Html {
    let first = group.threads[0];
    let waited = group
        .threads
        .iter()
        .filter_map(|thread| waited(thread))
        .max();
    let waited = waited.map(|time| match group.threads.len() {
        1 => format!("waited {}", human(time)),
        _ => format!("waited up to {}", human(time)),
    });
    let note = first.note();
    html!(
        "<details class=\"group\" data-key=\"{}\"><summary><span class=\"count\">{}</span> \
         <span class=\"name\">{}{}</span> <span class=\"kind {}\">{}</span> \
         <span class=\"waited\">{}</span> <span class=\"function\">{}</span></summary>\n{}{}{}\
         </details>\n",
        key(group),
        format!("{} ×", group.threads.len()),
        group.name(),
        labels(first),
        categories::class(first.state().category()),
        first.state().to_string(),
        waited.unwrap_or_default(),
        first
            .place()
            .map(Frame::function)
            .map(breakable)
            .unwrap_or_default(),
        members(group),
        stack(first),
        note.map(|note| html!("<p class=\"hint\">{}</p>\n", note))
            .unwrap_or_default(),
    )
}

/// The same for the same group on the next page, so that it stays open.
fn key(group: &Group<'_>) -> String {
    let mut hasher = DefaultHasher::new();
    group.name().hash(&mut hasher);
    group.state().hash(&mut hasher);
    group.labels().for_each(|label| label.hash(&mut hasher));
    for frame in group.threads[0].frames() {
        frame.function().hash(&mut hasher);
        frame.line().hash(&mut hasher);
    }
    format!("g{:x}", hasher.finish())
}

/// Threads that a group names.
const MEMBERS: usize = 20;

fn members(group: &Group<'_>) -> Html {
    let tids = group.threads.iter().take(MEMBERS);
    let tids: Vec<String> = tids.map(|thread| thread.tid().to_string()).collect();
    let more = group.threads.len() - tids.len();
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    html!("<p class=\"hint\">tid {}{}</p>\n", tids.join(", "), more)
}

pub(super) fn stack(thread: &Thread) -> Html {
    let frames = thread.frames().iter().map(|frame| {
        html!(
            "<li><span class=\"function\">{}</span> <span class=\"where\" title=\"{}\">{}</span></li>\n",
            breakable(frame.function()),
            frame.file().unwrap_or(""),
            place(frame),
        )
    });
    match thread.frames().is_empty() {
        true => Html::default(),
        false => html!("<ol class=\"stack\">\n{}</ol>\n", frames.collect::<Html>()),
    }
}

fn place(frame: &Frame) -> String {
    match (frame.file().map(shortened), frame.line()) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file,
        (None, _) => String::new(),
    }
}

fn waited(thread: &Thread) -> Option<Duration> {
    thread.wait().map(|wait| wait.waited())
}

/// Titles, and how their columns are sorted at first.
const TITLES: [(&str, &str); 9] = [
    ("waited", "descending"),
    ("CPU", "descending"),
    ("tid", "ascending"),
    ("thread", "ascending"),
    ("state", "ascending"),
    ("lock", "ascending"),
    ("held by", "ascending"),
    ("at", "ascending"),
    ("file:line", "ascending"),
];

fn by_time(threads: &Threads) -> Html {
    let mut all: Vec<&Thread> = threads.threads().iter().collect();
    all.sort_by_key(|thread| std::cmp::Reverse((waited(thread), thread.cpu_time())));
    html!(
        "<section id=\"by-time\" data-part>\n<h2>By time waited</h2>\n<div class=\"scroll\">\n\
         <table class=\"sites\" role=\"table\">\n\
         <thead role=\"rowgroup\"><tr role=\"row\">{}</tr></thead>\n\
         <tbody role=\"rowgroup\">\n{}</tbody>\n</table>\n</div>\n</section>\n",
        sortable_titles(&TITLES),
        all.into_iter().map(row).collect::<Html>(),
    )
}

fn row(thread: &Thread) -> Html {
    let time = |class: &str, time: Option<Duration>| {
        html!(
            "<td role=\"cell\" class=\"number {}\" data-value=\"{}\">{}</td>",
            class,
            time.map_or("-1".to_owned(), |time| time.as_nanos().to_string()),
            time.map(human).unwrap_or_default(),
        )
    };
    let lock = thread.wait().and_then(|wait| {
        let lock = wait.lock()?;
        Some(match wait.lock_name() {
            Some(name) => format!("{name} {lock:#x}"),
            None => format!("{lock:#x}"),
        })
    });
    let at = thread.place();
    html!(
        "<tr role=\"row\">{}{}<td role=\"cell\" class=\"number tid\" data-value=\"{}\">{}</td>\
         <td role=\"cell\" class=\"thread\">{}{}</td>\
         <td role=\"cell\" class=\"kind\"><span class=\"kind {}\">{}</span></td>\
         <td role=\"cell\" class=\"lock\">{}</td>\
         <td role=\"cell\" class=\"holder\">{}</td>\
         <td role=\"cell\" class=\"function\">{}</td>\
         <td role=\"cell\" class=\"where\" title=\"{}\">{}</td></tr>\n",
        time("delay", waited(thread)),
        time("cpu", thread.cpu_time()),
        u64::from(thread.tid()),
        u64::from(thread.tid()),
        thread.name(),
        labels(thread),
        categories::class(thread.state().category()),
        thread.state().to_string(),
        lock.unwrap_or_default(),
        holders(thread),
        at.map(Frame::function).map(breakable).unwrap_or_default(),
        at.and_then(Frame::file).unwrap_or(""),
        at.map(place).unwrap_or_default(),
    )
}

/// Those of the program.
fn labels(thread: &Thread) -> Html {
    let labels = thread.labels();
    labels
        .map(|(key, value)| html!(" <span class=\"label\">{}={}</span>", key, value))
        .collect()
}

/// The holders of the subject of the thread's wait, in few words: a lock may have a thousand
/// readers.
fn holders(thread: &Thread) -> String {
    const SHOWN: usize = 3;
    let holders = thread.wait().map_or(&[][..], |wait| wait.holders());
    let words = holders.iter().take(SHOWN).map(|holder| {
        let guess = if holder.is_certain() { "" } else { "probably " };
        format!("{guess}{} {}", holder.tid(), holder.name())
    });
    let mut words: Vec<String> = words.collect();
    if let Some(more @ 1..) = holders.len().checked_sub(SHOWN) {
        words.push(format!("{more} more"));
    }
    words.join(", ")
}

/// Where the time of each thread went.
fn spent(times: &ThreadTimes) -> Html {
    html!(
        "<section id=\"spent\">\n<h2>Where the time of each thread went</h2>\n<pre>{}</pre>\n</section>\n",
        lines(&times.to_string()),
    )
}
