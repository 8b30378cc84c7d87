//! The effects of the variables on a program that was built without the profiler.

use std::env;
use std::process::Command;

const IN_CHILD: &str = "TEST_PROGRAM";

#[test]
fn one_line_says_that_nothing_is_profiled() {
    if env::var_os(IN_CHILD).is_some() {
        drop(contend::init());
        return;
    }
    let path = env::temp_dir().join(format!("contend-off-{}.pb.gz", std::process::id()));
    let run = |variables: &[(&str, &str)]| {
        let test = "off::one_line_says_that_nothing_is_profiled";
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", test, "--nocapture"])
            .env(IN_CHILD, "1");
        let output = command.envs(variables.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        text.lines()
            .filter(|line| line.starts_with("contend: "))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(run(&[]), [""; 0]);
    let lines = run(&[
        ("CONTEND_MUTEX_PROFILE", path.to_str().unwrap()),
        ("CONTEND_BLOCK_PROFILE_RATE", "1ms"),
    ]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("without its feature `profiling`"),
        "{lines:?}"
    );
    assert!(!path.exists());
}
