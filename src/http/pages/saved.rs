//! The pages of profiles that are not of this process: for `contend open` and `contend run --http`.
//!
//! Files come from anybody. What is in them is bounded by the reader of files, escaped as all else,
//! and no source is opened but below the folders that the user named.
#![forbid(unsafe_code)]

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use super::flamegraph::{PAGE as FLAMEGRAPH, compared};
use super::function::PAGE as FUNCTION;
use super::html::{Html, html, page, when};
use super::stacks::{Measure, Place, Stacks, total};
use super::top::PAGE as TOP;
use super::view::{self, Other, Page, Shown, View, choice};
use crate::export::form::PPROF;
use crate::http::Response;
use crate::http::call::{Answer, Call};
use crate::http::response::HTML;
use crate::http::saved::{Saved, SavedFile};
use crate::pprof::decoded::{self, DecodedProfile};
use crate::profile::ProfileKind;
use crate::profile::owner::is_of_library;
use crate::text::sources::{Sources, clean};
use crate::text::units::shortened;
use crate::text::utc::Utc;

impl Stacks for DecodedProfile {
    fn measures(&self) -> Vec<Measure> {
        let types = self.sample_types();
        let measure = |(name, unit): (&str, &str)| Measure {
            name: name.to_owned(),
            unit: nanos_of(unit).is_none().then(|| unit.to_owned()),
        };
        types.map(measure).collect()
    }

    fn is_of_waits(&self) -> bool {
        ProfileKind::Block.is_of(self.comments())
    }

    fn len(&self) -> usize {
        self.tables.sample.len()
    }

    fn value(&self, stack: usize, measure: usize) -> f64 {
        let value = self.tables.sample[stack].value[measure] as f64;
        value * nanos_of(self.unit(measure)).unwrap_or(1.0)
    }

    fn variance(&self, _stack: usize) -> f64 {
        0.0
    }

    fn kind(&self, stack: usize) -> &str {
        self.label(&self.tables.sample[stack], "kind")
    }

    fn frames(&self, stack: usize) -> Vec<Place<'_>> {
        let ids = self.tables.sample[stack].location_id.iter();
        ids.flat_map(|id| decoded::DecodedProfile::frames(self, *id))
            .map(place)
            .collect()
    }

    fn site(&self, stack: usize) -> Option<Place<'_>> {
        let frames = || {
            let ids = self.tables.sample[stack].location_id.iter();
            ids.flat_map(|id| decoded::DecodedProfile::frames(self, *id))
        };
        let own = frames().find(|frame| !is_of_library(frame.function, Some(frame.file)));
        own.or_else(|| frames().next()).map(place)
    }
}

fn place(frame: decoded::DecodedFrame<'_>) -> Place<'_> {
    Place {
        function: frame.name_or_object(),
        file: frame.file,
        line: frame.line,
        start_line: frame.start_line,
    }
}

/// How many nanoseconds a unit of time has.
fn nanos_of(unit: &str) -> Option<f64> {
    match unit {
        "nanoseconds" | "nanosecond" | "ns" => Some(1.0),
        "microseconds" | "microsecond" | "us" | "µs" => Some(1e3),
        "milliseconds" | "millisecond" | "ms" => Some(1e6),
        "seconds" | "second" | "s" => Some(1e9),
        _ => None,
    }
}

impl view::Sources for Mutex<Sources> {
    fn lines(&self, file: &str, first: i64, last: i64) -> Result<Vec<(i64, String)>, String> {
        let found = self
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .find(&clean(file))?;
        let lines = found.lines(first..=last);
        Ok(lines
            .map(|(number, text)| (number, text.to_owned()))
            .collect())
    }
}

pub(in crate::http) fn top(call: &Call<'_>) -> Answer {
    answer(call, &TOP)
}

pub(in crate::http) fn flamegraph(call: &Call<'_>) -> Answer {
    answer(call, &FLAMEGRAPH)
}

pub(in crate::http) fn function(call: &Call<'_>) -> Answer {
    answer(call, &FUNCTION)
}

fn answer(call: &Call<'_>, page: &Page) -> Answer {
    let files = Files::of(call)?;
    let at = asked_for(call, &files, "profile", 0)?;
    viewed(call, &files, at, page.path)?.answer(page)
}

/// The profiles as they are at one request.
struct Files<'a> {
    saved: &'a Saved,
    files: Arc<[SavedFile]>,
}

