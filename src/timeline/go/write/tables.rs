//! The strings and stacks of a generation, each by a number.

use std::collections::HashMap;
use std::io;

use super::super::code;
use super::BATCH_BYTES;
use crate::profile::Frame;
use crate::timeline::{StackIndex, Timeline};

/// The reader refuses longer ones.
const MAX_STRING: usize = 1024;
const MAX_FRAMES: usize = 128;

/// Seven bits a byte, lowest first; the top bit says that more follow.
pub(super) fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[derive(Debug, Default)]
pub(super) struct Strings {
    ids: HashMap<Box<str>, u64>,
}

impl Strings {
    /// 0 for an empty one.
    pub(super) fn id(&mut self, text: &str) -> u64 {
        let mut end = text.len().min(MAX_STRING);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        if text.is_empty() {
            return 0;
        }
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = self.ids.len() as u64 + 1;
        self.ids.insert(text.into(), id);
        id
    }

    pub(super) fn write(&self, mut write: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut data = vec![code::STRINGS];
        let mut texts: Vec<_> = self.ids.iter().collect();
        texts.sort_unstable_by_key(|(_, id)| **id);
        for (text, id) in texts {
            if data.len() + text.len() > BATCH_BYTES {
                write(&data)?;
                data.truncate(1);
            }
            data.push(code::STRING);
            varint(&mut data, *id);
            varint(&mut data, text.len() as u64);
            data.extend_from_slice(text.as_bytes());
        }
        write(&data)
    }
}

/// Go's tool knows a frame by its program counter, and frames that were inlined into one another
/// have one here: so frames are numbered.
type FrameKey<'t> = (&'t str, Option<&'t str>, Option<u32>);

#[derive(Debug)]
pub(super) struct Stacks<'t> {
    timeline: &'t Timeline,
    ids: HashMap<StackIndex, u64>,
    /// In the order of their ids: those of the timeline, and those that name threads.
    stacks: Vec<Vec<FrameKey<'t>>>,
    starts: HashMap<FrameKey<'t>, u64>,
}

impl<'t> Stacks<'t> {
    pub(super) fn new(timeline: &'t Timeline) -> Self {
        Self {
            timeline,
            ids: HashMap::new(),
            stacks: Vec::new(),
            starts: HashMap::new(),
        }
    }

    /// 0 for an empty one.
    pub(super) fn id(&mut self, index: StackIndex) -> u64 {
        if let Some(id) = self.ids.get(&index) {
            return *id;
        }
        let frames = self.timeline.stack(index);
        if frames.is_empty() {
            return 0;
        }
        let frames = frames.iter().take(MAX_FRAMES).map(key).collect();
        let id = self.push(frames);
        self.ids.insert(index, id);
        id
    }

    /// A stack of one frame, after which Go's tool calls a goroutine; by `name` where there is
    /// none.
    pub(super) fn start_of(&mut self, outermost: Option<&'t Frame>, name: &'t str) -> u64 {
        let name = if name.is_empty() { "thread" } else { name };
        let frame = outermost.map_or((name, None, None), key);
        if let Some(id) = self.starts.get(&frame) {
            return *id;
        }
        let id = self.push(vec![frame]);
        self.starts.insert(frame, id);
        id
    }

    fn push(&mut self, frames: Vec<FrameKey<'t>>) -> u64 {
        self.stacks.push(frames);
        self.stacks.len() as u64
    }

    pub(super) fn write(
        &self,
        strings: &mut Strings,
        mut write: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut counters: HashMap<FrameKey<'t>, u64> = HashMap::new();
        let mut data = vec![code::STACKS];
        let mut entry = Vec::new();
        for (index, frames) in self.stacks.iter().enumerate() {
            entry.clear();
            entry.push(code::STACK);
            varint(&mut entry, index as u64 + 1);
            varint(&mut entry, frames.len() as u64);
            for frame in frames {
                let next = counters.len() as u64 + 1;
                let counter = *counters.entry(*frame).or_insert(next);
                let (function, file, line) = *frame;
                varint(&mut entry, counter);
                varint(&mut entry, strings.id(&go_function(function)));
                varint(&mut entry, strings.id(file.unwrap_or_default()));
                varint(&mut entry, line.unwrap_or_default().into());
            }
            if data.len() + entry.len() > BATCH_BYTES {
                write(&data)?;
                data.truncate(1);
            }
            data.extend_from_slice(&entry);
        }
        write(&data)
    }
}

fn key(frame: &Frame) -> FrameKey<'_> {
    (frame.function(), frame.file(), frame.line())
}

/// Go's tool takes what stands in angle brackets for type parameters, and strips it.
pub(crate) fn go_function(name: &str) -> String {
    name.replace('<', "[").replace('>', "]")
}
