//! One function: who calls it and what it calls, its lines of source, and the stacks that it is on.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashMap};

use super::html::{Html, bar, breakable, html, when};
use super::live;
use super::stacks::{Place, Stacks, percent, total};
use super::top::linked;
use super::view::{Page, View};
use crate::http::call::{Answer, Call};
use crate::text::units::shortened;

pub(super) const PAGE: Page = Page {
    path: "function",
    scripts: &["window.js"],
    content: |view| Ok(content(view)),
};

/// Rows of callers, and of callees.
const NEIGHBOURS: usize = 100;
/// Stacks that are shown, and those of them that are open at first.
const STACKS: usize = 50;
const OPEN: usize = 3;
/// Frames of a stack.
const FRAMES: usize = 512;
/// Lines of a source around the first and the last one with a value, and of all of it.
const MARGIN: i64 = 5;
const LINES: i64 = 2000;

pub(in crate::http) fn function(call: &Call<'_>) -> Answer {
    live::answer(call, &PAGE)
}

pub(super) fn content(view: &View<'_>) -> Html {
    let Some(name) = view.call.query.get("name") else {
        return html!(
            "<p class=\"empty\">no function is named: choose one of the <a href=\"{}\">table</a></p>\n",
            view.address("top", &[])
        );
    };
    let kind = view.call.query.get("kind").unwrap_or_default();
    let found = Function::of(view.shown.stacks, view.measure, name, kind);
    if found.stacks.is_empty() {
        return html!(
            "{}<p class=\"empty\">it is on no stack of this profile</p>\n",
            heading(name, kind),
        );
    }
    let whole = total(view.shown.stacks, view.measure);
    html!(
        "{}<p class=\"summary\"><b>{}</b> ({}) with what it calls, <b>{}</b> in itself{}</p>\n\
         <nav class=\"tabs\" aria-label=\"on this page\"><a href=\"#callers\">Callers and callees</a> \
         <a href=\"#source\">Source</a> <a href=\"#stacks\">Stacks</a></nav>\n{}{}{}",
        heading(name, kind),
        view.amount(found.cum),
        percent(found.cum, whole),
        view.amount(found.flat),
        all_kinds(view, name, kind),
        neighbours(view, &found),
        sources(view, &found),
        stacks(view, name, &found, whole),
    )
}

fn heading(name: &str, kind: &str) -> Html {
    let kind = match kind {
        "" => Html::default(),
        kind => html!(" <span class=\"kind\">{}</span>", kind),
    };
    html!("<h2 class=\"function\">{}{}</h2>\n", breakable(name), kind)
}

fn all_kinds(view: &View<'_>, name: &str, kind: &str) -> Html {
    match view.address_of_function(name, "") {
        Some(address) if !kind.is_empty() => html!("; {}", view.link(&address, "all kinds", false)),
        _ => Html::default(),
    }
}

/// A function as the profile shows it.
struct Function<'a> {
    /// The values of stacks that end in it, and of those that it is on: each counts once.
    flat: f64,
    cum: f64,
    callers: Vec<(&'a str, f64)>,
    callees: Vec<(&'a str, f64)>,
    /// By file, flat and cum of each line.
    files: Vec<File<'a>>,
    /// The stacks that it is on, the largest first.
    stacks: Vec<usize>,
}

struct File<'a> {
    name: &'a str,
    start_line: i64,
    lines: BTreeMap<i64, (f64, f64)>,
    cum: f64,
}

impl<'a> Function<'a> {
    fn of(stacks: &'a dyn Stacks, measure: usize, name: &str, kind: &str) -> Self {
        let mut function = Self {
            flat: 0.0,
            cum: 0.0,
            callers: Vec::new(),
            callees: Vec::new(),
            files: Vec::new(),
            stacks: Vec::new(),
        };
        let (mut callers, mut callees) = (HashMap::new(), HashMap::new());
        let mut files = HashMap::<&str, File<'a>>::new();
        for stack in 0..stacks.len() {
            if !kind.is_empty() && stacks.kind(stack) != kind {
                continue;
            }
            let frames = stacks.frames(stack);
            if !frames.iter().any(|frame| frame.function == name) {
                continue;
            }
            let value = stacks.value(stack, measure);
            function.stacks.push(stack);
            function.cum += value;
            if frames[0].function == name {
                function.flat += value;
            }
            // Recursion counts once.
            add_once(
                &mut callers,
                neighbours_of(&frames, name, |at| at.checked_add(1)),
                value,
            );
            add_once(
                &mut callees,
                neighbours_of(&frames, name, |at| at.checked_sub(1)),
                value,
            );
            let mut seen = Vec::new();
            for (at, frame) in frames.iter().enumerate() {
                if frame.function != name {
                    continue;
                }
                let file = files.entry(frame.file).or_insert_with(|| File {
                    name: frame.file,
                    start_line: frame.start_line,
                    lines: BTreeMap::new(),
                    cum: 0.0,
                });
                let (flat, cum) = file.lines.entry(frame.line).or_default();
                if at == 0 {
                    *flat += value;
                }
                if !seen.contains(&(frame.file, frame.line)) {
                    seen.push((frame.file, frame.line));
                    *cum += value;
                    file.cum += value;
                }
            }
        }
        function.callers = sorted(callers);
        function.callees = sorted(callees);
        function.files = files.into_values().collect();
        function
            .files
            .sort_by(|a, b| b.cum.total_cmp(&a.cum).then(a.name.cmp(b.name)));
        let size = |stack: &usize| stacks.value(*stack, measure).abs();
        function.stacks.sort_by(|a, b| size(b).total_cmp(&size(a)));
        function
    }
}

