//! The rest of the index: every path that is not for people to look at.
#![forbid(unsafe_code)]

use super::html::{Html, html};
use crate::http::custom::Registered;

const PATHS: [(&str, &str); 7] = [
    (
        "bundle?seconds=10",
        "One zip of everything here, to attach to an incident: profiles of that time, text, rates, versions.",
    ),
    (
        "mutex?seconds=30&fraction=1",
        "The mutex profile of that time, with every contention recorded in it.",
    ),
    (
        "delta_mutex",
        "What the mutex profile has gained since the same scraper asked last.",
    ),
    ("delta_block", "The same of the block profile."),
    ("rates", "The rates, as JSON. PUT sets them."),
    ("cmdline", "The command line that started this process."),
    ("symbol", "Names for addresses, for go tool pprof."),
];
const CPU: (&str, &str) = (
    "profile?seconds=30",
    "What the processors did in that time: a CPU profile, for go tool pprof.",
);

/// Those that the program has registered.
pub(super) fn custom_profiles(registered: &[Registered]) -> Html {
    if registered.is_empty() {
        return Html::default();
    }
    let rows = registered.iter().map(|it| row(&it.name, &it.description));
    html!(
        "<section>\n<h2>This program's own profiles</h2>\n<dl class=\"paths\">\n{}</dl>\n</section>\n",
        rows.collect::<Html>(),
    )
}

pub(super) fn for_tools() -> Html {
    let cpu = match cfg!(feature = "cpu") {
        true => row(CPU.0, CPU.1),
        false => not_built_in("profile", "CPU profiles", "cpu"),
    };
    let flamegraph = match cfg!(feature = "flamegraph") {
        true => Html::default(),
        false => not_built_in("flamegraph", "flame graphs", "flamegraph"),
    };
    let others = PATHS.iter().map(|(address, text)| row(address, text));
    html!(
        "<section>\n<h2>For tools</h2>\n{}<dl class=\"paths\">\n{}{}{}</dl>\n</section>\n",
        commands(),
        cpu,
        flamegraph,
        others.collect::<Html>(),
    )
}

fn row(address: &str, text: &str) -> Html {
    html!(
        "<div><dt><a href=\"{}\">{}</a></dt><dd>{}</dd></div>\n",
        address,
        address,
        text,
    )
}

fn not_built_in(path: &str, what: &str, feature: &str) -> Html {
    html!(
        "<div><dt>{}</dt><dd>Not built in: for {} enable contend's feature <code>{}</code>.</dd></div>\n",
        path,
        what,
        feature,
    )
}

fn commands() -> Html {
    html!(
        "<pre>go tool pprof -http=: {}\ngo tool pprof {}\n\
         curl -X PUT -d '&#123;\"mutex_profile_fraction\": 100&#125;' {}</pre>\n",
        address("mutex"),
        address("block?seconds=30&rate=1"),
        address("rates"),
    )
}

/// The script puts the host in that the page was loaded from.
fn address(path: &str) -> Html {
    let example = format!("http://localhost:6060/debug/pprof/{path}");
    html!(
        "<code data-path=\"{}\">'<span class=\"address\">{}</span>'</code>",
        path,
        example,
    )
}
