//! The call sites of a profile as a table to sort and to filter.
#![forbid(unsafe_code)]

use super::html::{Html, bar, breakable, html, page, when};
use super::off;
use super::view::{View, empty, which};
use super::words::grouped;
use crate::export::sites::{Site, sites};
use crate::export::why_empty;
use crate::http::Response;
use crate::http::call::{Answer, Call};
use crate::http::profiles;
use crate::http::response::HTML;
use crate::profile::Profile;
use crate::text::units::{human, percent, shortened};

pub(in crate::http) fn top(call: &Call<'_>) -> Answer {
    let which = which(call)?;
    if let Some(page) = off::instead(call, which, "top")? {
        return Ok(page);
    }
    let profile = profiles::asked_for(call, which)?;
    let view = View {
        call,
        profile: &profile,
        path: "top",
    };
    let body = view.body(&content(&profile));
    let page = page(&view.title(), &["window.js", "sort.js", "top.js"], &body);
    Ok(Response::new(HTML, page))
}

pub(super) fn content(profile: &Profile) -> Html {
    let sites = sites(profile);
    if sites.is_empty() {
        return empty(profile, &why_empty(profile));
    }
    // Where everything was recorded, the column would only be blank.
    let has_errors = sites.iter().any(|site| !site.error().is_zero());
    let total = profile.total_delay_nanos();
    let rows = sites.iter().map(|site| row(site, total, has_errors));
    html!(
        "<p class=\"filter\" hidden><input type=\"search\" id=\"filter\" aria-label=\"filter\" \
         placeholder=\"Filter: function, file or kind\" autocomplete=\"off\" spellcheck=\"false\"> \
         <output id=\"shown\" role=\"status\"></output></p>\n\
         <div class=\"scroll\">\n<table class=\"sites\" role=\"table\">\n\
         <thead role=\"rowgroup\"><tr role=\"row\">{}</tr></thead>\n\
         <tbody role=\"rowgroup\">\n{}</tbody>\n</table>\n</div>\n",
        titles(has_errors),
        rows.collect::<Html>(),
    )
}

/// Titles, and how their columns are sorted at first.
const TITLES: [(&str, &str); 8] = [
    ("delay", "descending"),
    ("±", "descending"),
    ("share", "descending"),
    ("contentions", "descending"),
    ("mean", "descending"),
    ("kind", "ascending"),
    ("function", "ascending"),
    ("file:line", "ascending"),
];
const ERROR: &str = "±";

fn titles(has_errors: bool) -> Html {
    let titles = TITLES
        .iter()
        .filter(|(title, _)| has_errors || *title != ERROR);
    titles
        .map(|(title, first)| {
            let sorted = when(*title == "delay", " aria-sort=\"descending\"");
            html!(
                "<th role=\"columnheader\" scope=\"col\" data-first=\"{}\"{}{}>{}</th>",
                first,
                sorted,
                when(
                    *title == ERROR,
                    " title=\"one standard error, from sampling\""
                ),
                title,
            )
        })
        .collect()
}

fn row(site: &Site<'_>, total: u64, has_errors: bool) -> Html {
    let error = site.error();
    let error = has_errors.then(|| {
        let shown = match error.is_zero() {
            true => Html::default(),
            false => html!("±{}", human(error)),
        };
        number("error", error.as_nanos() as u64, shown)
    });
    let share = html!(
        "{}<span>{}</span>",
        bar(site.delay_nanos, total),
        percent(site.delay_nanos, total)
    );
    let contentions = site.contentions.round() as u64;
    let mean = site.mean_delay();
    [
        html!("<tr role=\"row\">"),
        number("delay", site.delay_nanos, html!("{}", human(site.delay()))),
        error.unwrap_or_default(),
        number("share", site.delay_nanos, share),
        number(
            "contentions",
            contentions,
            html!("{}", grouped(contentions)),
        ),
        number("mean", mean.as_nanos() as u64, html!("{}", human(mean))),
        html!(
            "<td role=\"cell\" class=\"kind\">{}</td>",
            site.kind.label()
        ),
        html!(
            "<td role=\"cell\" class=\"function\">{}</td>",
            breakable(site.function())
        ),
        place(site),
        html!("</tr>\n"),
    ]
    .into_iter()
    .collect()
}

fn number(class: &str, value: u64, shown: Html) -> Html {
    html!(
        "<td role=\"cell\" class=\"number {}\" data-value=\"{}\">{}</td>",
        class,
        value,
        shown,
    )
}

fn place(site: &Site<'_>) -> Html {
    let Some(file) = site.file() else {
        return html!("<td role=\"cell\" class=\"where\">-</td>");
    };
    let line = site.line().map_or(String::new(), |line| format!(":{line}"));
    html!(
        "<td role=\"cell\" class=\"where\" title=\"{}{}\">{}{}</td>",
        file,
        line,
        shortened(file),
        line,
    )
}
