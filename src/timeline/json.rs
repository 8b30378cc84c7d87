//! Writes a timeline as JSON, for the page that draws it: rows of numbers, with tables of names.
//!
//! Times are nanoseconds from the timeline's start. `-1`: none.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

use serde_json::{Value, json};

use super::model::Timeline;
use super::slices::{Edge, What, edges};
use crate::text::units::shortened;

/// Numbers by their texts.
#[derive(Default)]
struct Texts {
    ids: HashMap<String, usize>,
    all: Vec<String>,
}

impl Texts {
    fn id(&mut self, text: &str) -> usize {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = self.all.len();
        self.ids.insert(text.to_owned(), id);
        self.all.push(text.to_owned());
        id
    }
}

pub(crate) fn write(timeline: &Timeline, writer: impl Write) -> io::Result<()> {
    let mut writer = BufWriter::new(writer);
    serde_json::to_writer(&mut writer, &value(timeline))?;
    writer.flush()
}

fn value(timeline: &Timeline) -> Value {
    let since_start = |at: u64| at.saturating_sub(timeline.start);
    let or_none = |at: Option<u64>| at.map_or(json!(-1), |at| json!(since_start(at)));
    let mut texts = Texts::default();
    // How deep a region is within the others of its thread.
    let mut depth_of = vec![0_usize; timeline.regions.len()];
    for edges in edges(timeline) {
        let mut depth = 0;
        for edge in edges {
            match edge {
                Edge::Begin(_, What::Region(index)) => {
                    depth_of[index] = depth;
                    depth += 1;
                }
                Edge::End(_, What::Region(_)) => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }
    let threads: Vec<Value> = timeline
        .threads
        .iter()
        .enumerate()
        .map(|(index, thread)| {
            let name = timeline.thread_name(index);
            json!([name, thread.tid, or_none(thread.begin), or_none(thread.end)])
        })
        .collect();
    let waits: Vec<Value> = timeline
        .waits
        .iter()
        .map(|wait| {
            let kind = texts.id(&wait.kind);
            let lock = match wait.lock {
                0 => -1,
                lock => texts.id(&format!("{lock:#x}")) as i64,
            };
            let (waker, at, stack, labels) = wait.waker.map_or((-1, -1, 0, 0), |waker| {
                let at = since_start(waker.at) as i64;
                (waker.thread as i64, at, waker.stack, waker.labels)
            });
            json!([
                wait.thread,
                kind,
                lock,
                since_start(wait.begin.max(timeline.start)),
                since_start(wait.end),
                wait.stack,
                waker,
                at,
                stack,
                u8::from(wait.is_of_task) | (u8::from(!wait.is_over) << 1),
                wait.labels,
                labels,
            ])
        })
        .collect();
    let regions: Vec<Value> = timeline
        .regions
        .iter()
        .zip(depth_of)
        .map(|(region, depth)| {
            let (name, begin) = (texts.id(&region.name), since_start(region.begin));
            json!([
                region.thread,
                name,
                begin,
                or_none(region.end),
                depth,
                region.task
            ])
        })
        .collect();
    let logs: Vec<Value> = timeline
        .logs
        .iter()
        .map(|log| {
            let (category, text) = (texts.id(&log.category), texts.id(&log.text));
            json!([log.thread, since_start(log.at), category, text, log.task])
        })
        .collect();
    let labels = 0..timeline.labels.len();
    let labels: Vec<String> = labels.map(|set| timeline.labels_text(set)).collect();
    let stacks: Vec<Value> = timeline
        .stacks
        .iter()
        .map(|stack| {
            let frames = stack.iter().flat_map(|frame| {
                let place = match (frame.file(), frame.line()) {
                    (Some(file), Some(line)) => format!("{}:{line}", shortened(file)),
                    (Some(file), None) => shortened(file),
                    _ => String::new(),
                };
                [texts.id(frame.function()), texts.id(&place)]
            });
            frames.collect()
        })
        .collect();
    json!({
        "program": timeline.program,
        "duration": timeline.end - timeline.start,
        "missing": timeline.missing_events(),
        "threads": threads,
        "waits": waits,
        "regions": regions,
        "logs": logs,
        "stacks": stacks,
        "labels": labels,
        "texts": texts.all,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_from_the_start_and_names_are_in_tables() {
        let timeline = crate::timeline::go::tests::story();
        let value = value(&timeline);
        let text = |id: &Value| value["texts"][id.as_u64().unwrap() as usize].clone();
        let wait = &value["waits"][1];
        assert_eq!(text(&wait[1]), "mutex");
        assert_eq!(text(&wait[2]), "0x7f00");
        assert_eq!(
            [&wait[3], &wait[4], &wait[6], &wait[7]],
            [100_000, 200_000, 0, 190_000]
        );
        assert_eq!(value["waits"][2][9], 2, "it goes on");
        let stack = &value["stacks"][wait[5].as_u64().unwrap() as usize];
        assert_eq!(text(&stack[2]), "shop::serve");
        assert_eq!(text(&stack[3]), "src/shop.rs:9");
        assert_eq!(text(&value["regions"][0][1]), "look up");
        assert_eq!(value["threads"][2][2], 100);
    }
}
