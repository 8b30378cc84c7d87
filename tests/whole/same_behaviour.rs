//! The interposed functions answer as the C library's do.

use std::process::Command;

use crate::{compiled, recorded};

#[test]
fn a_program_of_odd_cases_prints_the_same() {
    let Some(program) = compiled("same_behaviour.cpp", &[]) else {
        return;
    };
    let bare = Command::new(&program).output().unwrap();
    let recorded = recorded(&program, &[]);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(text(&recorded.output.stdout), text(&bare.stdout));
    assert_eq!(recorded.output.status, bare.status);
    assert!(text(&bare.stdout).contains("forks: 20"));
}

/// Any other name could take the place of one of the program's.
#[test]
fn the_object_exports_its_names_and_no_other() {
    let object = std::fs::read(env!("CARGO_BIN_EXE_contend-preload")).unwrap();
    let map = include_str!("../../src/preload/exports.map");
    let mut expected: Vec<_> = map
        .lines()
        .filter_map(|line| line.trim().strip_suffix(';'))
        .filter(|name| *name != "*" && *name != "}")
        .collect();
    expected.sort_unstable();
    assert_eq!(exported(&object), expected);
}

/// The names that an ELF file defines for others.
fn exported(bytes: &[u8]) -> Vec<&str> {
    let word = |at: usize, len: usize| {
        let bytes = bytes[at..at + len].iter().rev();
        bytes.fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let (sections, count) = (word(0x28, 8), word(0x3c, 2));
    let section = |number: usize| sections + number * 64;
    const EXPORTED_SYMBOLS: usize = 11;
    let table = (0..count).find(|number| word(section(*number) + 4, 4) == EXPORTED_SYMBOLS);
    let table = section(table.unwrap());
    let names = word(section(word(table + 40, 4)) + 24, 8);
    let (start, size) = (word(table + 24, 8), word(table + 32, 8));
    let symbols = (start..start + size).step_by(24);
    let defined = symbols.filter(|symbol| word(symbol + 6, 2) != 0);
    let mut found: Vec<_> = defined
        .map(|symbol| {
            let name = &bytes[names + word(symbol, 4)..];
            let name = name.split(|byte| *byte == 0).next().unwrap();
            std::str::from_utf8(name).unwrap()
        })
        .collect();
    found.sort_unstable();
    found
}
