//! A path with all that is known of it: how it is answered, and what an answer costs or changes.
#![forbid(unsafe_code)]

use super::call::{Answer, Call};

/// The effect of a request on the process, beside its answer. A page of another site may only make
/// a browser send what [reads](Effect::Reads).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    Reads,
    /// Lasts as long as the client says, and has one of the windows meanwhile; or interrupts the
    /// program's threads for a moment.
    TakesTime,
    /// Makes the next answer another one, or runs code of the program.
    Changes,
}

/// One part of a query that a path knows.
pub(crate) struct Parameter {
    /// As the documentation shows it: `seconds=N`.
    pub(crate) shown: &'static str,
    /// The effect that a request has at least, if this is in it.
    pub(crate) effect: Effect,
    /// Its purpose, in Markdown: for the documentation and the index.
    pub(crate) description: &'static str,
}

/// A path below `/debug/pprof/`.
pub(crate) struct Route {
    /// Behind the prefix; empty for the index.
    pub(crate) name: &'static str,
    /// As the header `Allow` lists them. Methods other than `GET` and `HEAD` change something.
    pub(crate) methods: &'static str,
    /// The effect of a request without parameters.
    pub(crate) effect: Effect,
    pub(crate) parameters: &'static [Parameter],
    /// A description of the answer, in Markdown: for the documentation and the index.
    pub(crate) description: &'static str,
    pub(crate) listed: Listed,
    /// The requests that `contend snap` makes.
    #[allow(dead_code)] // Read by the command.
    pub(crate) snapped: &'static [Snapped],
    /// The file of a bundle that is this path's answer, and the words on it in its README.
    pub(crate) bundled: Option<(&'static str, &'static str)>,
    pub(super) answer: fn(&Call<'_>) -> Answer,
}

/// The entry of a path in the index, under "For tools".
pub(crate) enum Listed {
    No,
    /// A link to the path with this query, its description and its parameters.
    Example(&'static str),
    /// It makes `what`, and this build has it not.
    Missing {
        what: &'static str,
        feature: &'static str,
    },
}

/// A request of `contend snap`.
#[allow(dead_code)] // Read by the command.
pub(crate) struct Snapped {
    /// The file's name, without its extension. `{s}` stands for the seconds of a window.
    pub(crate) file: &'static str,
    /// Behind the path.
    pub(crate) query: &'static str,
    pub(crate) when: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Side by side with the others.
    AtOnce,
    /// After the others, because it needs what they use.
    AtLast,
}

impl Parameter {
    pub(super) const fn new(
        shown: &'static str,
        effect: Effect,
        description: &'static str,
    ) -> Self {
        Self {
            shown,
            effect,
            description,
        }
    }

    /// Before the `=`.
    pub(crate) fn name(&self) -> &'static str {
        self.shown.split('=').next().unwrap_or_default()
    }
}

impl Snapped {
    pub(super) const fn at_once(file: &'static str, query: &'static str) -> Self {
        Self {
            file,
            query,
            when: When::AtOnce,
        }
    }
}

impl Route {
    /// A path that takes `GET` and `HEAD`, has no parameters, reads, and stands in no list.
    pub(super) const fn new(
        name: &'static str,
        description: &'static str,
        answer: fn(&Call<'_>) -> Answer,
    ) -> Self {
        Self {
            name,
            methods: "GET, HEAD",
            effect: Effect::Reads,
            parameters: &[],
            description,
            listed: Listed::No,
            snapped: &[],
            bundled: None,
            answer,
        }
    }

    /// The effect of this request.
    pub(super) fn effect(&self, call: &Call<'_>) -> Effect {
        let reads = matches!(call.request.method, "GET" | "HEAD" | "OPTIONS");
        let parameters = self.parameters.iter();
        let given = parameters.filter(|parameter| call.query.get(parameter.name()).is_some());
        let effects = given.map(|parameter| parameter.effect);
        let of_method = if reads { self.effect } else { Effect::Changes };
        effects.fold(of_method, Effect::max)
    }
}
