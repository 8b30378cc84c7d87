//! Asks for a window of time instead of all since the start.
#![forbid(unsafe_code)]

use super::html::{Html, html, when};
use super::words::name;
use crate::kind::Which;

/// Lengths to choose from, in seconds.
const SECONDS: [&str; 5] = ["1", "5", "10", "30", "60"];
const SUGGESTED: &str = "10";

/// What sets the rate for the time of a window.
pub(super) fn rate_parameter(which: Which) -> &'static str {
    match which {
        Which::Mutex => "fraction",
        Which::Block => "rate",
    }
}

/// `everything`: whether it offers first to record all that happens in the window.
pub(super) fn form(which: Which, everything: bool, seconds: Option<&str>) -> Html {
    let events = match which {
        Which::Mutex => "every contention",
        Which::Block => "every wait",
    };
    let flamegraph = "<button formaction=\"flamegraph\">Flame graph</button>";
    html!(
        "<form class=\"window\" method=\"get\" action=\"top\">\
         <input type=\"hidden\" name=\"profile\" value=\"{}\">\
         <label>Only the next <select name=\"seconds\">{}</select></label> \
         <label class=\"check\"><input type=\"checkbox\" name=\"{}\" value=\"1\"{}> \
         record {}</label> \
         <span class=\"buttons\"><button>Top</button>{}\
         <button formaction=\"{}\">Download</button></span>\
         <output role=\"status\"></output></form>\n",
        name(which),
        options(seconds),
        rate_parameter(which),
        when(everything, " checked"),
        events,
        when(cfg!(feature = "flamegraph"), flamegraph),
        name(which),
    )
}

fn options(seconds: Option<&str>) -> Html {
    let asked_for = seconds.filter(|it| SECONDS.contains(it));
    let chosen = asked_for.unwrap_or(SUGGESTED);
    let option = |it: &str| {
        let selected = when(it == chosen, " selected");
        html!("<option value=\"{}\"{}>{} s</option>", it, selected, it)
    };
    SECONDS.into_iter().map(option).collect()
}
