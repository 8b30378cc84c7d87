//! One profile on the index: what it says already, and how to turn it on.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::html::{Html, bar, breakable, html};
use super::window;
use super::words::{grouped, rate};
use crate::export::sites::{Site, sites};
use crate::export::why_empty;
use crate::profile::Profile;
use crate::text::units::{human, percent};

/// Call sites that are shown before one asks for more.
const SITES: usize = 5;

/// One profile on the index.
pub(super) struct Card {
    pub(super) profile: Profile,
    /// The program's own rate; recordings may ask for more while they last.
    pub(super) rate_set: u64,
    /// The time that the profile covers.
    pub(super) recorded_for: Option<Duration>,
    pub(super) can_record: bool,
    /// See [`Windows::longest`](crate::http::windows::Windows::longest).
    pub(super) longest_window: Option<u32>,
}

impl Card {
    pub(super) fn html(&self) -> Html {
        let which = self.profile.kind();
        html!(
            "<section class=\"card\" id=\"{}\" aria-labelledby=\"{}-name\">\n\
             <h2 id=\"{}-name\">{}{}</h2>\n<p class=\"question\">{}</p>\n\
             <p class=\"explained\">{}</p>\n{}{}{}\n{}{}</section>\n",
            which.name(),
            which.name(),
            which.name(),
            which.name(),
            self.state(),
            which.question(),
            which.descriptor().explanation,
            self.numbers(),
            self.sites(),
            self.links(),
            self.rates(),
            self.window(),
        )
    }

    fn state(&self) -> Html {
        let (which, in_force) = (self.profile.kind(), self.profile.rate());
        let (class, mut words) = match in_force {
            0 => ("off", "off".to_owned()),
            _ => ("on", format!("on: {}", rate(which, in_force))),
        };
        if in_force != self.rate_set {
            let set = rate(which, self.rate_set);
            words = format!("{words} while a recording lasts, else {set}");
        }
        html!(" <span class=\"state {}\">{}</span>", class, words)
    }

    fn numbers(&self) -> Html {
        let profile = &self.profile;
        let lost = profile.lost();
        let numbers = [
            ("delay", human(profile.total_delay())),
            ("contentions", grouped(profile.total_contentions())),
            ("lost", grouped(lost.total())),
        ];
        let numbers = numbers.iter().map(|(name, value)| {
            html!(
                "<div><dt>{}</dt><dd class=\"{}\">{}</dd></div>",
                name,
                name,
                value
            )
        });
        let causes = html!(
            "<p class=\"notice\">Lost events: {}.</p>\n",
            lost.to_string()
        );
        html!(
            "<dl class=\"numbers\">{}</dl>\n{}{}",
            numbers.collect::<Html>(),
            self.time_base(),
            if lost.total() > 0 {
                causes
            } else {
                Html::default()
            },
        )
    }

    /// A sum of waiting says little without the time in which it came together.
    fn time_base(&self) -> Html {
        let Some(time) = self.recorded_for.filter(|time| !time.is_zero()) else {
            return Html::default();
        };
        let profile = &self.profile;
        let waiting = profile.total_delay().as_secs_f64() / time.as_secs_f64();
        html!(
            "<p class=\"explained\">{} waiting at a time, on average: {} of delay in the {} since \
             recording began.</p>\n",
            format!("{waiting:.1}"),
            human(profile.total_delay()),
            human(time),
        )
    }

    fn sites(&self) -> Html {
        let sites = sites(&self.profile);
        if sites.is_empty() {
            return html!("<p class=\"empty\">{}</p>\n", why_empty(&self.profile));
        }
        let total = self.profile.total_delay_nanos();
        let items = sites.iter().take(SITES).map(|site| item(site, total));
        let all = html!(
            "<p class=\"all-sites\"><a href=\"top?profile={}\">all {} call sites</a></p>\n",
            self.profile.kind().name(),
            grouped(sites.len() as u64),
        );
        let all = if sites.len() > SITES {
            all
        } else {
            Html::default()
        };
        let items = items.collect::<Html>();
        html!("<ol class=\"worst\">\n{}</ol>\n{}", items, all)
    }

    fn links(&self) -> Html {
        let name = self.profile.kind().name();
        let flamegraph = html!(
            "<a class=\"main\" href=\"flamegraph?profile={}\">Flame graph</a>",
            name
        );
        html!(
            "<nav class=\"links\" aria-label=\"{} profile\">{}<a href=\"top?profile={}\">Top</a>\
             <a href=\"{}?debug=1\">Text</a><a href=\"{}\" download>Download</a></nav>",
            name,
            if cfg!(feature = "flamegraph") {
                flamegraph
            } else {
                Html::default()
            },
            name,
            name,
            name,
        )
    }

    /// Shown by the script that they need.
    fn rates(&self) -> Html {
        if !self.can_record {
            return Html::default();
        }
        let choices = self.profile.kind().rate().suggested;
        html!(
            "<fieldset class=\"rates\" hidden><legend>Record</legend>\
             <span class=\"choice\">{}</span><output role=\"status\"></output></fieldset>\n",
            choices
                .map(|rate| self.rate_button(rate))
                .into_iter()
                .collect::<Html>(),
        )
    }

    fn rate_button(&self, choice: u64) -> Html {
        let which = self.profile.kind();
        html!(
            "<button type=\"button\" data-name=\"{}\" data-rate=\"{}\" aria-pressed=\"{}\">{}</button>",
            which.rate().name,
            choice,
            if choice == self.rate_set {
                "true"
            } else {
                "false"
            },
            rate(which, choice),
        )
    }

    fn window(&self) -> Html {
        let Some(longest) = self.longest_window.filter(|_| self.can_record) else {
            return Html::default();
        };
        let everything = self.profile.rate() == 0;
        window::form(self.profile.kind(), everything, None, longest)
    }
}

fn item(site: &Site<'_>, total: u64) -> Html {
    let place = match (site.file(), site.line()) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.to_owned(),
        (None, _) => String::new(),
    };
    html!(
        "<li title=\"{}\"><span class=\"number\">{}</span> <span class=\"number\">{}</span> \
         <span class=\"function\">{}</span> <span class=\"kind\">{}</span>{}</li>\n",
        place,
        human(site.delay()),
        percent(site.delay_nanos, total),
        breakable(site.function()),
        site.kind.label(),
        bar(site.delay_nanos, total),
    )
}