/// The functions beside `name` on a stack, in one direction. Calls of itself are none.
fn neighbours_of<'a>(
    frames: &[Place<'a>],
    name: &str,
    step: impl Fn(usize) -> Option<usize>,
) -> Vec<&'a str> {
    let own = frames
        .iter()
        .enumerate()
        .filter(|(_, frame)| frame.function == name);
    let beside = own.filter_map(|(at, _)| frames.get(step(at)?));
    let mut names: Vec<&str> = beside
        .map(|frame| frame.function)
        .filter(|other| *other != name)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn add_once<'a>(sums: &mut HashMap<&'a str, f64>, names: Vec<&'a str>, value: f64) {
    for name in names {
        *sums.entry(name).or_default() += value;
    }
}

/// The largest first.
fn sorted(sums: HashMap<&str, f64>) -> Vec<(&str, f64)> {
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(b.0)));
    sums
}

fn neighbours(view: &View<'_>, function: &Function<'_>) -> Html {
    let part = |title: &str, none: &str, all: &[(&str, f64)]| {
        let rows = all.iter().take(NEIGHBOURS).map(|(name, value)| {
            html!(
                "<li><span class=\"number\">{}</span> <span class=\"number\">{}</span> \
                 <span class=\"function\">{}</span>{}</li>\n",
                view.amount(*value),
                percent(*value, function.cum),
                linked(
                    view.address_of_function(name, "").as_deref(),
                    "",
                    breakable(name)
                ),
                bar(value.abs() as u64, function.cum.abs() as u64),
            )
        });
        let rows = rows.collect::<Html>();
        let list = match rows.is_empty() {
            true => html!("<p class=\"empty\">{}</p>\n", none),
            false => html!("<ol class=\"worst\">\n{}</ol>\n", rows),
        };
        html!("<div><h3>{}</h3>\n{}</div>\n", title, list)
    };
    html!(
        "<section id=\"callers\">\n<h2>Callers and callees</h2>\n<div class=\"both\">{}{}</div>\n</section>\n",
        part(
            "Callers",
            "none: it is where stacks begin",
            &function.callers
        ),
        part("Callees", "none: it is where stacks end", &function.callees),
    )
}

fn sources(view: &View<'_>, function: &Function<'_>) -> Html {
    let files = function.files.iter().map(|file| source(view, file));
    html!(
        "<section id=\"source\">\n<h2>Source</h2>\n{}</section>\n",
        files.collect::<Html>(),
    )
}

fn source(view: &View<'_>, file: &File<'_>) -> Html {
    if file.name.is_empty() {
        return html!("<p class=\"empty\">no file is known of it</p>\n");
    }
    let with_value = || file.lines.keys().copied().filter(|line| *line > 0);
    let (first, last) = (
        with_value().min().unwrap_or(0),
        with_value().max().unwrap_or(0),
    );
    let first = match file.start_line {
        1.. if file.start_line <= first => file.start_line,
        _ => first.saturating_sub(MARGIN),
    };
    let first = first.max(1).max(last.saturating_sub(LINES));
    let found = match view.shown.sources {
        Some(sources) => sources.lines(file.name, first, last.saturating_add(MARGIN)),
        None => Err(format!(
            "the text of the lines is not served from here; where the sources are, run: {}",
            view.shown.source_command
        )),
    };
    let (lines, why_not) = match found {
        Ok(lines) => (lines, Html::default()),
        Err(why) => (
            file.lines
                .keys()
                .take(LINES as usize)
                .map(|line| (*line, String::new()))
                .collect(),
            html!("<p class=\"explained\">{}</p>\n", why),
        ),
    };
    let rows = lines.iter().map(|(number, text)| {
        let (flat, cum) = file.lines.get(number).copied().unwrap_or_default();
        let shown = |value: f64| match value {
            0.0 => String::new(),
            value => view.amount(value),
        };
        html!(
            "<tr{}><td class=\"number\">{}</td><td class=\"number\">{}</td>\
             <td class=\"number line\">{}</td><td><code>{}</code></td></tr>\n",
            when(cum != 0.0, " class=\"hot\""),
            shown(flat),
            shown(cum),
            number.to_string(),
            text,
        )
    });
    html!(
        "<h3 class=\"where\">{}</h3>\n{}<div class=\"scroll source\"><table>\n<thead><tr>\
         <th class=\"number\">in itself</th><th class=\"number\">with calls</th>\
         <th class=\"number\">line</th><th></th></tr></thead>\n<tbody>\n{}</tbody></table></div>\n",
        file.name,
        why_not,
        rows.collect::<Html>(),
    )
}

