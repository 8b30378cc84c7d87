//! Keeps a panic within the request: whoever embeds a profiler must not be brought down by it.
#![forbid(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Returns the result of `run`, or the message that it panicked with.
///
/// Unwinding through this module's own state is safe: it is behind locks that are used on after a
/// panic, and none of them is ever held while its content is half changed.
pub(super) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(|text| &**text));
        text.unwrap_or("no message").to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::caught;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(caught(|| 7), Ok(7));
        assert_eq!(caught(|| panic!("plain")), Err::<(), _>("plain".to_owned()));
        let number = 3;
        assert_eq!(
            caught(|| panic!("with {number}")),
            Err::<(), _>("with 3".to_owned())
        );
        let odd = caught(|| std::panic::panic_any(3));
        assert_eq!(odd, Err::<(), _>("no message".to_owned()));
    }
}
