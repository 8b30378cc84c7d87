//! The bytes of one section, which may be compressed in the file.

use std::ops::Deref;

use flate2::{Decompress, FlushDecompress, Status};
use memmap2::MmapMut;
use object::{CompressionFormat, ObjectSection, Section};
use ruzstd::decoding::FrameDecoder;

/// The bytes of a section, uncompressed.
///
/// Those of a compressed section are megabytes, and any thread may take a profile. An allocator
/// need not give them back when they are freed: glibc keeps, in the arena of each such thread, the
/// most that was ever in use there. So they are memory of the system's own, which takes it back.
pub(super) enum Bytes<'a> {
    InFile(&'a [u8]),
    Uncompressed(MmapMut),
}

/// A section is malformed, or there is no memory for it.
#[derive(Debug)]
pub(super) struct Unreadable;

impl<'a> Bytes<'a> {
    pub(super) const NONE: Self = Self::InFile(&[]);

    pub(super) fn of(section: &Section<'a, '_>) -> Result<Self, Unreadable> {
        Self::read(section).ok_or(Unreadable)
    }

    fn read(section: &Section<'a, '_>) -> Option<Self> {
        let packed = section.compressed_data().ok()?;
        let size = usize::try_from(packed.uncompressed_size).ok()?;
        match packed.format {
            CompressionFormat::None => return Some(Self::InFile(packed.data)),
            _ if size == 0 => return Some(Self::NONE),
            _ => {}
        }
        // A size that is not true takes addresses, but no memory: pages come as they are written.
        let mut bytes = MmapMut::map_anon(size).ok()?;
        let written = match packed.format {
            CompressionFormat::Zlib => inflate(packed.data, &mut bytes)?,
            CompressionFormat::Zstandard => {
                let mut decoder = FrameDecoder::new();
                decoder.decode_all(packed.data, &mut bytes).ok()?
            }
            _ => return None,
        };
        (written == size).then_some(Self::Uncompressed(bytes))
    }
}

/// How many bytes it was.
fn inflate(packed: &[u8], bytes: &mut [u8]) -> Option<usize> {
    let mut inflate = Decompress::new(true);
    let end = FlushDecompress::Finish;
    match inflate.decompress(packed, bytes, end).ok()? {
        Status::StreamEnd => usize::try_from(inflate.total_out()).ok(),
        _ => None,
    }
}

impl Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::InFile(bytes) => bytes,
            Self::Uncompressed(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use object::{File, Object};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    const ZLIB: u32 = 1;
    const ZSTD: u32 = 2;

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    /// An ELF file with nothing but the section `.debug_info`. With a kind of compression and a
    /// size it is compressed.
    fn file(compressed: Option<(u32, u64)>, bytes: &[u8]) -> Vec<u8> {
        const NAMES: &[u8] = b"\0.shstrtab\0.debug_info\0";
        const HEADER: usize = 64;
        let mut contents = Vec::new();
        if let Some((kind, size)) = compressed {
            contents.extend(u64::from(kind).to_le_bytes());
            contents.extend([size, 1].map(u64::to_le_bytes).concat());
        }
        contents.extend(bytes);
        let names_at = HEADER + contents.len();
        let headers_at = names_at + NAMES.len();
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(16, 0);
        // A relocatable file for x86-64.
        file.extend([1, 0, 62, 0, 1, 0, 0, 0]);
        file.extend([0, 0, headers_at as u64].map(u64::to_le_bytes).concat());
        file.extend([0, 0, 0, 0]);
        // Sizes and numbers of headers; names are in section 1.
        let sizes = [HEADER as u16, 0, 0, 64, 3, 1];
        file.extend(sizes.map(u16::to_le_bytes).concat());
        file.extend(&contents);
        file.extend(NAMES);
        let flags = if compressed.is_some() { 0x800 } else { 0 };
        for (name, kind, flags, at, len) in [
            (0, 0, 0, 0, 0),
            (1, 3, 0, names_at, NAMES.len()),
            (11, 1, flags, HEADER, contents.len()),
        ] {
            file.extend([name, kind].map(u32::to_le_bytes).concat());
            let numbers = [flags, 0, at as u64, len as u64, 0, 1, 0];
            file.extend(numbers.map(u64::to_le_bytes).concat());
        }
        file
    }

    fn read(file: &[u8], check: impl FnOnce(Result<Bytes<'_>, Unreadable>)) {
        let file = File::parse(file).unwrap();
        check(Bytes::of(&file.section_by_name(".debug_info").unwrap()));
    }

    #[test]
    fn bytes_are_the_files_own_or_uncompressed() {
        let plain: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let size = plain.len() as u64;
        read(&file(None, &plain), |bytes| {
            let bytes = bytes.unwrap();
            assert!(*bytes == *plain && matches!(bytes, Bytes::InFile(_)));
        });
        for (kind, packed) in [(ZLIB, zlib(&plain)), (ZSTD, zstd(&plain))] {
            read(&file(Some((kind, size)), &packed), |bytes| {
                let bytes = bytes.unwrap();
                assert!(*bytes == *plain && matches!(bytes, Bytes::Uncompressed(_)));
            });
        }
        read(&file(Some((ZLIB, 0)), &zlib(b"")), |bytes| {
            assert!(bytes.unwrap().is_empty());
        });
    }

    #[test]
    fn what_does_not_fit_is_unreadable() {
        let plain = vec![7; 10_000];
        let true_size = plain.len() as u64;
        for (kind, packed) in [(ZLIB, zlib(&plain)), (ZSTD, zstd(&plain))] {
            let wrong_sizes = [1, true_size - 1, true_size + 1, 1 << 30, 1 << 62, u64::MAX];
            let mut files: Vec<_> = wrong_sizes
                .iter()
                .map(|size| file(Some((kind, *size)), &packed))
                .collect();
            let half = &packed[..packed.len() / 2];
            files.push(file(Some((kind, true_size)), half));
            files.push(file(Some((kind, true_size)), &[]));
            files.push(file(Some((kind, true_size)), &plain));
            files.push(file(Some((kind + 2, true_size)), &packed));
            for file in files {
                read(&file, |bytes| assert!(bytes.is_err()));
            }
        }
    }
}
