//! From the bytes of a profile to a `Profile` that keeps what it promises.
//!
//! The bytes may come from anybody, so memory is bounded twice: what a gzip stream may grow to, and
//! what the decoded tables may take, which can be 36 times their bytes (a sample of two bytes).
#![forbid(unsafe_code)]

use std::io::Read;

use flate2::read::MultiGzDecoder;
use prost::Message;

use super::decoded::DecodedProfile;
use super::field::profile as number;
use super::proto;

/// A file, or the answer of a server. The largest that programs write have some megabytes.
pub(crate) const MAX_BYTES: u64 = 256 << 20;
/// The same without gzip.
const MAX_INFLATED: u64 = 512 << 20;
/// The decoded tables.
const MAX_MEMORY: usize = 1 << 30;
/// One entry of a table: a stack of millions of frames. Its decoded form can be sixteen times as
/// large.
const MAX_ENTRY: usize = 16 << 20;
/// How often a profile may be compressed: by the program, and again by its server.
const MAX_LAYERS: usize = 4;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads a profile in pprof's protocol buffer form, compressed or not.
///
/// # Errors
///
/// The fault of the bytes, as a phrase that goes on after `FILE: `.
pub(crate) fn read(bytes: &[u8]) -> Result<DecodedProfile, String> {
    if !bytes.starts_with(&GZIP) {
        return read_plain(bytes);
    }
    let mut plain = inflate(bytes, MAX_INFLATED)?;
    for _ in 1..MAX_LAYERS {
        if plain.starts_with(&GZIP) {
            plain = inflate(&plain, MAX_INFLATED)?;
        }
    }
    read_plain(&plain)
}

fn inflate(bytes: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    let mut limited = MultiGzDecoder::new(bytes).take(limit + 1);
    limited.read_to_end(&mut plain).map_err(|error| {
        let what = error.to_string();
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => "truncated: the gzip stream has no end".to_owned(),
            _ => format!("broken gzip: {what}"),
        }
    })?;
    if plain.len() as u64 > limit {
        return Err(format!(
            "too large: more than {} MB uncompressed",
            limit >> 20
        ));
    }
    Ok(plain)
}

fn read_plain(bytes: &[u8]) -> Result<DecodedProfile, String> {
    match other_form(bytes) {
        Some(what) => Err(what.to_owned()),
        None => DecodedProfile::checked(decode(bytes, MAX_MEMORY)?),
    }
}

/// The error for bytes of another form that people hand to the command.
fn other_form(bytes: &[u8]) -> Option<&'static str> {
    const TEXTS: [&str; 8] = [
        "--- ",
        "goroutine ",
        "heap profile: ",
        "threadcreate profile: ",
        "allocs profile: ",
        "goroutineleak profile: ",
        "mutex profile ",
        "block profile ",
    ];
    let text = bytes.trim_ascii_start();
    let starts_with = |start: &str| {
        let head = text.get(..start.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
    };
    if bytes.is_empty() {
        Some("empty: no profile")
    } else if TEXTS.into_iter().any(starts_with) {
        Some("a text profile; ask for the protocol buffer form, without `debug=1`")
    } else if starts_with("<!doctype") || starts_with("<html") || starts_with("<?xml") {
        Some("a web page, not a profile")
    } else if bytes.starts_with(b"PK\x03\x04") {
        Some("a zip file; unpack it and name one of its profiles")
    } else if bytes.starts_with(b"go 1.") {
        Some("a trace of Go's, not a profile: `contend trace` or `go tool trace` reads it")
    } else if is_text(bytes) {
        Some("text, not a profile")
    } else {
        None
    }
}

/// No profile is: the lengths of its names are small numbers.
fn is_text(bytes: &[u8]) -> bool {
    let is_control = |c: char| c.is_control() && !"\t\r\n".contains(c);
    std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(is_control))
}

/// Decodes one field of the profile after the other, so that each can be refused before it is
/// decoded and counted after.
fn decode(bytes: &[u8], max_memory: usize) -> Result<proto::Profile, String> {
    let mut profile = proto::Profile::default();
    let mut memory = 0_usize;
    let mut rest = bytes;
    let mut has_values_again = false;
    while !rest.is_empty() {
        let (entry, field) =
            split_field(rest).ok_or_else(|| broken(bytes, rest, &missing(rest)))?;
        if entry.len() > MAX_ENTRY {
            let [has, limit] = [entry.len(), MAX_ENTRY].map(|len| len as f64 / f64::from(1 << 20));
            return Err(format!(
                "too large: an entry has {has:.1} MB, and {limit} MB is the limit"
            ));
        }
        if is_second(&profile, field) {
            return Err(CONCATENATED.to_owned());
        }
        // A second time the values, and then the empty string that begins the strings.
        let has_strings = profile.string_table.first().is_some_and(Vec::is_empty);
        has_values_again |= field == number::SAMPLE_TYPE && has_strings;
        let is_empty = entry.last() == Some(&0) && entry.len() == 2;
        if has_values_again && field == number::STRING_TABLE && is_empty {
            return Err(CONCATENATED.to_owned());
        }
        profile
            .merge(entry)
            .map_err(|error| broken(bytes, rest, &error.to_string()))?;
        memory += memory_of_last(&profile, field);
        if memory > max_memory {
            let megabytes = max_memory >> 20;
            return Err(format!(
                "too large: takes more than {megabytes} MB of memory"
            ));
        }
        rest = &rest[entry.len()..];
    }
    Ok(profile)
}

