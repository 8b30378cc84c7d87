//! The threads of the program and what they do now, for people and programs.
#![forbid(unsafe_code)]

mod json;

use super::call::{Answer, Call};
use super::form::Form;
use super::response::{JSON, TEXT};
use super::{Response, pages};
use crate::live::{Accounting, ThreadTimes};
use crate::text::escape::OneLine;

/// The threads grouped by what they do, with what they wait for. `seconds=N`: before them where the
/// time of each one went in the next N seconds.
pub(super) fn threads(call: &Call<'_>) -> Answer {
    let form = Form::of(call)?;
    let times = times(call)?;
    let threads = crate::live::threads();
    Ok(match form {
        Form::Page => pages::threads(call, &threads, times.as_ref()),
        Form::Json => Response::new(JSON, json::threads(&threads, times.as_ref()).to_string()),
        Form::Text => {
            let times = times.map_or(String::new(), |times| format!("{times}\n"));
            Response::new(TEXT, format!("{times}{threads}"))
        }
    })
}

fn times(call: &Call<'_>) -> Result<Option<ThreadTimes>, Response> {
    let Some(duration) = call.seconds()? else {
        return Ok(None);
    };
    let window = call.window(duration)?;
    let accounting = Accounting::start();
    window.wait()?;
    Ok(Some(accounting.finish()))
}

/// The threads that wait for each other.
pub(super) fn deadlock(call: &Call<'_>) -> Answer {
    let form = Form::of(call)?;
    call.refuse_seconds()?;
    let deadlocks = crate::live::deadlocks();
    Ok(match form {
        Form::Page => pages::deadlock(&deadlocks),
        Form::Json => Response::new(JSON, json::deadlocks(&deadlocks).to_string()),
        Form::Text if deadlocks.is_empty() => {
            Response::new(TEXT, format!("{}\n", pages::NO_DEADLOCK))
        }
        Form::Text => {
            let text = deadlocks.iter().map(|deadlock| format!("{deadlock}\n"));
            Response::new(TEXT, text.collect::<String>())
        }
    })
}

/// The report of the program's monitor.
pub(super) fn monitor(call: &Call<'_>) -> Answer {
    let form = Form::of(call)?;
    call.refuse_seconds()?;
    let report = crate::monitor::last_report();
    Ok(match (form, report) {
        (Form::Page, report) => pages::monitor(report.as_ref()),
        (Form::Json, report) => Response::new(JSON, json::monitor(report.as_ref()).to_string()),
        (Form::Text, Some(report)) => Response::new(TEXT, report.to_string()),
        (Form::Text, None) => Response::new(TEXT, format!("{}\n", OneLine(pages::NO_MONITOR))),
    })
}
