//! However a program ends, its profile is there, and it ends as it would without us.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use crate::http_client::get;
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

/// `contend run` with these options, and a program that waits for a signal; and what they say.
fn waiting(options: &[&str]) -> Option<(Child, BufReader<ChildStdout>, BufReader<ChildStderr>)> {
    let program = compiled("endings.c", &[])?;
    let mut command = contend(["run"]);
    command.args(options).arg("--").arg(program).arg("wait");
    let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = pipes.spawn().unwrap();
    let output = BufReader::new(running.stdout.take().unwrap());
    let errors = BufReader::new(running.stderr.take().unwrap());
    Some((running, output, errors))
}

#[test]
fn signals_ask_for_tables_and_reach_the_program() {
    let Some((mut running, mut output, mut errors)) = waiting(&["--attach-signal", "SIGUSR2"])
    else {
        return;
    };
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

#[test]
fn the_profiles_so_far_are_pages_and_files_while_it_runs() {
    let Some((mut running, mut output, mut errors)) = waiting(&["--http", "127.0.0.1:0"]) else {
        return;
    };
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    let address = line.strip_prefix("contend: pages at http://").unwrap();
    let address = address.strip_suffix("/ while the program runs\n").unwrap();
    // It has waited by then.
    output.read_line(&mut String::new()).unwrap();

    for (path, wanted) in [
        ("/", "Whose code made others wait?"),
        ("/", "href=\"block\""),
        ("/top?profile=1", "holds"),
        ("/flamegraph?profile=1", "holds"),
        ("/function?profile=1&name=holds", "holds"),
    ] {
        let page = get(address.parse().unwrap(), path);
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text().contains(wanted), "{path}: {}", page.text());
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
