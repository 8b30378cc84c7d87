//! A profile as the commands see it: of any program, with any values, and with every reference
//! in it known to lead somewhere.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;

use super::proto;

/// The limit for the names that a report or a drawing may have to spell out. A short profile can
/// name a long name a million times.
const MAX_SPELLED_OUT: usize = 1 << 30;

/// The profile that [`read`](super::reader::read) makes.
///
/// In `tables` each id is its entry's position plus one, and each string index is within
/// `strings`. (A profile as it comes may number its entries as it likes.)
#[derive(Debug)]
pub(crate) struct DecodedProfile {
    pub(crate) tables: proto::Profile,
    pub(crate) strings: Vec<String>,
}

/// One level of a stack; where functions were inlined a location has several.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DecodedFrame<'p> {
    /// Empty where the profile has no name.
    pub(crate) function: &'p str,
    pub(crate) file: &'p str,
    /// 0: not known.
    pub(crate) line: i64,
    /// Where the function begins. 0: not known.
    pub(crate) start_line: i64,
    /// The file of the program or library. Empty: not known.
    pub(crate) object: &'p str,
}

/// Writes a file in pprof's format.
pub(crate) fn write(tables: &proto::Profile, file: impl Write) -> io::Result<()> {
    let mut encoder = GzEncoder::new(file, Compression::fast());
    encoder.write_all(&tables.encode_to_vec())?;
    encoder.finish()?;
    Ok(())
}

impl DecodedProfile {
    /// Takes the tables as they were decoded, and numbers their entries anew.
    ///
    /// # Errors
    ///
    /// The first reference that leads nowhere, or that could lead to two; names that are too much
    /// to spell out.
    pub(crate) fn checked(mut tables: proto::Profile) -> Result<Self, String> {
        let strings = std::mem::take(&mut tables.string_table);
        if strings.first().is_some_and(|first| !first.is_empty()) {
            return Err("not a profile: its first string is not empty".to_owned());
        }
        check_strings(&tables, strings.len().max(1))?;
        renumber(&mut tables)?;
        check_values(&tables)?;
        let lossy = |bytes: Vec<u8>| {
            String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
        };
        let mut strings: Vec<String> = strings.into_iter().map(lossy).collect();
        if strings.is_empty() {
            strings.push(String::new());
        }
        let profile = Self { tables, strings };
        profile.check_names()?;
        Ok(profile)
    }

    /// The profile as a file in pprof's format.
    pub(crate) fn to_pprof(&self) -> io::Result<Vec<u8>> {
        let strings = self.strings.iter();
        let tables = proto::Profile {
            string_table: strings.map(|text| text.clone().into_bytes()).collect(),
            ..self.tables.clone()
        };
        let mut file = Vec::new();
        write(&tables, &mut file)?;
        Ok(file)
    }

    /// # Errors
    ///
    /// If the names of the stacks are too much to spell out.
    pub(crate) fn check_names(&self) -> Result<(), String> {
        check_names(self, MAX_SPELLED_OUT)
    }

    /// The index of a text that is new.
    pub(crate) fn add_string(&mut self, text: &str) -> i64 {
        self.strings.push(text.to_owned());
        self.strings.len() as i64 - 1
    }

    pub(crate) fn string(&self, index: i64) -> &str {
        &self.strings[index as usize]
    }

