//! The pages of this program's own profiles.
#![forbid(unsafe_code)]

use std::time::Duration;

use form_urlencoded::Serializer;

use super::card::{elsewhere, hint};
use super::html::{Html, html, when};
use super::off;
use super::view::{Other, Page, Shown, View, choice};
use super::window;
use super::words::{self, grouped};
use crate::export::labels::ByLabel;
use crate::export::why_empty;
use crate::http::Response;
use crate::http::call::{Answer, Call};
use crate::http::process::program;
use crate::http::profiles;
use crate::profile::Profile;
use crate::profile::kind::ProfileKind;
use crate::text::units::human;

/// Values of a label that have a link.
const MAX_VALUES: usize = 12;

pub(super) fn answer(call: &Call<'_>, page: &Page) -> Answer {
    answer_of(call, which(call)?, page)
}

/// As [`answer`], of this profile, whatever the query says.
pub(super) fn answer_of(call: &Call<'_>, which: ProfileKind, page: &Page) -> Answer {
    if let Some(page) = off::instead(call, which, page.path)? {
        return Ok(page);
    }
    let profile = profiles::asked_for(call, which)?;
    let mut shown = shown(call, &profile, page.path);
    shown.more = html!(
        "{}{}",
        labels(call, &profile.labels, which, page.path),
        shown.more
    );
    View::new(call, shown, page.path)?.answer(page)
}

pub(super) fn which(call: &Call<'_>) -> Result<ProfileKind, Response> {
    let choices = ProfileKind::ALL.map(|kind| (kind.name().to_owned(), kind));
    choice(call, "profile", &choices)
}

pub(super) fn shown<'a>(call: &Call<'_>, profile: &'a Profile, path: &str) -> Shown<'a> {
    let which = profile.kind();
    let types = which.descriptor().sample_types;
    let suggested = which.descriptor().default_sample_type;
    let other = |kind: ProfileKind| Other {
        id: kind.name().to_owned(),
        name: kind.name().to_owned(),
        again: window_again(call, kind),
    };
    Shown {
        stacks: profile,
        suggested: types
            .iter()
            .position(|(name, _)| *name == suggested)
            .unwrap_or(0),
        place: html!(
            "<header class=\"place\"><a href=\"./\">{}</a> <span>/debug/pprof/{}</span></header>\n",
            program(),
            path,
        ),
        name: which.name().to_owned(),
        question: which.question().to_owned(),
        summary: html!("{}{}", summary(call, profile), hint_of(profile, path)),
        why_empty: nothing(profile, &why_empty(profile)),
        id: which.name().to_owned(),
        others: ProfileKind::ALL.into_iter().map(other).collect(),
        files: files(profile),
        more: recorder(call, profile, path),
        sources: None,
        source_command: source_command(call, which),
    }
}

/// In the place of what there is not.
fn nothing(profile: &Profile, why: &str) -> Html {
    let can_be_on = cfg!(feature = "profiling") && profile.rate() == 0;
    html!(
        "<p class=\"empty\">{}{}</p>\n",
        why,
        when(can_be_on, "; or <a href=\"./\">turn it on</a>"),
    )
}

fn summary(call: &Call<'_>, profile: &Profile) -> Html {
    let label = call.query.get("label");
    let label = label.map(|label| html!("of <b>{}</b> ", label));
    let during = match profile.duration() {
        Some(duration) => html!("during <b>{}</b>", human(duration)),
        None => html!("since the start"),
    };
    let rate = match profile.rate() {
        0 => "off now".to_owned(),
        rate => words::rate(profile.kind(), rate),
    };
    html!(
        "<p class=\"summary\"><b>{}</b> of delay in <b>{}</b> contentions {}{}; \
         rate: {}; lost: {}</p>\n",
        human(profile.total_delay()),
        grouped(profile.total_contentions()),
        label.unwrap_or_default(),
        during,
        rate,
        profile.lost().to_string(),
    )
}

/// Where to look instead, on the page of call sites. Of the whole profile: what a window's waits
/// were for is in the block profile's own window.
fn hint_of(profile: &Profile, path: &str) -> Html {
    let is_whole = profile.duration().is_none();
    let hint = (is_whole && path == "top").then(|| hint(profile.kind()));
    elsewhere(hint.flatten().as_deref())
}

/// These have no window.
fn files(profile: &Profile) -> Html {
    let name = profile.kind().name();
    let since = when(profile.duration().is_some(), " since the start");
    html!(
        "<a href=\"{}?debug=1\">Text{}</a> <a href=\"{}\" download>Download{}</a>",
        name,
        since,
        name,
        since,
    )
}

/// The same again, or of a window of time.
fn recorder(call: &Call<'_>, profile: &Profile, path: &str) -> Html {
    let Some(longest) = call.state.windows.longest() else {
        return Html::default();
    };
    window::form(profile, path, &call.query, longest)
}

/// For each key of the program's labels its values, with the part of the delay that each has.
fn labels(call: &Call<'_>, labels: &[ByLabel], which: ProfileKind, path: &str) -> Html {
    let asked_for = call.query.get("label");
    let keys = labels.chunk_by(|a, b| a.key == b.key);
    keys.map(|values| {
        let key = values[0].key;
        let links = values.iter().take(MAX_VALUES).map(|label| {
            let filter = format!("{key}={}", label.value);
            let is_here = asked_for == Some(&*filter);
            let mut query = Serializer::new(format!("profile={}", which.name()));
            for name in [
                "value",
                "name",
                "kind",
                "idle",
                "seconds",
                which.rate().parameter,
            ] {
                if let Some(value) = call.query.get(name) {
                    query.append_pair(name, value);
                }
            }
            // A second click takes the filter away.
            if !is_here {
                query.append_pair("label", &filter);
            }
            html!(
                "<a href=\"{}?{}\"{}>{} {}</a>",
                path,
                query.finish(),
                when(is_here, " aria-current=\"true\""),
                label.value,
                human(Duration::from_nanos(label.delay_nanos)),
            )
        });
        let more = match values.len().saturating_sub(MAX_VALUES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        html!(
            "<p class=\"controls labels\"><span>{}</span> <span class=\"choice\">{}</span>{}</p>\n",
            key,
            links.collect::<Html>(),
            more,
        )
    })
    .collect()
}

fn window_again(call: &Call<'_>, which: ProfileKind) -> String {
    let mut again = Serializer::new(String::new());
    for name in ["label", "seconds", which.rate().parameter] {
        if let Some(value) = call.query.get(name) {
            again.append_pair(name, value);
        }
    }
    match again.finish() {
        query if query.is_empty() => query,
        query => format!("&{query}"),
    }
}

/// Sources are on the machine of whoever reads, if anywhere, and not for all who may ask here.
fn source_command(call: &Call<'_>, which: ProfileKind) -> String {
    let host = call.request.host.unwrap_or("localhost:6060");
    format!("contend open http://{host}/debug/pprof/{}", which.name())
}
