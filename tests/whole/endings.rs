//! However a program ends, its profile is there, and it ends as it would without us.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use crate::{Recorded, compiled, contend, delay_of, folder, recorded};

#[test]
fn each_end_is_the_programs_own_and_leaves_a_profile() {
    let Some(program) = compiled("endings.c", &[]) else {
        return;
    };
    for ending in [
        "return",
        "_exit",
        "abort",
        "kill",
        "terminate",
        "exec",
        "nobody",
        "chroot",
    ] {
        let bare = Command::new(&program).arg(ending).output().unwrap();
        let recorded = recorded(&program, &[ending]);
        let (status, expected) = (recorded.output.status, bare.status);
        assert_eq!(status.code(), expected.code(), "{ending}");
        assert_eq!(status.signal(), expected.signal(), "{ending}");
        assert_eq!(recorded.output.stdout, bare.stdout, "{ending}");
        let delay = delay_of(&recorded.profile("mutex"), "holds", Some("mutex"));
        assert!(delay > 1_000_000, "{ending}: {delay}");
    }
}

#[test]
fn signals_ask_for_tables_and_reach_the_program() {
    let Some(program) = compiled("endings.c", &[]) else {
        return;
    };
    let mut command = contend(["run", "--attach-signal", "SIGUSR2", "--"]);
    command.arg(&program).arg("wait");
    let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = pipes.spawn().unwrap();
    let mut output = BufReader::new(running.stdout.take().unwrap());
    let mut errors = BufReader::new(running.stderr.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(
        line, "LD_PRELOAD=\n",
        "what the program starts goes without"
    );
    let send = |signal| {
        // SAFETY: sends a signal to a child that has not been waited for.
        unsafe { libc::kill(running.id().cast_signed(), signal) };
    };
    let mut table = || {
        let mut text = String::new();
        while !text.contains("\nblock profile") {
            assert_ne!(errors.read_line(&mut text).unwrap(), 0, "{text}");
        }
        text
    };
    send(libc::SIGUSR2);
    let first = table();
    assert!(first.contains("holds"), "{first}");
    send(libc::SIGTERM);
    let last = table();
    assert!(last.contains("holds"), "{last}");
    assert_eq!(running.wait().unwrap().signal(), Some(libc::SIGTERM));
}

/// The answer to a GET, with its head.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_profiles_so_far_are_pages_and_files_while_it_runs() {
    let Some(program) = compiled("endings.c", &[]) else {
        return;
    };
    let mut command = contend(["run", "--http", "127.0.0.1:0", "--"]);
    command.arg(&program).arg("wait");
    let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = pipes.spawn().unwrap();
    let mut errors = BufReader::new(running.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    let address = line.strip_prefix("contend: pages at http://").unwrap();
    let address = address.strip_suffix("/ while the program runs\n").unwrap();
    // It has waited by then.
    let mut output = BufReader::new(running.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();

    for (path, wanted) in [
        ("/", "Whose code made others wait?"),
        ("/", "href=\"block\""),
        ("/top?profile=1", "holds"),
        ("/flamegraph?profile=1", "holds"),
        ("/function?profile=1&name=holds", "holds"),
    ] {
        let page = get(address, path);
        assert!(page.starts_with("HTTP/1.1 200"), "{path}: {page}");
        assert!(page.contains(wanted), "{path}: {page}");
    }
    let top = contend(["top", "--cum", address]).output().unwrap();
    let top = String::from_utf8_lossy(&top.stdout).into_owned();
    assert!(top.contains("holds"), "{top}");

    // SAFETY: sends a signal to a child that has not been waited for.
    unsafe { libc::kill(running.id().cast_signed(), libc::SIGTERM) };
    let mut tables = String::new();
    errors.read_to_string(&mut tables).unwrap();
    assert!(tables.contains("holds"), "{tables}");
    assert_eq!(running.wait().unwrap().signal(), Some(libc::SIGTERM));
}

#[test]
fn without_its_address_the_program_is_not_started() {
    for address in ["127.0.0.1:99999", "192.0.2.1:0", "0.0.0.0:0", ""] {
        let mut command = contend(["run", "--http", address, "--", "echo", "started"]);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(output.stdout.is_empty(), "{address}: {said}");
        assert!(
            said.contains(address) && said.lines().count() <= 3,
            "{said}"
        );
    }
}

#[test]
fn after_a_time_the_table_comes_and_the_program_goes_on() {
    let output = contend(["run", "--duration", "10ms", "--idle", "--", "sleep", "0.3"]);
    let output = { output }.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("Where did threads wait?").count(), 1, "{said}");
    // The sleep was going on then.
    assert!(said.contains("the block profile is empty"), "{said}");
}

/// A shell that starts one program, and becomes another one.
#[test]
fn programs_that_it_starts_are_recorded_if_that_is_asked_for() {
    let Some(program) = compiled("endings.c", &[]) else {
        return;
    };
    let script = format!("{0} _exit; exec {0}", program.display());
    let profiles = folder().join("profiles_children");
    let mut command = contend(["record", "--children", "--output"]);
    command.arg(&profiles).args(["--", "sh", "-c", &script]);
    let recorded = Recorded {
        output: command.output().unwrap(),
        folder: profiles,
    };
    assert_eq!(recorded.output.status.code(), Some(3));
    let mutex = recorded.profile("mutex");
    let holds = mutex.stacks().into_iter().filter(|stack| {
        stack.functions.contains(&"holds") && stack.functions.first() != Some(&"contend::wakeup")
    });
    // Each process has stacks of its own.
    let delays: Vec<_> = holds.map(|stack| stack.values[1]).collect();
    assert!(
        delays.len() == 2 && delays.iter().all(|delay| *delay > 1_000_000),
        "{delays:?}"
    );
}
