//! Where CPU profiles are not built in.
#![forbid(unsafe_code)]

use std::io::{self, Write};

use super::Error;

/// Never exists.
#[derive(Debug)]
pub(crate) enum Sampling {}

pub(crate) fn start(_frequency: u32) -> Result<Sampling, Error> {
    Err(Error::Unavailable)
}

impl Sampling {
    pub(crate) fn finish(self) -> Result<CpuProfile, Error> {
        match self {}
    }
}

/// Never exists.
#[derive(Debug)]
pub(crate) enum CpuProfile {}

impl CpuProfile {
    pub(crate) fn write(&self, _output: impl Write) -> io::Result<()> {
        match *self {}
    }
}
