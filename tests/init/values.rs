//! Each variable, each placeholder, each form, each bad value.

use std::fs;
use std::process::Stdio;

#[cfg(feature = "server")]
use crate::program::await_word;
use crate::program::{Program, loads_in};

const MUTEX: &str = "CONTEND_MUTEX_PROFILE";
const FRACTION: &str = "CONTEND_MUTEX_PROFILE_FRACTION";
const BLOCK: &str = "CONTEND_BLOCK_PROFILE";
const RATE: &str = "CONTEND_BLOCK_PROFILE_RATE";
const HTTP: &str = "CONTEND_HTTP";

#[test]
fn without_variables_nothing_happens() {
    let mut program = Program::that_does("load");
    let run = program.run();
    run.assert_quiet_success();
    assert!(run.stdout.contains("rates: (0, 0)"), "{run:?}");
    assert_eq!(program.folder.entries(), [""; 0]);
}

#[test]
fn a_mutex_profile_is_written_and_everything_in_it() {
    let mut program = Program::that_does("load").with(MUTEX, "mutex.pb.gz");
    let run = program.run();
    run.assert_quiet_success();
    assert!(run.stdout.contains("rates: (1, 0)"), "{run:?}");
    assert_eq!(program.folder.entries(), ["mutex.pb.gz"]);
    let loads = loads_in(&program.folder.file("mutex.pb.gz"));
    assert_eq!(loads, ["program::first_load"]);
}

#[test]
fn a_block_profile_is_written_and_everything_in_it() {
    let mut program = Program::that_does("load").with(BLOCK, "block.txt");
    let run = program.run();
    run.assert_quiet_success();
    assert!(run.stdout.contains("rates: (0, 1)"), "{run:?}");
    assert_eq!(program.folder.entries(), ["block.txt"]);
    let text = fs::read_to_string(program.folder.file("block.txt")).unwrap();
    assert!(text.starts_with("block profile: "), "{text}");
    assert!(text.contains(" mutex  "), "{text}");
    // The time that it covers is in it, too.
    assert!(text.contains(" during "), "{text}");
}

#[test]
fn rates_are_set_with_and_without_files() {
    let cases = [
        (FRACTION, "7", "(7, 0)"),
        (RATE, "1ms", "(0, 1000000)"),
        (RATE, "10us", "(0, 10000)"),
        (RATE, "1000", "(0, 1000)"),
    ];
    for (variable, value, rates) in cases {
        let mut program = Program::that_does("load").with(variable, value);
        let run = program.run();
        run.assert_quiet_success();
        assert!(run.stdout.contains(&format!("rates: {rates}")), "{run:?}");
        assert_eq!(program.folder.entries(), [""; 0]);
    }
    let mut program = Program::that_does("load")
        .with(MUTEX, "mutex.pb.gz")
        .with(FRACTION, "5");
    let run = program.run();
    run.assert_quiet_success();
    assert!(run.stdout.contains("rates: (5, 0)"), "{run:?}");
}

#[test]
fn a_rate_of_0_writes_a_profile_that_says_it_is_off() {
    let mut program = Program::that_does("load")
        .with(MUTEX, "mutex.txt")
        .with(FRACTION, "0");
    program.run().assert_quiet_success();
    let text = fs::read_to_string(program.folder.file("mutex.txt")).unwrap();
    assert!(text.contains("empty: it is off"), "{text}");
}

#[test]
fn an_empty_value_is_none() {
    let mut program = Program::that_does("load")
        .with(MUTEX, "")
        .with(FRACTION, "")
        .with(HTTP, "");
    let run = program.run();
    run.assert_quiet_success();
    assert!(run.stdout.contains("rates: (0, 0)"), "{run:?}");
}

