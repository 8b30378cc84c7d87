//! A window of time, drawn: threads as rows, waits by their kind, with who woke whom.
//!
//! The script asks for the window and draws it: 20,000 waits are too many for elements of a page.
//! Without scripts the page leads to the same as a file and as text.
#![forbid(unsafe_code)]

use super::html::{Html, html, page};
use crate::http::Response;
use crate::http::call::{Answer, Call};
use crate::http::process::program;
use crate::http::response::HTML;

/// Lengths to choose from, in seconds.
const SECONDS: [u32; 4] = [1, 2, 5, 10];

pub(in crate::http) fn timeline(call: &Call<'_>) -> Answer {
    // The page's own parameter, handed on to the script.
    let seconds = call.query.get("seconds").unwrap_or_default();
    let longest = call.state.windows.longest().unwrap_or_default();
    let options = SECONDS.into_iter().filter(|offer| *offer <= longest);
    let option = |offer: u32| {
        let number = u64::from(offer);
        match seconds == offer.to_string() {
            true => html!(
                "<option value=\"{}\" selected>{} s</option>",
                number,
                number
            ),
            false => html!("<option value=\"{}\">{} s</option>", number, number),
        }
    };
    let body = html!(
        "<header class=\"place\"><a href=\"./\">{}</a> <span>/debug/pprof/timeline</span></header>\n\
         <main class=\"timeline\">\n\
         <h1>timeline <span class=\"question\">Who waited when, and who let them go on?</span></h1>\n\
         <form class=\"window\" method=\"get\" action=\"timeline\">\
         <label>The next <select name=\"seconds\">{}</select></label> \
         <span class=\"buttons\"><button>Record</button>\
         <button formaction=\"trace\">Download for go tool trace</button></span></form>\n\
         <noscript><p class=\"empty\">Drawing needs scripts. <a href=\"trace?format=text\">A second as \
         text</a>; <a href=\"trace\">for go tool trace</a>; <a href=\"trace?format=perfetto\">for \
         Perfetto</a>.</p></noscript>\n\
         <p class=\"controls\" hidden><input type=\"search\" id=\"search\" aria-label=\"search\" \
         placeholder=\"Search: function, thread, kind, lock\" autocomplete=\"off\" spellcheck=\"false\"> \
         <button type=\"button\" id=\"in\" aria-label=\"zoom in\">+</button> \
         <button type=\"button\" id=\"out\" aria-label=\"zoom out\">&minus;</button> \
         <button type=\"button\" id=\"all\">Show all</button> \
         <output id=\"matched\" role=\"status\"></output></p>\n\
         <p id=\"state\" class=\"empty\" role=\"status\" hidden></p>\n\
         <ul id=\"legend\" class=\"legend\"></ul>\n\
         <div id=\"chart\" class=\"chart\" data-seconds=\"{}\" hidden><canvas id=\"canvas\" tabindex=\"0\" \
         role=\"img\" aria-label=\"threads and their waits\"></canvas></div>\n\
         <output id=\"details\" class=\"details\"></output>\n\
         <section id=\"both\" class=\"both\" hidden></section>\n\
         <p class=\"hint\" hidden>A row is a thread; a bar is a wait, in the colour of its kind, pale from \
         the release on; a line is a region. Point at a wait to see whose release ended it, and \
         click for both stacks. Drag moves, the wheel with <kbd>Ctrl</kbd> or two fingers zoom; \
         <kbd>+</kbd> <kbd>-</kbd> and arrows do the same, <kbd>Esc</kbd> shows all, <kbd>/</kbd> \
         searches, <kbd>Enter</kbd> goes to the next match.</p>\n</main>\n",
        program(),
        options.map(option).collect::<Html>(),
        seconds,
    );
    let title = format!("{}: timeline", program());
    Ok(Response::new(HTML, page(&title, &["timeline.js"], &body)))
}
