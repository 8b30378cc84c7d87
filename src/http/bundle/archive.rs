//! The bundle as a zip file.
#![forbid(unsafe_code)]

use std::io::{Cursor, Write};

use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::Part;
use crate::text::utc::Utc;

/// All parts that are there, in a folder of this name: unpacked anywhere, they stay together.
pub(super) fn zip(folder: &str, time: Utc, parts: &[Part]) -> ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for part in parts {
        let Ok(content) = &part.content else {
            continue;
        };
        zip.start_file(format!("{folder}/{}", part.name), options(part, time))?;
        zip.write_all(content)?;
    }
    Ok(zip.finish()?.into_inner())
}

fn options(part: &Part, time: Utc) -> SimpleFileOptions {
    let method = match part.name.ends_with(".gz") {
        true => CompressionMethod::Stored,
        false => CompressionMethod::Deflated,
    };
    let options = SimpleFileOptions::default().compression_method(method);
    options.last_modified_time(date_time(time))
}

/// The format's calendar ends in 2107.
fn date_time(time: Utc) -> DateTime {
    let Utc {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = time;
    let date_time = DateTime::from_date_and_time(year, month, day, hour, minute, second);
    date_time.unwrap_or_default()
}
