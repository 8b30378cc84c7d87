//! Tables of text in columns.
#![forbid(unsafe_code)]

use std::fmt;

/// Longer cells (in practice function names) push what follows out of its column.
const WIDTH: usize = 44;

/// Writes `rows`, the first of which are the titles: numbers to the right up to `first_left`, words
/// to the left from there. A column with nothing but its title is left out.
pub(crate) fn write<const N: usize>(
    rows: &[[String; N]],
    first_left: usize,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let width = |column: usize| {
        let longest = rows.iter().map(|row| row[column].chars().count()).max();
        longest.unwrap_or(0).min(WIDTH)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let is_blank = |column: usize| rows.iter().skip(1).all(|row| row[column].is_empty());
    let blank: [bool; N] = std::array::from_fn(is_blank);
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate().filter(|(column, _)| !blank[*column]) {
            let width = widths[column];
            match column < first_left {
                true => line += &format!("{cell:>width$}  "),
                false => line += &format!("{cell:<width$}  "),
            }
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}
