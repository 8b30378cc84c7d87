//! Cells and lazy values that threads share, profiled: [`once_cell::sync`](::once_cell::sync).

// What is shadowed below wins over the glob: today that is all there is.
#[allow(unused_imports, unreachable_pub)]
pub use ::once_cell::sync::*;

mod lazy;
mod once_cell;

pub use self::once_cell::OnceCell;
pub use lazy::Lazy;
