//! The rates as JSON.

use contend::http::{Handler, Request};
use serde_json::{Value, json};

use super::{alone, ask, get};
#[cfg(feature = "profiling")]
use super::{rates_in_force, set_rates};

fn state(fraction: u32, nanos: u64, in_force: (u32, u64)) -> Value {
    json!({
        "mutex_profile_fraction": fraction,
        "block_profile_rate": nanos,
        "wake_profile_rate": 0,
    "pairs_profile_fraction": 0,
        "in_force": {
            "mutex_profile_fraction": in_force.0,
            "block_profile_rate": in_force.1,
            "wake_profile_rate": 0,
    "pairs_profile_fraction": 0,
        },
        "profiling": cfg!(feature = "profiling"),
    })
}

#[track_caller]
fn asked(request: &Request<'_>) -> Value {
    let response = ask(&Handler::new(), request);
    assert_eq!(response.status(), 200);
    assert_eq!(response.header("Content-Type"), Some("application/json"));
    serde_json::from_slice(response.body()).unwrap()
}

#[cfg(feature = "profiling")]
#[track_caller]
fn put(body: &str) -> Value {
    asked(&Request::new("PUT", "/debug/pprof/rates").body(body.as_bytes()))
}

#[test]
fn at_first_all_is_off() {
    let _alone = alone();
    assert_eq!(asked(&get("/debug/pprof/rates")), state(0, 0, (0, 0)));
}

#[cfg(feature = "profiling")]
#[test]
fn the_rates_are_those_of_the_program() {
    let _alone = alone();
    set_rates(100, 1_000_000);
    assert_eq!(
        asked(&get("rates")),
        state(100, 1_000_000, (100, 1_000_000))
    );
}

#[cfg(feature = "profiling")]
#[test]
fn what_is_named_is_set_and_the_rest_stays() {
    let _alone = alone();
    assert_eq!(put(r#"{"mutex_profile_fraction": 5}"#), state(5, 0, (5, 0)));
    assert_eq!(put(r#"{"block_profile_rate": 9}"#), state(5, 9, (5, 9)));
    assert_eq!(put("{}"), state(5, 9, (5, 9)));
    assert_eq!(rates_in_force(), (5, 9));
    let largest =
        r#"{"mutex_profile_fraction": 4294967295, "block_profile_rate": 18446744073709551615}"#;
    put(largest);
    assert_eq!(rates_in_force(), (u32::MAX, u64::MAX));
    put(r#"{"block_profile_rate": 0, "mutex_profile_fraction": 0}"#);
    assert_eq!(rates_in_force(), (0, 0));
}

#[cfg(feature = "profiling")]
#[test]
fn a_token_guards_setting() {
    let _alone = alone();
    let handler = Handler::new().token("x");
    let put = Request::new("PUT", "/rates").body(br#"{"mutex_profile_fraction": 5}"#);
    assert_eq!(ask(&handler, &put).status(), 401);
    assert_eq!(rates_in_force(), (0, 0));
    let put = put.header("Authorization", "Bearer x");
    assert_eq!(ask(&handler, &put).status(), 200);
    assert_eq!(rates_in_force(), (5, 0));
}

/// While a window asks for a finer rate.
#[cfg(feature = "profiling")]
#[test]
fn what_is_set_and_what_is_in_force_are_told_apart() {
    use contend::http::Cancel;

    let _alone = alone();
    set_rates(100, 0);
    let (handler, cancel) = (Handler::new(), Cancel::new());
    let request = get("mutex?seconds=300&fraction=2");
    std::thread::scope(|scope| {
        let window = scope.spawn(|| super::ask_until(&handler, &request, &cancel));
        super::until(|| rates_in_force() == (2, 0));
        assert_eq!(asked(&get("rates")), state(100, 0, (2, 0)));
        assert_eq!(
            put(r#"{"mutex_profile_fraction": 50}"#),
            state(50, 0, (2, 0))
        );
        cancel.cancel();
        assert_eq!(window.join().unwrap().status(), 503);
    });
    assert_eq!(asked(&get("rates")), state(50, 0, (50, 0)));
}
