//! Ways to ask for profiles from inside the program.

pub(crate) mod assertion;
pub(crate) mod control;
pub(crate) mod criterion;
pub(crate) mod locks;
pub(crate) mod recording;
