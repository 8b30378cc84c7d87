//! `contend watch`: where a program waits, live; or its threads.
//!
//! Profiles only grow. The increase between two looks is the difference of two, taken here, so the
//! program keeps nothing for it and does nothing that it would not do for any scraper.
#![forbid(unsafe_code)]

mod cursor;
mod row;
mod screen;
mod signals;
mod stacks;
mod threads;
mod view;

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::args::Watch;
use super::error::{Error, Result};
use super::fetch::{Client, Url};
use super::hangup::end_with_terminal;
use super::names;
use super::output::{Output, printable};
use super::report::warnings;
use super::spots::Spots;
use super::uninteresting::Uninteresting;
use crate::pprof::decoded::DecodedProfile;
use crate::pprof::reader;
use crate::profile::ProfileKind;
use crate::text::utc::Utc;
use cursor::Step;
use screen::Screen;
use signals::Signals;
use threads::ThreadRows;
use view::{Subject, Value, View};

/// How long a key may have to wait.
const TICK: Duration = Duration::from_millis(50);
/// Where there is no terminal that tells it.
const WIDTH: usize = 100;
const ROWS: usize = 20;

pub(super) fn run(arguments: &Watch, output: &mut Output) -> Result<()> {
    let url = Url::required(&arguments.url)?;
    let (base, name) = url.split();
    let which = name.and_then(ProfileKind::of_name);
    let which = which.unwrap_or(ProfileKind::Mutex);
    let looker = Looker {
        client: arguments.access.client(),
        base,
    };
    let mut view = View::new(&looker.base, Subject::Profile(which));
    view.has_idle = arguments.idle;
    // Before the screen is taken: whoever asks in vain sees why.
    view.add(looker.look(view.subject)?);
    match std::io::stdout().is_terminal() {
        true => watch_on_screen(arguments, looker, view, output.is_coloured),
        false => print_tables(arguments, &looker, view, output),
    }
}

/// Takes profiles.
struct Looker {
    client: Client,
    base: Url,
}

impl Looker {
    fn look(&self, subject: Subject) -> Result<Look> {
        match subject {
            Subject::Profile(which) => self.look_at_profile(which),
            Subject::Threads => self.look_at_threads(),
        }
    }

    fn look_at_threads(&self) -> Result<Look> {
        let url = self.base.join("threads?form=json");
        let bytes = self.client.get(&url)?;
        let mut rows = ThreadRows::read(&bytes).map_err(|what| Error::about(&url, what))?;
        let url = self.base.join("deadlock?form=json");
        let added = self.client.get(&url).and_then(|bytes| {
            rows.add_deadlocks(&bytes)
                .map_err(|what| Error::about(&url, what))
        });
        // The threads are there all the same.
        if let Err(error) = added {
            rows.add_note(&error.to_string());
        }
        Ok(Look {
            subject: Subject::Threads,
            taken: Instant::now(),
            warning: rows.warning(),
            seen: Seen::Threads(rows),
        })
    }

    fn look_at_profile(&self, which: ProfileKind) -> Result<Look> {
        let url = self.base.join(which.name());
        let bytes = self.client.get(&url)?;
        let taken = Instant::now();
        let about = |what| Error::about(&url, what);
        let mut profile = reader::read(&bytes).map_err(about)?;
        names::demangle(&mut profile).map_err(about)?;
        if let Some(uninteresting) = Uninteresting::of(&profile) {
            uninteresting.leave_out(&mut profile);
        }
        let spots = Spots::of(&profile).map_err(about)?;
        Ok(Look {
            subject: Subject::Profile(which),
            taken,
            warning: warning(&profile),
            seen: Seen::Spots(spots, Box::new(profile)),
        })
    }
}

/// The view at one moment.
enum Seen {
    Spots(Spots, Box<DecodedProfile>),
    Threads(ThreadRows),
}

/// A look at the program.
struct Look {
    subject: Subject,
    taken: Instant,
    seen: Seen,
    /// The program's words about what is seen; empty as a rule.
    warning: String,
}

/// Where nothing comes, the profile may be off, as a contend program says.
fn warning(profile: &DecodedProfile) -> String {
    let rates = ProfileKind::ALL.map(|kind| format!("{}=0", kind.rate().name));
    let is_off = |comment: &&str| rates.iter().any(|rate| rate == comment);
    let is_off = profile.comments().filter(is_off);
    let warnings: Vec<&str> = warnings(profile, profile.tables.sample.is_empty())
        .chain(is_off)
        .collect();
    printable(&warnings.join("; "))
}

fn print_tables(
    arguments: &Watch,
    looker: &Looker,
    mut view: View,
    output: &mut Output,
) -> Result<()> {
    for _ in 0..arguments.count.unwrap_or(u64::MAX) {
        thread::sleep(arguments.every);
        view.add(looker.look(view.subject)?);
        writeln!(output, "{}", Utc::now())?;
        for line in view.table(WIDTH, ROWS) {
            writeln!(output, "{}", line.text)?;
        }
        writeln!(output)?;
        output.flush()?;
    }
    Ok(())
}

