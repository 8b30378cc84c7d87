//! Access: the token, the name of the host, and pages of other sites.

use contend::http::{Handler, Request};

use super::{alone, ask, get, rates_in_force, text};

/// `open sesame` with a user before it, as a browser sends it.
const BASIC: &str = "Basic YW55Ym9keTpvcGVuIHNlc2FtZQ==";

fn guarded() -> Handler {
    Handler::new()
        .token("open sesame")
        .loopback_hosts_only(true)
}

fn status(handler: &Handler, target: &str, headers: &[(&str, &str)]) -> u16 {
    let request = headers.iter().fold(get(target), |request, (name, value)| {
        request.header(name, value)
    });
    ask(handler, &request).status()
}

#[test]
fn the_token_opens_every_path() {
    let _alone = alone();
    for authorization in ["Bearer open sesame", "bearer open sesame", BASIC] {
        let headers = [("HOST", "localhost:6060"), ("authorization", authorization)];
        assert_eq!(status(&guarded(), "/mutex", &headers), 200);
        assert_eq!(status(&guarded(), "/nothing", &headers), 404);
        assert_eq!(status(&guarded(), "/mutex?seconds=x", &headers), 400);
    }
}

#[test]
fn without_the_token_no_path_is_open() {
    let wrong = [
        "",
        "Bearer",
        "Bearer ",
        "Bearer open",
        "Bearer open sesame!",
        "Bearer OPEN SESAME",
        "open sesame",
        "Token open sesame",
        "Basic b3BlbiBzZXNhbWU=",           // without a user
        "Basic YW55Ym9keTpvcGVuIHNlc2Ft",   // cut
        "Basic YW55Ym9keTpvcGVuIHNlc2FtZQ", // without its padding
        "Basic \u{1f980}",
        "Bearer \u{1f980}",
    ];
    for target in [
        "",
        "/",
        "/debug/pprof",
        "/mutex",
        "/rates",
        "/nothing",
        "/assets/x",
        "/mutex?seconds=x",
    ] {
        assert_eq!(status(&guarded(), target, &[("Host", "localhost")]), 401);
        for authorization in wrong {
            let headers = [("Host", "localhost"), ("Authorization", authorization)];
            assert_eq!(status(&guarded(), target, &headers), 401, "{authorization}");
        }
    }
}

#[test]
fn browsers_are_told_to_ask_their_user() {
    let response = ask(&Handler::new().token("x"), &get("/mutex"));
    let challenge = response.header("WWW-Authenticate").unwrap();
    assert!(challenge.starts_with("Basic realm="), "{challenge}");
    assert!(text(&response).contains("Authorization: Bearer TOKEN"));
}

/// All methods need the token: a preflight could tell that there is something.
#[test]
fn methods_do_not_go_around_the_token() {
    for method in ["HEAD", "POST", "PUT", "OPTIONS", "DELETE", ""] {
        let request = Request::new(method, "/rates").body(b"{}");
        assert_eq!(ask(&Handler::new().token("x"), &request).status(), 401);
    }
}

#[test]
fn an_empty_token_lets_nobody_in() {
    for authorization in ["Bearer ", "Bearer", "Basic YW55Ym9keTo=", ""] {
        let headers = [("Authorization", authorization)];
        assert_eq!(status(&Handler::new().token(""), "/mutex", &headers), 401);
    }
}

#[test]
fn a_handler_does_not_print_its_token() {
    let printed = format!("{:?}", guarded());
    assert!(!printed.contains("sesame"), "{printed}");
}

