//! A flame graph within a page, or as a file to keep.
//!
//! inferno draws; of its picture the page takes the frames alone. The script and the style sheet
//! around them are inline, which the policy of these pages forbids, and know no dark mode. Ours
//! (`flamegraph.js`, `style.css`) work on the same attributes: `fg:x` and `fg:w` are where a frame
//! begins and how wide it is, in units of its value.
#![forbid(unsafe_code)]

use super::SVG;
use super::html::{Html, html, page};
use super::off;
use super::view::{View, choice, empty, which};
use crate::export::flamegraph::{Value, write_value};
use crate::http::Response;
use crate::http::call::{Answer, Call};
use crate::http::profiles;
use crate::http::response::HTML;
use crate::profile::Profile;

pub(in crate::http) fn flamegraph(call: &Call<'_>) -> Answer {
    let which = which(call)?;
    let value = value(call)?;
    if let Some(page) = off::instead(call, which, "flamegraph")? {
        return Ok(page);
    }
    let profile = profiles::asked_for(call, which)?;
    let svg = svg(&profile, value)?;
    if call.query.get("download").is_some() {
        let name = format!("{}-{}.svg", which.name(), label(value));
        return Ok(Response::attachment(SVG, &name, svg.into()));
    }
    let view = View {
        call,
        profile: &profile,
        path: "flamegraph",
    };
    let content = content(&view, value, &svg);
    let body = view.body(&content);
    let page = page(&view.title(), &["window.js", "flamegraph.js"], &body);
    Ok(Response::new(HTML, page))
}

fn value(call: &Call<'_>) -> Result<Value, Response> {
    let choices = [Value::Delay, Value::Contentions].map(|value| (label(value), value));
    choice(call, "value", &choices)
}

fn label(value: Value) -> &'static str {
    match value {
        Value::Delay => "delay",
        Value::Contentions => "contentions",
    }
}

pub(super) fn svg(profile: &Profile, value: Value) -> Result<String, Response> {
    let mut svg = Vec::new();
    let written = write_value(profile, value, &mut svg).map_err(|error| error.to_string());
    let text = written.and_then(|()| String::from_utf8(svg).map_err(|error| error.to_string()));
    text.map_err(|why| Response::error(500, &format!("failed to draw the flame graph: {why}")))
}

pub(super) fn content(view: &View<'_>, value: Value, svg: &str) -> Html {
    match Frames::of(svg) {
        Some(frames) => html!("{}{}", controls(view, value), frames.html(value)),
        None => empty(view.profile, &value.why_empty(view.profile)),
    }
}

fn controls(view: &View<'_>, value: Value) -> Html {
    let link = |more: &str, value: Value, text: &str, is_here: bool| {
        let more = format!("&value={}{more}", label(value));
        view.link(view.path, view.profile.kind(), &more, text, is_here)
    };
    let choice = |other: Value| link("", other, label(other), other == value);
    html!(
        "<p class=\"controls\"><span class=\"choice\">{}{}</span> \
         <input type=\"search\" id=\"search\" aria-label=\"search\" hidden \
         placeholder=\"Search: name or expression\" autocomplete=\"off\" spellcheck=\"false\"> {} \
         <button type=\"button\" id=\"reset\" hidden>Reset zoom</button> \
         <output id=\"matched\" role=\"status\"></output></p>\n",
        choice(Value::Delay),
        choice(Value::Contentions),
        link("&download=1", value, "Download SVG", false),
    )
}

/// The drawing by inferno, without all that is around the frames.
struct Frames<'a> {
    markup: &'a str,
    /// Where the topmost begins.
    top: u32,
    height: u32,
}

impl<'a> Frames<'a> {
    /// `None`: there are none.
    fn of(svg: &'a str) -> Option<Self> {
        // Names are escaped, so what looks like a tag is one.
        let (_, inner) = svg.split_once("<svg id=\"frames\"")?;
        let (_, inner) = inner.split_once('>')?;
        let (markup, _) = inner.split_once("</svg>")?;
        let attribute = |rect: &str, name: &str| -> Option<u32> {
            let (_, value) = rect.split_once(name)?;
            value.split('"').next()?.parse().ok()
        };
        let rects = || markup.split("<rect ").skip(1);
        let top = rects().filter_map(|rect| attribute(rect, " y=\"")).min()?;
        let bottom = rects()
            .filter_map(|rect| Some(attribute(rect, " y=\"")? + attribute(rect, " height=\"")?));
        Some(Self {
            markup,
            top,
            height: bottom.max()? - top,
        })
    }

    fn html(&self, value: Value) -> Html {
        html!(
            "<div class=\"flame\"><svg id=\"flame\" width=\"100%\" height=\"{}\" data-value=\"{}\" \
             role=\"group\" aria-label=\"flame graph\"><g transform=\"translate(0,-{})\">{}</g></svg></div>\n\
             <output id=\"details\" class=\"details\"></output>\n\
             <p class=\"hint\">A frame is as wide as its {}. Roots are on top; below a frame is \
             what it called, down to the wrapper with its kind. Click or <kbd>Enter</kbd> zooms, \
             <kbd>Esc</kbd> resets, arrows move, <kbd>/</kbd> searches. Colours are modules; grey is the \
             standard library.</p>\n",
            u64::from(self.height),
            label(value),
            u64::from(self.top),
            Html::trusted(self.markup),
            label(value),
        )
    }
}
