//! The rates of the profiles as JSON: to read, and to set.
#![forbid(unsafe_code)]

use serde_json::{Map, Value};

use super::Response;
use super::call::{Answer, Call};
use super::query::shown;
use super::response::JSON;
use crate::ask::control;
use crate::profile::kind::ProfileKind;

/// More than all rates with their names need.
const MAX_BODY: usize = 4096;

pub(super) fn rates(call: &Call<'_>) -> Answer {
    if call.request.method == "PUT" {
        // All of them are known to be right before the first is set.
        for (which, rate) in wanted(call.request.body)? {
            call.state.own_rates.before_set(which, rate);
            control::set_rate(which, rate);
        }
    }
    Ok(state())
}

/// The rates that the program has set, and those that count: a window may ask for a finer rate for
/// its time.
fn state() -> Response {
    let rates = |rate: fn(ProfileKind) -> u64| -> Map<String, Value> {
        let kinds = ProfileKind::ALL.into_iter();
        let rates = kinds.map(|kind| (kind.rate().name.to_owned(), rate(kind).into()));
        rates.collect()
    };
    let mut state = rates(control::rate_set);
    state.insert("in_force".to_owned(), rates(control::rate).into());
    state.insert("profiling".to_owned(), cfg!(feature = "profiling").into());
    let state = Value::from(state);
    Response::new(JSON, format!("{state}\n"))
}

fn wanted(body: &[u8]) -> Result<Vec<(ProfileKind, u64)>, Response> {
    if cfg!(not(feature = "profiling")) {
        let message = "there are no rates: contend was built without its feature `profiling`";
        return Err(Response::error(501, message));
    }
    let object = object(body)?;
    object
        .iter()
        .map(|(name, value)| rate(name, value))
        .collect()
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Response> {
    if body.len() > MAX_BODY {
        let message = format!("the body is too large: at most {MAX_BODY} bytes");
        return Err(Response::error(413, &message));
    }
    let why = match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => return Ok(object),
        Ok(_) => "it is something else".to_owned(),
        Err(error) => error.to_string(),
    };
    let example = ProfileKind::Mutex.rate().name;
    let message = format!("the body must be a JSON object such as {{\"{example}\": 100}}: {why}");
    Err(Response::error(400, &message))
}

fn rate(name: &str, value: &Value) -> Result<(ProfileKind, u64), Response> {
    let mut kinds = ProfileKind::ALL.into_iter();
    let Some(which) = kinds.find(|kind| kind.rate().name == name) else {
        let names = ProfileKind::ALL.map(|kind| format!("{:?}", kind.rate().name));
        let message = format!(
            "unknown rate {}: there are {}",
            shown(name),
            names.join(" and ")
        );
        return Err(Response::error(400, &message));
    };
    let max = which.rate().unit.max();
    let rate = value.as_u64().filter(|rate| *rate <= max);
    rate.map(|rate| (which, rate)).ok_or_else(|| {
        let value = shown(&value.to_string());
        let message = format!("\"{name}\" must be an integer from 0 to {max}, not {value}");
        Response::error(400, &message)
    })
}

#[cfg(all(test, feature = "profiling"))]
mod tests {
    use super::*;

    #[test]
    fn an_object_may_have_some_of_the_rates() {
        let wanted = |text: &str| wanted(text.as_bytes()).unwrap();
        assert_eq!(wanted("{}"), []);
        let fraction = r#"{"mutex_profile_fraction": 4294967295}"#;
        assert_eq!(wanted(fraction), [(ProfileKind::Mutex, u32::MAX.into())]);
        let rate = r#"{"block_profile_rate": 18446744073709551615}"#;
        assert_eq!(wanted(rate), [(ProfileKind::Block, u64::MAX)]);
        let both = r#"{"block_profile_rate":0,"mutex_profile_fraction":1}"#;
        assert_eq!(
            wanted(both),
            [(ProfileKind::Block, 0), (ProfileKind::Mutex, 1)]
        );
    }
}
