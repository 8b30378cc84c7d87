//! A moment as people write it, in UTC: whoever reads it may be in another place.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A date of the Gregorian calendar and a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Utc {
    pub(crate) year: u16,
    pub(crate) month: u8,
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
}

impl Utc {
    pub(crate) fn now() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = since_epoch.unwrap_or_default().as_nanos();
        Self::from_unix_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    /// Every number is a moment: between the years 1677 and 2262.
    pub(crate) fn from_unix_nanos(nanos: i64) -> Self {
        let seconds = nanos.div_euclid(1_000_000_000);
        let (day_number, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        // Years begin in March here, so that the leap day is the last. 1970-01-01 is day 719,468
        // then.
        let days = day_number + 719_468;
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        // Five months have 153 days, from March on and from August on.
        let month_from_march = (5 * of_year + 2) / 153;
        let month = (month_from_march + 2) % 12 + 1;
        Self {
            year: (era * 400 + year_of_era + i64::from(month <= 2)) as u16,
            month: month as u8,
            day: (of_year - (153 * month_from_march + 2) / 5 + 1) as u8,
            hour: (of_day / 3600) as u8,
            minute: (of_day / 60 % 60) as u8,
            second: (of_day % 60) as u8,
        }
    }

    /// Sorts by time, and is a part of a file's name everywhere: `20261124T223015Z`.
    pub(crate) fn compact(self) -> String {
        let text = self.to_string();
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let (date, time) = digits.split_at(digits.len() - 6);
        format!("{date}T{time}Z")
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)?;
        let Self { hour, minute, .. } = self;
        write!(f, " {hour:02}:{minute:02}:{:02} UTC", self.second)
    }
}

#[cfg(test)]
mod tests {
    use super::Utc;

    /// As `date -u -d @N '+%F %T'` has them.
    #[test]
    fn moments_have_their_dates() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_709_164_800, "2024-02-29 00:00:00 UTC"),
            (1_735_689_599, "2024-12-31 23:59:59 UTC"),
            (1_795_562_470, "2026-11-24 23:21:10 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (-1, "1969-12-31 23:59:59 UTC"),
        ] {
            let moment = Utc::from_unix_nanos(seconds * 1_000_000_000);
            assert_eq!(moment.to_string(), expected);
        }
        let moment = Utc::from_unix_nanos(1_795_562_470_000_000_000);
        assert_eq!(moment.compact(), "20261124T232110Z");
    }

    #[test]
    fn no_number_is_too_large() {
        let year = |nanos| Utc::from_unix_nanos(nanos).year;
        assert_eq!((year(i64::MIN), year(i64::MAX)), (1677, 2262));
    }
}
