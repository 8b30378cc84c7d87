//! The pages that a person with a browser sees: an index of everything, the threads as they are
//! now, call sites in a table, flame graphs.
//!
//! Pages are whole without their scripts, which only sort, filter, zoom and set rates. The strict
//! policy that every answer carries allows nothing inline, so scripts and styles are files of
//! their own, bars are tiny pictures, and links are relative: they work wherever the pages are
//! mounted.
#![forbid(unsafe_code)]

mod blockers;
mod card;
mod categories;
mod deadlock;
#[cfg(feature = "flamegraph")]
mod flamegraph;
mod function;
mod graph;
mod html;
mod index;
mod live;
mod locks;
mod monitor;
mod now;
mod off;
mod paths;
#[cfg(feature = "cli")]
pub(super) mod saved;
mod stacks;
#[cfg(test)]
mod tests;
mod threads;
mod timeline;
mod top;
mod view;
mod window;
mod words;

pub(super) use blockers::blockers;
pub(super) use deadlock::{NO_DEADLOCK, deadlock};
#[cfg(feature = "flamegraph")]
pub(super) use flamegraph::flamegraph;
pub(super) use function::function;
pub(super) use index::index;
pub(super) use locks::{NO_LOCKS, locks};
pub(super) use monitor::{NO_MONITOR, monitor};
pub(super) use threads::threads;
pub(super) use timeline::timeline;
pub(super) use top::top;

use super::Response;
use super::call::{Answer, Call};

#[cfg(not(feature = "flamegraph"))]
pub(super) fn flamegraph(_call: &Call<'_>) -> Answer {
    let message = "flame graphs are not built in: enable contend's feature `flamegraph`";
    Err(Response::error(501, message))
}

const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

pub(super) fn asset(_call: &Call<'_>, name: &str) -> Answer {
    let (content_type, text) = match name {
        "style.css" => (CSS, include_str!("pages/style.css")),
        "blockers.js" => (JAVASCRIPT, include_str!("pages/blockers.js")),
        "index.js" => (JAVASCRIPT, include_str!("pages/index.js")),
        "sort.js" => (JAVASCRIPT, include_str!("pages/sort.js")),
        "threads.js" => (JAVASCRIPT, include_str!("pages/threads.js")),
        "timeline.js" => (JAVASCRIPT, include_str!("pages/timeline.js")),
        "top.js" => (JAVASCRIPT, include_str!("pages/top.js")),
        "flamegraph.js" => (JAVASCRIPT, include_str!("pages/flamegraph.js")),
        "icon.svg" => (SVG, include_str!("pages/icon.svg")),
        "window.js" => (JAVASCRIPT, include_str!("pages/window.js")),
        _ => return Err(Response::error(404, "Unknown asset")),
    };
    Ok(Response::new(content_type, text))
}
