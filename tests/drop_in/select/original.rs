//! The forms with the original's macros.

use ::crossbeam_channel as channel;

#[path = "forms.rs"]
mod forms;
