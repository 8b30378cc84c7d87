//! One profile on the index: what it says already, and how to turn it on.
#![forbid(unsafe_code)]

use std::time::Duration;

use form_urlencoded::Serializer;

use super::html::{Html, bar, breakable, html, when};
use super::window;
use super::words::{grouped, rate};
use crate::ask::control;
use crate::export::sites::{Idle, Site, blocked_workers, fold_idle, sites};
use crate::export::why_empty;
use crate::profile::Profile;
use crate::profile::kind::{ProfileKind, hint_of_owners};
use crate::text::units::{human, percent};

/// Call sites that are shown before one asks for more.
const SITES: usize = 5;

/// One profile on the index.
pub(super) struct Card {
    pub(super) profile: Profile,
    /// The program's own rate; recordings may ask for more while they last.
    pub(super) rate_set: u64,
    /// The rate before somebody chose another one here.
    pub(super) own_rate: u64,
    /// The time that the profile covers.
    pub(super) recorded_for: Option<Duration>,
    pub(super) can_record: bool,
    /// Where to look instead, if most waiting is not of this profile.
    pub(super) hint: Option<String>,
    /// See [`Windows::longest`](crate::http::windows::Windows::longest).
    pub(super) longest_window: Option<u32>,
}

impl Card {
    pub(super) fn html(&self) -> Html {
        let which = self.profile.kind();
        html!(
            "<section class=\"card\" id=\"{}\" aria-labelledby=\"{}-name\">\n\
             <h2 id=\"{}-name\">{}{}</h2>\n<p class=\"question\">{}</p>\n\
             <p class=\"explained\">{}</p>\n<div id=\"{}-now\" data-part>{}{}{}</div>\n{}{}</section>\n",
            which.name(),
            which.name(),
            which.name(),
            which.name(),
            self.state(),
            which.question(),
            which.descriptor().explanation,
            which.name(),
            self.numbers(),
            elsewhere(self.hint.as_deref()),
            self.sites(),
            self.buttons(),
            self.rates(),
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
        let which = self.profile.kind().name();
        let (sites, idle) = fold_idle(&self.profile, sites);
        let items = sites
            .iter()
            .take(SITES)
            .map(|site| item(which, site, total));
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
        html!(
            "<ol class=\"worst\">\n{}</ol>\n{}{}{}",
            items,
            all,
            idle.map_or_else(Html::default, |idle| folded(&idle, total)),
            self.blocked_workers()
        )
    }

    /// The waits that stop whole workers of an async runtime. They cost more than they last.
    fn blocked_workers(&self) -> Html {
        let Some(blocked) = blocked_workers(&self.profile) else {
            return Html::default();
        };
        let total = self.profile.total_delay_nanos();
        let which = self.profile.kind().name();
        let sites = sites(&blocked);
        let items = sites
            .iter()
            .take(SITES)
            .map(|site| item(which, site, total));
        html!(
            "<h3>Waits that block async workers</h3>\n<p class=\"explained\">All tasks of a worker stand \
             still meanwhile: <b>{}</b> at {} call sites.</p>\n<ol class=\"worst\">\n{}</ol>\n",
            human(blocked.total_delay()),
            grouped(sites.len() as u64),
            items.collect::<Html>(),
        )
    }

    /// The ways to see it.
    fn buttons(&self) -> Html {
        let longest = self.longest_window.filter(|_| self.can_record);
        window::buttons(self.profile.kind(), self.profile.rate() == 0, longest)
    }

    /// Shown by the script that they need.
    fn rates(&self) -> Html {
        if !self.can_record {
            return Html::default();
        }
        let mut choices = self.profile.kind().rate().suggested.to_vec();
        choices.extend([self.own_rate, self.rate_set]);
        // Off, then from the coarsest to the finest.
        choices.sort_unstable_by_key(|rate| (*rate > 0, std::cmp::Reverse(*rate)));
        choices.dedup();
        let buttons = choices.into_iter().map(|rate| self.rate_button(rate));
        html!(
            "<fieldset class=\"rates\" hidden><legend>Record</legend>\
             <span class=\"choice\">{}</span><output role=\"status\"></output></fieldset>\n",
            buttons.collect::<Html>(),
        )
    }

    fn rate_button(&self, choice: u64) -> Html {
        let which = self.profile.kind();
        let is_own = choice == self.own_rate;
        html!(
            "<button type=\"button\" data-name=\"{}\" data-rate=\"{}\" aria-pressed=\"{}\"{}>{}</button>",
            which.rate().name,
            choice,
            if choice == self.rate_set {
                "true"
            } else {
                "false"
            },
            when(is_own, " title=\"the program's own rate\""),
            rate(which, choice),
        )
    }
}

/// The call sites of the block profile that wait for work, in one line.
fn folded(idle: &Idle, total: u64) -> Html {
    html!(
        "<p class=\"explained\">{}; <a href=\"top?profile=block&amp;idle=1\">show it</a></p>\n",
        idle.words(total),
    )
}

/// A hint to another profile.
pub(super) fn elsewhere(hint: Option<&str>) -> Html {
    hint.map_or_else(Html::default, |hint| {
        let (before, after) = hint.split_once("wake profile").unwrap_or((hint, ""));
        html!(
            "<p class=\"notice\">{}<a href=\"top?profile=wake\">wake profile</a>{}.</p>\n",
            before,
            after,
        )
    })
}

/// The hint at the mutex profile where it has only the smaller part of the waiting.
pub(super) fn hint(which: ProfileKind) -> Option<String> {
    let [block] = match which {
        ProfileKind::Mutex => control::moments([ProfileKind::Block]),
        _ => return None,
    };
    hint_of_owners(block.delays())
}

fn item(which: &str, site: &Site<'_>, total: u64) -> Html {
    let place = match (site.file(), site.line()) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.to_owned(),
        (None, _) => String::new(),
    };
    let mut address = Serializer::new(format!("function?profile={which}"));
    address.append_pair("name", site.function());
    address.append_pair("kind", site.kind.label());
    html!(
        "<li title=\"{}\"><span class=\"number\">{}</span> <span class=\"number\">{}</span> \
         <span class=\"function\"><a href=\"{}\">{}</a></span> <span class=\"kind\">{}</span>{}</li>\n",
        place,
        human(site.delay()),
        percent(site.delay_nanos, total),
        address.finish(),
        breakable(site.function()),
        site.kind.label(),
        bar(site.delay_nanos, total),
    )
}
