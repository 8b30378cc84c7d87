//! Writes pprof's `profile.proto`, compressed with gzip.
//!
//! Samples are written as they come, each preceded by the locations, functions and strings that
//! are new with it, so memory grows with the program's code and not with the samples.
//! Mappings come after them, when it is known how far their code was given names, and strings
//! last. Traps, found with Go's own tool:
//!
//! - The names and the order of the sample types are what stores of profiles go by.
//! - Where `system_name` equals `name`, pprof takes the name for C++ and strips what stands in
//!   angle brackets. It is left empty then.
//! - Where a mapping has no `has_…` flag, pprof looks its names up anew, and loses ours.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, BufWriter, Write};
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::why_empty;
use crate::pprof::field;
use crate::pprof::protobuf::Message;
use crate::profile::{Diff, Frame, Location, Mapping, Profile, ProfileKind, Sample};

/// See [`Profile::write_pprof`].
pub(crate) fn write(profile: &Profile, output: impl Write) -> io::Result<()> {
    let document = Document {
        comments: comments(profile),
        time: profile.time(),
        duration: profile.duration(),
        mappings: profile.mappings(),
        ..Document::of(profile.kind())
    };
    write_rows(&document, profile.samples().iter().map(Row::of), output)
}

/// See [`Diff::write_pprof`].
pub(crate) fn write_diff(diff: &Diff, output: impl Write) -> io::Result<()> {
    // As pprof merges its two profiles: from the earlier one on, and the times added up.
    let durations = [diff.base(), diff.current()].map(Profile::duration);
    let document = Document {
        comments: comments_of_both(diff.base(), diff.current()),
        time: diff.base().time().min(diff.current().time()),
        duration: durations[0].zip(durations[1]).map(|(base, new)| base + new),
        mappings: diff.current().mappings(),
        ..Document::of(diff.current().kind())
    };
    let base = diff.base().samples().iter().map(|sample| {
        let mut row = Row::of(sample);
        row.values = row.values.map(|value| -value);
        row.labels.push(("pprof::base", "true"));
        row
    });
    let new = diff.current().samples().iter().map(Row::of);
    write_rows(&document, base.chain(new), output)
}

/// A name and a unit, as `delay` and `nanoseconds`.
type ValueType = (&'static str, &'static str);

/// All of a profile but its samples.
pub(crate) struct Document<'p> {
    pub(crate) sample_types: &'static [ValueType],
    pub(crate) period_type: ValueType,
    pub(crate) period: u64,
    /// The value that readers show first. Empty: they decide.
    pub(crate) default_sample_type: &'static str,
    pub(crate) time: SystemTime,
    pub(crate) duration: Option<Duration>,
    pub(crate) comments: Vec<String>,
    /// The program first.
    pub(crate) mappings: &'p [Arc<Mapping>],
}

impl Document<'_> {
    /// The part that is the same for all profiles of a kind. The first sample type is also the
    /// period's, as in Go's profiles.
    fn of(kind: ProfileKind) -> Self {
        let descriptor = kind.descriptor();
        Document {
            sample_types: &descriptor.sample_types,
            period_type: descriptor.sample_types[0],
            period: 1,
            default_sample_type: descriptor.default_sample_type,
            time: UNIX_EPOCH,
            duration: None,
            comments: Vec::new(),
            mappings: &[],
        }
    }
}

/// One sample, with a value for each of the sample types.
pub(crate) struct Row<'p, V> {
    /// Leaf first.
    pub(crate) locations: &'p [Arc<Location>],
    pub(crate) values: V,
    pub(crate) labels: Vec<(&'p str, &'p str)>,
}

impl<'p> Row<'p, [i64; 2]> {
    fn of(sample: &'p Sample) -> Self {
        Self {
            locations: &sample.stack.locations,
            values: [sample.contentions(), sample.delay_nanos].map(signed),
            labels: sample.labels().collect(),
        }
    }
}

/// Writes any profile whose stacks are made of locations.
pub(crate) fn write_rows<'p, V: AsRef<[i64]>>(
    document: &'p Document<'p>,
    rows: impl Iterator<Item = Row<'p, V>>,
    output: impl Write,
) -> io::Result<()> {
    // Buffered before the compressor, which is slow with many small pieces.
    let gzip = GzEncoder::new(output, Compression::fast());
    let mut writer = Writer {
        output: BufWriter::new(gzip),
        message: Message::default(),
        part: Message::default(),
        strings: HashMap::new(),
        string_table: Vec::new(),
        functions: HashMap::new(),
        locations: HashMap::new(),
        mappings: Vec::new(),
    };
    writer.document(document, rows)?;
    let gzip = writer.output.into_inner()?;
    gzip.finish()?.flush()
}

