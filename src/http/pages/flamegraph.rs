//! A flame graph within a page, or as a file to keep.
//!
//! The file is inferno's drawing, which is interactive by itself: it carries a script and a style
//! sheet. The policy of these pages forbids both, and they know no dark mode. So the page has
//! frames of our own.
#![forbid(unsafe_code)]

mod frames;
mod tree;

use std::collections::HashMap;

use frames::{KINDS, Picture};
use tree::Tree;

use super::html::{Html, html};
use super::stacks::{Measure, Stacks, percent, total};
use super::view::{Page, View, choice};
use super::{SVG, live};
use crate::export::flamegraph::{Value, write_value};
use crate::http::Response;
use crate::http::call::{Answer, Call};
use crate::http::profiles;

pub(super) const PAGE: Page = Page {
    path: "flamegraph",
    scripts: &["window.js", "flamegraph.js"],
    content: |view| Ok(content(view)),
};

/// Kinds that have a button and a colour each.
const SHOWN_KINDS: usize = 12;

pub(in crate::http) fn flamegraph(call: &Call<'_>) -> Answer {
    match call.query.get("download") {
        Some(_) => file(call),
        None => live::answer(call, &PAGE),
    }
}

fn file(call: &Call<'_>) -> Answer {
    let which = live::which(call)?;
    let choices = [("delay", Value::Delay), ("contentions", Value::Contentions)];
    let choices = choices.map(|(name, value)| (name.to_owned(), (name, value)));
    let (label, value) = choice(call, "value", &choices)?;
    let profile = profiles::asked_for(call, which)?;
    let mut svg = Vec::new();
    write_value(&profile, value, &mut svg)
        .map_err(|why| Response::error(500, &format!("failed to draw the flame graph: {why}")))?;
    let name = format!("{}-{label}.svg", which.name());
    Ok(Response::attachment(SVG, &name, svg))
}

pub(super) fn content(view: &View<'_>) -> Html {
    if view.is_empty() {
        return view.shown.why_empty.clone();
    }
    let tree = Tree::of([(view.shown.stacks, view.measure)]);
    if tree.nodes[0].values[0] <= 0.0 {
        let name = &view.measure().name;
        return html!(
            "<p class=\"empty\">the stacks of this profile have no {}</p>\n",
            name
        );
    }
    let kinds = kinds(view.shown.stacks, view.measure);
    let coloured = kinds.iter().take(SHOWN_KINDS);
    let names: Vec<&str> = coloured.map(|(kind, _)| *kind).collect();
    let picture = Picture {
        tree: &tree,
        side: 0,
        measure: view.measure(),
        kinds: &names,
    };
    let whole = total(view.shown.stacks, view.measure);
    html!(
        "{}{}{}{}",
        controls(),
        legend(&kinds, whole),
        drawn(view, &picture, "flame graph", "100%"),
        hint(view.measure()),
    )
}

/// A picture, `width` being that of the largest one beside it.
fn drawn<const SIDES: usize>(
    view: &View<'_>,
    picture: &Picture<'_, SIDES>,
    label: &str,
    width: &str,
) -> Html {
    let (frames, height) = picture.frames();
    let function = view.address_of_function("", "").unwrap_or_default();
    html!(
        "<div class=\"flame\"><svg width=\"{}\" height=\"{}\" data-function=\"{}\" \
         role=\"group\" aria-label=\"{}\">{}</svg></div>\n",
        width,
        height,
        function,
        label,
        frames,
    )
}

fn controls() -> Html {
    html!(
        "<p class=\"controls\">\
         <input type=\"search\" id=\"search\" aria-label=\"search\" hidden \
         placeholder=\"Search: function, kind or expression\" autocomplete=\"off\" spellcheck=\"false\"> \
         <button type=\"button\" id=\"reset\" hidden>Reset zoom</button> \
         <output id=\"matched\" role=\"status\"></output></p>\n",
    )
}

