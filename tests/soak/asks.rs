//! Whoever asks: scrapers, people, tools that give up.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use contend::http::{Handler, Request, Server};
use contend::trace::{self, FlightRecorder};
use contend::{Monitor, MonitorRule};

use crate::Soak;
use crate::waits::Numbers;

/// Questions, and the work that runs all the time.
pub(crate) struct Asks {
    handler: Handler,
    server: Server,
    _monitor: Monitor,
    _flight: FlightRecorder,
    files: std::path::PathBuf,
}

impl Drop for Asks {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.files);
    }
}

fn get(handler: &Handler, target: &str) {
    let response = handler.handle(&Request::new("GET", target));
    let status = response.status();
    assert!(
        matches!(status, 200 | 409 | 429 | 503),
        "{target}: {status}"
    );
}

impl Asks {
    pub(crate) fn new() -> Self {
        let files = std::env::temp_dir().join(format!("contend-soak-{}", std::process::id()));
        std::fs::create_dir_all(&files).unwrap();
        let ms = Duration::from_millis;
        let flight = FlightRecorder::builder()
            .max_bytes(4 << 20)
            .on_wait(ms(500))
            .cooldown(ms(5000))
            .max_files(2)
            .files_in(&files);
        let rule = MonitorRule::wait(ms(1000)).call(|alarm| drop(alarm.message().to_owned()));
        let server = Server::builder().stop_on_drop(true).grace(ms(0));
        Self {
            handler: Handler::new(),
            server: server.serve("127.0.0.1:0").unwrap(),
            _monitor: Monitor::builder()
                .interval(ms(200))
                .rule(rule)
                .start()
                .unwrap(),
            _flight: flight.start().unwrap(),
            files,
        }
    }

    /// Each scraper has a name that nobody had.
    pub(crate) fn scrape(&self) -> impl FnMut() + Send {
        let handler = self.handler.clone();
        let mut number = 0;
        move || {
            number += 1;
            let which = ["mutex", "block"][number % 2];
            get(&handler, &format!("delta_{which}?scraper=number{number}"));
        }
    }

    pub(crate) fn pages(&self) -> impl FnMut() + Send {
        let handler = self.handler.clone();
        let mut number = 0;
        move || {
            const TARGETS: [&str; 12] = [
                "",
                "mutex",
                "block?debug=1",
                "goroutine?debug=2",
                "threads?form=json",
                "deadlock?form=text",
                "monitor?form=page",
                "top",
                "flamegraph?profile=block",
                "timeline",
                "trace?seconds=0.05",
                "rates",
            ];
            get(&handler, TARGETS[number % TARGETS.len()]);
            number += 1;
        }
    }

    /// Clients that ask for a window and leave.
    pub(crate) fn abandon_windows(&self, soak: &Soak) {
        let mut numbers = Numbers(9);
        while !soak.is_over() {
            let mut client = TcpStream::connect(self.server.local_addr()).unwrap();
            let which = [
                "mutex?fraction=1&seconds=5",
                "block?rate=1&seconds=3",
                "bundle?seconds=2",
            ];
            let target = which[numbers.below(3) as usize];
            let request = format!("GET /debug/pprof/{target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            // The server may close the connection of a slow one.
            let _ = client.write_all(request.as_bytes());
            thread::sleep(Duration::from_millis(numbers.below(1000)));
            if numbers.below(8) == 0 {
                let _ = client.set_read_timeout(Some(Duration::from_secs(10)));
                let _ = client.read(&mut [0; 4096]);
            }
        }
    }

    /// As far as the pprof crate goes: one at a time.
    pub(crate) fn cpu_profiles(&self, soak: &Soak) {
        while !soak.is_over() {
            #[cfg(feature = "cpu")]
            {
                let response = self
                    .handler
                    .handle(&Request::new("GET", "profile?seconds=1"));
                assert!(matches!(response.status(), 200 | 429 | 500 | 503));
            }
            thread::sleep(Duration::from_secs(2));
        }
    }
}

pub(crate) fn profiles() {
    let (mutex, block) = (contend::mutex_profile(), contend::block_profile());
    mutex.write_pprof(std::io::sink()).unwrap();
    assert!(!block.to_string().is_empty());
    drop(block.with_waits_in_progress());
}

pub(crate) fn dumps() {
    assert!(!contend::threads().threads().is_empty());
    for deadlock in contend::deadlocks() {
        assert!(!deadlock.is_certain(), "{deadlock}");
    }
}

pub(crate) fn timelines() {
    let recording = trace::Recording::start().unwrap();
    let task = trace::task("soak");
    let entered = task.enter();
    let region = trace::region("nap");
    thread::sleep(Duration::from_millis(20));
    drop((region, entered));
    drop(task);
    let timeline = recording.finish();
    timeline.write_go(std::io::sink()).unwrap();
}
