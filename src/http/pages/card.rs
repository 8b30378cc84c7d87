//! One profile on the index: what it says already, and how to turn it on.
#![forbid(unsafe_code)]

use super::html::{Html, bar, breakable, html};
use super::window;
use super::words::{grouped, name, question, rate};
use crate::export::sites::{Site, sites};
use crate::export::why_empty;
use crate::profile::Profile;
use crate::profile::kind::Which;
use crate::text::units::{human, percent};

/// Call sites that are shown before one asks for more.
const SITES: usize = 5;

/// What the index says about one profile.
pub(super) struct Card {
    pub(super) profile: Profile,
    /// What the program has set; recordings may ask for more while they last.
    pub(super) rate_set: u64,
    pub(super) can_record: bool,
    /// See [`Windows::longest`](crate::http::windows::Windows::longest).
    pub(super) longest_window: Option<u32>,
}

impl Card {
    pub(super) fn html(&self) -> Html {
        let which = self.profile.which();
        html!(
            "<section class=\"card\" id=\"{}\" aria-labelledby=\"{}-name\">\n\
             <h2 id=\"{}-name\">{}{}</h2>\n<p class=\"question\">{}</p>\n\
             <p class=\"explained\">{}</p>\n{}{}{}\n{}{}</section>\n",
            name(which),
            name(which),
            name(which),
            name(which),
            self.state(),
            question(which),
            explanation(which),
            self.numbers(),
            self.sites(),
            self.links(),
            self.rates(),
            self.window(),
        )
    }

    fn state(&self) -> Html {
        let (which, in_force) = (self.profile.which(), self.profile.rate());
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
            "<dl class=\"numbers\">{}</dl>\n{}",
            numbers.collect::<Html>(),
            if lost.total() > 0 {
                causes
            } else {
                Html::default()
            },
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
            name(self.profile.which()),
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
        let name = name(self.profile.which());
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
        let choices = match self.profile.which() {
            Which::Mutex => [0, 100, 1],
            Which::Block => [0, 1_000_000, 1],
        };
        html!(
            "<fieldset class=\"rates\" hidden><legend>Record</legend>\
             <span class=\"choice\">{}</span><output role=\"status\"></output></fieldset>\n",
            choices
                .map(|it| self.rate_button(it))
                .into_iter()
                .collect::<Html>(),
        )
    }

    fn rate_button(&self, choice: u64) -> Html {
        let which = self.profile.which();
        let parameter = match which {
            Which::Mutex => "mutex_profile_fraction",
            Which::Block => "block_profile_rate",
        };
        html!(
            "<button type=\"button\" data-name=\"{}\" data-rate=\"{}\" aria-pressed=\"{}\">{}</button>",
            parameter,
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
        window::form(self.profile.which(), everything, None, longest)
    }
}

fn explanation(which: Which) -> &'static str {
    match which {
        Which::Mutex => {
            "The time that others waited for a lock, charged to the code that released it: \
             code that should hold its lock for less time."
        }
        Which::Block => {
            "The time that code waited for a lock, a channel, a condition or a thread, charged to \
             the code that waited. Waiting for work is in it, too."
        }
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
