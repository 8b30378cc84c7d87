//! The rest of the index: the paths that tools ask for.
#![forbid(unsafe_code)]

use super::html::{Html, html};
use crate::http::custom::Registered;
use crate::http::route::{Listed, Route};

/// Those that the program has registered.
pub(super) fn custom_profiles(registered: &[Registered]) -> Html {
    if registered.is_empty() {
        return Html::default();
    }
    let rows = registered
        .iter()
        .map(|profile| row(&profile.name, &html!("{}", profile.description)));
    html!(
        "<section>\n<h2>This program's own profiles</h2>\n<dl class=\"paths\">\n{}</dl>\n</section>\n",
        rows.collect::<Html>(),
    )
}

pub(super) fn for_tools(routes: &[Route]) -> Html {
    let rows = routes.iter().map(|route| match route.listed {
        Listed::No => Html::default(),
        Listed::Example(query) => {
            let text = plain(route.description);
            let text = html!("{}{}", text, parameters(route));
            row(&format!("{}{query}", route.name), &text)
        }
        Listed::Missing { what, feature } => not_built_in(route.name, what, feature),
    });
    html!(
        "<section>\n<h2>For tools</h2>\n{}<dl class=\"paths\">\n{}</dl>\n</section>\n",
        commands(),
        rows.collect::<Html>(),
    )
}

/// Markdown of one line without its marks: of links the words stay.
fn plain(markdown: &str) -> String {
    let mut plain = String::new();
    let mut rest = markdown;
    while let Some((before, behind)) = rest.split_once('[') {
        plain += before;
        let (words, behind) = behind.split_once(']').unwrap_or((behind, ""));
        plain += words;
        let target = behind
            .strip_prefix('(')
            .and_then(|target| target.split_once(')'));
        rest = target.map_or(behind, |(_, behind)| behind);
    }
    plain += rest;
    plain.replace('`', "")
}

fn row(address: &str, text: &Html) -> Html {
    html!(
        "<div><dt><a href=\"{}\">{}</a></dt><dd>{}</dd></div>\n",
        address,
        address,
        text,
    )
}

/// Each with its meaning as a tooltip.
fn parameters(route: &Route) -> Html {
    let parameters = route.parameters.iter().map(|parameter| {
        let description = plain(parameter.description);
        html!(
            " <code title=\"{}\">{}</code>",
            description,
            parameter.shown
        )
    });
    parameters.collect()
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

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn marks_of_markdown_are_left_out() {
        assert_eq!(
            plain("the [`Monitor`](crate::Monitor) of `x`, [y] z"),
            "the Monitor of x, y z"
        );
        assert_eq!(plain("open [end"), "open end");
    }
}