#[test]
fn placeholders_are_the_programs_name_and_number() {
    let mut program = Program::that_does("wait").with(MUTEX, "{bin}-{pid}.pb.gz");
    let child = program.start();
    let pid = child.id();
    assert!(child.wait_with_output().unwrap().status.success());
    let own = std::env::current_exe().unwrap();
    let own = own.file_stem().unwrap().to_str().unwrap();
    // As cargo names it, without its hash.
    let (bin, _) = own.rsplit_once('-').unwrap();
    assert_eq!(program.folder.entries(), [format!("{bin}-{pid}.pb.gz")]);
}

#[test]
fn the_ending_selects_the_form() {
    let mut program = Program::that_does("load")
        .with(MUTEX, "mutex.TXT")
        .with(BLOCK, "block.anything");
    program.run().assert_quiet_success();
    let text = fs::read_to_string(program.folder.file("mutex.TXT")).unwrap();
    assert!(text.contains("init::program::first_load"), "{text}");
    let bytes = fs::read(program.folder.file("block.anything")).unwrap();
    assert!(bytes.starts_with(&[0x1f, 0x8b]), "gzip");
}

#[cfg(feature = "flamegraph")]
#[test]
fn svg_is_a_flame_graph() {
    let mut program = Program::that_does("load").with(MUTEX, "mutex.svg");
    program.run().assert_quiet_success();
    let text = fs::read_to_string(program.folder.file("mutex.svg")).unwrap();
    assert!(text.trim_end().ends_with("</svg>"), "{text}");
    assert!(text.contains("first_load"), "{text}");
}

/// The program ran on unprofiled, and one line names the variable, its value and what is accepted.
#[track_caller]
fn assert_refused(mut program: Program, beginning: &str, accepted: &str) {
    let before = program.folder.entries();
    let run = program.run();
    assert_eq!(run.code, Some(0), "{run:?}");
    let [line] = *run.lines() else {
        panic!("one line, not {run:?}");
    };
    let beginning = format!("contend: {beginning}");
    assert!(line.starts_with(&beginning), "{line}");
    assert!(line.contains(accepted), "{line}");
    assert!(line.ends_with("; nothing is profiled"), "{line}");
    assert!(run.stdout.contains("rates: (0, 0)"), "{run:?}");
    assert_eq!(program.folder.entries(), before);
}

#[test]
fn bad_values_are_named_and_the_program_runs_unprofiled() {
    let a_path = "expected the path of a file";
    let a_fraction = "expected a whole number from 0";
    let a_rate = "expected a whole number with ns, us, ms or s";
    let cases = [
        (MUTEX, "{host}.pb.gz", a_path),
        (BLOCK, "{pid", a_path),
        (MUTEX, "no/such/folder/mutex.pb.gz", "there is no folder"),
        (BLOCK, ".", "directory"),
        (FRACTION, "many", a_fraction),
        (FRACTION, "-1", a_fraction),
        (FRACTION, "0.5", a_fraction),
        (FRACTION, "4294967296", a_fraction),
        (FRACTION, "1ms", a_fraction),
        (RATE, "1 parsec", a_rate),
        (RATE, "-1", a_rate),
        (RATE, "18446744073709551616", a_rate),
        (RATE, "9999999999999s", a_rate),
        ("CONTEND_BLOCK_RATE", "1ms", RATE),
        ("CONTEND_MUTEX_PROFILE_RATE", "1", FRACTION),
        ("CONTEND_HTTP_ADDR", "127.0.0.1:6060", HTTP),
    ];
    for (variable, value, accepted) in cases {
        // With another that is good: half of what was asked for would be a surprise.
        let program = Program::that_does("load").with(variable, value);
        let good = if variable == MUTEX { BLOCK } else { MUTEX };
        let program = program.with(good, "good.pb.gz");
        assert_refused(program, &format!("{variable}={value:?}: "), accepted);
    }
}

#[cfg(unix)]
#[test]
fn values_that_are_no_text_are_named() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    for variable in [MUTEX, FRACTION, BLOCK, RATE, HTTP] {
        let program = Program::that_does("load").with(variable, OsStr::from_bytes(b"a\xffb"));
        assert_refused(program, &format!("{variable}=\"a\\xFFb\": "), "expected ");
    }
}

