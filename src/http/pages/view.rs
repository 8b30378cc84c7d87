//! The common parts of the pages of one profile: which it is, what it sums up to, ways on.
#![forbid(unsafe_code)]

use form_urlencoded::Serializer;

use super::blockers;
use super::html::{Html, html, page, when};
use super::stacks::{Measure, Stacks};
use crate::http::Response;
use crate::http::call::Call;
use crate::http::response::HTML;
use crate::profile::kind::ProfileKind;

/// A page that shows one profile, whoever has recorded it: a row for whoever serves it.
pub(super) struct Page {
    /// Below which it is served.
    pub(super) path: &'static str,
    pub(super) scripts: &'static [&'static str],
    pub(super) content: fn(&View<'_>) -> Result<Html, Response>,
}

/// A profile with all that a page says about it.
pub(super) struct Shown<'a> {
    pub(super) stacks: &'a dyn Stacks,
    /// The measure that is shown unless another one is asked for.
    pub(super) suggested: usize,
    /// The program, with a link to the index, and the path.
    pub(super) place: Html,
    pub(super) name: String,
    /// The question that the profile answers, or its name.
    pub(super) question: String,
    /// A paragraph of numbers.
    pub(super) summary: Html,
    /// In the place of what there is not.
    pub(super) why_empty: Html,
    /// Behind `profile=`.
    pub(super) id: String,
    /// The profiles that can be seen in its stead, with itself.
    pub(super) others: Vec<Other>,
    /// Links to the same as files.
    pub(super) files: Html,
    /// Below the tabs.
    pub(super) more: Html,
    /// Reads a source, where that is allowed.
    pub(super) sources: Option<&'a dyn Sources>,
    /// Where its source is not read: the command that shows it.
    pub(super) source_command: String,
}

/// Lines of sources.
pub(super) trait Sources {
    /// Those of these lines that there are, with their numbers.
    ///
    /// # Errors
    ///
    /// Why there is no source.
    fn lines(&self, file: &str, first: i64, last: i64) -> Result<Vec<(i64, String)>, String>;
}

pub(super) struct Other {
    pub(super) id: String,
    pub(super) name: String,
    /// The rest of a link's query. A page does not keep what it was asked for, so the link of a
    /// window of time records another one.
    pub(super) again: String,
}

/// One of several values that a parameter can have. The first is taken where it is missing.
pub(super) fn choice<T: Clone>(
    call: &Call<'_>,
    parameter: &str,
    choices: &[(String, T)],
) -> Result<T, Response> {
    let Some(value) = call.query.get(parameter) else {
        return Ok(choices[0].1.clone());
    };
    let chosen = choices.iter().find(|(name, _)| *name == value);
    chosen.map(|(_, choice)| choice.clone()).ok_or_else(|| {
        let names: Vec<String> = choices
            .iter()
            .map(|(name, _)| format!("{name:?}"))
            .collect();
        let names = names.join(" or ");
        let message = format!("invalid value for \"{parameter}\" - must be {names}");
        Response::error(400, &message)
    })
}

/// A profile on one of its pages.
pub(super) struct View<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) shown: Shown<'a>,
    pub(super) path: &'static str,
    pub(super) measures: Vec<Measure>,
    /// The position of the one that counts.
    pub(super) measure: usize,
}

impl<'a> View<'a> {
    /// # Errors
    ///
    /// If `value=` names no measure of the profile.
    pub(super) fn new(
        call: &'a Call<'a>,
        shown: Shown<'a>,
        path: &'static str,
    ) -> Result<Self, Response> {
        let measures = shown.stacks.measures();
        let named = measures.iter().map(|measure| measure.name.clone()).zip(0..);
        let mut choices: Vec<(String, usize)> = named.collect();
        choices.sort_by_key(|(_, at)| *at != shown.suggested);
        Ok(Self {
            measure: choice(call, "value", &choices)?,
            call,
            shown,
            path,
            measures,
        })
    }

    pub(super) fn answer(&self, page: &Page) -> Result<Response, Response> {
        let content = (page.content)(self)?;
        Ok(self.response(page.scripts, &content))
    }

    pub(super) fn response(&self, scripts: &[&str], content: &Html) -> Response {
        let title = format!("{}: {}", self.shown.name, self.path);
        Response::new(HTML, page(&title, scripts, &self.body(content)))
    }