    /// Name and unit of each value that a sample has.
    pub(crate) fn sample_types(&self) -> impl Iterator<Item = (&str, &str)> {
        let types = self.tables.sample_type.iter();
        types.map(|value_type| (self.string(value_type.r#type), self.string(value_type.unit)))
    }

    /// The position of the value named `wanted`; else of the one that the profile suggests; else of
    /// the last one, as in Go's pprof.
    pub(crate) fn value_index(&self, wanted: Option<&str>) -> Result<usize, String> {
        let names: Vec<&str> = self.sample_types().map(|(name, _)| name).collect();
        let position = |wanted| names.iter().position(|name| *name == wanted);
        if names.is_empty() {
            return Err("has no sample types, so no values".to_owned());
        }
        match wanted {
            Some(wanted) => position(wanted)
                .ok_or_else(|| format!("has no values {wanted:?}; it has {}", names.join(", "))),
            None => {
                let default = self.string(self.tables.default_sample_type);
                Ok(position(default).unwrap_or(names.len() - 1))
            }
        }
    }

    /// The frames of the location with this id, innermost first. One without a name stands
    /// for a location that has none.
    pub(crate) fn frames(&self, id: u64) -> impl DoubleEndedIterator<Item = DecodedFrame<'_>> {
        let location = self.location(id);
        let no_name = location.line.is_empty().then(proto::Line::default);
        let lines = location.line.iter().copied().chain(no_name);
        lines.map(move |line| self.frame(location, line))
    }

    fn frame(&self, location: &proto::Location, line: proto::Line) -> DecodedFrame<'_> {
        let none = proto::Function::default();
        let function = match line.function_id {
            0 => &none,
            id => &self.tables.function[id as usize - 1],
        };
        DecodedFrame {
            function: self.string(function.name),
            file: self.string(function.filename),
            line: line.line,
            start_line: function.start_line,
            object: match location.mapping_id {
                0 => "",
                id => self.string(self.tables.mapping[id as usize - 1].filename),
            },
        }
    }

    fn location(&self, id: u64) -> &proto::Location {
        &self.tables.location[id as usize - 1]
    }

    pub(crate) fn unit(&self, value: usize) -> &str {
        self.string(self.tables.sample_type[value].unit)
    }

    pub(crate) fn values(&self, value: usize) -> impl Iterator<Item = i64> {
        let samples = self.tables.sample.iter();
        samples.map(move |sample| sample.value[value])
    }

    pub(crate) fn total(&self, value: usize) -> i64 {
        self.values(value).fold(0, i64::saturating_add)
    }

    /// The sum of the values without their signs.
    pub(crate) fn size(&self, value: usize) -> u64 {
        let sizes = self.values(value).map(i64::unsigned_abs);
        sizes.fold(0, u64::saturating_add)
    }

    /// The text of the sample's label; empty where it has none of this name.
    pub(crate) fn label(&self, sample: &proto::Sample, key: &str) -> &str {
        self.labels(sample, key).next().unwrap_or_default()
    }

    /// The texts of the sample's labels of this name: there may be several.
    pub(crate) fn labels<'p>(
        &'p self,
        sample: &proto::Sample,
        key: &str,
    ) -> impl Iterator<Item = &'p str> {
        let labels = sample.label.iter();
        let labels = labels.filter(move |label| label.str != 0 && self.string(label.key) == key);
        labels.map(|label| self.string(label.str))
    }

    pub(crate) fn comments(&self) -> impl Iterator<Item = &str> {
        self.tables
            .comment
            .iter()
            .map(|comment| self.string(*comment))
    }
}

impl<'p> DecodedFrame<'p> {
    /// The name to call it by where names are told apart by nothing else.
    pub(crate) fn name_or_object(&self) -> &'p str {
        match (self.function, self.object.rsplit('/').next()) {
            ("", None | Some("")) => "<unknown>",
            ("", Some(object)) => object,
            (function, _) => function,
        }
    }
}