/// The looks are taken by a thread of their own, so keys work while the program thinks.
fn watch_on_screen(arguments: &Watch, looker: Looker, view: View, is_coloured: bool) -> Result<()> {
    let (ask, asked) = mpsc::channel();
    let (answer, answers) = mpsc::channel();
    thread::spawn(move || {
        for subject in asked {
            if answer.send(looker.look(subject)).is_err() {
                break;
            }
        }
    });
    let mut watcher = Watcher {
        every: arguments.every,
        tables_left: arguments.count.unwrap_or(u64::MAX),
        due: Instant::now() + arguments.every,
        is_asking: false,
        ask,
        answers,
        view,
    };
    // Its hang-up is no event for whoever waits for keys.
    end_with_terminal(true);
    let signals = Signals::catch()?;
    let result = {
        let mut screen = Screen::take(is_coloured)?;
        watcher.run(&mut screen, &signals)
    };
    signals.obey();
    result
}

struct Watcher {
    every: Duration,
    tables_left: u64,
    /// When to look again.
    due: Instant,
    is_asking: bool,
    ask: Sender<Subject>,
    answers: Receiver<Result<Look>>,
    view: View,
}

impl Watcher {
    fn run(&mut self, screen: &mut Screen, signals: &Signals) -> Result<()> {
        self.view.is_on_screen = true;
        let mut is_stale = true;
        while self.tables_left > 0 && !signals.have_come() {
            if is_stale {
                screen.draw(|width, height| self.view.lines(width, height))?;
            }
            is_stale = self.take_answer()? | self.take_events()?;
            self.ask_if_due();
            if self.view.has_quit {
                break;
            }
        }
        Ok(())
    }

    fn ask_if_due(&mut self) {
        if self.is_asking || self.view.is_paused || Instant::now() < self.due {
            return;
        }
        self.is_asking = self.ask.send(self.view.subject).is_ok();
        self.due = Instant::now() + self.every;
    }

    /// Whether there is something new to show.
    fn take_answer(&mut self) -> Result<bool> {
        let answer = match self.answers.try_recv() {
            Ok(answer) => answer,
            Err(TryRecvError::Empty) => return Ok(false),
            Err(TryRecvError::Disconnected) => {
                let what = "the thread that takes profiles panicked";
                return Err(Error::about(&self.view.address, what));
            }
        };
        self.is_asking = false;
        match answer {
            Ok(look) => {
                self.tables_left -= 1;
                self.view.add(look);
            }
            // It may come back: one restarts a service while one watches it.
            Err(error) => self.view.problem = Some(error.to_string()),
        }
        Ok(true)
    }

    /// Waits a moment for keys. Whether there is something new to show.
    fn take_events(&mut self) -> Result<bool> {
        if !event::poll(TICK)? {
            return Ok(false);
        }
        match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.press(key),
            _ => {}
        }
        Ok(true)
    }

    fn press(&mut self, key: KeyEvent) {
        let view = &mut self.view;
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c' | 'd') if is_control => view.has_quit = true,
            code if view.is_typing => type_filter(view, code),
            KeyCode::Char('q') => view.has_quit = true,
            KeyCode::Esc => view.has_quit = !view.close(),
            KeyCode::Char('/') => view.is_typing = true,
            KeyCode::Char('?' | 'h') => view.has_help = !view.has_help,
            KeyCode::Enter | KeyCode::Right => view.open(),
            KeyCode::Left | KeyCode::Backspace => drop(view.close()),
            KeyCode::Up | KeyCode::Char('k') => view.go(Step::Up),
            KeyCode::Down | KeyCode::Char('j') => view.go(Step::Down),
            KeyCode::PageUp => view.go(Step::PageUp),
            KeyCode::PageDown => view.go(Step::PageDown),
            KeyCode::Home => view.go(Step::First),
            KeyCode::End => view.go(Step::Last),
            KeyCode::Char('d') => view.value = Value::Delay,
            KeyCode::Char('c') => view.value = Value::Contentions,
            KeyCode::Char('s') => view.scope = view.scope.other(),
            KeyCode::Char('i') => view.has_idle = !view.has_idle,
            KeyCode::Char('t') => self.show(Subject::Threads),
            KeyCode::Char(' ') => view.is_paused = !view.is_paused,
            KeyCode::Char(letter) => {
                let mut kinds = ProfileKind::ALL.into_iter();
                if let Some(kind) = kinds.find(|kind| kind.name().starts_with(letter)) {
                    self.show(Subject::Profile(kind));
                }
            }
            _ => {}
        }
    }

    fn show(&mut self, subject: Subject) {
        if self.view.subject != subject {
            self.view.show(subject);
            self.due = Instant::now();
        }
    }
}

/// A key while the filter is typed.
fn type_filter(view: &mut View, code: KeyCode) {
    match code {
        KeyCode::Char(letter) => view.filter.push(letter),
        KeyCode::Backspace => drop(view.filter.pop()),
        KeyCode::Enter => view.is_typing = false,
        KeyCode::Esc => {
            view.is_typing = false;
            view.filter.clear();
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_thread_that_takes_profiles_it_ends() {
        let base = Url::required("127.0.0.1:6060").unwrap();
        let (ask, _) = mpsc::channel();
        let (answer, answers) = mpsc::channel();
        let mut watcher = Watcher {
            every: TICK,
            tables_left: 1,
            due: Instant::now(),
            is_asking: true,
            ask,
            answers,
            view: View::new(&base, Subject::Profile(ProfileKind::Mutex)),
        };
        assert!(!watcher.take_answer().unwrap());
        drop(answer);
        let error = watcher.take_answer().unwrap_err().to_string();
        assert!(
            error.ends_with("the thread that takes profiles panicked"),
            "{error}"
        );
    }
}
