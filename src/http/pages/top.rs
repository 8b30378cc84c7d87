//! The call sites of a profile as a table to sort and to filter.
#![forbid(unsafe_code)]

use super::html::{Html, bar, breakable, html, sortable_title, when};
use super::live;
use super::stacks::{StackSite, has_wakeups, percent, sites, total};
use super::view::{Page, View};
use crate::http::call::{Answer, Call};
use crate::profile::kind::is_idle;
use crate::profile::{mean_delay, std_error};
use crate::text::units::{human, shortened};

/// Rows of the table. A program has hundreds; a file may have any number.
const SITES: usize = 10_000;

pub(super) const PAGE: Page = Page {
    path: "top",
    scripts: &["window.js", "sort.js", "top.js"],
    content: |view| Ok(content(view)),
};

pub(in crate::http) fn top(call: &Call<'_>) -> Answer {
    live::answer(call, &PAGE)
}

pub(super) fn content(view: &View<'_>) -> Html {
    if view.is_empty() {
        return view.shown.why_empty.clone();
    }
    let sites = sites(view.shown.stacks, view.measure);
    let total = total(view.shown.stacks, view.measure);
    let (sites, folded) = fold_idle(view, sites, total);
    if sites.is_empty() {
        return folded;
    }
    let columns = Columns::of(view, &sites);
    let rows = sites.iter().take(SITES);
    let rows = rows.map(|site| row(view, site, &columns, total));
    let more = match sites.len().checked_sub(SITES) {
        Some(more) if more > 0 => html!("<p class=\"hint\">{} more have less.</p>\n", more),
        _ => Html::default(),
    };
    html!(
        "{}<p class=\"filter\" hidden><input type=\"search\" id=\"filter\" aria-label=\"filter\" \
         placeholder=\"Filter: function, file or kind\" autocomplete=\"off\" spellcheck=\"false\"> \
         <output id=\"shown\" role=\"status\"></output></p>\n\
         <div class=\"scroll\">\n<table class=\"sites\" role=\"table\" data-measure=\"{}\">\n\
         <thead role=\"rowgroup\"><tr role=\"row\">{}</tr></thead>\n\
         <tbody role=\"rowgroup\">\n{}</tbody>\n</table>\n</div>\n{}\
         <p class=\"hint\">A function leads to its callers, its source and its stacks.</p>\n",
        folded,
        view.measure().name,
        columns.titles(view),
        rows.collect::<Html>(),
        more,
    )
}

/// The call sites without those that wait for work, and a line about these. Where the line's link
/// was followed all of them are there.
fn fold_idle<'a>(
    view: &View<'_>,
    sites: Vec<StackSite<'a>>,
    total: f64,
) -> (Vec<StackSite<'a>>, Html) {
    let has_idle = sites.iter().any(|site| is_idle(site.kind));
    if !view.shown.stacks.is_of_waits() || !has_idle {
        return (sites, Html::default());
    }
    if view.call.query.get("idle") == Some("1") {
        let address = view.address("top", &[]);
        let line = html!(
            "<p class=\"hint\">waiting for work is shown; <a href=\"{}\">leave it out</a></p>\n",
            address
        );
        return (sites, line);
    }
    let (idle, busy): (Vec<_>, Vec<_>) = sites.into_iter().partition(|site| is_idle(site.kind));
    let amount = idle.iter().map(|site| site.values[view.measure]).sum();
    let line = html!(
        "<p class=\"hint\">waiting for work is left out: <b>{}</b> ({}) at {} call sites; \
         <a href=\"{}\">show it</a></p>\n",
        view.amount(amount),
        percent(amount, total),
        idle.len(),
        view.address("top", &[("idle", "1")]),
    );
    (busy, line)
}

/// The columns that are there. Others would only be blank.
struct Columns {
    /// Not where everything was recorded.
    error: bool,
    /// Only where that is not all of the time.
    could_win: bool,
    /// The measures beside the one that counts.
    others: Vec<usize>,
    /// The position of the number of waits, where the measure that counts is their time.
    waits: Option<usize>,
    kind: bool,
}

