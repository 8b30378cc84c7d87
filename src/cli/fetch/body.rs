//! The body of an answer as it should have come: with its compressions undone, and with a word
//! about what is missing.
#![forbid(unsafe_code)]

use std::io::{self, BufReader, Read};

use flate2::read::{GzDecoder, MultiGzDecoder};

use crate::cli::output::printable;

const GZIP: [u8; 2] = [0x1f, 0x8b];
/// A profile is compressed by the program, and perhaps again by its server and by a proxy.
const MAX_LAYERS: usize = 4;
/// Enough of a compressed body to see what is in it.
const PEEKED: u64 = 4096;

pub(super) type Reader = Box<dyn Read + Send>;

/// The body without what `encodings`, the header `Content-Encoding`, names.
///
/// # Errors
///
/// The encoding that is not known.
pub(super) fn decoded(mut body: Reader, encodings: &str) -> Result<Reader, String> {
    let encodings = encodings.split(',').map(str::trim);
    for encoding in encodings.rev().take(MAX_LAYERS) {
        body = match &*encoding.to_ascii_lowercase() {
            "" | "identity" => body,
            "gzip" | "x-gzip" => Box::new(MultiGzDecoder::new(BufReader::new(body))),
            _ => {
                let encoding = printable(encoding);
                return Err(format!(
                    "the answer is in the encoding {encoding:?}, which was not asked for"
                ));
            }
        };
    }
    Ok(body)
}

/// The body compressed once, if it is compressed several times: no reader of profiles takes it
/// otherwise.
pub(super) fn compressed_once(mut body: Reader) -> io::Result<Reader> {
    for _ in 0..MAX_LAYERS {
        let mut peeked = Vec::new();
        body.by_ref().take(PEEKED).read_to_end(&mut peeked)?;
        let is_compressed_twice = starts_compressed_twice(&peeked);
        body = Box::new(io::Cursor::new(peeked).chain(body));
        if !is_compressed_twice {
            break;
        }
        body = Box::new(MultiGzDecoder::new(BufReader::new(body)));
    }
    Ok(body)
}

fn starts_compressed_twice(bytes: &[u8]) -> bool {
    let mut inner = [0; GZIP.len()];
    bytes.starts_with(&GZIP)
        && GzDecoder::new(bytes).read_exact(&mut inner).is_ok()
        && inner == GZIP
}

/// Notices a body that ends before it is complete.
pub(super) struct Counted<R> {
    pub(super) reader: R,
    /// The length that the server announced.
    pub(super) expected: Option<u64>,
    pub(super) got: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let result = self.reader.read(bytes);
        let is_short = self.expected.is_some_and(|expected| self.got < expected);
        match result {
            Ok(0) if is_short && !bytes.is_empty() => Err(self.short()),
            Ok(count) => {
                self.got += count as u64;
                Ok(count)
            }
            // A time-out is another matter, and so is what may be tried again.
            Err(error) if is_end(&error) => Err(self.short()),
            Err(error) => Err(error),
        }
    }
}

impl<R> Counted<R> {
    fn short(&self) -> io::Error {
        let got = self.got;
        io::Error::other(match self.expected {
            Some(expected) => format!(
                "the answer is cut off: {} of {expected} bytes are missing",
                expected.saturating_sub(got)
            ),
            None => format!("the answer is cut off after {got} bytes"),
        })
    }
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(
        error.kind(),
        UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe
    )
}
