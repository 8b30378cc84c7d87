//! The table of paths, and the way from a name to its row.
//!
//! A new path is a row here, its handler, and the line of the documentation that the test below
//! asks for. The cross-site guard, the index, bundles and `contend snap` read this table.
#![forbid(unsafe_code)]

use super::call::{Answer, Call};
use super::response::TEXT;
use super::route::{
    Effect::{self, Changes, TakesTime},
    Listed, Parameter, Route, Snapped, When,
};
use super::{
    Response, bundle, cpu, custom, goroutine, locks, metrics, pages, process, profiles, rates,
    threads, trace,
};
use crate::profile::kind::ProfileKind;

pub(crate) static ROUTES: [Route; 26] = [
    Route {
        snapped: &[Snapped::at_once("index", "")],
        ..Route::new(
            "",
            "The index: each profile with its numbers, its rate and its losses, and links to all paths.",
            |call| pages::index(call, &ROUTES),
        )
    },
    Route {
        parameters: &[TEXT_FORM, NAMES, LABEL, WINDOW, FRACTION],
        listed: Listed::Example(""),
        snapped: &[
            Snapped::at_once("mutex", ""),
            Snapped::at_once("mutex", "?debug=1"),
            Snapped::at_once("mutex-{s}s", "?seconds={s}"),
        ],
        ..Route::new(
            "mutex",
            "Whose code made others wait, since the program started: pprof, compressed with gzip.",
            |call| profiles::profile(call, ProfileKind::Mutex),
        )
    },
    Route {
        parameters: &[TEXT_FORM, NAMES, LABEL, WINDOW, RATE],
        snapped: &[
            Snapped::at_once("block", ""),
            Snapped::at_once("block", "?debug=1"),
            Snapped::at_once("block-{s}s", "?seconds={s}"),
        ],
        ..Route::new(
            "block",
            "Where threads waited, since the program started, in the same form.",
            |call| profiles::profile(call, ProfileKind::Block),
        )
    },
    Route {
        parameters: &[TEXT_FORM, NAMES, WINDOW, WAKE_RATE],
        snapped: &[
            Snapped::at_once("wake", ""),
            Snapped::at_once("wake", "?debug=1"),
            Snapped::at_once("wake-{s}s", "?seconds={s}"),
        ],
        ..Route::new(
            "wake",
            "Who ended the waits that no lock made, since the program started, in the same form.",
            |call| profiles::profile(call, ProfileKind::Wake),
        )
    },
    Route {
        parameters: &[TEXT_FORM, NAMES, LABEL, WINDOW, PAIRS_FRACTION],
        snapped: &[
            Snapped::at_once("pairs", ""),
            Snapped::at_once("pairs", "?debug=1"),
            Snapped::at_once("pairs-{s}s", "?seconds={s}"),
        ],
        ..Route::new(
            "pairs",
            "Who blocked whom, since the program started, in the same form.",
            |call| profiles::profile(call, ProfileKind::Pairs),
        )
    },
    Route {
        listed: Listed::Example(""),
        ..delta("delta_mutex", |call| {
            profiles::delta(call, ProfileKind::Mutex)
        })
    },
    Route {
        listed: Listed::Example(""),
        ..delta("delta_block", |call| {
            profiles::delta(call, ProfileKind::Block)
        })
    },
    Route {
        listed: Listed::Example(""),
        ..delta("delta_wake", |call| {
            profiles::delta(call, ProfileKind::Wake)
        })
    },
    Route {
        listed: Listed::Example(""),
        ..delta("delta_pairs", |call| {
            profiles::delta(call, ProfileKind::Pairs)
        })
    },
    Route {
        effect: TakesTime,
        parameters: &[Parameter::new(
            "debug=N",
            TakesTime,
            "1: groups of threads as text. 2: a block for each thread, as a Go program's panic has.",
        )],
        listed: Listed::Example("?debug=2"),
        bundled: Some((
            "goroutine.pb.gz",
            "the same for `go tool pprof` and profile stores",
        )),
        snapped: &[
            Snapped::at_once("goroutine", ""),
            Snapped::at_once("goroutine", "?debug=2"),
        ],
        ..Route::new(
            "goroutine",
            "Every thread of the program and its stack, as Go's profile of goroutines.",
            goroutine::goroutine,
        )
    },
    Route {
        effect: TakesTime,
        parameters: &[
            FORM,
            Parameter::new(
                "seconds=N",
                TakesTime,
                "Before that, where the time of each thread goes in the next N seconds: on a processor, \
             ready to run, in waits by kind, elsewhere.",
            ),
        ],
        listed: Listed::Example(""),
        snapped: &[
            Snapped::at_once("threads", ""),
            Snapped::at_once("threads-{s}s", "?seconds={s}"),
        ],
        bundled: Some((
            "threads.txt",
            "what every thread did when the window was over, with its stack",
        )),
        ..Route::new(
            "threads",
            "The same to read: threads by what they do, with what they wait for, and for how long.",
            threads::threads,
        )
    },
    Route {
        effect: TakesTime,
        parameters: &[FORM],
        listed: Listed::Example(""),
        snapped: &[Snapped::at_once("deadlock", "")],
        bundled: Some(("deadlock.txt", "the threads that wait for each other")),
        ..Route::new(
            "deadlock",
            "The threads that wait for each other, with their stacks, and those that are stuck behind them.",
            threads::deadlock,
        )
    },
    Route {
        parameters: &[FORM],
        listed: Listed::Example(""),
        snapped: &[Snapped::at_once("monitor", "")],
        bundled: Some(("monitor.txt", "what the program's monitor has seen")),
        ..Route::new(
            "monitor",
            "What the program's [`Monitor`](crate::Monitor) has seen: threads by state, their history, health.",
            threads::monitor,
        )
    },
    Route {
        parameters: &[FORM],
        listed: Listed::Example(""),
        snapped: &[Snapped::at_once("locks", "")],
        bundled: Some(("locks.txt", "the waits for locks that have a name")),
        ..Route::new(
            "locks",
            "The locks that have a name: waits, their time, quantiles, who waits now. See [`locks`](crate::locks).",
            locks::locks,
        )
    },
    Route {
        listed: Listed::Example(""),
        ..Route::new(
            "metrics",
            "Numbers for Prometheus: waits by kind, lock and length, who waits now, losses. OpenMetrics for whoever accepts it.",
            metrics::metrics,
        )
    },
    Route {
        effect: TakesTime,
        parameters: &[
            Parameter::new(
                "seconds=N",
                TakesTime,
                "Of the next N seconds, 1 by default; may be a fraction.",
            ),
            Parameter::new(
                "format=NAME",
                TakesTime,
                "`go` (the default), `perfetto`, `text` to read, or `json` for the page.",
            ),
        ],
        listed: Listed::Example("?seconds=1"),
        snapped: &[Snapped::at_once("trace-{s}s", "?seconds={s}")],
        bundled: Some((
            "timeline.trace",
            "what happened in the second after the window, for go tool trace and contend trace",
        )),
        ..Route::new(
            "trace",
            "What happens in a window of time, and when: Go's execution trace, for `go tool trace`.",
            trace::trace,
        )
    },
    Route {
        parameters: &[PAGE_WINDOW],
        listed: Listed::Example("?seconds=1"),
        ..Route::new(
            "timeline",
            "A page: the same drawn, with who woke whom.",
            pages::timeline,
        )
    },
    Route {
        parameters: &[
            PROFILE,
            LABEL,
            PAGE_WINDOW,
            FRACTION,
            RATE,
            WAKE_RATE,
            PAIRS_FRACTION,
            VALUE,
            IDLE,
        ],
        ..Route::new("top", "A page: call sites as a table to sort.", pages::top)
    },
    Route {
        parameters: &[LABEL, PAGE_WINDOW, PAIRS_FRACTION, VALUE],
        ..Route::new(
            "blockers",
            "A page: who blocks whom, as a matrix, and each waiter with its blockers, each blocker with its victims.",
            pages::blockers,
        )
    },
    Route {
        parameters: &[
            PROFILE,
            NAME,
            KIND,
            LABEL,
            PAGE_WINDOW,
            FRACTION,
            RATE,
            WAKE_RATE,
            PAIRS_FRACTION,
            VALUE,
        ],
        ..Route::new(
            "function",
            "A page: one function with its callers and callees, its lines, and its stacks.",
            pages::function,
        )
    },
    Route {
        parameters: &[
            PROFILE,
            LABEL,
            PAGE_WINDOW,
            FRACTION,
            RATE,
            WAKE_RATE,
            PAIRS_FRACTION,
            VALUE,
            DOWNLOAD,
        ],
        snapped: &[
            Snapped::at_once("mutex-delay", "?profile=mutex&value=delay&download=1"),
            Snapped::at_once(
                "mutex-contentions",
                "?profile=mutex&value=contentions&download=1",
            ),
            Snapped::at_once("block-delay", "?profile=block&value=delay&download=1"),
            Snapped::at_once(
                "block-contentions",
                "?profile=block&value=contentions&download=1",
            ),
            Snapped::at_once("wake-delay", "?profile=wake&value=delay&download=1"),
        ],
        // Where it is built in the profiles' own cards lead there.
        listed: match cfg!(feature = "flamegraph") {
            true => Listed::No,
            false => Listed::Missing {
                what: "flame graphs",
                feature: "flamegraph",
            },
        },
        ..Route::new(
            "flamegraph",
            "A page: stacks as a flame graph (feature `flamegraph`).",
            pages::flamegraph,
        )
    },
    Route {
        effect: TakesTime,
        parameters: &[
            Parameter::new(
                "seconds=N",
                TakesTime,
                "Of the next N seconds, 30 by default.",
            ),
            FREQUENCY,
        ],
        listed: match cfg!(feature = "cpu") {
            true => Listed::Example("?seconds=30"),
            false => Listed::Missing {
                what: "CPU profiles",
                feature: "cpu",
            },
        },
        snapped: &[Snapped::at_once("cpu-{s}s", "?seconds={s}")],
        ..Route::new(
            "profile",
            "What the processors did in a window of time: a CPU profile (feature `cpu`; without it a 501).",
            cpu::profile,
        )
    },
    Route {
        methods: "GET, HEAD, PUT",
        listed: Listed::Example(""),
        snapped: &[Snapped::at_once("rates", "")],
        bundled: Some((
            "rates.json",
            "the rates: as set by the program, and in force during the window",
        )),
        ..Route::new(
            "rates",
            "The rates, as JSON. `PUT` sets them.",
            rates::rates,
        )
    },
    Route {
        effect: TakesTime,
        parameters: &[
            Parameter::new(
                "seconds=N",
                TakesTime,
                "Of the next N seconds, 10 by default.",
            ),
            FRACTION,
            RATE,
            WAKE_RATE,
            PAIRS_FRACTION,
            FREQUENCY,
        ],
        listed: Listed::Example("?seconds=10"),
        // It has a CPU profile, of which a program can make one at a time. All else in it is there
        // already, but for the versions and build ids.
        snapped: &[Snapped {
            when: When::AtLast,
            ..Snapped::at_once("bundle", "?seconds=1")
        }],
        ..Route::new(
            "bundle",
            "One zip of everything here, to attach to an incident: profiles of a window of time, text, rates, versions.",
            |call| bundle::bundle(call, &ROUTES),
        )
    },
    Route {
        listed: Listed::Example(""),
        snapped: &[Snapped::at_once("cmdline", "")],
        ..Route::new(
            "cmdline",
            "The command line that started this process, joined by NUL, as Go's.",
            process::cmdline,
        )
    },
    Route {
        methods: "GET, HEAD, POST",
        listed: Listed::Example(""),
        ..Route::new("symbol", "Names of addresses, as Go's.", process::symbol)
    },
];