impl Columns {
    fn of(view: &View<'_>, sites: &[StackSite<'_>]) -> Self {
        let (count, time) = (|name| name == "contentions", view.measure().is_time());
        let waits = view
            .measures
            .iter()
            .position(|measure| count(&measure.name));
        Self {
            error: time && sites.iter().any(|site| site.variance > 0.0),
            could_win: time && has_wakeups(view.shown.stacks),
            others: (0..view.measures.len())
                .filter(|measure| *measure != view.measure)
                .collect(),
            waits: waits.filter(|_| time),
            kind: sites.iter().any(|site| !site.kind.is_empty()),
        }
    }

    fn titles(&self, view: &View<'_>) -> Html {
        let number = |text: &str| sortable_title(text, "descending", Html::default());
        let sorted = when(true, " aria-sort=\"descending\"");
        let error = when(true, " title=\"one standard error, from sampling\"");
        let mut titles = vec![sortable_title(&view.measure().name, "descending", sorted)];
        titles.extend(self.error.then(|| sortable_title("±", "descending", error)));
        titles.push(number("share"));
        let could_win = when(
            true,
            " title=\"what all threads together waited while this held: without the wake-ups after it\"",
        );
        titles.extend(
            self.could_win
                .then(|| sortable_title("could win", "descending", could_win)),
        );
        let others = self.others.iter();
        titles.extend(others.map(|measure| number(&view.measures[*measure].name)));
        titles.extend(self.waits.map(|_| number("mean")));
        let word = |text: &str| sortable_title(text, "ascending", Html::default());
        titles.extend(self.kind.then(|| word("kind")));
        titles.extend(["function", "file:line"].map(word));
        titles.into_iter().collect()
    }
}

fn row(view: &View<'_>, site: &StackSite<'_>, columns: &Columns, total: f64) -> Html {
    let value = site.values[view.measure];
    let share = html!(
        "{}<span>{}</span>",
        bar(value.abs() as u64, total as u64),
        percent(value, total)
    );
    let mut cells = vec![
        html!("<tr role=\"row\">"),
        number("value", value, html!("{}", view.amount(value))),
    ];
    if columns.error {
        let error = std_error(site.variance);
        let shown = match error.is_zero() {
            true => Html::default(),
            false => html!("±{}", human(error)),
        };
        cells.push(number("error", error.as_nanos() as f64, shown));
    }
    cells.push(number("share", value, share));
    if columns.could_win {
        let time = value - site.not_to_win;
        cells.push(number("win", time, html!("{}", view.amount(time))));
    }
    cells.extend(columns.others.iter().map(|other| {
        let (measure, value) = (&view.measures[*other], site.values[*other]);
        let shown = html!(
            "{} <span class=\"unit\">{}</span>",
            measure.shown(value),
            measure.name
        );
        number("other", value.round(), shown)
    }));
    if let Some(waits) = columns.waits {
        cells.push(mean(value, site.values[waits]));
    }
    if columns.kind {
        cells.push(html!("<td role=\"cell\" class=\"kind\">{}</td>", site.kind));
    }
    cells.push(function(view, site));
    cells.push(place(view, site));
    cells.push(html!("</tr>\n"));
    cells.into_iter().collect()
}

/// Blame without a wait of its own has no mean.
fn mean(delay: f64, waits: f64) -> Html {
    let mean = mean_delay(delay.max(0.0) as u64, waits);
    let shown = match waits < 0.5 {
        true => html!("–"),
        false => html!("{}", human(mean)),
    };
    number("mean", mean.as_nanos() as f64, shown)
}

fn number(class: &str, value: f64, shown: Html) -> Html {
    html!(
        "<td role=\"cell\" class=\"number {}\" data-value=\"{}\">{}</td>",
        class,
        format!("{value:.0}"),
        shown,
    )
}

fn function(view: &View<'_>, site: &StackSite<'_>) -> Html {
    let name = site.place.map_or("-", |place| place.function);
    let address = site
        .place
        .and_then(|_| view.address_of_function(name, site.kind));
    html!(
        "<td role=\"cell\" class=\"function\">{}</td>",
        linked(address.as_deref(), "", breakable(name)),
    )
}

/// Leads to the line.
fn place(view: &View<'_>, site: &StackSite<'_>) -> Html {
    let known = site.place.filter(|place| !place.file.is_empty());
    let Some(place) = known else {
        return html!("<td role=\"cell\" class=\"where\">-</td>");
    };
    let address = view.address_of_function(place.function, site.kind);
    html!(
        "<td role=\"cell\" class=\"where\" title=\"{}\">{}</td>",
        place.file_and_line(str::to_owned),
        linked(
            address.as_deref(),
            "#source",
            html!("{}", place.file_and_line(shortened))
        ),
    )
}

/// The words of a link, or alone where there is none.
pub(super) fn linked(address: Option<&str>, anchor: &str, words: Html) -> Html {
    match address {
        Some(address) => html!("<a href=\"{}{}\">{}</a>", address, anchor, words),
        None => words,
    }
}
