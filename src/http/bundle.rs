//! `bundle`: all there is to know at one moment in one file, to be attached to an incident.
//!
//! Whoever reads it later has neither the program nor a second chance. So a part that fails does
//! not lose the others, and the README within says what is there, what is not, and why.
//!
//! The arguments of the program are left out: they may carry secrets, and a bundle is passed on
//! to more people than may ask for `cmdline`. The paths of the program and its libraries are in,
//! as in every profile.
#![forbid(unsafe_code)]

mod about;
mod archive;
mod readme;

use std::io;
use std::time::Duration;

use super::call::{Answer, Call};
use super::profiles::rate;
use super::route::Route;
use super::windows::Window;
use super::{Response, cpu, custom, process};
use crate::ask::control::{self, Mark, Moment};
use crate::export::form::{FORMS, Form};
use crate::export::why_empty;
use crate::profile::Profile;
use crate::profile::kind::ProfileKind;
use crate::text::utc::Utc;

const DEFAULT_WINDOW: Duration = Duration::from_secs(10);

/// One file of the bundle.
struct Part {
    name: String,
    description: String,
    /// The error says why it is not there.
    content: Result<Vec<u8>, String>,
}

/// The moment and the program that a bundle is of.
struct Subject {
    program: String,
    time: Utc,
    window: Duration,
    /// Why profiles are empty that are.
    notes: Vec<String>,
}

/// `seconds=` is 10 if it is missing: changes within a window tell more than all since the start.
/// For its time the rates can be set, as for the profiles.
pub(super) fn bundle(call: &Call<'_>, routes: &[Route]) -> Answer {
    let duration = call.seconds_or(DEFAULT_WINDOW)?;
    let frequency = cpu::frequency(call)?;
    let rates = ProfileKind::ALL.into_iter();
    let rates = rates
        .map(|kind| Ok((kind, rate(call, kind)?)))
        .collect::<Result<Vec<_>, Response>>()?;
    let window = call.window(duration)?;
    let (mut parts, notes) = parts(call, taken(call, &window, frequency, rates, routes)?);
    let subject = Subject {
        program: program(),
        time: Utc::now(),
        window: duration,
        notes,
    };
    parts.push(about::part(&subject));
    parts.insert(0, readme::part(&subject, &parts));
    let name = format!("contend-{}-{}", subject.program, subject.time.compact());
    let bytes = archive::zip(&name, subject.time, &parts);
    let bytes = bytes.map_err(|error| Response::error(500, &error.to_string()))?;
    let name = name + ".zip";
    Ok(Response::attachment("application/zip", &name, bytes))
}

/// The records before and after the window, and what the processors did within.
struct Recorded {
    before: [Mark; ProfileKind::COUNT],
    after: [Moment; ProfileKind::COUNT],
    cpu: Result<crate::cpu::CpuProfile, crate::cpu::Error>,
    /// The answers of the paths that a bundle has as they are.
    answers: Vec<Part>,
}

fn taken(
    call: &Call<'_>,
    window: &Window<'_>,
    frequency: u32,
    rates: Vec<(ProfileKind, Option<u64>)>,
    routes: &[Route],
) -> Result<Recorded, Response> {
    // Until this returns, however it does, and no longer: what is made of it takes its time.
    let _holds: Vec<_> = rates
        .into_iter()
        .filter_map(|(which, rate)| Some(control::hold(which, rate?)))
        .collect();
    let before = control::moments(ProfileKind::ALL).map(|now| now.mark());
    let _memory = call.keep(before.iter().map(Mark::bytes).sum())?;
    let sampling = crate::cpu::start(frequency);
    window.wait()?;
    let after = control::moments(ProfileKind::ALL);
    Ok(Recorded {
        before,
        after,
        cpu: sampling.and_then(|sampling| sampling.finish()),
        answers: answers(call, routes),
    })
}

/// The answers, at this moment, of the paths whose answer a bundle has as it is.
fn answers(call: &Call<'_>, routes: &[Route]) -> Vec<Part> {
    let part = |route: &Route| {
        let (name, description) = route.bundled?;
        let answer = call.get(route.name, route.answer);
        let words = |response: Response| String::from_utf8_lossy(response.body()).trim().to_owned();
        Some(Part {
            name: name.to_owned(),
            description: description.to_owned(),
            content: answer.map(Response::into_body).map_err(words),
        })
    };
    routes.iter().filter_map(part).collect()
}

/// With notes on those that are empty.
fn parts(call: &Call<'_>, taken: Recorded) -> (Vec<Part>, Vec<String>) {
    let (mut parts, mut notes) = (Vec::new(), Vec::new());
    let mut mappings = None;
    let turn = call.state.turn();
    for (before, after) in taken.before.iter().zip(taken.after) {
        let delta = after.since(before);
        let whole = after.named();
        parts.extend(forms(&whole, "", "since the program started"));
        mappings.get_or_insert_with(|| about::mappings(&whole));
        drop(whole);
        let delta = delta.named();
        parts.extend(forms(&delta, "-delta", "within the window"));
        if delta.samples().is_empty() {
            notes.push(why_empty(&delta));
        }
    }
    parts.push(Part {
        name: "cpu.pb.gz".to_owned(),
        description: "where the processors' time went within the window".to_owned(),
        content: match taken.cpu {
            Ok(profile) => written(|output| profile.write(output)),
            Err(error) => Err(error.to_string()),
        },
    });
    parts.extend(taken.answers);
    parts.extend(mappings);
    // Code of the program may ask for profiles, too.
    drop(turn);
    parts.extend(custom::registered().iter().map(custom_part));
    (parts, notes)
}

/// A profile as files of every form that there is.
fn forms(profile: &Profile, suffix: &str, when: &str) -> Vec<Part> {
    let (name, what) = (profile.kind().name(), profile.kind().descriptor().subject);
    let forms = FORMS.iter().filter(|form| form.is_built_in());
    let part = |form: &Form| Part {
        name: format!("{name}{suffix}.{}", form.ending),
        description: format!("{what} {when}, {}", form.purpose),
        content: form.bytes(profile).map_err(|error| error.to_string()),
    };
    forms.map(part).collect()
}

fn custom_part(registered: &custom::Registered) -> Part {
    let name = &registered.name;
    // It cannot be taken back, so it is still there.
    let taken = custom::take(name).unwrap_or_else(|| Err("it is gone".to_owned()));
    Part {
        name: format!("custom/{name}"),
        description: format!("the program's own: {}", registered.description),
        content: taken,
    }
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    write(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// The program's name, fit to be a part of a file's name anywhere.
fn program() -> String {
    let fit = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => c,
        _ => '_',
    };
    process::program().chars().map(fit).take(64).collect()
}