/// A profile that the program has registered, under whatever name. Nobody knows what its code does.
static CUSTOM: Route = Route {
    effect: Changes,
    ..Route::new(
        "*a name*",
        "What [`register_profile`] added under this name.",
        custom::profile,
    )
};

/// Files that pages load.
static ASSET: Route = Route::new("assets", "", asset);

static UNKNOWN: Route = Route::new("", "", |_| Err(Response::error(404, "Unknown profile")));

const FORM: Parameter = Parameter::new(
    "form=NAME",
    Effect::Reads,
    "`page` (what browsers get), `text` (what all others get) or `json`.",
);
const TEXT_FORM: Parameter = Parameter::new("debug=1", Effect::Reads, "As text.");
const NAMES: Parameter = Parameter::new(
    "names=0",
    Effect::Reads,
    "Addresses, mappings and build ids alone, for who names elsewhere: no name is looked up.",
);
const WINDOW: Parameter = Parameter::new(
    "seconds=N",
    TakesTime,
    "What happens in the next N seconds, 1 to 300: a delta, with its duration.",
);
const PAGE_WINDOW: Parameter = Parameter::new("seconds=N", TakesTime, "Of the next N seconds.");
const FRACTION: Parameter = Parameter::new(
    "fraction=F",
    TakesTime,
    "In the window at least one contention in F is sampled for the mutex profile.",
);
const RATE: Parameter = Parameter::new(
    "rate=T",
    TakesTime,
    "In the window at least one event per T of waiting is sampled for the block profile: \
     nanoseconds, or `10us`, `1ms`.",
);
const WAKE_RATE: Parameter =
    Parameter::new("wake_rate=T", TakesTime, "As `rate`, for the wake profile.");
