//! Profiles put together byte by byte, so that they can be wrong in any way.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

pub(crate) fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A field that is a number.
pub(crate) fn number(field: u64, value: i64) -> Vec<u8> {
    [varint(field << 3), varint(value as u64)].concat()
}

/// A field that is a message, a text, or a list of numbers.
pub(crate) fn message(field: u64, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    [&varint(field << 3 | 2), &varint(body.len() as u64), body].concat()
}

pub(crate) fn numbers(field: u64, values: &[i64]) -> Vec<u8> {
    let values: Vec<u8> = values
        .iter()
        .flat_map(|value| varint(*value as u64))
        .collect();
    message(field, values)
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Puts a profile together: each stack as `function file:line`, leaf first.
pub(crate) struct Builder {
    strings: Vec<String>,
    functions: Vec<(String, String)>,
    locations: Vec<(usize, i64)>,
    samples: Vec<u8>,
    rest: Vec<u8>,
}

impl Builder {
    pub(crate) fn contention() -> Self {
        Self::with_types(&[("contentions", "count"), ("delay", "nanoseconds")])
    }

    pub(crate) fn with_types(types: &[(&str, &str)]) -> Self {
        let mut builder = Self {
            strings: vec![String::new()],
            functions: Vec::new(),
            locations: Vec::new(),
            samples: Vec::new(),
            rest: Vec::new(),
        };
        for (name, unit) in types {
            let (name, unit) = (builder.string(name), builder.string(unit));
            let value_type = [number(1, name), number(2, unit)].concat();
            builder.rest.extend(message(1, value_type));
        }
        builder
    }

    pub(crate) fn string(&mut self, text: &str) -> i64 {
        let known = self.strings.iter().position(|known| known == text);
        known.unwrap_or_else(|| {
            self.strings.push(text.to_owned());
            self.strings.len() - 1
        }) as i64
    }

    pub(crate) fn sample(mut self, values: &[i64], stack: &[&str]) -> Self {
        let ids: Vec<i64> = stack.iter().map(|frame| self.location(frame)).collect();
        let kind = [
            number(1, self.string("kind")),
            number(2, self.string("mutex")),
        ]
        .concat();
        let sample = [numbers(1, &ids), numbers(2, values), message(3, kind)].concat();
        self.samples.extend(message(2, sample));
        self
    }

    pub(crate) fn comment(mut self, text: &str) -> Self {
        let index = self.string(text);
        self.with(numbers(13, &[index]))
    }

    /// Fields of the profile that are encoded already.
    pub(crate) fn with(mut self, fields: Vec<u8>) -> Self {
        self.rest.extend(fields);
        self
    }

    fn location(&mut self, frame: &str) -> i64 {
        let (function, place) = frame.split_once(' ').unwrap_or((frame, ""));
        let (file, line) = place.split_once(':').unwrap_or((place, "0"));
        let function = (function.to_owned(), file.to_owned());
        let functions = &mut self.functions;
        let index = functions
            .iter()
            .position(|known| *known == function)
            .unwrap_or_else(|| {
                functions.push(function);
                functions.len() - 1
            });
        let location = (index, line.parse().unwrap());
        let known = self.locations.iter().position(|known| *known == location);
        let index = known.unwrap_or_else(|| {
            self.locations.push(location);
            self.locations.len() - 1
        });
        index as i64 + 1
    }

    /// Not compressed.
    pub(crate) fn plain(mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.append(&mut self.samples);
        for (id, (function, line)) in (1..).zip(self.locations.clone()) {
            let line = [number(1, function as i64 + 1), number(2, line)].concat();
            let location = [number(1, id), number(3, 0x1000 + id), message(4, line)].concat();
            bytes.extend(message(4, location));
        }
        for (id, (name, file)) in (1..).zip(self.functions.clone()) {
            let (name, file) = (self.string(&name), self.string(&file));
            let function = [number(1, id), number(2, name), number(4, file)].concat();
            bytes.extend(message(5, function));
        }
        for string in &self.strings {
            bytes.extend(message(6, string));
        }
        bytes
    }

    pub(crate) fn gzip(self) -> Vec<u8> {
        gzip(&self.plain())
    }
}

/// Two stacks and a recursive one: 10 contentions, 1 s.
pub(crate) fn shop() -> Builder {
    let main = "shop::main src/main.rs:7";
    let unlock = "contend::sync::MutexGuard::drop";
    Builder::contention()
        .sample(
            &[2, 600_000_000],
            &[unlock, "shop::checkout src/cart.rs:12", main],
        )
        .sample(
            &[7, 300_000_000],
            &[unlock, "shop::browse src/cart.rs:30", main],
        )
        .sample(
            &[1, 100_000_000],
            &[
                "shop::walk src/tree.rs:5",
                "shop::walk src/tree.rs:5",
                "shop::walk src/tree.rs:9",
                main,
            ],
        )
}
