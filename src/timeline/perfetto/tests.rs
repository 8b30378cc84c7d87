//! The rules that Perfetto's reader has, on what is written; `.ci/perfetto_schema.py` asks its
//! schema.

use std::collections::{HashMap, HashSet};

use super::*;
use crate::timeline::go::tests::{arbitrary, story};

/// A field of a message: its number, and its value.
enum Value<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Value<'_>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut bytes)),
            1 => {
                let (number, rest) = bytes.split_at(8);
                bytes = rest;
                Value::Number(u64::from_le_bytes(number.try_into().unwrap()))
            }
            2 => {
                let len = varint(&mut bytes) as usize;
                let (content, rest) = bytes.split_at(len);
                bytes = rest;
                Value::Bytes(content)
            }
            other => panic!("wire type {other}"),
        };
        fields.push((tag >> 3, value));
    }
    fields
}

fn number(fields: &[(u64, Value<'_>)], wanted: u64) -> Option<u64> {
    fields.iter().find_map(|(field, value)| match value {
        Value::Number(number) if *field == wanted => Some(*number),
        _ => None,
    })
}

fn messages<'f>(fields: &'f [(u64, Value<'f>)], wanted: u64) -> impl Iterator<Item = &'f [u8]> {
    fields.iter().filter_map(move |(field, value)| match value {
        Value::Bytes(bytes) if *field == wanted => Some(*bytes),
        _ => None,
    })
}

/// Times in order on each track, slices balanced, interned numbers known, arrows with two ends.
/// Returns how many arrows there are.
fn check(timeline: &Timeline) -> usize {
    let mut file = Vec::new();
    write(timeline, &mut file).unwrap();
    let mut default_track: HashMap<u64, u64> = HashMap::new();
    let mut known: HashMap<(u64, u64), HashSet<u64>> = HashMap::new();
    let mut last: HashMap<u64, u64> = HashMap::new();
    let mut open: HashMap<u64, i64> = HashMap::new();
    let (mut begun, mut ended) = (HashMap::new(), HashMap::new());
    let mut tracks = HashSet::new();
    let file = fields(&file);
    for packet in messages(&file, field::PACKET) {
        let packet = fields(packet);
        let sequence = number(&packet, field::SEQUENCE_ID).unwrap();
        let flags = number(&packet, field::SEQUENCE_FLAGS).unwrap();
        assert_eq!(flags == CLEARED, !default_track.contains_key(&sequence));
        for defaults in messages(&packet, field::DEFAULTS) {
            let defaults = fields(defaults);
            let event = fields(messages(&defaults, 11).next().unwrap());
            default_track.insert(sequence, number(&event, field::TRACK).unwrap());
        }
        for data in messages(&packet, field::INTERNED_DATA) {
            let data = fields(data);
            for what in [2, 5, 6, 7, 18] {
                for entry in messages(&data, what) {
                    let id = number(&fields(entry), 1).unwrap();
                    let is_new = known.entry((sequence, what)).or_default().insert(id);
                    assert!(is_new, "{what} {id} twice");
                }
            }
        }
        for track in messages(&packet, field::TRACK_DESCRIPTOR) {
            let uuid = number(&fields(track), 1).unwrap();
            assert!(tracks.insert(uuid), "track {uuid} twice");
        }
        for event in messages(&packet, field::TRACK_EVENT) {
            let at = number(&packet, field::TIMESTAMP).unwrap();
            let event = fields(event);
            let track = number(&event, field::TRACK).unwrap_or(default_track[&sequence]);
            assert!(tracks.contains(&track), "track {track} is not described");
            let last = last.entry(track).or_default();
            assert!(*last <= at, "time goes back on {track}");
            *last = at;
            for (what, of) in [(2, field::NAME_IID), (7, field::CALLSTACK)] {
                if let Some(id) = number(&event, of) {
                    assert!(known[&(sequence, what)].contains(&id));
                }
            }
            let open = open.entry(track).or_default();
            match number(&event, field::TYPE) {
                Some(1) => *open += 1,
                Some(2) => *open -= 1,
                _ => {}
            }
            assert!(*open >= 0, "an end without a begin on {track}");
            if let Some(flow) = number(&event, field::FLOW) {
                assert_eq!(begun.insert(flow, at), None);
            }
            if let Some(flow) = number(&event, field::TERMINATING_FLOW) {
                assert_eq!(ended.insert(flow, at), None);
            }
        }
    }
    for (flow, at) in &ended {
        assert!(
            begun.contains_key(flow),
            "arrow {flow} at {at} comes from nowhere"
        );
    }
    assert!(begun.len() <= timeline.waits.len());
    ended.len()
}

const CLEARED: u64 = 1;

#[test]
fn a_story_has_an_arrow() {
    assert_eq!(check(&story()), 1);
}

#[test]
fn nothing_is_a_trace_too() {
    assert_eq!(check(&Timeline::empty(1, 2)), 0);
}

#[test]
fn arbitrary_events_keep_the_rules() {
    for seed in 0..200 {
        let mut timeline = arbitrary(seed);
        // An index beyond the threads is what a reader may give, and the recorder does not.
        let threads = timeline.threads.len();
        for wait in &mut timeline.waits {
            wait.waker = wait.waker.filter(|waker| waker.thread < threads);
        }
        check(&timeline);
    }
}

#[test]
#[ignore = "writes files for .ci/perfetto_schema.py, into the folder CONTEND_PERFETTO"]
fn write_traces() {
    let folder = std::path::PathBuf::from(std::env::var_os("CONTEND_PERFETTO").expect("a folder"));
    for seed in 0..40 {
        let file = std::fs::File::create(folder.join(format!("{seed}.perfetto"))).unwrap();
        arbitrary(seed).write_perfetto(file).unwrap();
    }
    let file = std::fs::File::create(folder.join("story.perfetto")).unwrap();
    story().write_perfetto(file).unwrap();
}
