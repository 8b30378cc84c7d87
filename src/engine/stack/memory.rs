//! Reads this process's own memory where it may be unmapped at any moment.

use std::ffi::c_void;
use std::ptr;

/// Pages are read one by one, so that a read ends where the mapped memory ends.
const PAGE: usize = 4096;
/// Pieces of one system call; the largest stack that is copied is 16 of these.
const MAX_PIECES: usize = 32;

/// Copies what is at `address` to `buffer`, as far as it is mapped and readable. Returns how many
/// bytes that are.
///
/// The kernel reads (`process_vm_readv`), so an address that is not mapped makes a short copy and
/// no crash. 0 also where a sandbox forbids the call.
pub(crate) fn read(address: u64, buffer: &mut [u8]) -> usize {
    let mut total = 0;
    while total < buffer.len() {
        let Some(from) = address.checked_add(total as u64) else {
            break;
        };
        let rest = &mut buffer[total..];
        let wanted = rest.len().min((MAX_PIECES - 1) * PAGE);
        let copied = read_pieces(from, &mut rest[..wanted]);
        total += copied;
        if copied < wanted {
            break;
        }
    }
    total
}

/// Whether the system lets this process read: a sandbox may forbid it.
#[allow(dead_code)] // The live view asks.
pub(crate) fn may_be_read() -> bool {
    let known = 0x6f6d_6d65_7221_u64;
    word(ptr::from_ref(&known).expose_provenance() as u64) == Some(known)
}

fn read_pieces(address: u64, buffer: &mut [u8]) -> usize {
    let empty = libc::iovec {
        iov_base: ptr::null_mut(),
        iov_len: 0,
    };
    let mut pieces = [empty; MAX_PIECES];
    let mut count = 0;
    let mut at = address as usize;
    let end = at.saturating_add(buffer.len());
    while at < end && count < MAX_PIECES {
        let piece_end = (at / PAGE + 1).saturating_mul(PAGE).min(end);
        pieces[count] = libc::iovec {
            iov_base: ptr::without_provenance_mut::<c_void>(at),
            iov_len: piece_end - at,
        };
        count += 1;
        at = piece_end;
    }
    let local = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: the kernel writes to `local` alone, which is the caller's buffer, exclusively
    // borrowed, and no more than its length; it checks every address of `pieces` itself.
    let copied = unsafe {
        libc::process_vm_readv(
            libc::getpid(),
            &local,
            1,
            pieces.as_ptr(),
            count as libc::c_ulong,
            0,
        )
    };
    usize::try_from(copied).unwrap_or(0)
}

/// The word at `address`.
pub(crate) fn word(address: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    (read(address, &mut bytes) == bytes.len()).then(|| u64::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mapped_is_copied_across_pages() {
        let memory: Vec<u8> = (0..3 * PAGE).map(|at| at as u8).collect();
        let mut copy = vec![0; 2 * PAGE];
        let from = &memory[100..];
        assert_eq!(read(from.as_ptr() as u64, &mut copy), copy.len());
        assert_eq!(copy, from[..2 * PAGE]);
        let number = 0x0102_0304_0506_0708_u64;
        assert_eq!(word(&raw const number as u64), Some(number));
    }

    #[test]
    fn a_read_ends_where_the_memory_ends() {
        // SAFETY: a new private mapping of two pages, the second of which is then taken away.
        let start = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            let start = libc::mmap(ptr::null_mut(), 2 * PAGE, protection, flags, -1, 0);
            assert_ne!(start, libc::MAP_FAILED);
            libc::mprotect(start.byte_add(PAGE), PAGE, libc::PROT_NONE);
            start
        };
        let mut copy = vec![1; 2 * PAGE];
        assert_eq!(read(start as u64, &mut copy), PAGE);
        assert_eq!(word(start as u64 + PAGE as u64 - 4), None);
        assert_eq!(word(u64::MAX - 3), None);
        assert_eq!(word(0), None);
        // SAFETY: the mapping made above, which nobody else knows.
        unsafe { libc::munmap(start, 2 * PAGE) };
    }
}