impl<'a> Files<'a> {
    fn of(call: &Call<'a>) -> Result<Self, Response> {
        // Without them the routes that ask are not there.
        let saved = call.state.saved.as_deref();
        let saved = saved.ok_or_else(|| Response::error(404, "there are no files"))?;
        let files = (saved.files)().map_err(|why| Response::error(503, &why))?;
        Ok(Self { saved, files })
    }
}

impl Deref for Files<'_> {
    type Target = [SavedFile];

    fn deref(&self) -> &[SavedFile] {
        &self.files
    }
}

/// The position of the profile that a parameter names.
fn asked_for(
    call: &Call<'_>,
    files: &Files<'_>,
    parameter: &str,
    default: usize,
) -> Result<usize, Response> {
    let mut choices: Vec<_> = (0..files.len()).map(|at| (id(at), at)).collect();
    choices.sort_by_key(|(_, at)| *at != default);
    choice(call, parameter, &choices)
}

/// Profiles are known by their numbers: names may be the same, and of any length.
fn id(at: usize) -> String {
    (at + 1).to_string()
}

fn viewed<'a>(
    call: &'a Call<'a>,
    files: &'a Files<'_>,
    at: usize,
    path: &'static str,
) -> Result<View<'a>, Response> {
    let file = &files[at];
    // A profile without values has nothing to ask for.
    let suggested = file
        .profile
        .value_index(None)
        .map_err(|why| Response::error(422, &why))?;
    let others = (0..files.len()).map(|at| Other {
        id: id(at),
        name: label(files, at),
        again: String::new(),
    });
    let shown = Shown {
        stacks: &file.profile,
        suggested,
        place: header(files.saved.title, path),
        name: label(files, at),
        question: file.explained.clone(),
        summary: summary(file),
        why_empty: html!("<p class=\"empty\">nothing was recorded</p>\n"),
        id: id(at),
        others: others.collect(),
        files: Html::default(),
        more: Html::default(),
        sources: Some(&files.saved.sources),
        source_command: String::new(),
    };
    View::new(call, shown, path)
}

fn header(title: &str, path: &str) -> Html {
    html!(
        "<header class=\"place\"><a href=\"./\">{}</a> <span>{}</span></header>\n",
        title,
        path
    )
}

/// The name of the file, or more of its path where another one has the same.
fn label(files: &[SavedFile], at: usize) -> String {
    let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let own = &files[at].name;
    let same = files.iter().filter(|file| last(&file.name) == last(own));
    match same.count() {
        1 => last(own),
        _ => shortened(own),
    }
}

fn summary(file: &SavedFile) -> Html {
    let profile = &file.profile;
    let measures = profile.measures();
    let totals = measures.iter().enumerate().map(|(at, measure)| {
        html!(
            "<b>{}</b> {}",
            measure.shown(total(profile, at)),
            measure.name
        )
    });
    let mut parts: Vec<Html> = totals.collect();
    if profile.tables.duration_nanos > 0 {
        let time = Measure {
            name: String::new(),
            unit: None,
        };
        parts.push(html!(
            "during <b>{}</b>",
            time.shown(profile.tables.duration_nanos as f64)
        ));
    }
    if profile.tables.time_nanos != 0 {
        let time = Utc::from_unix_nanos(profile.tables.time_nanos);
        parts.push(html!("{}", time.to_string()));
    }
    let separated = parts.into_iter().enumerate().map(|(at, part)| match at {
        0 => part,
        _ => html!(" · {}", part),
    });
    let warnings = file.warnings.iter();
    let warnings = warnings.map(|warning| html!("<p class=\"notice\">{}</p>\n", warning));
    html!(
        "<p class=\"summary\">{}</p>\n{}",
        separated.collect::<Html>(),
        warnings.collect::<Html>(),
    )
}

