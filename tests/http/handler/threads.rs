//! The threads of the program: `threads`.

use contend::http::Handler;

use super::{alone, ask, get};

#[test]
fn the_time_of_each_thread_comes_before_the_threads() {
    let _alone = alone();
    let handler = Handler::new();
    let response = ask(&handler, &get("/debug/pprof/threads?seconds=1"));
    assert_eq!(response.status(), 200);
    let text = String::from_utf8_lossy(response.body());
    let first = text.lines().next().unwrap();
    assert!(first.contains(" threads in 1.0"), "{first}");
    #[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
    {
        let table = text.split("\n\n").next().unwrap();
        assert!(
            table.contains("elsewhere") && table.contains("window"),
            "{table}"
        );
        assert!(text.contains("the_time_of_each"), "the threads themselves");
    }
    for wrong in ["seconds=0", "seconds=301", "seconds=x"] {
        let target = format!("/debug/pprof/threads?{wrong}");
        let response = ask(&handler, &get(&target));
        assert_eq!(response.status(), 400, "{wrong}");
    }
}
