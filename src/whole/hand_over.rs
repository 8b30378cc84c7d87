//! How the memory of programs that the program starts comes to the command: each makes its own,
//! before its `main`, and sends the file.
//!
//! Over a socket whose name stands in the environment. What one program inherits from another is
//! closed by many that start others, so a number of a file would not do.
//!
//! Names of sockets can be read by all users of the machine. So what is sent comes with a word that
//! stands in the environment alone.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::ptr;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

/// A number that an invited program knows, and nobody else.
pub(super) type Word = u128;

/// A number that nobody guesses.
fn random() -> io::Result<u128> {
    let mut random = [0_u8; 16];
    // SAFETY: fills the bytes of a live array.
    let filled = unsafe { libc::getrandom(random.as_mut_ptr().cast(), random.len(), 0) };
    match filled == random.len() as isize {
        true => Ok(u128::from_ne_bytes(random)),
        false => Err(io::Error::last_os_error()),
    }
}

/// Room for the header and one number of a file, aligned as headers are.
#[repr(C, align(8))]
struct Control([u8; 64]);

// SAFETY: a computation on a number.
const SPACE: usize = unsafe { libc::CMSG_SPACE(size_of::<RawFd>() as u32) } as usize;
const _: () = assert!(SPACE <= size_of::<Control>());

/// Calls `with` with a message of this word that has room for a file.
fn with_message<R>(word: &mut Word, with: impl FnOnce(&mut libc::msghdr) -> R) -> R {
    let mut part = libc::iovec {
        iov_base: ptr::from_mut(word).cast(),
        iov_len: size_of::<Word>(),
    };
    let mut control = Control([0; 64]);
    // SAFETY: zeros are a value of each of its fields.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = SPACE as _;
    with(&mut message)
}

/// In a program: sends the file to the command that listens under this name.
pub(super) fn send(name: &str, mut word: Word, file: &OwnedFd) -> io::Result<()> {
    let stream = UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?)?;
    let sent = with_message(&mut word, |message| {
        // SAFETY: the message has room for one header and one number, which is what `SPACE` is.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as _;
            libc::CMSG_DATA(header)
                .cast::<RawFd>()
                .write_unaligned(file.as_raw_fd());
        }
        // SAFETY: all that the message points to lives during the call.
        unsafe { libc::sendmsg(stream.as_raw_fd(), message, libc::MSG_NOSIGNAL) }
    });
    match sent == size_of::<Word>() as isize {
        true => Ok(()),
        false => Err(io::Error::last_os_error()),
    }
}

/// In the command: listens under a name of its own, and hands on what comes with the word. Returns
/// both.
pub(super) fn listen(files: Sender<OwnedFd>) -> io::Result<(String, Word)> {
    let (name, word) = (format!("contend-{:032x}", random()?), random()?);
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // Out of descriptors, until the next look.
                thread::sleep(Duration::from_millis(10));
                continue;
            };
            if let Some(file) = receive(&stream, word)
                && files.send(file).is_err()
            {
                return;
            }
        }
    });
    Ok((name, word))
}

/// The file that a program of this user's has sent, if it knows the word.
fn receive(stream: &UnixStream, expected: Word) -> Option<OwnedFd> {
    // Whoever connects and sends nothing must not keep the others waiting.
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    // SAFETY: zeros are a value of each of its fields.
    let mut peer: libc::ucred = unsafe { mem::zeroed() };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the answer and its length go to live locals of that size.
    let is_known = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &mut len,
        )
    } == 0;
    // SAFETY: a question that cannot fail.
    let own = unsafe { libc::geteuid() };
    // Root's programs may have become somebody else.
    if !is_known || (peer.uid != own && own != 0) {
        return None;
    }
    let mut word = 0;
    let file = with_message(&mut word, |message| {
        // SAFETY: all that the message points to lives during the call, and has the room that it
        // says.
        let read = unsafe { libc::recvmsg(stream.as_raw_fd(), message, libc::MSG_CMSG_CLOEXEC) };
        // SAFETY: the kernel has filled the message in.
        let header = unsafe { libc::CMSG_FIRSTHDR(message).as_ref() }
            .filter(|_| read == size_of::<Word>() as isize)?;
        let is_file = header.cmsg_level == libc::SOL_SOCKET && header.cmsg_type == libc::SCM_RIGHTS;
        // SAFETY: such a message has a number of a file, which is this process's alone from now on.
        is_file.then(|| unsafe {
            let number = libc::CMSG_DATA(header).cast::<RawFd>().read_unaligned();
            OwnedFd::from_raw_fd(number)
        })
    });
    file.filter(|_| word == expected)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Seek, Write};
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_file_comes_over() {
        let (send_file, files) = mpsc::channel();
        let (name, word) = listen(send_file).unwrap();
        // SAFETY: the name is a string of C's; the call makes a file.
        let number = unsafe { libc::memfd_create(c"test".as_ptr(), libc::MFD_CLOEXEC) };
        // SAFETY: the file was just made, and nobody else has it.
        let mut file = unsafe { File::from_raw_fd(number) };
        file.write_all(b"it is me").unwrap();
        let file: OwnedFd = file.into();
        // Somebody who has read the name, but not the word.
        let stranger = File::open("/dev/null").unwrap().into();
        send(&name, word ^ 1, &stranger).unwrap();
        send(&name, word, &file).unwrap();
        let mut received = File::from(files.recv().unwrap());
        received.rewind().unwrap();
        let mut text = String::new();
        received.read_to_string(&mut text).unwrap();
        assert_eq!(text, "it is me");
    }
}