pub(in crate::http) fn index(call: &Call<'_>) -> Answer {
    let files = &Files::of(call)?;
    let cards = files.iter().enumerate().map(|(at, file)| {
        let raw = kind(file).map_or_else(Html::default, |kind| {
            html!("<a href=\"{}\">pprof</a>", kind.name())
        });
        html!(
            "<section class=\"card\"><h2>{}</h2>\n<p class=\"explained\">{}</p>\n{}\
             <nav class=\"links\" aria-label=\"{}\"><a class=\"main\" href=\"flamegraph?profile={}\">Flame graph</a>\
             <a href=\"top?profile={}\">Top</a>{}</nav></section>\n",
            label(files, at),
            file.explained,
            summary(file),
            file.name,
            at + 1,
            at + 1,
            raw,
        )
    });
    let compare = match some_are_alike(files) {
        false => Html::default(),
        true => html!(
            "<section>\n<h2>Compare two</h2>\n<form class=\"window\" method=\"get\" action=\"compare\">\
             <label>Before <select name=\"base\">{}</select></label> \
             <label>After <select name=\"profile\">{}</select></label> \
             <span class=\"buttons\"><button>Compare</button></span></form>\n</section>\n",
            options(files, 0),
            options(files, 1),
        ),
    };
    let body = html!(
        "{}<main>\n{}<div class=\"cards\">\n{}</div>\n</main>\n",
        header(files.saved.title, ""),
        compare,
        cards.collect::<Html>(),
    );
    Ok(Response::new(HTML, page(files.saved.title, &[], &body)))
}

fn options(files: &[SavedFile], chosen: usize) -> Html {
    let option = |at: usize| {
        html!(
            "<option value=\"{}\"{}>{}</option>",
            at + 1,
            when(at == chosen, " selected"),
            label(files, at),
        )
    };
    (0..files.len()).map(option).collect()
}

/// The kind of profile that it is, if it is one of ours.
fn kind(file: &SavedFile) -> Option<ProfileKind> {
    let mut kinds = ProfileKind::ALL.into_iter();
    kinds.find(|kind| kind.is_of(file.profile.comments()))
}

/// Whether there are two profiles of one kind, or of none that is known.
fn some_are_alike(files: &[SavedFile]) -> bool {
    let mut seen = Vec::new();
    files.iter().map(kind).any(|kind| {
        let is_second = seen.contains(&kind);
        seen.push(kind);
        is_second
    })
}

/// The first profile of the kind that the path names, in pprof's format: for `contend top`,
/// `contend watch`, `go tool pprof` and scrapers.
pub(in crate::http) fn raw(call: &Call<'_>) -> Answer {
    call.refuse_seconds()?;
    let files = Files::of(call)?;
    let mut files = files.iter();
    let is_asked_for = |file: &&SavedFile| kind(file).is_some_and(|kind| kind.name() == call.name);
    let file = files.find(is_asked_for).ok_or_else(|| {
        let message = format!(
            "there is no {} profile among those that are shown",
            call.name
        );
        Response::error(404, &message)
    })?;
    let bytes = file.profile.to_pprof().map_err(|error| {
        let message = format!("failed to write the profile: {error}");
        Response::error(500, &message)
    })?;
    Ok(Response::attachment(PPROF.content_type, call.name, bytes))
}

/// Two of them beside each other.
pub(in crate::http) fn compare(call: &Call<'_>) -> Answer {
    let files = &Files::of(call)?;
    let second = 1.min(files.len().saturating_sub(1));
    let positions = [
        asked_for(call, files, "base", 0)?,
        asked_for(call, files, "profile", second)?,
    ];
    let [base, new] = positions.map(|at| viewed(call, files, at, "compare"));
    let (base, new) = (base?, new?);
    if base.measure() != new.measure() {
        let [base, new] = [&base, &new].map(|view| {
            let measure = view.measure();
            let unit = measure.unit.as_deref().unwrap_or("nanoseconds");
            format!("{} in {unit}", measure.name)
        });
        let message = format!("these cannot be compared: one has {base}, the other {new}");
        return Err(Response::error(422, &message));
    }
    let body = html!(
        "{}<main class=\"flamegraph\">\n<h1>compare <span class=\"question\">What became more, what less?</span></h1>\n\
         <form class=\"window\" method=\"get\" action=\"compare\">\
         <label>Before <select name=\"base\">{}</select></label> \
         <label>After <select name=\"profile\">{}</select></label> \
         <label>by <select name=\"value\">{}</select></label> \
         <span class=\"buttons\"><button>Compare</button></span></form>\n{}</main>\n",
        header(files.saved.title, "compare"),
        options(files, positions[0]),
        options(files, positions[1]),
        measures(&new),
        compared(&base, &new),
    );
    let title = format!("{}: compare", files.saved.title);
    let page = page(&title, &["flamegraph.js"], &body);
    Ok(Response::new(HTML, page))
}

fn measures(view: &View<'_>) -> Html {
    let option = |(at, measure): (usize, &Measure)| {
        html!(
            "<option{}>{}</option>",
            when(at == view.measure, " selected"),
            measure.name,
        )
    };
    view.measures.iter().enumerate().map(option).collect()
}

#[cfg(test)]
mod tests;
