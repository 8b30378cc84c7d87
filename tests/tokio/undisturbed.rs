//! A program that would notice signals: calls that return when one comes, whose callers see it.
//! Dumps of its threads change nothing for it.
#![cfg(target_os = "linux")]

use std::io::{self, ErrorKind, Read as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(20);
const DUMPS: u64 = 1_000;

/// The calls of one kind, and how many of them were interrupted.
#[derive(Default)]
struct Calls {
    done: AtomicU64,
    interrupted: AtomicU64,
}

impl Calls {
    fn count<T>(&self, result: io::Result<T>) -> Option<T> {
        self.done.fetch_add(1, Ordering::Relaxed);
        match result {
            Ok(value) => Some(value),
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                self.interrupted.fetch_add(1, Ordering::Relaxed);
                None
            }
            Err(error) => {
                let is_time_out = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
                assert!(is_time_out.contains(&error.kind()), "{error}");
                None
            }
        }
    }

    /// A call of the C library's.
    fn count_call(&self, result: libc::c_int) {
        let result = match result {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        };
        self.count(result);
    }
}

/// Connected with nobody who writes.
fn silent_streams() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (other, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(SHORT)).unwrap();
    (stream, other)
}

fn reads(calls: &Calls, is_over: &AtomicBool) {
    let (mut stream, _other) = silent_streams();
    while !is_over.load(Ordering::Relaxed) {
        assert_eq!(calls.count(stream.read(&mut [0])), None);
    }
}

fn receives(calls: &Calls, is_over: &AtomicBool) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(SHORT)).unwrap();
    while !is_over.load(Ordering::Relaxed) {
        assert_eq!(calls.count(socket.recv(&mut [0])), None);
    }
}

fn polls(calls: &Calls, is_over: &AtomicBool) {
    let mut poll = mio::Poll::new().unwrap();
    let mut events = mio::Events::with_capacity(8);
    let mut socket = mio::net::UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let interest = mio::Interest::READABLE;
    poll.registry()
        .register(&mut socket, mio::Token(0), interest)
        .unwrap();
    while !is_over.load(Ordering::Relaxed) {
        calls.count(poll.poll(&mut events, Some(SHORT)));
        assert!(events.is_empty());
    }
}

/// The sleep itself, whose interruptions std's hides.
fn sleeps(calls: &Calls, is_over: &AtomicBool) {
    let time = libc::timespec {
        tv_sec: 0,
        tv_nsec: SHORT.as_nanos() as i64,
    };
    while !is_over.load(Ordering::Relaxed) {
        // SAFETY: reads a live local; what is left is not asked for.
        calls.count_call(unsafe { libc::nanosleep(&time, std::ptr::null_mut()) });
        let start = Instant::now();
        thread::sleep(SHORT);
        assert!(start.elapsed() >= SHORT);
    }
}

#[expect(clippy::zombie_processes)] // Waited for below, by a call that tells of interruptions.
fn children(calls: &Calls, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        let child = Command::new("sleep").arg("0.02").spawn().unwrap();
        let mut status = 0;
        // SAFETY: our own child, waited for once; the status goes to a live local.
        calls.count_call(unsafe { libc::waitpid(child.id() as i32, &mut status, 0) });
        assert_eq!(status, 0);
    }
}

/// Messages over a socket, on a runtime of two workers.
fn tasks(calls: &Calls, is_over: &AtomicBool) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let echo = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            let (mut from, mut to) = stream.split();
            tokio::io::copy(&mut from, &mut to).await
        });
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        while !is_over.load(Ordering::Relaxed) {
            let mut answer = [0; 5];
            calls.count(stream.write_all(b"hello").await);
            calls.count(stream.read_exact(&mut answer).await);
            assert_eq!(&answer, b"hello");
            tokio::time::sleep(SHORT).await;
        }
        drop(stream);
        echo.await.unwrap().unwrap();
    });
}

/// A blocked call is not woken, and a thread on the way to one is not asked.
#[test]
fn a_thousand_dumps_interrupt_no_call() {
    type Work = fn(&Calls, &AtomicBool);
    let works: [(&str, Work); 6] = [
        ("read with a time-out", reads),
        ("recv with a time-out", receives),
        ("mio", polls),
        ("sleep", sleeps),
        ("child", children),
        ("tokio", tasks),
    ];
    let counts: [Calls; 6] = Default::default();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for ((name, work), calls) in works.iter().zip(&counts) {
            let builder = thread::Builder::new().name((*name).to_owned());
            let is_over = &is_over;
            builder
                .spawn_scoped(scope, move || work(calls, is_over))
                .unwrap();
        }
        for _ in 0..DUMPS {
            assert!(contend::threads().threads().len() >= works.len());
            thread::sleep(Duration::from_millis(2));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    for ((name, _), calls) in works.iter().zip(&counts) {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (done, interrupted) = (load(&calls.done), load(&calls.interrupted));
        println!("{name}: {done} calls, {interrupted} interrupted");
        assert!(
            done > 0 && interrupted == 0,
            "{name}: {interrupted} of {done}"
        );
    }
}