fn stacks(view: &View<'_>, name: &str, function: &Function<'_>, whole: f64) -> Html {
    let shown = function.stacks.iter().take(STACKS).enumerate();
    let shown = shown.map(|(at, stack)| one_stack(view, name, *stack, at < OPEN, whole));
    let more = match function.stacks.len().checked_sub(STACKS) {
        Some(more) if more > 0 => html!("<p class=\"hint\">{} more have less.</p>\n", more),
        _ => Html::default(),
    };
    html!(
        "<section id=\"stacks\">\n<h2>Stacks</h2>\n{}{}</section>\n",
        shown.collect::<Html>(),
        more,
    )
}

fn one_stack(view: &View<'_>, name: &str, stack: usize, is_open: bool, whole: f64) -> Html {
    let stacks = view.shown.stacks;
    let value = stacks.value(stack, view.measure);
    let numbers = view.measures.iter().enumerate();
    let numbers = numbers
        .filter(|(at, _)| *at != view.measure)
        .map(|(at, measure)| {
            let shown = measure.shown(stacks.value(stack, at));
            html!(" <span>{} {}</span>", shown, measure.name)
        });
    let frames = stacks.frames(stack);
    let frames = frames.iter().take(FRAMES).map(|frame| {
        let address = view.address_of_function(frame.function, "");
        html!(
            "<li{}><span class=\"function\">{}</span> <span class=\"where\" title=\"{}\">{}</span></li>\n",
            when(frame.function == name, " class=\"this\""),
            linked(address.as_deref(), "", breakable(frame.function)),
            frame.file_and_line(str::to_owned),
            frame.file_and_line(shortened),
        )
    });
    html!(
        "<details class=\"group\"{}><summary><span class=\"count\">{}</span> <span>{}</span>{} \
         <span class=\"kind\">{}</span></summary>\n<ol class=\"stack\">\n{}</ol>\n</details>\n",
        when(is_open, " open"),
        view.amount(value),
        percent(value, whole),
        numbers.collect::<Html>(),
        stacks.kind(stack),
        frames.collect::<Html>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::kind::Kind;
    use crate::profile::tests::{location, profile, sample};

    #[test]
    fn each_stack_counts_once_for_a_neighbour_and_a_line() {
        let at = |address, text: &str| location(address, &[text]);
        let (main, leaf) = (at(1, "main@m.rs:1"), at(9, "lock@l.rs:9"));
        // Calls itself by way of another one, from two lines.
        let recursive = [
            leaf.clone(),
            at(2, "f@f.rs:12"),
            at(3, "g@g.rs:5"),
            at(4, "f@f.rs:12"),
            at(5, "f@f.rs:10"),
            main.clone(),
        ];
        let profile = profile(vec![
            sample(Kind::MUTEX, 1.0, 30, &recursive),
            sample(Kind::MUTEX, 1.0, 12, &[at(2, "f@f.rs:12"), main.clone()]),
            sample(Kind::SLEEP, 1.0, 5, &[at(2, "f@f.rs:12"), main]),
            sample(Kind::MUTEX, 1.0, 99, &[leaf]),
        ]);
        let f = Function::of(&profile, 1, "f", "mutex");
        assert_eq!((f.flat, f.cum, f.stacks.len()), (12.0, 42.0, 2));
        assert_eq!(f.callers, [("main", 42.0), ("g", 30.0)]);
        assert_eq!(f.callees, [("g", 30.0), ("lock", 30.0)]);
        let lines: Vec<_> = f.files[0]
            .lines
            .iter()
            .map(|(line, values)| (*line, *values))
            .collect();
        assert_eq!(lines, [(10, (0.0, 30.0)), (12, (12.0, 42.0))]);
        let every_kind = Function::of(&profile, 1, "f", "");
        assert_eq!((every_kind.flat, every_kind.cum), (17.0, 47.0));
        assert!(Function::of(&profile, 1, "h", "").stacks.is_empty());
    }
}
