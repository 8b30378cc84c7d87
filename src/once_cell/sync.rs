//! Cells and lazy values that threads share, profiled: [`once_cell::sync`](::once_cell::sync).

// A name that is shadowed below wins over the glob. Today all of them are.
#[allow(unused_imports, unreachable_pub)]
pub use ::once_cell::sync::*;

mod lazy;
mod once_cell;

pub use self::once_cell::OnceCell;
pub use lazy::Lazy;
