//! A sequence of packets: events that share a default track and the names of things.

use std::collections::HashMap;
use std::io::{self, Write};

use crate::pprof::protobuf::Message;
use crate::profile::Frame;
use crate::timeline::{LabelsIndex, NO_STACK, StackIndex, Timeline, Wait};

/// The numbers of the fields, by their names in Perfetto's schema.
pub(super) mod field {
    pub(in crate::timeline::perfetto) const PACKET: u64 = 1;
    // TracePacket
    pub(in crate::timeline::perfetto) const TIMESTAMP: u64 = 8;
    pub(in crate::timeline::perfetto) const SEQUENCE_ID: u64 = 10;
    pub(in crate::timeline::perfetto) const TRACK_EVENT: u64 = 11;
    pub(in crate::timeline::perfetto) const INTERNED_DATA: u64 = 12;
    pub(in crate::timeline::perfetto) const SEQUENCE_FLAGS: u64 = 13;
    pub(in crate::timeline::perfetto) const DEFAULTS: u64 = 59;
    pub(in crate::timeline::perfetto) const TRACK_DESCRIPTOR: u64 = 60;
    // TrackEvent
    pub(in crate::timeline::perfetto) const ANNOTATIONS: u64 = 4;
    pub(in crate::timeline::perfetto) const TYPE: u64 = 9;
    pub(in crate::timeline::perfetto) const NAME_IID: u64 = 10;
    pub(in crate::timeline::perfetto) const TRACK: u64 = 11;
    pub(in crate::timeline::perfetto) const COUNTER_VALUE: u64 = 30;
    pub(in crate::timeline::perfetto) const FLOW: u64 = 47;
    pub(in crate::timeline::perfetto) const TERMINATING_FLOW: u64 = 48;
    pub(in crate::timeline::perfetto) const CALLSTACK: u64 = 56;
    pub(in crate::timeline::perfetto) const CALLSTACK_WEIGHT: u64 = 57;
}

const BEGIN: u64 = 1;
const END: u64 = 2;
const INSTANT: u64 = 3;
const COUNTER: u64 = 4;

/// Everything that was interned before is void.
const CLEARED: u64 = 1;
/// Uses what was interned before.
const NEEDS: u64 = 2;

pub(super) struct Sequence<'t> {
    id: u32,
    track: u64,
    timeline: &'t Timeline,
    is_begun: bool,
    names: Interned,
    functions: Interned,
    files: Interned,
    frames: HashMap<(u64, u64, u32), u64>,
    stacks: HashMap<StackIndex, u64>,
    /// To go with the next packet.
    new: Message,
}

/// Texts, each by a number from 1 on.
#[derive(Default)]
struct Interned(HashMap<Box<str>, u64>);

impl Interned {
    /// The number, and whether it is new.
    fn id(&mut self, text: &str) -> (u64, bool) {
        if let Some(id) = self.0.get(text) {
            return (*id, false);
        }
        let id = self.0.len() as u64 + 1;
        self.0.insert(text.into(), id);
        (id, true)
    }
}

fn named(id: u64, name: &str) -> Message {
    let mut message = Message::default();
    message.integer(1, id);
    message.element(2, name.as_bytes());
    message
}

impl<'t> Sequence<'t> {
    pub(super) fn new(id: u32, track: u64, timeline: &'t Timeline) -> Self {
        Self {
            id,
            track,
            timeline,
            is_begun: false,
            names: Interned::default(),
            functions: Interned::default(),
            files: Interned::default(),
            frames: HashMap::new(),
            stacks: HashMap::new(),
            new: Message::default(),
        }
    }

    /// Describes a track.
    pub(super) fn track(
        &mut self,
        uuid: u64,
        parent: Option<u64>,
        name: Option<&str>,
        more: impl FnOnce(&mut Message),
        writer: &mut impl Write,
    ) -> io::Result<()> {
        let mut track = Message::default();
        track.integer(1, uuid);
        if let Some(name) = name {
            track.element(2, name.as_bytes());
        }
        more(&mut track);
        track.integer(5, parent.unwrap_or_default());
        self.packet(
            None,
            |packet| packet.element(field::TRACK_DESCRIPTOR, track.bytes()),
            writer,
        )
    }

    pub(super) fn begin(
        &mut self,
        at: u64,
        track: Option<u64>,
        name: &str,
        more: impl FnOnce(&mut Message),
        writer: &mut impl Write,
    ) -> io::Result<()> {
        let mut event = self.event(BEGIN, track, Some(name));
        more(&mut event);
        self.track_event(at, &event, writer)
    }

    pub(super) fn begin_with_stack(
        &mut self,
        at: u64,
        track: Option<u64>,
        name: &str,
        stack: StackIndex,
        writer: &mut impl Write,
    ) -> io::Result<()> {
        let mut event = self.event(BEGIN, track, Some(name));
        event.integer(field::CALLSTACK, self.stack(stack));
        self.track_event(at, &event, writer)
    }

    /// A wait, with its stack weighted by its time: so that the waits of a selected piece of time
    /// are a flame graph.
    pub(super) fn wait(
        &mut self,
        at: u64,
        wait: &Wait,
        name: &str,
        writer: &mut impl Write,
    ) -> io::Result<()> {
        let mut event = self.event(BEGIN, None, Some(name));
        let stack = self.stack(wait.stack);
        if stack != 0 {
            event.integer(field::CALLSTACK, stack);
            event.fixed(field::CALLSTACK_WEIGHT, (wait.nanos() as f64).to_bits());
        }
        self.labels(&mut event, "", wait.labels);
        if let Some(waker) = &wait.waker {
            self.labels(&mut event, "waker's ", waker.labels);
            let name = self.timeline.thread_name(waker.thread);
            annotate(&mut event, "woken by", &name);
            annotate(&mut event, "released in", &self.timeline.site(waker.stack));
        }
        self.track_event(at, &event, writer)
    }

