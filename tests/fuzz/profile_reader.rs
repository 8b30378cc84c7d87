//! Whatever is read as a profile is either refused or good for everything that the command does
//! with one.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = contend::cli::exercise(bytes);
});