/// The parts written so far. Ids are indices plus one, for 0 means none; only strings are
/// counted from 0, where the empty one must be.
struct Writer<'p, W: Write> {
    output: BufWriter<W>,
    /// The message being put together, and one that goes into it. Both are kept for their room.
    message: Message,
    part: Message,
    strings: HashMap<&'p str, u64>,
    string_table: Vec<&'p str>,
    functions: HashMap<(&'p str, &'p str, &'p str), u64>,
    /// By place: a profile holds each location once (two for the first of a stack).
    locations: HashMap<*const Location, u64>,
    mappings: Vec<UsedMapping<'p>>,
}

struct UsedMapping<'p> {
    mapping: &'p Arc<Mapping>,
    has_functions: bool,
    has_files: bool,
    has_lines: bool,
}

impl<'p, W: Write> Writer<'p, W> {
    fn document<V: AsRef<[i64]>>(
        &mut self,
        document: &'p Document<'p>,
        rows: impl Iterator<Item = Row<'p, V>>,
    ) -> io::Result<()> {
        self.string("");
        self.mappings = document.mappings.iter().map(UsedMapping::new).collect();
        for sample_type in document.sample_types {
            self.value_type(field::profile::SAMPLE_TYPE, *sample_type)?;
        }
        self.value_type(field::profile::PERIOD_TYPE, document.period_type)?;
        for row in rows {
            self.sample(&row)?;
        }
        self.all_mappings()?;
        self.totals(document)?;
        self.comments_and_strings(&document.comments)
    }

    fn value_type(&mut self, field: u64, (name, unit): ValueType) -> io::Result<()> {
        let (name, unit) = (self.string(name), self.string(unit));
        self.message.integer(field::value_type::TYPE, name);
        self.message.integer(field::value_type::UNIT, unit);
        self.emit(field)
    }

    fn sample<V: AsRef<[i64]>>(&mut self, row: &Row<'p, V>) -> io::Result<()> {
        let mut ids = Vec::with_capacity(row.locations.len());
        for location in row.locations {
            ids.push(self.location(location)?);
        }
        // A negative number is written as the unsigned one with the same bits.
        let values = row.values.as_ref().iter().map(|value| *value as u64);
        self.message
            .integers(field::sample::LOCATION_ID, ids.into_iter());
        self.message.integers(field::sample::VALUE, values);
        for (key, value) in &row.labels {
            let (key, value) = (self.string(key), self.string(value));
            self.part.clear();
            self.part.integer(field::label::KEY, key);
            self.part.integer(field::label::STR, value);
            self.message
                .element(field::sample::LABEL, self.part.bytes());
        }
        self.emit(field::profile::SAMPLE)
    }

    fn location(&mut self, location: &'p Arc<Location>) -> io::Result<u64> {
        let next_id = self.locations.len() as u64 + 1;
        match self.locations.entry(Arc::as_ptr(location)) {
            Entry::Occupied(known) => return Ok(*known.get()),
            Entry::Vacant(new) => new.insert(next_id),
        };
        let mapping_id = self.mapping(location);
        let mut lines = Vec::with_capacity(location.frames.len());
        if location.symbolized {
            for frame in &location.frames {
                lines.push((self.function(frame)?, frame.line().unwrap_or(0)));
            }
        }
        self.message.integer(field::location::ID, next_id);
        self.message
            .integer(field::location::MAPPING_ID, mapping_id);
        self.message
            .integer(field::location::ADDRESS, location.address);
        for (function, line) in lines {
            self.part.clear();
            self.part.integer(field::line::FUNCTION_ID, function);
            self.part.integer(field::line::LINE, line.into());
            self.message
                .element(field::location::LINE, self.part.bytes());
        }
        self.emit(field::profile::LOCATION)?;
        Ok(next_id)
    }