const PAIRS_FRACTION: Parameter = Parameter::new(
    "pairs_fraction=F",
    TakesTime,
    "As `fraction`, for the pairs profile, and with it for the mutex profile.",
);
const FREQUENCY: Parameter = Parameter::new(
    "frequency=HZ",
    TakesTime,
    "Samples per second of the CPU profile, 1 to 250; 100 by default.",
);
const PROFILE: Parameter = Parameter::new(
    "profile=NAME",
    Effect::Reads,
    "`mutex` (the default), `block`, `wake` or `pairs`.",
);
const NAME: Parameter = Parameter::new("name=NAME", Effect::Reads, "The function's whole name.");
const KIND: Parameter = Parameter::new(
    "kind=NAME",
    Effect::Reads,
    "Only what waited for this, such as `mutex`.",
);
const LABEL: Parameter = Parameter::new(
    "label=KEY=VALUE",
    Effect::Reads,
    "Only what has this label, as `endpoint=/cart`.",
);
const VALUE: Parameter = Parameter::new(
    "value=contentions",
    Effect::Reads,
    "By number rather than by delay.",
);
const IDLE: Parameter = Parameter::new(
    "idle=1",
    Effect::Reads,
    "With a row for each call site that waits for work: sleeps, joins, empty channels.",
);
const DOWNLOAD: Parameter = Parameter::new("download=1", Effect::Reads, "The picture as a file.");
const SCRAPER: Parameter = Parameter::new(
    "scraper=NAME",
    Changes,
    "Tells a scraper from others; by default its `User-Agent` does.",
);

