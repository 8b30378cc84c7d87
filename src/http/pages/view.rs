//! The common parts of the pages of one profile: which it is, what it sums up to, ways on.
#![forbid(unsafe_code)]

use form_urlencoded::Serializer;

use super::html::{Html, html, when};
use super::window;
use super::words::{self, grouped};
use crate::http::Response;
use crate::http::call::Call;
use crate::http::process::program;
use crate::profile::Profile;
use crate::profile::kind::ProfileKind;
use crate::text::units::human;

/// One of several values that a parameter can have. The first is taken where it is missing.
pub(super) fn choice<T: Copy>(
    call: &Call<'_>,
    parameter: &str,
    choices: &[(&str, T)],
) -> Result<T, Response> {
    let Some(value) = call.query.get(parameter) else {
        return Ok(choices[0].1);
    };
    let chosen = choices.iter().find(|(name, _)| *name == value);
    chosen.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<String> = choices
            .iter()
            .map(|(name, _)| format!("{name:?}"))
            .collect();
        let names = names.join(" or ");
        let message = format!("invalid value for \"{parameter}\" - must be {names}");
        Response::error(400, &message)
    })
}

pub(super) fn which(call: &Call<'_>) -> Result<ProfileKind, Response> {
    let choices = ProfileKind::ALL.map(|kind| (kind.name(), kind));
    choice(call, "profile", &choices)
}

/// In the place of what there is not.
pub(super) fn empty(profile: &Profile, why: &str) -> Html {
    let can_be_on = cfg!(feature = "profiling") && profile.rate() == 0;
    html!(
        "<p class=\"empty\">{}{}</p>\n",
        why,
        when(can_be_on, "; or <a href=\"./\">turn it on</a>"),
    )
}

/// A page that shows one profile.
pub(super) struct View<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) profile: &'a Profile,
    /// Its path.
    pub(super) path: &'static str,
}

impl View<'_> {
    pub(super) fn title(&self) -> String {
        let kind = self.profile.kind();
        format!("{}: {kind} {}", program(), self.path)
    }

    /// All of it: where one is, what is shown, the ways to see it otherwise, and the content.
    pub(super) fn body(&self, content: &Html) -> Html {
        let which = self.profile.kind();
        html!(
            "<header class=\"place\"><a href=\"./\">{}</a> <span>/debug/pprof/{}</span></header>\n\
             <main class=\"{}\">\n<h1>{} <span class=\"question\">{}</span></h1>\n{}{}{}</main>\n",
            program(),
            self.path,
            self.path,
            which.name(),
            which.question(),
            self.summary(),
            self.tabs(),
            content,
        )
    }

    fn summary(&self) -> Html {
        let profile = self.profile;
        let during = match profile.duration() {
            Some(duration) => html!("during <b>{}</b>", human(duration)),
            None => html!("since the start"),
        };
        let rate = match profile.rate() {
            0 => "off now".to_owned(),
            rate => words::rate(profile.kind(), rate),
        };
        html!(
            "<p class=\"summary\"><b>{}</b> of delay in <b>{}</b> contentions {}; \
             rate: {}; lost: {}</p>\n",
            human(profile.total_delay()),
            grouped(profile.total_contentions()),
            during,
            rate,
            profile.lost().to_string(),
        )
    }

    fn tabs(&self) -> Html {
        let which = self.profile.kind();
        let profile = |kind| self.link(self.path, kind, "", kind.name(), kind == which);
        let view = |path, label| self.link(path, which, "", label, path == self.path);
        let flamegraph = match cfg!(feature = "flamegraph") {
            true => view("flamegraph", "Flame graph"),
            false => Html::default(),
        };
        // These have no window.
        let since = when(self.profile.duration().is_some(), " since the start");
        html!(
            "<nav class=\"tabs\"><span class=\"choice\">{}</span> <span class=\"choice\">{}{}</span> \
             <a href=\"{}?debug=1\">Text{}</a> \
             <a href=\"{}\" download>Download{}</a>{}</nav>\n",
            ProfileKind::ALL.into_iter().map(profile).collect::<Html>(),
            view("top", "Top"),
            flamegraph,
            which.name(),
            since,
            which.name(),
            since,
            self.window(),
        )
    }

    fn window(&self) -> Html {
        let which = self.profile.kind();
        let query = &self.call.query;
        let seconds = query.get("seconds");
        let everything = query.get(which.rate().parameter) == Some("1");
        let Some(longest) = self.call.state.windows.longest() else {
            return Html::default();
        };
        let everything = everything || self.profile.rate() == 0;
        html!(
            "<details{}><summary>Record a window of time</summary>{}</details>",
            when(seconds.is_some(), " open"),
            window::form(which, everything, seconds, longest),
        )
    }

    /// A link to another view. A page does not keep what it was asked for, so the link of a window
    /// of time records another one; the script tells how long that takes still.
    pub(super) fn link(
        &self,
        path: &str,
        which: ProfileKind,
        more: &str,
        label: &str,
        is_here: bool,
    ) -> Html {
        let again = self.window_again(which);
        let address = format!("{path}?profile={}{more}{again}", which.name());
        html!(
            "<a href=\"{}\"{}{}>{}</a>",
            address,
            when(is_here, " aria-current=\"true\""),
            when(!again.is_empty(), " class=\"again\""),
            label,
        )
    }

    fn window_again(&self, which: ProfileKind) -> String {
        let rate = which.rate().parameter;
        let mut again = Serializer::new(String::new());
        for name in ["seconds", rate] {
            if let Some(value) = self.call.query.get(name) {
                again.append_pair(name, value);
            }
        }
        match again.finish() {
            query if query.is_empty() => query,
            query => format!("&{query}"),
        }
    }
}