    /// The number of the location's mapping, in which is noted what names the location has.
    fn mapping(&mut self, location: &'p Location) -> u64 {
        let Some(mapping) = &location.mapping else {
            return 0;
        };
        let is_same = |used: &UsedMapping<'_>| {
            ptr::eq(Arc::as_ptr(used.mapping), Arc::as_ptr(mapping)) || used.mapping == mapping
        };
        let index = self.mappings.iter().position(is_same).unwrap_or_else(|| {
            // It has been unloaded since the location was looked up.
            self.mappings.push(UsedMapping::new(mapping));
            self.mappings.len() - 1
        });
        self.mappings[index].note(location);
        index as u64 + 1
    }

    fn function(&mut self, frame: &'p Frame) -> io::Result<u64> {
        let key = (
            frame.function(),
            frame.system_name.as_deref().unwrap_or_default(),
            frame.file().unwrap_or_default(),
        );
        let next_id = self.functions.len() as u64 + 1;
        match self.functions.entry(key) {
            Entry::Occupied(known) => return Ok(*known.get()),
            Entry::Vacant(new) => new.insert(next_id),
        };
        let (name, system_name, file) = key;
        let (name, file) = (self.string(name), self.string(file));
        let system_name = self.string(system_name);
        self.message.integer(field::function::ID, next_id);
        self.message.integer(field::function::NAME, name);
        self.message
            .integer(field::function::SYSTEM_NAME, system_name);
        self.message.integer(field::function::FILENAME, file);
        self.emit(field::profile::FUNCTION)?;
        Ok(next_id)
    }

    fn all_mappings(&mut self) -> io::Result<()> {
        for index in 0..self.mappings.len() {
            let used = &self.mappings[index];
            let mapping = used.mapping;
            self.message.integer(field::mapping::ID, index as u64 + 1);
            self.message
                .integer(field::mapping::MEMORY_START, mapping.start);
            self.message
                .integer(field::mapping::MEMORY_LIMIT, mapping.limit);
            self.message
                .integer(field::mapping::FILE_OFFSET, mapping.file_offset);
            self.message
                .flag(field::mapping::HAS_FUNCTIONS, used.has_functions);
            self.message
                .flag(field::mapping::HAS_FILENAMES, used.has_files);
            self.message
                .flag(field::mapping::HAS_LINE_NUMBERS, used.has_lines);
            // Whoever knows files and lines has read what also tells what was inlined.
            self.message
                .flag(field::mapping::HAS_INLINE_FRAMES, used.has_files);
            let (file, build_id) = (self.string(&mapping.file), self.string(&mapping.build_id));
            self.message.integer(field::mapping::FILENAME, file);
            self.message.integer(field::mapping::BUILD_ID, build_id);
            self.emit(field::profile::MAPPING)?;
        }
        Ok(())
    }

    fn totals(&mut self, document: &'p Document<'p>) -> io::Result<()> {
        let since_epoch = document.time.duration_since(UNIX_EPOCH);
        let default = self.string(document.default_sample_type);
        self.message.integer(
            field::profile::TIME_NANOS,
            nanos(since_epoch.unwrap_or_default()),
        );
        if let Some(duration) = document.duration {
            self.message
                .integer(field::profile::DURATION_NANOS, nanos(duration));
        }
        self.message
            .integer(field::profile::PERIOD, document.period);
        self.message
            .integer(field::profile::DEFAULT_SAMPLE_TYPE, default);
        self.flush_fields()
    }

    /// Comments follow the strings that others refer to.
    fn comments_and_strings(&mut self, comments: &[String]) -> io::Result<()> {
        let first = self.string_table.len() as u64;
        let ids = first..first + comments.len() as u64;
        self.message.integers(field::profile::COMMENT, ids);
        let strings = self.string_table.iter().copied();
        for string in strings.chain(comments.iter().map(String::as_str)) {
            self.message
                .element(field::profile::STRING_TABLE, string.as_bytes());
            self.output.write_all(self.message.bytes())?;
            self.message.clear();
        }
        Ok(())
    }

    fn string(&mut self, string: &'p str) -> u64 {
        let next = self.string_table.len() as u64;
        *self.strings.entry(string).or_insert_with(|| {
            self.string_table.push(string);
            next
        })
    }

    /// Writes the message that was put together, as an element of the profile's `field`.
    fn emit(&mut self, field: u64) -> io::Result<()> {
        self.part.clear();
        self.part.element(field, self.message.bytes());
        self.message.clear();
        self.output.write_all(self.part.bytes())
    }

    /// Writes what was put together as fields of the profile itself.
    fn flush_fields(&mut self) -> io::Result<()> {
        self.output.write_all(self.message.bytes())?;
        self.message.clear();
        Ok(())
    }
}

impl<'p> UsedMapping<'p> {
    fn new(mapping: &'p Arc<Mapping>) -> Self {
        Self {
            mapping,
            has_functions: false,
            has_files: false,
            has_lines: false,
        }
    }

    /// One named location is enough for a flag. Were all asked for, a single address without a
    /// name would make pprof replace the names of the whole mapping.
    fn note(&mut self, location: &Location) {
        let frames = &location.frames;
        self.has_functions |= location.symbolized;
        self.has_files |= frames.iter().any(|frame| frame.file().is_some());
        self.has_lines |= frames.iter().any(|frame| frame.line().is_some());
    }
}

/// Things that a reader may want to know and the format has no field for.
fn comments(profile: &Profile) -> Vec<String> {
    let rate = profile.kind().rate().name;
    let mut comments = vec![
        concat!("contend ", env!("CARGO_PKG_VERSION")).to_owned(),
        format!("{rate}={}", profile.rate()),
        format!("lost: {}", profile.lost()),
    ];
    if profile.samples().is_empty() {
        comments.push(why_empty(profile));
    }
    comments.extend(profile.why_nameless());
    comments
}

/// The base's comments that differ have a word before them.
fn comments_of_both(base: &Profile, new: &Profile) -> Vec<String> {
    let mut both = comments(new);
    for comment in comments(base) {
        if !both.contains(&comment) {
            both.push(format!("base: {comment}"));
        }
    }
    both
}

/// The format's integers are signed: what exceeds them is cut to the largest.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn nanos(duration: Duration) -> u64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX) as u64
}