const fn delta(name: &'static str, answer: fn(&Call<'_>) -> Answer) -> Route {
    Route {
        // No HEAD: asking is what makes the next answer another one.
        methods: "GET",
        effect: Changes,
        parameters: &[SCRAPER, TEXT_FORM],
        ..Route::new(
            name,
            "What the profile has gained since the same scraper asked last.",
            answer,
        )
    }
}

/// Names that are not served, and that no profile of the program can have: people would expect
/// something else there, now or when it is.
const KEPT: [&str; 1] = ["index"];

/// Whether a profile of the program's own cannot have this name.
pub(super) fn is_taken(name: &str) -> bool {
    let is_served = ROUTES.iter().any(|route| route.name == name);
    is_served || name == ASSET.name || KEPT.contains(&name) || name.starts_with("delta_")
}

/// The rows of a handler.
#[derive(Clone, Copy)]
pub(super) struct Table {
    pub(super) routes: &'static [Route],
    /// Whether profiles that the program has registered are served beside them.
    pub(super) has_custom: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            routes: &ROUTES,
            has_custom: true,
        }
    }
}

#[cfg(feature = "cli")]
impl Table {
    /// A path of `contend open`, at the root.
    pub(super) fn of_saved() -> Self {
        use pages::saved::{compare, flamegraph, function, index, raw, top};

        static ROUTES: [Route; 9] = [
            Route::new("", "The profiles.", index),
            Route::new("top", "Call sites.", top),
            Route::new("flamegraph", "A flame graph.", flamegraph),
            Route::new("function", "One function.", function),
            Route::new("compare", "Two flame graphs.", compare),
            Route::new("mutex", "The mutex profile: pprof.", raw),
            Route::new("block", "The block profile: pprof.", raw),
            Route::new("wake", "The wake profile: pprof.", raw),
            Route::new("pairs", "The pairs profile: pprof.", raw),
        ];
        Self {
            routes: &ROUTES,
            has_custom: false,
        }
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.routes.iter().map(|route| route.name);
        f.debug_set().entries(names).finish()
    }
}

