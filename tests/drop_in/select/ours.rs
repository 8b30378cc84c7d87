//! The forms with this crate's macros.

use contend::crossbeam_channel as channel;

#[path = "forms.rs"]
mod forms;
