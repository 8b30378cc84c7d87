//! `contend merge`: profiles added up into one.
//!
//! Samples of one stack become one sample. Stacks of two runs are told to be the same by what their
//! addresses are within the program or library, because systems load it to another place each time.
#![forbid(unsafe_code)]

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::io::Write;

use super::alike::{self, Common};
use super::args::Merge;
use super::error::{self, Error};
use super::file::write_file;
use super::output::{Output, printable};
use super::scale::ratio;
use super::source::Loaded;
use crate::pprof::decoded::{self, DecodedProfile};
use crate::pprof::proto;

pub(super) fn run(arguments: &Merge, output: &mut Output) -> error::Result<()> {
    let client = arguments.access.client();
    let mut merged = Merger::default();
    for argument in &arguments.profiles {
        let loaded = Loaded::raw(argument, "mutex", &client)?;
        let added = merged.add(&loaded.profile);
        added.map_err(|what| Error::about(&loaded.name, what))?;
    }
    let left_out = merged.left_out.join(", ");
    let merged_tables = merged.finish();
    write_file(&arguments.output, output, |file| {
        decoded::write(&merged_tables, file)
    })?;
    // Standard output may be the profile.
    if !left_out.is_empty() {
        let line = printable(&format!("left out: {left_out}, which not all of them have"));
        let _ = writeln!(std::io::stderr(), "contend: {line}");
    }
    Ok(())
}

/// A table whose entries are found by what they have in common; ids begin with 1.
struct Table<K, T> {
    entries: Vec<T>,
    id_of: HashMap<K, u64>,
}

impl<K, T> Default for Table<K, T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            id_of: HashMap::new(),
        }
    }
}

impl<K: Eq + Hash, T> Table<K, T> {
    fn id(&mut self, key: K, new: impl FnOnce(u64) -> T) -> u64 {
        match self.id_of.entry(key) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let id = self.entries.len() as u64 + 1;
                self.entries.push(new(id));
                *entry.insert(id)
            }
        }
    }
}

/// Size, offset, and the build id or the file.
type MappingKey = (u64, u64, i64);
/// Mapping, address in it, its lines, and whether it is folded.
type LocationKey = (u64, u64, Vec<(u64, i64, i64)>, bool);
/// Name, system name, file and first line.
type FunctionKey = (i64, i64, i64, i64);
/// Locations, and the labels with key, text, number and unit.
type SampleKey = (Vec<u64>, Vec<[i64; 4]>);

#[derive(Default)]
pub(super) struct Merger {
    /// All but the tables.
    head: Option<proto::Profile>,
    /// The first is empty, so the index is the id less one.
    strings: Table<String, String>,
    mappings: Table<MappingKey, proto::Mapping>,
    functions: Table<FunctionKey, proto::Function>,
    locations: Table<LocationKey, proto::Location>,
    samples: Table<SampleKey, proto::Sample>,
    /// Their strings.
    comments: Table<i64, i64>,
    /// The names of values that not all profiles have.
    left_out: Vec<String>,
}

/// The ids of one profile, as they are in the merged one.
struct NewIds<'p> {
    profile: &'p DecodedProfile,
    /// The new id, and how far the addresses move.
    mappings: Vec<(u64, u64)>,
    functions: Vec<u64>,
    locations: Vec<u64>,
}

impl Merger {
    /// # Errors
    ///
    /// If it has no value in common with those before it, or another period type.
    pub(super) fn add(&mut self, profile: &DecodedProfile) -> Result<(), String> {
        self.string("");
        let common = self.common_values(profile)?;
        self.add_head(profile)?;
        let convert = |values: &[i64]| match &common {
            Some(common) => alike::converted(values, common, 1),
            None => values.to_owned(),
        };
        let mut ids = NewIds {
            profile,
            mappings: Vec::new(),
            functions: Vec::new(),
            locations: Vec::new(),
        };
        let tables = &profile.tables;
        ids.mappings = tables
            .mapping
            .iter()
            .map(|mapping| self.mapping(profile, mapping))
            .collect();
        ids.functions = tables
            .function
            .iter()
            .map(|function| self.function(profile, function))
            .collect();
        ids.locations = tables
            .location
            .iter()
            .map(|location| self.location(&ids, location))
            .collect();
        for sample in &tables.sample {
            self.add_sample(&ids, sample, convert(&sample.value));
        }
        Ok(())
    }