#[test]
fn only_names_of_this_machine_are_answered() {
    let _alone = alone();
    let local = Handler::new().loopback_hosts_only(true);
    for host in [
        "localhost",
        "localhost:6060",
        "127.0.0.1:6060",
        "[::1]:6060",
        "shop.localhost",
    ] {
        assert_eq!(status(&local, "/mutex", &[("Host", host)]), 200, "{host}");
    }
    for host in [
        "evil.example",
        "localhost.evil.example:6060",
        "10.1.2.3:6060",
        "",
        "[::]",
        "0",
    ] {
        let response = ask(&local, &get("/mutex").header("Host", host));
        assert_eq!(response.status(), 403, "{host}");
        assert!(text(&response).contains(&format!("{host:?}")));
    }
    assert_eq!(status(&local, "/mutex", &[]), 403, "no host at all");
    assert_eq!(
        status(&Handler::new(), "/mutex", &[("Host", "shop.example")]),
        200
    );
}

/// The host comes first, so that a page behind a name of its own learns nothing of tokens.
#[test]
fn of_several_headers_the_first_counts() {
    let headers = [("Host", "evil.example"), ("Host", "localhost")];
    assert_eq!(status(&guarded(), "/mutex", &headers), 403);
}

#[test]
fn pages_of_other_sites_change_nothing() {
    let _alone = alone();
    for site in ["cross-site", "same-site"] {
        let headers = [("Sec-Fetch-Site", site)];
        for target in [
            "/mutex?seconds=1&fraction=1",
            "/block?seconds=1&rate=1ms",
            "/flamegraph?profile=mutex&seconds=1&fraction=1",
            "/delta_mutex?scraper=alloy",
            "/mutex?seconds=1",
            "/top?profile=block&seconds=300",
            "/profile",
            "/bundle",
        ] {
            assert_eq!(
                status(&Handler::new(), target, &headers),
                403,
                "{site} {target}"
            );
        }
        let put = Request::new("PUT", "/rates").header("Sec-Fetch-Site", site);
        let response = ask(
            &Handler::new(),
            &put.body(br#"{"mutex_profile_fraction": 1}"#),
        );
        assert_eq!(response.status(), 403);
        assert!(text(&response).contains("another site"));
    }
    assert_eq!(rates_in_force(), (0, 0));
}

/// A link in a wiki is a request across sites, too; and what a scraper sends has no such header.
#[test]
fn reading_is_open_to_links() {
    let _alone = alone();
    for site in ["cross-site", "same-site", "same-origin", "none"] {
        let headers = [("Sec-Fetch-Site", site)];
        assert_eq!(status(&Handler::new(), "/mutex", &headers), 200, "{site}");
    }
    let own = [("Sec-Fetch-Site", "same-origin")];
    assert_eq!(status(&Handler::new(), "/delta_mutex", &own), 200);
    assert_eq!(status(&Handler::new(), "/delta_mutex", &[]), 200);
}

/// Where the browser has no verdict of its own: over plain http to other than loopback addresses,
/// and in old ones.
#[test]
fn an_origin_of_elsewhere_counts_as_another_site() {
    let _alone = alone();
    let status = |target, origin: &'static str, site: Option<&'static str>| {
        let mut headers = vec![("Host", "shop.example:6060"), ("Origin", origin)];
        headers.extend(site.map(|site| ("Sec-Fetch-Site", site)));
        status(&Handler::new(), target, &headers)
    };
    for origin in [
        "http://evil.example",
        "http://shop.example",
        "http://shop.example:6061",
        "http://shop.example:6060.evil.example",
        "null",
        "",
    ] {
        let window = "/block?seconds=1&rate=1ms";
        assert_eq!(status(window, origin, None), 403, "{origin}");
        assert_eq!(status("/delta_mutex", origin, None), 403, "{origin}");
        assert_eq!(status("/mutex", origin, None), 200, "{origin}");
    }
    let own = "http://Shop.example:6060";
    assert_eq!(status("/delta_mutex", own, None), 200);
    // A proxy may call this server by another name; the browser knows better.
    let front = "https://front.example";
    assert_eq!(status("/delta_mutex", front, Some("same-origin")), 200);
    assert_eq!(status("/delta_mutex", own, Some("cross-site")), 403);
    assert_eq!(rates_in_force(), (0, 0));
}