/// The row that a request is for.
pub(super) struct Found(&'static Route);

impl Found {
    pub(super) fn at(table: Table, name: &str) -> Self {
        let known = table.routes.iter().find(|route| route.name == name);
        Self(known.unwrap_or_else(|| match name.split_once('/') {
            Some((folder, _)) if folder == ASSET.name => &ASSET,
            _ if table.has_custom && custom::is_registered(name) => &CUSTOM,
            _ => &UNKNOWN,
        }))
    }

    /// The effect of the request, by its path, its method and its parameters.
    pub(super) fn effect(&self, call: &Call<'_>) -> Effect {
        self.0.effect(call)
    }

    pub(super) fn answer(&self, call: &Call<'_>) -> Answer {
        let Self(route) = self;
        let mut methods = route.methods.split(", ");
        let response = match call.request.method {
            // Nothing is granted to pages of other origins.
            "OPTIONS" => Response::new(TEXT, "").with_status(204),
            method if methods.any(|allowed| allowed == method) => return (route.answer)(call),
            _ => Response::error(405, "Method Not Allowed"),
        };
        Ok(response.with_header("Allow", route.methods))
    }
}

fn asset(call: &Call<'_>) -> Answer {
    let (_, name) = call.name.split_once('/').unwrap_or_default();
    pages::asset(call, name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::query::Query;
    use crate::http::{Cancel, Handler, Request};

    /// The lines of the table in the documentation of `contend::http`.
    fn documented() -> Vec<String> {
        let text = include_str!("../http.rs");
        let lines = text.lines().map(|line| line.trim_start_matches("//! "));
        let table = lines.skip_while(|line| *line != "| path | parameters | effect | answer |");
        let rows = table.skip(2).take_while(|line| line.starts_with('|'));
        rows.map(str::to_owned).collect()
    }

    fn lines(route: &Route) -> Vec<String> {
        let effect = |effect| match effect {
            Effect::Reads => "reads",
            TakesTime => "takes time",
            Changes => "changes",
        };
        let name = match route.name {
            "" => "*(none)*".to_owned(),
            name if name.starts_with('*') => name.to_owned(),
            name => format!("`{name}`"),
        };
        let description = route.description;
        let mut lines = vec![format!(
            "| {name} | | {} | {description} |",
            effect(route.effect)
        )];
        lines.extend(route.parameters.iter().map(|parameter| {
            let of_parameter = match parameter.effect.max(route.effect) {
                same if same == route.effect => "",
                other => effect(other),
            };
            format!(
                "| | `{}` | {of_parameter} | {} |",
                parameter.shown, parameter.description
            )
            .replace("|  |", "| |")
        }));
        lines
    }

    #[test]
    fn the_documentation_has_this_table() {
        let expected: Vec<String> = ROUTES.iter().chain([&CUSTOM]).flat_map(lines).collect();
        assert!(
            documented() == expected,
            "the table in src/http.rs has to read:\n{}",
            expected
                .iter()
                .map(|line| format!("//! {line}\n"))
                .collect::<String>()
        );
    }

    /// A kind of profile without its paths would be recorded, and never seen.
    #[test]
    fn each_kind_of_profile_has_its_paths() {
        for kind in ProfileKind::ALL {
            let route = |name: &str| ROUTES.iter().find(|route| route.name == name);
            let window = route(kind.name()).expect("it is served").parameters;
            let rate = kind.rate().parameter;
            assert!(
                window.iter().any(|parameter| parameter.name() == rate),
                "{rate}"
            );
            assert!(route(&format!("delta_{kind}")).is_some(), "{kind}");
        }
    }

    #[test]
    fn names_are_told_apart() {
        for (index, route) in ROUTES.iter().enumerate() {
            let same = ROUTES.iter().position(|other| other.name == route.name);
            assert_eq!(same, Some(index), "{}", route.name);
        }
    }

    /// A page of another site gets no further than the guard, whatever else is wrong.
    #[test]
    fn every_path_that_does_more_than_read_is_guarded() {
        let handler = Handler::new();
        let ask = |method: &str, target: &str| {
            let request = Request::new(method, target).header("Sec-Fetch-Site", "cross-site");
            handler.handle(&request).status()
        };
        for route in &ROUTES {
            for method in route.methods.split(", ") {
                let reads = route.effect == Effect::Reads && matches!(method, "GET" | "HEAD");
                let status = ask(method, route.name);
                assert_eq!(status == 403, !reads, "{method} {}: {status}", route.name);
            }
            for parameter in route.parameters {
                let target = format!("{}?{}=x", route.name, parameter.name());
                let reads = parameter.effect.max(route.effect) == Effect::Reads;
                assert_eq!(ask("GET", &target) == 403, !reads, "{target}");
            }
        }
    }

    #[test]
    fn the_strongest_effect_of_a_request_counts() {
        let effect = |method: &str, name: &str, query: &str| {
            let call = Call {
                state: &Default::default(),
                request: &Request::new(method, name),
                name,
                query: Query::new(query),
                cancel: &Cancel::new(),
            };
            Found::at(Table::default(), name).effect(&call)
        };
        assert_eq!(effect("GET", "mutex", "debug=1"), Effect::Reads);
        assert_eq!(effect("GET", "mutex", "seconds="), Effect::Reads);
        assert_eq!(effect("GET", "mutex", "debug=1&seconds=0"), TakesTime);
        assert_eq!(effect("GET", "bundle", ""), TakesTime);
        assert_eq!(effect("GET", "delta_block", ""), Changes);
        assert_eq!(effect("PUT", "rates", ""), Changes);
        assert_eq!(effect("GET", "nothing", "seconds=1"), Effect::Reads);
    }
}