fn check_strings(tables: &proto::Profile, len: usize) -> Result<(), String> {
    let check = |index: i64| match usize::try_from(index) {
        Ok(index) if index < len => Ok(()),
        _ => Err(format!("broken: refers to string {index} of {len}")),
    };
    let types = tables.sample_type.iter().chain(&tables.period_type);
    types
        .flat_map(|value_type| [value_type.r#type, value_type.unit])
        .try_for_each(check)?;
    let labels = tables.sample.iter().flat_map(|sample| &sample.label);
    labels
        .flat_map(|label| [label.key, label.str, label.num_unit])
        .try_for_each(check)?;
    let mappings = tables.mapping.iter();
    mappings
        .flat_map(|mapping| [mapping.filename, mapping.build_id])
        .try_for_each(check)?;
    let functions = tables.function.iter();
    functions
        .flat_map(|function| [function.name, function.system_name, function.filename])
        .try_for_each(check)?;
    let others = [
        tables.drop_frames,
        tables.keep_frames,
        tables.default_sample_type,
        tables.doc_url,
    ];
    others.into_iter().try_for_each(check)?;
    tables.comment.iter().copied().try_for_each(check)
}

/// Gives every entry its position plus one as id, and changes the references to it.
fn renumber(tables: &mut proto::Profile) -> Result<(), String> {
    let mappings = Ids::of(
        "mapping",
        tables.mapping.iter_mut().map(|mapping| &mut mapping.id),
    )?;
    let functions = Ids::of(
        "function",
        tables.function.iter_mut().map(|function| &mut function.id),
    )?;
    let locations = Ids::of(
        "location",
        tables.location.iter_mut().map(|location| &mut location.id),
    )?;
    for location in &mut tables.location {
        mappings.renumber_unless_zero(&mut location.mapping_id)?;
        for line in &mut location.line {
            functions.renumber_unless_zero(&mut line.function_id)?;
        }
    }
    let mut used = tables
        .sample
        .iter_mut()
        .flat_map(|sample| &mut sample.location_id);
    used.try_for_each(|id| locations.renumber(id))
}

/// The new ids by the old ones.
struct Ids {
    of_what: &'static str,
    new: HashMap<u64, u64>,
}

impl Ids {
    fn of<'a>(
        of_what: &'static str,
        ids: impl Iterator<Item = &'a mut u64>,
    ) -> Result<Self, String> {
        let mut new = HashMap::new();
        for (id, position) in ids.zip(1..) {
            if *id == 0 {
                return Err(format!("broken: a {of_what} has the id 0"));
            }
            if new.insert(*id, position).is_some() {
                return Err(format!("broken: two {of_what}s have the id {id}"));
            }
            *id = position;
        }
        Ok(Self { of_what, new })
    }

    fn renumber(&self, id: &mut u64) -> Result<(), String> {
        let new = self.new.get(id);
        *id = *new.ok_or_else(|| format!("broken: there is no {} {id}", self.of_what))?;
        Ok(())
    }

    /// 0 stands for none.
    fn renumber_unless_zero(&self, id: &mut u64) -> Result<(), String> {
        match *id {
            0 => Ok(()),
            _ => self.renumber(id),
        }
    }
}

fn check_values(tables: &proto::Profile) -> Result<(), String> {
    let types = tables.sample_type.len();
    match tables
        .sample
        .iter()
        .find(|sample| sample.value.len() != types)
    {
        Some(sample) => Err(format!(
            "broken: a sample has {} values where there are {types} sample types",
            sample.value.len()
        )),
        None => Ok(()),
    }
}

/// Bounds what rows, sites and folded stacks take, which have the names of each location and of
/// each stack.
fn check_names(profile: &DecodedProfile, limit: usize) -> Result<(), String> {
    // A frame takes time and room whatever its name is.
    let of_frame = |frame: DecodedFrame<'_>| 16 + frame.name_or_object().len() + frame.file.len();
    let ids = 1..=profile.tables.location.len() as u64;
    let of_locations: Vec<usize> = ids
        .map(|id| profile.frames(id).map(of_frame).sum())
        .collect();
    let of_sample = |sample: &proto::Sample| {
        let ids = sample.location_id.iter();
        let of_stack: usize = ids.map(|id| of_locations[*id as usize - 1]).sum();
        of_stack + profile.label(sample, "kind").len()
    };
    let of_samples = profile.tables.sample.iter().map(of_sample);
    let total: usize = of_locations.iter().copied().chain(of_samples).sum();
    match total > limit {
        true => Err(format!(
            "too large: more than {} MB of names in its stacks",
            limit >> 20
        )),
        false => Ok(()),
    }
}
