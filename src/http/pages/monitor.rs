//! The monitor's report, with its history as a chart.
#![forbid(unsafe_code)]

use super::html::{Html, html, lines, page, refresh};
use super::words::grouped;
use super::{categories, deadlock};
use crate::http::Response;
use crate::http::process::program;
use crate::http::response::HTML;
use crate::live::ThreadCategory;
use crate::monitor::{MonitorPoint, MonitorReport, Verdict};
use crate::text::units::human;

/// In the place of a report.
pub(in crate::http) const NO_MONITOR: &str = "no monitor runs: start the program with \
    CONTEND_MONITOR=1s, or let it call contend::Monitor::builder().start()";

pub(in crate::http) fn monitor(report: Option<&MonitorReport>) -> Response {
    let title = format!("{}: monitor", program());
    let page = page(&title, &["sort.js", "threads.js"], &body(report));
    Response::new(HTML, page)
}

pub(super) fn body(report: Option<&MonitorReport>) -> Html {
    let content = match report {
        Some(report) => content(report),
        None => html!("<p class=\"empty\">{}</p>\n", NO_MONITOR),
    };
    html!(
        "<header class=\"place\"><a href=\"./\">{}</a> <span>/debug/pprof/monitor</span></header>\n\
         <main class=\"threads\">\n\
         <h1>monitor <span class=\"question\">How do the threads change?</span></h1>\n\
         <nav class=\"tabs\"><a href=\"threads?form=page\">Threads</a> \
         <a href=\"monitor?form=text\">Text</a> <a href=\"monitor?form=json\">JSON</a></nav>\n\
         {}<div id=\"live\">\n{}</div>\n</main>\n",
        program(),
        refresh(),
        content,
    )
}

fn content(report: &MonitorReport) -> Html {
    let health = report.health();
    let now = report.categories();
    let now: Vec<usize> = now.map(|(_, count)| count).collect();
    let counts = std::array::from_fn(|index| now[index]);
    let waits = report.longest_waits().iter();
    let waits = waits.map(|wait| html!("<li>{}</li>\n", wait.to_string()));
    let waits = html!(
        "<section>\n<h2>Longest waits</h2>\n<ol class=\"waits\">\n{}</ol>\n</section>\n",
        waits.collect::<Html>(),
    );
    let notes = report.notes().iter();
    let notes = notes.map(|note| html!("<p class=\"notice\">Not seen: {}.</p>\n", note));
    html!(
        "{}<section id=\"now\" data-part>\n<p class=\"summary\"><b>{}</b> threads</p>\n{}{}\n\
         <ul class=\"health\">\n{}</ul>\n{}</section>\n\
         <section id=\"chart\" data-part>\n<h2>History</h2>\n{}</section>\n\
         <section id=\"waits\" data-part>\n{}</section>\n\
         <section id=\"all\" data-part>\n<h2>All of it</h2>\n<pre>{}</pre>\n</section>\n",
        deadlock::notice(report.deadlocks()),
        grouped(report.threads() as u64),
        categories::bar(&counts),
        notes.collect::<Html>(),
        health.iter().map(verdict).collect::<Html>(),
        Html::default(),
        chart(report.history()),
        match report.longest_waits().is_empty() {
            true => Html::default(),
            false => waits,
        },
        lines(&report.to_string()),
    )
}

fn verdict(verdict: &Verdict) -> Html {
    let (class, word) = match verdict.is_well() {
        true => ("well", "ok"),
        false => ("bad", "bad"),
    };
    html!(
        "<li class=\"{}\"><b>{}</b> {} <span class=\"hint\">The rule: {}.</span></li>\n",
        class,
        word,
        verdict.finding(),
        verdict.rule(),
    )
}

const WIDTH: usize = 600;
const HEIGHT: usize = 160;

/// The number of threads in each category, one above the other, from the oldest look to the last.
fn chart(points: &[MonitorPoint]) -> Html {
    let most = points.iter().map(MonitorPoint::threads).max().unwrap_or(0);
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Html::default();
    };
    let mut below = vec![0; points.len()];
    let areas = ThreadCategory::ALL.into_iter().map(|category| {
        let counts: Vec<usize> = points
            .iter()
            .map(|point| point.of_category(category))
            .collect();
        let area = area(&below, &counts, most.max(1));
        below
            .iter_mut()
            .zip(&counts)
            .for_each(|(below, count)| *below += count);
        html!(
            "<path class=\"{}\" d=\"{}\"/>\n",
            categories::class(category),
            area
        )
    });
    let areas = areas.collect::<Html>();
    let span = last.time().duration_since(first.time()).unwrap_or_default();
    html!(
        "<svg class=\"chart\" viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{}\">\n{}</svg>\n\
         <p class=\"axis\"><span>{} before</span> <span>at most {} threads</span> <span>now</span></p>\n",
        WIDTH as u64,
        HEIGHT as u64,
        format!("{} threads before, {} now", first.threads(), last.threads()),
        areas,
        human(span),
        grouped(most as u64),
    )
}

/// From the curve of what is below it to that with `counts` on top.
fn area(below: &[usize], counts: &[usize], most: usize) -> String {
    let last = below.len().saturating_sub(1).max(1);
    let x = |index: usize| index * WIDTH / last;
    let y = |count: usize| HEIGHT - count * HEIGHT / most;
    let upper = below.iter().zip(counts).enumerate();
    let upper = upper.map(|(index, (below, count))| format!("{} {}", x(index), y(below + count)));
    let lower = below.iter().enumerate().rev();
    let lower = lower.map(|(index, below)| format!("{} {}", x(index), y(*below)));
    let corners: Vec<String> = upper.chain(lower).collect();
    format!("M{}z", corners.join("L"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_stand_on_each_other() {
        assert_eq!(area(&[0, 0], &[1, 2], 4), "M0 120L600 80L600 160L0 160z");
        assert_eq!(area(&[1, 2], &[3, 2], 4), "M0 0L600 0L600 80L0 120z");
        assert_eq!(area(&[0], &[4], 4), "M0 0L0 160z");
    }
}
