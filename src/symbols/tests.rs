use super::*;
use std::hint::black_box;

/// Return addresses of this thread, leaf first.
#[inline(never)]
pub(crate) fn own_stack() -> Box<[usize]> {
    let mut addresses = Vec::new();
    backtrace::trace(|frame| {
        addresses.push(frame.ip() as usize);
        true
    });
    black_box(addresses).into()
}

#[inline(always)]
fn inlined() -> Box<[usize]> {
    black_box(own_stack())
}

#[inline(never)]
fn caller_of_inlined() -> Box<[usize]> {
    black_box(inlined())
}

#[test]
fn frames_have_names_files_and_lines() {
    let addresses = caller_of_inlined();
    let stack = symbolizer().stack(addresses);
    let frames: Vec<&Frame> = stack
        .locations
        .iter()
        .flat_map(|location| &location.frames)
        .collect();
    let find = |name: &str| frames.iter().find(|frame| frame.function().ends_with(name));
    let frame = find("symbols::tests::caller_of_inlined").expect("the function is there");
    assert!(
        frame
            .file()
            .is_some_and(|file| file.ends_with("symbols/tests.rs")),
        "{frame:?}"
    );
    assert!(frame.line().is_some_and(|line| line < 40), "{frame:?}");
    let inner = find("symbols::tests::inlined").expect("so is what was inlined into it");
    assert_eq!(inner.address(), frame.address());
    let has_start_up = |frame: &&Frame| frame.function().contains("lang_start");
    assert!(!frames.iter().any(has_start_up));
}

#[test]
fn looked_up_addresses_are_shared() {
    let addresses = caller_of_inlined();
    let first = symbolizer().stack(addresses.clone());
    let second = symbolizer().stack(addresses);
    for (first, second) in first.locations.iter().zip(&second.locations) {
        assert!(Arc::ptr_eq(first, second));
    }
}

#[test]
fn an_interrupted_stack_begins_where_it_was_interrupted_and_ends_with_the_code() {
    let place = caller_of_inlined as fn() -> Box<[usize]> as usize;
    let callers = caller_of_inlined();
    // A walk that led into data: no code lies there.
    let data = std::ptr::from_ref(&callers).addr();
    let addresses = [&[place + 1], &callers[..3], &[data], &callers[3..]].concat();
    let locations = symbolizer().interrupted_stack(&addresses);
    assert_eq!(locations.len(), 4);
    assert_eq!(locations[0].address, place as u64);
    let leaf = locations[0].frames.last().unwrap();
    assert!(leaf.function().ends_with("caller_of_inlined"), "{leaf:?}");
    assert_eq!(locations[3].address, callers[2] as u64 - 1);
}

#[test]
fn of_where_threads_are_interrupted_only_so_much_is_kept() {
    let place = of_where_threads_are_interrupted_only_so_much_is_kept as fn() as usize + 2;
    let mut symbolizer = symbolizer();
    symbolizer.interrupted_stack(&[place]);
    assert!(symbolizer.cache.interrupted.contains_key(&place));
    assert!(!symbolizer.cache.known.contains_key(&place));
    // Addresses of no code.
    for address in 2..2 * MAX_INTERRUPTED {
        symbolizer.interrupted_stack(&[address]);
    }
    assert!(symbolizer.cache.interrupted.len() <= MAX_INTERRUPTED);
}

#[test]
fn a_name_that_is_only_asked_for_is_not_kept() {
    let mut symbolizer = symbolizer();
    let (known, strings) = (symbolizer.cache.known.len(), symbolizer.cache.strings.len());
    let place = caller_of_inlined as fn() -> Box<[usize]> as usize as u64;
    let name = symbolizer.name(place).unwrap();
    assert!(
        name.ends_with("symbols::tests::caller_of_inlined"),
        "{name}"
    );
    let on_stack = std::ptr::from_ref(&name).addr() as u64;
    for address in [0, 1, on_stack, u64::MAX - 1, u64::MAX] {
        assert_eq!(symbolizer.name(address), None, "{address:#x}");
    }
    assert_eq!(symbolizer.cache.known.len(), known);
    assert_eq!(symbolizer.cache.strings.len(), strings);
}

#[test]
fn what_stands_for_no_code_has_a_name_and_no_place() {
    for (address, name) in [
        (address::OVERFLOW, "contend::overflow"),
        (address::UNATTRIBUTED, "contend::unattributed"),
        (address::NO_STACK, "contend::no_stack"),
    ] {
        let stack = symbolizer().stack([address].into());
        let [location] = &*stack.locations else {
            panic!("one location, not {:?}", stack.locations);
        };
        let [frame] = &*location.frames else {
            panic!("one frame, not {:?}", location.frames);
        };
        assert_eq!(
            (frame.function(), frame.file(), frame.address()),
            (name, None, 0)
        );
        assert_eq!(location.mapping, None);
        assert!(!stack.starts_in_wrapper);
    }
}

