//! Pictures of who blocks whom: threads above the locks that they wait for, these above the threads
//! that hold them. One picture for all that hangs together.
#![forbid(unsafe_code)]

mod build;
mod layout;
mod model;

use layout::{Layout, NODE_HEIGHT, NODE_WIDTH};
use model::{Edge, Graph, Node, NodeKind};

use super::html::{Html, html, when};
use crate::live::Thread;

/// Pictures on a page. More would be no picture of anything.
const PICTURES: usize = 20;
/// Characters in a node.
const CHARS: usize = 20;

/// Empty where nobody waits for a lock.
pub(super) fn pictures<'t>(threads: impl IntoIterator<Item = &'t Thread>) -> Html {
    let graphs = build::whole(threads).in_pieces();
    let count = graphs.len();
    let shown = graphs.iter().take(PICTURES).map(picture);
    let more = match count.checked_sub(PICTURES) {
        Some(more) if more > 0 => html!(
            "<p class=\"hint\">{} more, with fewer threads, are not drawn.</p>\n",
            more as u64
        ),
        _ => Html::default(),
    };
    html!("{}{}", shown.collect::<Html>(), more)
}

fn picture(graph: &Graph) -> Html {
    let layout = Layout::of(graph);
    let edges = graph.edges.iter().zip(&layout.edges);
    let nodes = graph.nodes.iter().zip(&layout.nodes);
    html!(
        "<div class=\"graph\"><svg width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\" \
         aria-label=\"{}\">\n{}{}</svg></div>\n",
        layout.width,
        layout.height,
        layout.width,
        layout.height,
        graph.in_words(),
        edges
            .map(|(edge, path)| arrow(edge, path))
            .collect::<Html>(),
        nodes.map(|(node, at)| card(node, *at)).collect::<Html>(),
    )
}

fn arrow(edge: &Edge, path: &layout::Path) -> Html {
    html!(
        "<g class=\"edge{}{}\"><path d=\"{}\"/><path class=\"head\" d=\"{}\"/></g>\n",
        when(edge.in_cycle, " cycle"),
        when(!edge.is_certain, " probable"),
        path.line,
        path.head,
    )
}

fn card(node: &Node, (x, y): (u64, u64)) -> Html {
    let (class, radius) = match node.kind {
        NodeKind::Threads => ("thread", 22_u64),
        NodeKind::Lock => ("lock", 4),
    };
    let line = |text: &str, dy: u64| {
        html!(
            "<text x=\"{}\" y=\"{}\"{}>{}</text>",
            x + NODE_WIDTH / 2,
            y + dy,
            when(dy > 20, " class=\"second\""),
            cut(text),
        )
    };
    html!(
        "<g class=\"node {}{}\"><title>{}</title>\
         <rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\"/>{}{}</g>\n",
        class,
        when(node.in_cycle, " cycle"),
        node.title,
        x,
        y,
        NODE_WIDTH,
        NODE_HEIGHT,
        radius,
        line(&node.lines[0], 18),
        line(&node.lines[1], 35),
    )
}

/// The end of a path tells more than its beginning.
fn cut(text: &str) -> String {
    let len = text.chars().count();
    match len.checked_sub(CHARS) {
        None | Some(0) => text.to_owned(),
        Some(more) => {
            let end: String = text.chars().skip(more + 1).collect();
            format!("…{end}")
        }
    }
}