    /// Leaves those that this profile has as well. `None`: it is the first.
    fn common_values(&mut self, profile: &DecodedProfile) -> Result<Option<Vec<Common>>, String> {
        let Some(head) = &self.head else {
            return Ok(None);
        };
        let text = |index: i64| self.strings.entries[index as usize].clone();
        let ours = head.sample_type.iter();
        let ours: Vec<_> = ours
            .map(|value| (text(value.r#type), text(value.unit)))
            .collect();
        let theirs = alike::types(profile);
        let common = alike::common(&ours, &theirs)?;
        if common.is_empty() {
            let names: Vec<_> = theirs
                .iter()
                .map(|(name, unit)| format!("{name}/{unit}"))
                .collect();
            let names = names.join(" ");
            return Err(format!("its values, {names}, are none of those before it"));
        }
        let is_common: HashSet<&str> = common.iter().map(|value| &*value.name).collect();
        for (name, _) in ours.iter().chain(&theirs) {
            if !is_common.contains(&**name) && !self.left_out.contains(name) {
                self.left_out.push(name.clone());
            }
        }
        self.keep_values(&common, ours.len());
        Ok(Some(common))
    }

    fn keep_values(&mut self, common: &[Common], before: usize) {
        let mut kept = common.iter().enumerate();
        if common.len() == before && kept.all(|(at, value)| value.of[0] == (at, 1.0)) {
            return;
        }
        for sample in &mut self.samples.entries {
            sample.value = alike::converted(&sample.value, common, 0);
        }
        let types: Vec<_> = common
            .iter()
            .map(|value| proto::ValueType {
                r#type: self.string(&value.name),
                unit: self.string(&value.unit),
            })
            .collect();
        if let Some(head) = &mut self.head {
            let is_default = |value: &&proto::ValueType| value.r#type == head.default_sample_type;
            // The first, as in Go's pprof, where the one that was suggested is not common.
            let default = types.iter().find(is_default).or(types.first());
            head.default_sample_type = default.map_or(0, |value| value.r#type);
            head.sample_type = types;
        }
    }

    fn add_head(&mut self, profile: &DecodedProfile) -> Result<(), String> {
        let mut new = self.head_of(profile);
        for comment in std::mem::take(&mut new.comment) {
            self.comments.id(comment, |_| comment);
        }
        let Some(head) = &mut self.head else {
            self.head = Some(new);
            return Ok(());
        };
        // None is the same as one without a name, as in Go's pprof.
        let [mut ours, mut theirs] =
            [&*head, &new].map(|head| head.period_type.unwrap_or_default());
        if ours.unit != theirs.unit && ours.r#type == theirs.r#type {
            let unit = |period: proto::ValueType| &*self.strings.entries[period.unit as usize];
            match ratio(unit(theirs), unit(ours)) {
                Some(finer) if finer < 1.0 => {
                    head.period = (head.period as f64 / finer).round() as i64;
                    head.period_type = Some(theirs);
                    ours = theirs;
                }
                Some(coarser) => {
                    new.period = (new.period as f64 * coarser).round() as i64;
                    theirs = ours;
                }
                None => {}
            }
        }
        if ours != theirs {
            return Err("its period type is not that of the first profile".to_owned());
        }
        head.time_nanos = match (head.time_nanos, new.time_nanos) {
            (0, time) | (time, 0) => time,
            (a, b) => a.min(b),
        };
        head.duration_nanos = head.duration_nanos.saturating_add(new.duration_nanos);
        head.period = head.period.max(new.period);
        if head.default_sample_type == 0 {
            head.default_sample_type = new.default_sample_type;
        }
        for (ours, theirs) in [
            (&mut head.doc_url, new.doc_url),
            (&mut head.drop_frames, new.drop_frames),
            (&mut head.keep_frames, new.keep_frames),
        ] {
            if *ours == 0 {
                *ours = theirs;
            }
        }
        Ok(())
    }

    fn head_of(&mut self, profile: &DecodedProfile) -> proto::Profile {
        let tables = &profile.tables;
        let mut moved = |index| self.string(profile.string(index));
        let mut value_type = |value: &proto::ValueType| proto::ValueType {
            r#type: moved(value.r#type),
            unit: moved(value.unit),
        };
        proto::Profile {
            sample_type: tables.sample_type.iter().map(&mut value_type).collect(),
            period_type: tables.period_type.as_ref().map(&mut value_type),
            drop_frames: moved(tables.drop_frames),
            keep_frames: moved(tables.keep_frames),
            default_sample_type: moved(tables.default_sample_type),
            doc_url: moved(tables.doc_url),
            comment: tables.comment.iter().copied().map(moved).collect(),
            time_nanos: tables.time_nanos,
            duration_nanos: tables.duration_nanos,
            period: tables.period,
            ..Default::default()
        }
    }

    fn string(&mut self, string: &str) -> i64 {
        let id = self.strings.id(string.to_owned(), |_| string.to_owned());
        id as i64 - 1
    }

    fn mapping(&mut self, profile: &DecodedProfile, mapping: &proto::Mapping) -> (u64, u64) {
        let filename = self.string(profile.string(mapping.filename));
        let build_id = self.string(profile.string(mapping.build_id));
        let size = mapping.memory_limit.wrapping_sub(mapping.memory_start);
        let name = if build_id == 0 { filename } else { build_id };
        let id = self
            .mappings
            .id((size, mapping.file_offset, name), |id| proto::Mapping {
                id,
                filename,
                build_id,
                ..*mapping
            });
        let start = self.mappings.entries[id as usize - 1].memory_start;
        (id, start.wrapping_sub(mapping.memory_start))
    }

    fn function(&mut self, profile: &DecodedProfile, function: &proto::Function) -> u64 {
        let name = self.string(profile.string(function.name));
        let system_name = self.string(profile.string(function.system_name));
        let filename = self.string(profile.string(function.filename));
        let key = (name, system_name, filename, function.start_line);
        self.functions.id(key, |id| proto::Function {
            id,
            name,
            system_name,
            filename,
            start_line: function.start_line,
        })
    }

    fn location(&mut self, ids: &NewIds<'_>, location: &proto::Location) -> u64 {
        let (mapping_id, moved_by) = match location.mapping_id {
            0 => (0, 0),
            id => ids.mappings[id as usize - 1],
        };
        let line = |line: &proto::Line| proto::Line {
            function_id: match line.function_id {
                0 => 0,
                id => ids.functions[id as usize - 1],
            },
            ..*line
        };
        let line: Vec<_> = location.line.iter().map(line).collect();
        let address = location.address.wrapping_add(moved_by);
        let lines = line
            .iter()
            .map(|line| (line.function_id, line.line, line.column))
            .collect();
        let key = (mapping_id, address, lines, location.is_folded);
        self.locations.id(key, |id| proto::Location {
            id,
            mapping_id,
            address,
            line,
            is_folded: location.is_folded,
        })
    }

    fn add_sample(&mut self, ids: &NewIds<'_>, sample: &proto::Sample, values: Vec<i64>) {
        let locations = sample.location_id.iter();
        let location_id: Vec<u64> = locations
            .map(|id| ids.locations[*id as usize - 1])
            .collect();
        let label: Vec<_> = sample
            .label
            .iter()
            .map(|label| self.label(ids.profile, label))
            .collect();
        let mut labels: Vec<_> = label
            .iter()
            .map(|label| [label.key, label.str, label.num, label.num_unit])
            .collect();
        labels.sort_unstable();
        let id = self
            .samples
            .id((location_id.clone(), labels), |_| proto::Sample {
                location_id,
                value: vec![0; values.len()],
                label,
            });
        let sums = &mut self.samples.entries[id as usize - 1].value;
        for (sum, value) in sums.iter_mut().zip(&values) {
            *sum = sum.saturating_add(*value);
        }
    }

    fn label(&mut self, profile: &DecodedProfile, label: &proto::Label) -> proto::Label {
        proto::Label {
            key: self.string(profile.string(label.key)),
            str: self.string(profile.string(label.str)),
            num: label.num,
            num_unit: self.string(profile.string(label.num_unit)),
        }
    }

    pub(super) fn finish(self) -> proto::Profile {
        let is_zero = |sample: &proto::Sample| sample.value.iter().all(|value| *value == 0);
        let strings = self.strings.entries.into_iter();
        let samples = self.samples.entries.into_iter();
        proto::Profile {
            sample: samples.filter(|sample| !is_zero(sample)).collect(),
            mapping: self.mappings.entries,
            location: self.locations.entries,
            function: self.functions.entries,
            comment: self.comments.entries,
            string_table: strings.map(String::into_bytes).collect(),
            ..self.head.unwrap_or_default()
        }
    }
}