    /// An annotation for each label.
    fn labels(&self, event: &mut Message, whose: &str, labels: LabelsIndex) {
        for (key, value) in self.timeline.labels(labels) {
            annotate(event, &format!("{whose}{key}"), value);
        }
    }

    /// A release, from which an arrow goes to who was let go. Its stack has no weight, so it is
    /// told in words: weighted stacks and others are not mixed.
    pub(super) fn release(
        &mut self,
        at: u64,
        flow: u64,
        stack: StackIndex,
        writer: &mut impl Write,
    ) -> io::Result<()> {
        let mut event = self.event(INSTANT, None, Some("release"));
        if stack != NO_STACK {
            annotate(&mut event, "in", &self.timeline.site(stack));
        }
        event.fixed(field::FLOW, flow);
        self.track_event(at, &event, writer)
    }

    pub(super) fn log(
        &mut self,
        at: u64,
        category: &str,
        text: &str,
        writer: &mut impl Write,
    ) -> io::Result<()> {
        let mut event = self.event(INSTANT, None, Some(category));
        annotate(&mut event, "text", text);
        self.track_event(at, &event, writer)
    }

    pub(super) fn end(
        &mut self,
        at: u64,
        track: Option<u64>,
        writer: &mut impl Write,
    ) -> io::Result<()> {
        let event = self.event(END, track, None);
        self.track_event(at, &event, writer)
    }

    pub(super) fn counter(
        &mut self,
        at: u64,
        track: u64,
        value: u64,
        writer: &mut impl Write,
    ) -> io::Result<()> {
        let mut event = self.event(COUNTER, Some(track), None);
        event.integer_or_zero(field::COUNTER_VALUE, value);
        self.track_event(at, &event, writer)
    }

    fn event(&mut self, kind: u64, track: Option<u64>, name: Option<&str>) -> Message {
        let mut event = Message::default();
        event.integer(field::TYPE, kind);
        if let Some(name) = name {
            let (id, is_new) = self.names.id(name);
            if is_new {
                self.new.element(2, named(id, name).bytes());
            }
            event.integer(field::NAME_IID, id);
        }
        event.integer(field::TRACK, track.unwrap_or_default());
        event
    }

    fn track_event(&mut self, at: u64, event: &Message, writer: &mut impl Write) -> io::Result<()> {
        self.packet(
            Some(at),
            |packet| packet.element(field::TRACK_EVENT, event.bytes()),
            writer,
        )
    }

    fn packet(
        &mut self,
        at: Option<u64>,
        content: impl FnOnce(&mut Message),
        writer: &mut impl Write,
    ) -> io::Result<()> {
        let mut packet = Message::default();
        packet.integer(field::TIMESTAMP, at.unwrap_or_default());
        packet.integer(field::SEQUENCE_ID, self.id.into());
        content(&mut packet);
        if !self.new.bytes().is_empty() {
            packet.element(field::INTERNED_DATA, self.new.bytes());
            self.new.clear();
        }
        if std::mem::replace(&mut self.is_begun, true) {
            packet.integer(field::SEQUENCE_FLAGS, NEEDS);
        } else {
            packet.integer(field::SEQUENCE_FLAGS, CLEARED);
            let (mut event, mut defaults) = (Message::default(), Message::default());
            event.integer(field::TRACK, self.track);
            defaults.element(11, event.bytes());
            packet.element(field::DEFAULTS, defaults.bytes());
        }
        let mut trace = Message::default();
        trace.element(field::PACKET, packet.bytes());
        writer.write_all(trace.bytes())
    }

    /// 0 for an empty one.
    fn stack(&mut self, index: StackIndex) -> u64 {
        if let Some(id) = self.stacks.get(&index) {
            return *id;
        }
        let timeline = self.timeline;
        let frames = timeline.stack(index);
        if frames.is_empty() {
            return 0;
        }
        // Outermost first.
        let frames: Vec<u64> = frames.iter().rev().map(|frame| self.frame(frame)).collect();
        let id = self.stacks.len() as u64 + 1;
        let mut stack = Message::default();
        stack.integer(1, id);
        for frame in frames {
            stack.integer(2, frame);
        }
        self.new.element(7, stack.bytes());
        self.stacks.insert(index, id);
        id
    }

    fn frame(&mut self, frame: &Frame) -> u64 {
        let (function, is_new) = self.functions.id(frame.function());
        if is_new {
            self.new
                .element(5, named(function, frame.function()).bytes());
        }
        let mut file = 0;
        if let Some(path) = frame.file() {
            let (id, is_new) = self.files.id(path);
            if is_new {
                self.new.element(18, named(id, path).bytes());
            }
            file = id;
        }
        let key = (function, file, frame.line().unwrap_or_default());
        let next = self.frames.len() as u64 + 1;
        let id = *self.frames.entry(key).or_insert(next);
        if id == next {
            let mut message = Message::default();
            message.integer(1, id);
            message.integer(2, function);
            message.integer(5, file);
            message.integer(6, key.2.into());
            self.new.element(6, message.bytes());
        }
        id
    }
}

fn annotate(event: &mut Message, name: &str, text: &str) {
    let mut annotation = Message::default();
    annotation.element(10, name.as_bytes());
    annotation.element(6, text.as_bytes());
    event.element(field::ANNOTATIONS, annotation.bytes());
}