    /// All of it: where one is, what is shown, the ways to see it otherwise, and the content.
    pub(super) fn body(&self, content: &Html) -> Html {
        let shown = &self.shown;
        html!(
            "{}<main class=\"{}\">\n<h1>{} <span class=\"question\">{}</span></h1>\n{}{}{}{}</main>\n",
            shown.place,
            self.path,
            shown.name,
            shown.question,
            shown.summary,
            self.tabs(),
            shown.more,
            content,
        )
    }

    pub(super) fn measure(&self) -> &Measure {
        &self.measures[self.measure]
    }

    /// A number of the measure that counts.
    pub(super) fn amount(&self, value: f64) -> String {
        self.measure().shown(value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shown.stacks.len() == 0
    }

    fn tabs(&self) -> Html {
        let profiles = self.shown.others.iter().map(|other| {
            let is_here = other.id == self.shown.id;
            let path = match self.path {
                // No other profile has this page.
                blockers::PATH if !is_here => "top",
                path => path,
            };
            let address = self.address_of(other, path, &[]);
            self.link(&address, &other.name, is_here)
        });
        let view = |path, label| self.link(&self.address(path, &[]), label, path == self.path);
        let flamegraph = match cfg!(feature = "flamegraph") {
            true => view("flamegraph", "Flame graph"),
            false => Html::default(),
        };
        let blockers = match self.shown.id == ProfileKind::Pairs.name() {
            true => view(blockers::PATH, "Who blocks whom"),
            false => Html::default(),
        };
        html!(
            "<nav class=\"tabs\"><span class=\"choice\">{}</span> <span class=\"choice\">{}{}{}</span>{} \
             {}</nav>\n",
            profiles.collect::<Html>(),
            blockers,
            view("top", "Top"),
            flamegraph,
            self.measure_choice(),
            self.shown.files,
        )
    }

    /// To see the same by another measure.
    fn measure_choice(&self) -> Html {
        if self.measures.len() < 2 {
            return Html::default();
        }
        // As where the measure is asked for: the suggested one first.
        let mut order: Vec<usize> = (0..self.measures.len()).collect();
        order.sort_by_key(|at| *at != self.shown.suggested);
        let choices = order.into_iter().map(|at| {
            let measure = &self.measures[at];
            let here = self.asked_for();
            let mut more: Vec<(&str, &str)> =
                here.iter().map(|(name, value)| (*name, &**value)).collect();
            more.push(("value", &measure.name));
            let address = self.address_with(self.path, &more);
            self.link(&address, &measure.name, at == self.measure)
        });
        html!(
            " <span class=\"choice\">{}</span>",
            choices.collect::<Html>()
        )
    }

    /// This page's parameters beside the profile and the measure.
    fn asked_for(&self) -> Vec<(&'static str, String)> {
        let given = ["name", "kind", "idle"].into_iter();
        let given = given.filter_map(|name| Some((name, self.call.query.get(name)?.to_owned())));
        given.collect()
    }

    /// The address of a page of this profile, by the same measure.
    pub(super) fn address(&self, path: &str, more: &[(&str, &str)]) -> String {
        let mut more = more.to_vec();
        if self.measure != self.shown.suggested {
            more.push(("value", &self.measure().name));
        }
        self.address_with(path, &more)
    }

    fn address_with(&self, path: &str, more: &[(&str, &str)]) -> String {
        let mut others = self.shown.others.iter();
        match others.find(|other| other.id == self.shown.id) {
            Some(this) => self.address_of(this, path, more),
            None => path.to_owned(),
        }
    }

    fn address_of(&self, other: &Other, path: &str, more: &[(&str, &str)]) -> String {
        let mut query = Serializer::new(format!("profile={}", other.id));
        for (name, value) in more {
            query.append_pair(name, value);
        }
        format!("{path}?{}{}", query.finish(), other.again)
    }

    /// The page of a function. `None` where the name is too long for an address.
    pub(super) fn address_of_function(&self, name: &str, kind: &str) -> Option<String> {
        const LONGEST: usize = 2000;
        let kind = (!kind.is_empty()).then_some(("kind", kind));
        let more: Vec<_> = [("name", name)].into_iter().chain(kind).collect();
        (name.len() <= LONGEST).then(|| self.address("function", &more))
    }

    /// The script tells how long the link of a window takes still.
    pub(super) fn link(&self, address: &str, label: &str, is_here: bool) -> Html {
        html!(
            "<a href=\"{}\"{}{}>{}</a>",
            address,
            when(is_here, " aria-current=\"true\""),
            when(address.contains("&seconds="), " class=\"again\""),
            label,
        )
    }
}
