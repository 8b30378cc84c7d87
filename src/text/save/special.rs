//! Files that are there already and are not regular: pipes, terminals, `/dev/null`.

use std::fs::FileType;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

#[cfg(unix)]
pub(super) use unix::{check, open};

#[cfg(not(unix))]
pub(super) fn check(_: &FileType) -> io::Result<()> {
    // Directories, which opening refuses.
    Err(ErrorKind::IsADirectory.into())
}

#[cfg(not(unix))]
pub(super) fn open(path: &Path) -> io::Result<impl Write> {
    std::fs::OpenOptions::new().write(true).open(path)
}

#[cfg(unix)]
mod unix {
    use std::fs::{File, OpenOptions};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
    use std::time::{Duration, Instant};

    use super::*;

    /// How long a reader may read nothing. The program that saves may be on its way out, and
    /// whoever stops it waits for that.
    const PATIENCE: Duration = Duration::from_secs(5);

    /// # Errors
    ///
    /// A kind that cannot take a profile, in words.
    pub(crate) fn check(kind: &FileType) -> io::Result<()> {
        let refused = |what| Err(io::Error::new(ErrorKind::InvalidInput, what));
        match () {
            () if kind.is_dir() => Err(ErrorKind::IsADirectory.into()),
            () if kind.is_socket() => refused("is a socket, which takes connections and no files"),
            () if kind.is_block_device() => refused("is a disk, which would be overwritten"),
            () => Ok(()),
        }
    }

    /// Neither opening nor writing waits for a process that does nothing.
    pub(crate) fn open(path: &Path) -> io::Result<impl Write> {
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let opened = OpenOptions::new()
            .write(true)
            .custom_flags(flags)
            .open(path);
        let file = opened.map_err(|error| match error.raw_os_error() {
            Some(libc::ENXIO) => io::Error::new(ErrorKind::BrokenPipe, "nobody reads from it"),
            _ => error,
        })?;
        // Another may have taken its place. A regular file is replaced as a whole or not at all.
        let kind = file.metadata()?.file_type();
        check(&kind)?;
        if kind.is_file() {
            return Err(io::Error::other("was replaced meanwhile"));
        }
        Ok(Patient {
            file,
            patience: PATIENCE,
        })
    }

    /// Waits for room, but not for ever.
    pub(super) struct Patient {
        pub(super) file: File,
        pub(super) patience: Duration,
    }

    impl Write for Patient {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let give_up = Instant::now() + self.patience;
            loop {
                match self.file.write(bytes) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(give_up)?,
                    result => return result,
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            self.file.flush()
        }
    }

    impl Patient {
        fn wait(&self, give_up: Instant) -> io::Result<()> {
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let what = "its reader does not read";
                return Err(io::Error::new(ErrorKind::TimedOut, what));
            }
            let mut room = libc::pollfd {
                fd: self.file.as_raw_fd(),
                events: libc::POLLOUT,
                revents: 0,
            };
            // Rounded up, or the last wait would be a loop.
            let millis = left.as_millis() as libc::c_int + 1;
            // SAFETY: one structure, which is ours; the file is open as long as `self` is borrowed.
            // An interruption is found by the next write.
            unsafe { libc::poll(&mut room, 1, millis) };
            Ok(())
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, File};
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::time::Duration;

    use super::unix::Patient;
    use super::*;
    use crate::text::save::save;

    #[test]
    fn a_reader_that_does_not_read_is_given_up() {
        let (reader, writer) = io::pipe().unwrap();
        // SAFETY: sets a flag of a pipe that is open.
        let set = unsafe { libc::fcntl(writer.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
        assert_eq!(set, 0);
        let mut writer = Patient {
            file: File::from(OwnedFd::from(writer)),
            patience: Duration::from_millis(1),
        };
        let error = writer.write_all(&vec![0; 4 << 20]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop(reader);
        let error = writer.write_all(b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_pipe_takes_more_than_it_holds_while_it_is_read() {
        use std::io::Read;
        use std::os::unix::ffi::OsStrExt;
        let name = format!("contend-save-{}-fifo", std::process::id());
        let path = std::env::temp_dir().join(name);
        let text = std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap();
        // SAFETY: a text with its end.
        assert_eq!(unsafe { libc::mkfifo(text.as_ptr(), 0o600) }, 0);
        let error = save(&path, |file| file.write_all(b"x")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{}: nobody reads from it", path.display())
        );
        std::thread::scope(|scope| {
            // Opened for writing as well, so that opening does not wait for the other side.
            let mut pipe = File::options().read(true).write(true).open(&path).unwrap();
            let bytes = vec![7; 4 << 20];
            let reader = scope.spawn(move || {
                let mut read = vec![0; 4 << 20];
                pipe.read_exact(&mut read).unwrap();
                read
            });
            save(&path, |file| file.write_all(&bytes)).unwrap();
            assert!(reader.join().unwrap() == bytes);
        });
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn sockets_are_refused() {
        let name = format!("contend-save-{}-socket", std::process::id());
        let path = std::env::temp_dir().join(name);
        let socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let error = save(&path, |_| panic!("nothing is written")).unwrap_err();
        assert!(error.to_string().contains("is a socket"), "{error}");
        drop(socket);
        fs::remove_file(path).unwrap();
    }
}