#[test]
fn a_read_only_file_is_named_and_kept() {
    let program = Program::that_does("load").with(MUTEX, "old.pb.gz");
    let path = program.folder.file("old.pb.gz");
    fs::write(&path, "old").unwrap();
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    assert_refused(
        program,
        "CONTEND_MUTEX_PROFILE=\"old.pb.gz\": permission denied",
        "expected",
    );
}

#[test]
fn one_path_for_both_is_refused_however_it_is_spelt() {
    for second in ["a.pb.gz", "./a.pb.gz", "../{here}/a.pb.gz"] {
        let program = Program::that_does("load").with(MUTEX, "a.pb.gz");
        let here = program.folder.0.file_name().unwrap().to_str().unwrap();
        let second = second.replace("{here}", here);
        let program = program.with(BLOCK, second);
        let reason = "CONTEND_MUTEX_PROFILE is the same file";
        assert_refused(program, "CONTEND_BLOCK_PROFILE=", reason);
    }
}

#[cfg(not(feature = "flamegraph"))]
#[test]
fn a_flame_graph_needs_its_feature() {
    let program = Program::that_does("load").with(MUTEX, "mutex.svg");
    assert_refused(
        program,
        "CONTEND_MUTEX_PROFILE=\"mutex.svg\": ",
        "feature `flamegraph`",
    );
}

#[cfg(not(feature = "server"))]
#[test]
fn a_server_needs_its_feature_and_all_else_goes_on() {
    let mut program = Program::that_does("load")
        .with(HTTP, "127.0.0.1:0")
        .with(MUTEX, "mutex.pb.gz");
    let run = program.run();
    assert_eq!(
        run.lines(),
        [
            "contend: CONTEND_HTTP=\"127.0.0.1:0\": contend was built without its feature `server`; nothing is served"
        ]
    );
    assert_eq!(program.folder.entries(), ["mutex.pb.gz"]);
}

#[cfg(feature = "server")]
#[test]
fn a_server_answers_at_the_address() {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut program = Program::that_does("wait").with(HTTP, address.to_string());
    let mut child = program.start();
    await_word(&mut child, "waits");
    let mut stream = TcpStream::connect(address).unwrap();
    let request = "GET /debug/pprof/mutex HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 200 "),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    assert!(child.wait_with_output().unwrap().status.success());
}

#[cfg(feature = "server")]
#[test]
fn where_nothing_can_be_served_all_else_goes_on() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [
        taken.local_addr().unwrap().to_string(),
        "nonsense".to_owned(),
    ] {
        let mut program = Program::that_does("load")
            .with(HTTP, &address)
            .with(MUTEX, "mutex.pb.gz");
        let run = program.run();
        let [line] = *run.lines() else {
            panic!("one line, not {run:?}");
        };
        let beginning = format!("contend: CONTEND_HTTP={address:?}: ");
        assert!(line.starts_with(&beginning), "{line}");
        assert_eq!(program.folder.entries(), ["mutex.pb.gz"]);
    }
}

#[test]
fn nobody_who_reads_the_line_is_no_reason_to_fail() {
    let mut program = Program::that_does("load").with(FRACTION, "many");
    let child = program.start_with_broken_stderr();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[cfg(unix)]
#[test]
fn a_closed_standard_error_is_no_reason_to_fail() {
    let mut shell = std::process::Command::new("sh");
    shell
        .args([
            "-c",
            "exec \"$0\" --exact program::as_program --nocapture 2>&-",
        ])
        .arg(std::env::current_exe().unwrap())
        .env("TEST_PROGRAM_DOES", "load")
        .env("TEST_PROGRAM_CALLS_INIT", "1")
        .env(FRACTION, "many")
        .stdout(Stdio::null());
    assert!(shell.status().unwrap().success());
}