/// The kinds and what they have, the largest first.
fn kinds(stacks: &dyn Stacks, measure: usize) -> Vec<(&str, f64)> {
    let mut sums = HashMap::<&str, f64>::new();
    for stack in 0..stacks.len() {
        *sums.entry(stacks.kind(stack)).or_default() += stacks.value(stack, measure).max(0.0);
    }
    let mut sums: Vec<_> = sums
        .into_iter()
        .filter(|(kind, _)| !kind.is_empty())
        .collect();
    sums.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    sums
}

/// The meaning of the leaves' colours. With scripts each is a button that searches for it.
fn legend(kinds: &[(&str, f64)], whole: f64) -> Html {
    if kinds.is_empty() {
        return Html::default();
    }
    let items = kinds.iter().take(SHOWN_KINDS).enumerate().map(|(at, (kind, sum))| {
        html!(
            "<li><button type=\"button\" data-kind=\"{}\"><svg class=\"swatch\" aria-hidden=\"true\">\
             <g class=\"frame kind{}\"><rect width=\"100%\" height=\"100%\"/></g></svg>{} {}</button></li>",
            kind,
            at % KINDS,
            kind,
            percent(*sum, whole),
        )
    });
    html!(
        "<ul class=\"kinds\" aria-label=\"kinds\">{}</ul>\n",
        items.collect::<Html>(),
    )
}

fn hint(measure: &Measure) -> Html {
    html!(
        "<p id=\"details\" class=\"details\" role=\"status\"></p>\n\
         <p class=\"hint\">A frame is as wide as its {}. Roots are on top; below a frame is \
         what it called. Click or <kbd>Enter</kbd> zooms, <kbd>Esc</kbd> resets, arrows move, \
         <kbd>/</kbd> searches; <kbd>f</kbd> opens the page of the function. A leaf has the colour of its kind, others \
         that of their module; grey is the standard library.</p>\n",
        measure.name,
    )
}

/// Two profiles side by side, by the same scale. Each frame has the numbers of both.
#[cfg(feature = "cli")]
pub(super) fn compared(base: &View<'_>, new: &View<'_>) -> Html {
    let tree = Tree::of([base, new].map(|view| (view.shown.stacks, view.measure)));
    let totals = tree.nodes[0].values;
    let largest = totals[0].max(totals[1]);
    if largest <= 0.0 {
        return html!(
            "<p class=\"empty\">neither of them has any {}</p>\n",
            base.measure().name
        );
    }
    let side = |side: usize, view: &View<'_>, title: &str| {
        let picture = Picture {
            tree: &tree,
            side,
            measure: view.measure(),
            kinds: &[],
        };
        let width = format!("{:.2}%", 100.0 * totals[side] / largest);
        let drawn = match totals[side] > 0.0 {
            true => drawn(view, &picture, title, &width),
            false => html!("<p class=\"empty\">none of this</p>\n"),
        };
        html!(
            "<section><h2>{}: {}</h2>\n<p class=\"explained\">{}</p>\n{}</section>\n",
            title,
            view.amount(totals[side]),
            view.shown.name,
            drawn,
        )
    };
    html!(
        "{}<div class=\"sides\">{}{}</div>\n\
         <p id=\"details\" class=\"details\" role=\"status\"></p>\n\
         <ul class=\"legend changes\" aria-label=\"colours\">{}</ul>\n\
         <p class=\"hint\">Both have the same scale: what is wider takes more. A click zooms both, where both have the \
         frame.</p>\n",
        controls(),
        side(0, base, "Before"),
        side(1, new, "After"),
        CHANGES
            .iter()
            .map(|(class, words)| html!(
                "<li><svg class=\"swatch\" aria-hidden=\"true\"><g class=\"frame {}\">\
             <rect width=\"100%\" height=\"100%\"/></g></svg> {}</li>",
                class,
                words,
            ))
            .collect::<Html>(),
    )
}

/// By their part of the larger of both totals.
#[cfg(feature = "cli")]
const CHANGES: [(&str, &str); 7] = [
    ("less3", "less, by 10 % of all or more"),
    ("less2", "by 1 %"),
    ("less1", "by 0.1 %"),
    ("same", "as before"),
    ("more1", "more, by 0.1 %"),
    ("more2", "by 1 %"),
    ("more3", "by 10 % or more"),
];
