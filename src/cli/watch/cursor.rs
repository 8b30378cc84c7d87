//! Which row of a list is chosen, and which rows are on the screen.
#![forbid(unsafe_code)]

use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
}

#[derive(Debug, Default)]
pub(super) struct Cursor {
    chosen: usize,
    /// The screen as it was drawn last.
    rows: usize,
    room: usize,
}

impl Cursor {
    /// The rows to show of so many, where there is room for `room`. The chosen one is in the middle
    /// of them, but at both ends.
    pub(super) fn window(&mut self, rows: usize, room: usize) -> Range<usize> {
        (self.rows, self.room) = (rows, room);
        self.chosen = self.chosen.min(rows.saturating_sub(1));
        let first = self.chosen.saturating_sub(room / 2);
        let first = first.min(rows.saturating_sub(room));
        first..rows.min(first + room)
    }

    pub(super) fn chosen(&self) -> usize {
        self.chosen
    }

    pub(super) fn go(&mut self, step: Step) {
        let last = self.rows.saturating_sub(1);
        let page = self.room.saturating_sub(1).max(1);
        let chosen = match step {
            Step::Up => self.chosen.saturating_sub(1),
            Step::Down => self.chosen + 1,
            Step::PageUp => self.chosen.saturating_sub(page),
            Step::PageDown => self.chosen + page,
            Step::First => 0,
            Step::Last => last,
        };
        self.chosen = chosen.min(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_row_is_on_the_screen() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.window(0, 5), 0..0);
        cursor.go(Step::Down);
        assert_eq!(cursor.window(3, 5), 0..3);
        for _ in 0..20 {
            let window = cursor.window(12, 5);
            assert!(window.contains(&cursor.chosen()) && window.len() == 5);
            cursor.go(Step::Down);
        }
        assert_eq!((cursor.chosen(), cursor.window(12, 5)), (11, 7..12));
        cursor.go(Step::PageUp);
        assert_eq!((cursor.chosen(), cursor.window(12, 5)), (7, 5..10));
        cursor.go(Step::First);
        assert_eq!(cursor.window(12, 5), 0..5);
        cursor.go(Step::Last);
        // The list became shorter.
        assert_eq!((cursor.window(2, 5), cursor.chosen()), (0..2, 1));
        assert_eq!(cursor.window(2, 0), 1..1);
    }
}
