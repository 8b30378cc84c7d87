//! The part of a bundle that is read first.
#![forbid(unsafe_code)]

use std::fmt::Write;

use super::{Part, Subject};

const HOW_TO_OPEN: &str = "\
How to open
  *.pb.gz  go tool pprof -http=: mutex-delta.pb.gz
           (or any page or store that reads pprof profiles)
  *.svg    a browser
  *.txt    anything

What to look at first
  Latency is high and the processors are idle: block-delta.top.txt says who waited,
  mutex-delta.top.txt whose code they waited for. The processors are busy: cpu.pb.gz.
";

const HOW_TO_RECORD: &str =
    "  bundle?seconds=10&fraction=1&rate=10us records for its window also where it is off.\n";

/// To stand before the other `parts`, which it lists.
pub(super) fn part(subject: &Subject, parts: &[Part]) -> Part {
    Part {
        name: "README.txt".to_owned(),
        description: "this file".to_owned(),
        content: Ok(text(subject, parts).into_bytes()),
    }
}

fn text(subject: &Subject, parts: &[Part]) -> String {
    let mut text = format!(
        "What contend knows of the program {}, up to {}, with a window of {:?} before that.\n\n",
        subject.program, subject.time, subject.window
    );
    text += HOW_TO_OPEN;
    if !subject.notes.is_empty() {
        text += "\nWhat to know\n";
        for note in &subject.notes {
            let _ = writeln!(text, "  Within the window {note}.");
        }
        text += HOW_TO_RECORD;
    }
    let (here, missing): (Vec<_>, Vec<_>) = parts.iter().partition(|part| part.content.is_ok());
    text += "\nWhat is here\n";
    for part in here {
        line(&mut text, &part.name, &part.description);
    }
    if !missing.is_empty() {
        text += "\nWhat is not here\n";
    }
    for part in missing {
        let why = part.content.as_ref().err().map_or("", String::as_str);
        line(&mut text, &part.name, why);
    }
    text
}

/// Descriptions and errors may come from the program: each keeps to its line.
fn line(text: &mut String, name: &str, words: &str) {
    let words = words.replace(char::is_control, " ");
    let _ = writeln!(text, "  {name:<20} {words}");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::text::utc::Utc;

    #[test]
    fn what_failed_is_listed_with_the_reason_on_one_line() {
        let subject = Subject {
            program: "shop".to_owned(),
            time: Utc::now(),
            window: Duration::from_secs(10),
            notes: Vec::new(),
        };
        let part = |name: &str, content| Part {
            name: name.to_owned(),
            description: "of\ninterest".to_owned(),
            content,
        };
        let parts = [
            part("a.txt", Ok(Vec::new())),
            part("custom/heap", Err("not\nnow".to_owned())),
        ];
        let text = text(&subject, &parts);
        assert!(
            text.contains("  a.txt                of interest\n\nWhat is not here\n"),
            "{text}"
        );
        assert!(
            text.ends_with("\n  custom/heap          not now\n"),
            "{text}"
        );
        let without = super::text(&subject, &parts[..1]);
        assert!(!without.contains("not here"), "{without}");
    }
}
