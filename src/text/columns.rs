//! Tables of text in columns.
//!
//! A file may have lines of any length, so there every column is as wide as its longest cell. A
//! terminal breaks long lines, and with them the columns: whoever prints to one gives its width, as
//! `{table:100}`, and long names lose their middle.
#![forbid(unsafe_code)]

use std::fmt;

use super::escape::OneLine;

/// Names are not cut below this, whatever the width: what is left must tell them apart.
const LEAST: usize = 16;

/// Between two columns.
const GAP: usize = 2;

/// Writes `rows`, the first of which are the titles: numbers to the right up to `first_left`, words
/// to the left from there. A column with nothing but its title is left out. Lines are as wide as
/// `f` asks for, or as need be.
pub(crate) fn write<const N: usize>(
    rows: &[[String; N]],
    first_left: usize,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let rows: Vec<[String; N]> = rows
        .iter()
        .map(|row| std::array::from_fn(|column| OneLine(&row[column]).to_string()))
        .collect();
    let is_blank = |column: usize| rows.iter().skip(1).all(|row| row[column].is_empty());
    let shown: Vec<usize> = (0..N).filter(|column| !is_blank(*column)).collect();
    let longest = |column: &usize| {
        let lengths = rows.iter().map(|row| row[*column].chars().count());
        lengths.max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = shown.iter().map(longest).collect();
    if let Some(width) = f.width() {
        let words = shown.iter().filter(|column| **column >= first_left).count();
        let gaps = GAP * widths.len().saturating_sub(1);
        fit(&mut widths, words, width.saturating_sub(gaps));
    }
    for row in &rows {
        let mut line = String::new();
        for (column, width) in shown.iter().zip(&widths) {
            let cell = elided(&row[*column], *width);
            match *column < first_left {
                true => line += &format!("{cell:>width$}"),
                false => line += &format!("{cell:<width$}"),
            }
            line.push_str(&" ".repeat(GAP));
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Takes from the widest of the last `words` columns until all of them together fit.
fn fit(widths: &mut [usize], words: usize, room: usize) {
    let first = widths.len() - words;
    while widths.iter().sum::<usize>() > room {
        let widest = widths[first..].iter_mut().max();
        match widest.filter(|width| **width > LEAST) {
            Some(width) => *width -= 1,
            None => return,
        }
    }
}

/// The text in so many characters: of a long one the middle is left out. The end of a path tells
/// more than its beginning, so it gets two thirds.
pub(crate) fn elided(text: &str, width: usize) -> String {
    let len = text.chars().count();
    if len <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let start = room / 3;
    let end = room - start;
    let head = text.chars().take(start);
    head.chain(['…'])
        .chain(text.chars().skip(len - end))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Table(Vec<[String; 3]>);

    impl fmt::Display for Table {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write(&self.0, 1, f)
        }
    }

    fn table(function: &str) -> Table {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        Table(vec![
            row(["delay", "function", "file:line"]),
            row(["3.00ms", function, "a.rs:1"]),
            row(["1ns", "f", "b.rs:2"]),
        ])
    }

    const LONG: &str =
        "redb::tree_store::page_store::cached_file::PagedCachedFile::invalidate_cache";

    #[test]
    fn columns_stay_aligned_whatever_the_names() {
        let text = table(LONG).to_string();
        let at = |line: &str, word: &str| line.find(word).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].contains(LONG));
        assert_eq!(at(lines[0], "file:line"), at(lines[1], "a.rs"));
        assert_eq!(at(lines[1], "a.rs"), at(lines[2], "b.rs"));
    }

    #[test]
    fn a_line_is_no_wider_than_asked_for() {
        assert_eq!(
            format!("{:50}", table(LONG)),
            " delay  function                         file:line\n\
             3.00ms  redb::tree…le::invalidate_cache  a.rs:1\n   \
             1ns  f                                b.rs:2\n"
        );
        let narrow = format!("{:5}", table(LONG));
        assert!(narrow.contains("redb:…date_cache"), "{narrow}");
    }

    #[test]
    fn cells_cannot_add_lines_or_columns() {
        let text = table("a\nb\tc\u{1b}").to_string();
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains(r"  a\nb\tc\u{1b}  a.rs:1"), "{text}");
    }

    #[test]
    fn the_middle_is_left_out() {
        assert_eq!(elided("abcdefgh", 8), "abcdefgh");
        assert_eq!(elided("abcdefgh", 7), "ab…efgh");
        assert_eq!(elided("äöüß", 1), "…");
        assert_eq!(elided("äöüß", 0), "…");
    }
}
