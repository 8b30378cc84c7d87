//! The threads of a program, as lines that fit.
#![forbid(unsafe_code)]

use std::time::Duration;

use serde_json::Value;

use super::row::cut;
use crate::cli::output::printable;
use crate::text::units::human;

/// The threads at one look: those that waited longest first.
pub(super) struct ThreadRows {
    rows: Vec<Row>,
    notes: Vec<String>,
    /// A line for each.
    deadlocks: Vec<String>,
}

struct Row {
    /// `None`: it is in no wait of contend's types.
    waited: Option<Duration>,
    cpu: Duration,
    tid: u64,
    name: String,
    state: String,
    holder: String,
    place: String,
}

impl ThreadRows {
    /// Reads the JSON that `threads?form=json` answers.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub(super) fn read(json: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let threads = value["threads"].as_array();
        let threads = threads.ok_or("the answer has no threads: is contend older there?")?;
        let mut rows: Vec<Row> = threads.iter().map(Row::of).collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.waited, row.cpu)));
        let notes = value["notes"].as_array().into_iter().flatten();
        let notes = notes.filter_map(Value::as_str).map(printable).collect();
        Ok(Self {
            rows,
            notes,
            deadlocks: Vec::new(),
        })
    }

    /// Reads the JSON that `deadlock?form=json` answers.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub(super) fn add_deadlocks(&mut self, json: &[u8]) -> Result<(), String> {
        let value: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let deadlocks = value["deadlocks"].as_array();
        let deadlocks = deadlocks.ok_or("the answer has no deadlocks")?;
        self.deadlocks = deadlocks.iter().map(line_of).collect();
        Ok(())
    }

    pub(super) fn add_note(&mut self, note: &str) {
        self.notes.push(printable(note));
    }

    /// A line for each deadlock, of which there may be as many as threads: `contend deadlocks`
    /// tells the rest.
    pub(super) fn deadlocks(&self) -> Vec<String> {
        const SHOWN: usize = 5;
        let mut lines: Vec<String> = self.deadlocks.iter().take(SHOWN).cloned().collect();
        match self.deadlocks.len().saturating_sub(SHOWN) {
            0 => {}
            more => lines.push(format!("and {more} more deadlocks")),
        }
        lines
    }

    /// How many threads are in which state.
    pub(super) fn summary(&self) -> String {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for row in &self.rows {
            match counts.iter_mut().find(|(state, _)| *state == row.state) {
                Some((_, count)) => *count += 1,
                None => counts.push((&row.state, 1)),
            }
        }
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let counts = counts
            .iter()
            .map(|(state, count)| format!("{count} {state}"));
        let counts: Vec<String> = counts.collect();
        format!("{} threads: {}", self.rows.len(), counts.join(", "))
    }

    pub(super) fn warning(&self) -> String {
        self.notes.join("; ")
    }

    pub(super) fn titles() -> String {
        format!(
            "{:>8} {:>8} {:>8}  {:<16}{:<18}where",
            "waited", "CPU", "tid", "thread", "state"
        )
    }

    /// As many lines as there is room for.
    pub(super) fn lines(&self, width: usize, height: usize) -> Vec<String> {
        let rows = self.rows.iter().take(height);
        rows.map(|row| cut(&row.line(), width)).collect()
    }
}

/// `deadlock: 2 threads wait for each other: 7 a, 8 b`.
fn line_of(deadlock: &Value) -> String {
    let text = deadlock["text"].as_str().unwrap_or_default();
    let what = text.lines().next().unwrap_or("deadlock");
    let threads = deadlock["threads"].as_array().into_iter().flatten();
    let names = threads.map(|thread| {
        let name = thread["name"].as_str().unwrap_or_default();
        format!("{} {name}", thread["tid"])
    });
    let names: Vec<String> = names.collect();
    printable(&format!("{what}: {}", names.join(", ")))
}

impl Row {
    fn of(thread: &Value) -> Self {
        let text = |value: &Value| printable(value.as_str().unwrap_or_default());
        let nanos = |value: &Value| value.as_u64().map(Duration::from_nanos);
        let wait = &thread["wait"];
        let holder = &wait["holders"][0];
        Self {
            waited: nanos(&wait["waited_nanos"]),
            cpu: nanos(&thread["cpu_nanos"]).unwrap_or_default(),
            tid: thread["tid"].as_u64().unwrap_or_default(),
            name: text(&thread["name"]),
            state: text(&thread["state"]),
            holder: match holder["tid"].as_u64() {
                Some(tid) => format!("held by {tid} {}, ", text(&holder["name"])),
                None => String::new(),
            },
            place: text(&thread["place"]),
        }
    }

    fn line(&self) -> String {
        format!(
            "{:>8} {:>8} {:>8}  {:<16}{:<18}{}{}",
            self.waited.map_or_else(|| "-".to_owned(), human),
            human(self.cpu),
            self.tid,
            cut(&self.name, 15),
            cut(&self.state, 17),
            self.holder,
            self.place,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_comes_first() {
        let json = br#"{"threads": [
            {"tid": 7, "name": "idle\u001b[2J", "state": "sleep", "wait": null, "cpu_nanos": 5000, "place": "a::b"},
            {"tid": 8, "name": "stuck", "state": "waiting: mutex", "cpu_nanos": 0, "place": "shop::pay",
             "wait": {"kind": "mutex", "waited_nanos": 2000000000, "holders": [{"tid": 9, "name": "busy"}]}}
        ], "notes": ["a note"]}"#;
        let mut rows = ThreadRows::read(json).unwrap();
        let lines = rows.lines(100, 10);
        assert!(
            lines[0].starts_with("   2.00s      0ns        8  stuck"),
            "{}",
            lines[0]
        );
        assert!(
            lines[0].ends_with("held by 9 busy, shop::pay"),
            "{}",
            lines[0]
        );
        assert!(lines[1].starts_with("       -   5.00"), "{}", lines[1]);
        assert!(!lines[1].contains('\u{1b}'));
        assert_eq!(rows.lines(40, 1).len(), 1);
        assert!(rows.lines(40, 1)[0].chars().count() <= 40);
        assert_eq!(rows.summary(), "2 threads: 1 waiting: mutex, 1 sleep");
        assert_eq!(rows.warning(), "a note");
        assert!(ThreadRows::read(b"{}").is_err());

        assert!(rows.deadlocks().is_empty());
        let json = br#"{"deadlocks": [{"text": "deadlock: 2 threads wait\n  thread 7",
            "threads": [{"tid": 7, "name": "a\u001b[2J"}, {"tid": 8, "name": "b"}]}]}"#;
        rows.add_deadlocks(json).unwrap();
        let lines = rows.deadlocks();
        let [deadlock] = &lines[..] else {
            panic!("{lines:?}");
        };
        assert!(
            deadlock.starts_with("deadlock: 2 threads wait: 7 a"),
            "{deadlock}"
        );
        assert!(deadlock.ends_with(", 8 b"), "{deadlock}");
        assert!(!deadlock.contains('\u{1b}'));
        assert!(rows.add_deadlocks(b"{}").is_err());

        let many = format!("{{\"deadlocks\": [{}]}}", ["{}"; 8].join(","));
        rows.add_deadlocks(many.as_bytes()).unwrap();
        let lines = rows.deadlocks();
        assert_eq!((lines.len(), &*lines[5]), (6, "and 3 more deadlocks"));
        rows.add_note("no\u{1b}[2J answer");
        assert!(!rows.warning().contains('\u{1b}'));
        assert!(rows.warning().starts_with("a note; no"));
    }
}
