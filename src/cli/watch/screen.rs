//! The terminal, taken over and given back as it was: at the end, at an error, and in a panic.
#![forbid(unsafe_code)]

use std::io::{self, Stdout, Write};
use std::panic;
use std::sync::Once;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::style::Stylize;
use crossterm::terminal::{
    self, BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen,
};
use crossterm::{execute, queue};

use super::view::Line;
use crate::cli::output::Paint;

/// The size of a terminal that does not tell.
const SIZE: (u16, u16) = (80, 24);

pub(super) struct Screen {
    stdout: Stdout,
    is_coloured: bool,
}

impl Screen {
    pub(super) fn take(is_coloured: bool) -> io::Result<Self> {
        give_back_in_panics();
        terminal::enable_raw_mode()?;
        let mut screen = Self {
            stdout: io::stdout(),
            is_coloured,
        };
        execute!(screen.stdout, EnterAlternateScreen, Hide)?;
        Ok(screen)
    }

    /// Shows the lines that are made for the size of the screen, all at once.
    pub(super) fn draw(&mut self, lines: impl FnOnce(usize, usize) -> Vec<Line>) -> io::Result<()> {
        let (width, height) = terminal::size()
            .ok()
            .filter(|size| size.0 > 0 && size.1 > 0)
            .unwrap_or(SIZE);
        queue!(self.stdout, BeginSynchronizedUpdate)?;
        for (line, row) in lines(width.into(), height.into()).iter().zip(0..height) {
            queue!(self.stdout, MoveTo(0, row), Clear(ClearType::CurrentLine))?;
            let text = &line.text;
            match line.paint {
                Paint::Heading if self.is_coloured => {
                    write!(self.stdout, "{}", text.as_str().bold())?
                }
                Paint::Worse if self.is_coloured => write!(self.stdout, "{}", text.as_str().red())?,
                _ => write!(self.stdout, "{text}")?,
            }
        }
        queue!(self.stdout, EndSynchronizedUpdate)?;
        self.stdout.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    // There is nothing else to try.
    let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
    let _ = terminal::disable_raw_mode();
}

/// Before the message is printed, or it would vanish with the screen.
fn give_back_in_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print_message = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            give_back();
            print_message(info);
        }));
    });
}