#[test]
fn an_address_without_code_is_shown_as_a_number() {
    let stack = symbolizer().stack([0x1001].into());
    assert_eq!(stack.locations[0].frames[0].function(), "0x1000");
    assert!(!stack.locations[0].symbolized);
    assert!(symbolizer().stack([0, 1].into()).locations.is_empty());
}

#[test]
fn unloading_forgets_and_loading_asks_again_where_no_code_was() {
    let mapping = Arc::new(mapping(0x10_000));
    let unmapped = || Arc::new(Known::new(location(None)));
    let mapped = || Arc::new(Known::new(location(Some(Arc::clone(&mapping)))));
    let mut cache = Cache::default();
    cache.known.insert(1, unmapped());
    cache.known.insert(2, mapped());
    cache.interrupted.insert(2, mapped());
    let objects = |loads, unloads| Objects {
        loads,
        unloads,
        ..Objects::default()
    };
    cache.follow(objects(0, 0));
    assert_eq!(cache.known.len(), 2);
    cache.follow(objects(1, 0));
    assert!(!cache.known.contains_key(&1) && cache.known.contains_key(&2));
    cache.follow(objects(1, 1));
    assert!(cache.known.is_empty() && cache.interrupted.is_empty());
}

/// Whatever the order in which names are asked for, they are the same.
#[test]
fn what_was_prepared_is_what_is_looked_up_alone() {
    let addresses = caller_of_inlined();
    let mut symbolizer = symbolizer();
    let alone: Vec<_> = addresses
        .iter()
        .map(|address| symbolizer.look_up(address_of_call(*address)))
        .collect();
    // Known addresses are not looked up again. Put back before others can see that it was gone.
    let known = std::mem::take(&mut symbolizer.cache.known);
    symbolizer.prepare(addresses.iter().copied());
    symbolizer.cache.known = known;
    for (address, alone) in addresses.iter().zip(alone) {
        assert_eq!(symbolizer.look_up(address_of_call(*address)), alone);
    }
    // Optimised builds inline more than others.
    let mut names = addresses
        .iter()
        .map(|address| symbolizer.look_up(address_of_call(*address)));
    assert!(names.any(|names| names.len() > 1), "something is inlined");
}

/// Every function of this program that a stack goes through, by another reader of the same files.
#[cfg(target_os = "linux")]
#[test]
fn names_files_and_lines_are_those_that_backtrace_has() {
    // The C library has several names for some of its functions.
    let public = |name: &str| name.trim_start_matches('_').to_owned();
    let mut symbolizer = symbolizer();
    for address in own_stack() {
        let mut theirs = Vec::new();
        backtrace::resolve(address as *mut std::ffi::c_void, |symbol| {
            theirs.push((
                symbol.name().map(|name| public(&format!("{name:#}"))),
                symbol
                    .filename()
                    .map(|file| file.to_string_lossy().into_owned()),
                symbol.lineno().filter(|line| *line > 0),
            ));
        });
        let ours: Vec<_> = symbolizer
            .look_up(address_of_call(address))
            .into_iter()
            .map(|frame| {
                let name = frame.name.map(|name| public(&demangled(name.as_str())));
                (name, frame.file, frame.line)
            })
            .collect();
        assert_eq!(ours, theirs, "{address:#x}");
    }
}

fn mapping(start: u64) -> Mapping {
    Mapping {
        start,
        limit: start + 0x1000,
        file_offset: 0,
        bias: start,
        file: "/lib/test.so".into(),
        build_id: "".into(),
    }
}

fn location(mapping: Option<Arc<Mapping>>) -> Location {
    Location {
        address: 1,
        mapping,
        frames: [Cache::default().frame("f", None, 1)].into(),
        symbolized: true,
    }
}

/// A library that is opened late: libm's like is not on every machine, so the test opens whichever
/// of a few it finds.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[test]
fn code_that_was_loaded_late_has_its_name() {
    drop(symbolizer().stack(caller_of_inlined()));
    let before = loader::loaded();
    let candidates = [
        c"libcrypt.so.1",
        c"libz.so.1",
        c"libresolv.so.2",
        c"libnsl.so.1",
    ];
    let symbols = [c"crypt", c"compress", c"ns_name_ntop", c"nis_free"];
    for (library, symbol) in candidates.into_iter().zip(symbols) {
        // SAFETY: system libraries whose initialisers do nothing that this test would notice;
        // name and symbol are C strings. The library is never closed.
        let function = unsafe {
            let handle = libc::dlopen(library.as_ptr(), libc::RTLD_NOW);
            if handle.is_null() {
                continue;
            }
            libc::dlsym(handle, symbol.as_ptr()) as usize
        };
        if function == 0 || before.mapping_of(function as u64).is_some() {
            continue;
        }
        let stack = symbolizer().stack([function + 1].into());
        assert!(stack.locations[0].symbolized, "{:?}", stack.locations);
        return;
    }
    eprintln!("none of the libraries is there: nothing was tested");
}
