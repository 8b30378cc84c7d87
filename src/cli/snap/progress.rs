//! Bars on standard error, where it is a terminal: how many requests are done, and how long the
//! windows take.
#![forbid(unsafe_code)]

use std::io::IsTerminal;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::endpoints::Endpoint;

/// How often the bars move.
const TICK: Duration = Duration::from_millis(100);

pub(super) struct Progress {
    requests: ProgressBar,
    /// In ticks. `None`: no request takes its time.
    window: Option<ProgressBar>,
    start: Instant,
    waiting_for: Vec<String>,
}

impl Progress {
    pub(super) fn new(endpoints: &[Endpoint], seconds: u32) -> Self {
        let bars = MultiProgress::new();
        if !std::io::stderr().is_terminal() {
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        let bar = |len, template| {
            let style = ProgressStyle::with_template(template);
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(len).with_style(style.progress_chars("=> "));
            bars.add(bar)
        };
        let has_window = endpoints.iter().any(|endpoint| endpoint.is_window);
        let ticks = Duration::from_secs(seconds.into()).as_millis() / TICK.as_millis();
        let window = has_window.then(|| bar(ticks as u64, "window    [{bar:30}] {elapsed}"));
        let requests = bar(
            endpoints.len() as u64,
            "requests  [{bar:30}] {pos}/{len}  {wide_msg}",
        );
        Self {
            requests,
            window,
            start: Instant::now(),
            waiting_for: endpoints
                .iter()
                .map(|endpoint| endpoint.name.clone())
                .collect(),
        }
    }

    /// Moves the bars until something is received; `None` when nothing comes any more.
    pub(super) fn until<T>(&self, outcomes: &Receiver<T>) -> Option<T> {
        loop {
            if let Some(window) = &self.window {
                let ticks = self.start.elapsed().as_millis() / TICK.as_millis();
                window.set_position((ticks as u64).min(window.length().unwrap_or(0)));
            }
            match outcomes.recv_timeout(TICK) {
                Ok(outcome) => return Some(outcome),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    pub(super) fn done(&mut self, endpoint: &Endpoint) {
        if let Some(index) = self
            .waiting_for
            .iter()
            .position(|name| *name == endpoint.name)
        {
            self.waiting_for.remove(index);
        }
        self.requests.inc(1);
        self.requests.set_message(self.waiting_for.join(" "));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.requests.finish_and_clear();
        if let Some(window) = &self.window {
            window.finish_and_clear();
        }
    }
}