const CONCATENATED: &str =
    "several profiles, one behind the other; take them apart, and add them up with `contend merge`";

/// Whether the field, of which a profile has one, was there before.
fn is_second(profile: &proto::Profile, field: u64) -> bool {
    match field {
        number::DROP_FRAMES => profile.drop_frames != 0,
        number::KEEP_FRAMES => profile.keep_frames != 0,
        number::TIME_NANOS => profile.time_nanos != 0,
        number::DURATION_NANOS => profile.duration_nanos != 0,
        number::PERIOD_TYPE => profile.period_type.is_some(),
        number::PERIOD => profile.period != 0,
        number::DEFAULT_SAMPLE_TYPE => profile.default_sample_type != 0,
        number::DOC_URL => profile.doc_url != 0,
        _ => false,
    }
}

/// How much of the field that begins here is there, if it says how long it is.
fn missing(rest: &[u8]) -> String {
    let announced = varint(rest, 0).filter(|(key, _)| key & 7 == 2);
    let announced = announced.and_then(|(_, at)| varint(rest, at));
    match announced {
        Some((len, at)) => format!(
            "of {len} bytes that belong there {} are missing",
            len.saturating_sub((rest.len() - at) as u64)
        ),
        None => "the field that begins there has no end".to_owned(),
    }
}

fn broken(bytes: &[u8], rest: &[u8], what: &str) -> String {
    match bytes.len() - rest.len() {
        0 => "not a profile: neither gzip nor a protocol buffer".to_owned(),
        at => format!("truncated or no profile: at byte {at}: {what}"),
    }
}

/// The bytes of the first field with its key, and its number.
fn split_field(bytes: &[u8]) -> Option<(&[u8], u64)> {
    let (key, at) = varint(bytes, 0)?;
    let end = match key & 7 {
        0 => varint(bytes, at)?.1,
        1 => at + 8,
        2 => {
            let (len, at) = varint(bytes, at)?;
            at.checked_add(usize::try_from(len).ok()?)?
        }
        5 => at + 4,
        _ => return None,
    };
    Some((bytes.get(..end)?, key >> 3))
}

/// The number at `at`, and where the next thing begins.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.get(at..)?.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, at + index + 1));
        }
    }
    None
}

/// The memory that the entry decoded last takes, in its table and beside it.
fn memory_of_last(profile: &proto::Profile, field: u64) -> usize {
    fn table<T>(table: &[T], beside: impl Fn(&T) -> usize) -> usize {
        table.last().map_or(0, |last| size_of::<T>() + beside(last))
    }
    match field {
        number::SAMPLE => table(&profile.sample, |sample| {
            8 * (sample.location_id.len() + sample.value.len()) + size_of_val(&*sample.label)
        }),
        number::LOCATION => table(&profile.location, |location| size_of_val(&*location.line)),
        number::STRING_TABLE => table(&profile.string_table, Vec::len),
        // The largest of the others, which have nothing beside them. A packed list of comments
        // has more numbers, but no more than bytes.
        _ => size_of::<proto::Mapping>(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn inflating_ends_at_the_limit() {
        let bytes = gzip(&vec![0; 3 << 20]);
        assert_eq!(inflate(&bytes, 3 << 20).unwrap().len(), 3 << 20);
        let error = inflate(&bytes, 2 << 20).unwrap_err();
        assert_eq!(error, "too large: more than 2 MB uncompressed");
    }

    #[test]
    fn small_entries_cannot_take_much_memory() {
        // A sample without anything: of two bytes become 72.
        let samples = [0x12, 0].repeat(20_000);
        assert_eq!(decode(&samples, 2 << 20).unwrap().sample.len(), 20_000);
        // Labels without anything, and locations of a byte each.
        let labels = [&[0x12, 0xa0, 0x06][..], &[0x1a, 0].repeat(400)]
            .concat()
            .repeat(100);
        let locations = [&[0x12, 0xa3, 0x06, 0x0a, 0xa0, 0x06][..], &[1; 800]]
            .concat()
            .repeat(200);
        for bytes in [samples, labels, locations] {
            let error = decode(&bytes, 1 << 20).unwrap_err();
            assert_eq!(error, "too large: takes more than 1 MB of memory");
        }
    }
}
