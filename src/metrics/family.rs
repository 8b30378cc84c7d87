//! A metric with its samples, and the two forms of text that it is written in.
//!
//! OpenMetrics names a family without the ending that tells what a sample of it is, says its unit,
//! and ends with `# EOF`. Prometheus' older form names it as its samples.
#![forbid(unsafe_code)]

use std::fmt::{self, Write};

/// The form in which metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricsForm {
    /// OpenMetrics 1.0.
    #[allow(dead_code)] // Served over HTTP.
    OpenMetrics,
    /// Prometheus' text format 0.0.4.
    Prometheus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Counter,
    Gauge,
    Histogram,
    Info,
}

pub(super) struct Family {
    /// Without the ending of its samples.
    name: String,
    kind: Type,
    help: &'static str,
    /// Lines, from behind the family's name.
    samples: String,
}

/// The unit that a name ends with.
const UNIT: &str = "seconds";

impl Family {
    pub(super) fn new(name: impl Into<String>, kind: Type, help: &'static str) -> Self {
        Self {
            name: name.into(),
            kind,
            help,
            samples: String::new(),
        }
    }

    pub(super) fn add<const N: usize>(&mut self, labels: [(&str, &str); N], value: f64) {
        self.line(self.kind.ending(), &labels, value);
    }

    /// Buckets are (bound, count of all up to it); the last one has no bound.
    pub(super) fn add_histogram<const N: usize>(
        &mut self,
        labels: [(&str, &str); N],
        buckets: impl Iterator<Item = (Option<f64>, f64)>,
        sum: f64,
    ) {
        let mut count = 0.0;
        for (bound, up_to) in buckets {
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| bound.to_string());
            let of_bucket = [&labels[..], &[("le", &*bound)]].concat();
            self.line("_bucket", &of_bucket, up_to);
            count = up_to;
        }
        self.line("_sum", &labels, sum);
        self.line("_count", &labels, count);
    }

    fn line(&mut self, ending: &str, labels: &[(&str, &str)], value: f64) {
        let Self { name, samples, .. } = self;
        let mut write = || {
            write!(samples, "{name}{ending}")?;
            let mut opening = '{';
            for (key, text) in labels {
                write!(samples, "{opening}{key}=\"{}\"", Escaped(text))?;
                opening = ',';
            }
            writeln!(
                samples,
                "{} {value}",
                if labels.is_empty() { "" } else { "}" }
            )
        };
        write().expect("a string takes all");
    }
}

impl Type {
    /// The end of the names of samples.
    fn ending(self) -> &'static str {
        match self {
            Self::Counter => "_total",
            Self::Info => "_info",
            Self::Gauge | Self::Histogram => "",
        }
    }

    fn word(self, form: MetricsForm) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info if form == MetricsForm::OpenMetrics => "info",
            // The older form has no word for it.
            Self::Info => "gauge",
        }
    }
}

impl MetricsForm {
    /// The form for a client that sends this header `Accept`: OpenMetrics where it is named and not
    /// refused.
    #[allow(dead_code)] // Asked over HTTP.
    pub(crate) fn accepted(accept: &str) -> Self {
        let is_open_metrics = |range: &str| {
            let mut parts = range.split(';').map(str::trim);
            let is_named = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case("application/openmetrics-text"));
            is_named
                && parts.all(|parameter| match parameter.split_once('=') {
                    Some(("version", version)) => version.trim_matches('"') == "1.0.0",
                    Some(("q", weight)) => weight.parse().is_ok_and(|weight: f64| weight > 0.0),
                    _ => true,
                })
        };
        match accept.split(',').any(is_open_metrics) {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    #[allow(dead_code)] // As above.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    pub(super) fn write(self, families: &[Family]) -> String {
        let mut text = String::new();
        for family in families {
            let Family { name, help, .. } = family;
            let ending = match self {
                Self::OpenMetrics => "",
                Self::Prometheus => family.kind.ending(),
            };
            let word = family.kind.word(self);
            text += &format!("# HELP {name}{ending} {help}\n# TYPE {name}{ending} {word}\n");
            if self == Self::OpenMetrics && name.ends_with(UNIT) {
                text += &format!("# UNIT {name} {UNIT}\n");
            }
            text += &family.samples;
        }
        if self == Self::OpenMetrics {
            text += "# EOF\n";
        }
        text
    }
}

/// The value of a label between its quotes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                _ => f.write_char(char)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_takes_open_metrics_gets_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,\
            application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for accept in [
            prometheus,
            "Application/OpenMetrics-Text; version=\"1.0.0\"",
        ] {
            assert_eq!(
                MetricsForm::accepted(accept),
                MetricsForm::OpenMetrics,
                "{accept}"
            );
        }
        let refused = "application/openmetrics-text;q=0, text/plain";
        let other = "application/openmetrics-text;version=2.0.0";
        for accept in ["", "*/*", "text/html", refused, other] {
            assert_eq!(
                MetricsForm::accepted(accept),
                MetricsForm::Prometheus,
                "{accept}"
            );
        }
    }

    #[test]
    fn both_forms_name_what_they_hold() {
        let mut family = Family::new("x_seconds", Type::Counter, "Help.");
        family.add([("kind", "a\"b\\c\nd")], 0.000_001);
        let sample = "x_seconds_total{kind=\"a\\\"b\\\\c\\nd\"} 0.000001\n";
        assert_eq!(
            MetricsForm::OpenMetrics.write(&[family]),
            format!(
                "# HELP x_seconds Help.\n# TYPE x_seconds counter\n# UNIT x_seconds seconds\n{sample}# EOF\n"
            )
        );
        let mut family = Family::new("x", Type::Info, "Help.");
        family.add([], 1.0);
        assert_eq!(
            MetricsForm::Prometheus.write(&[family]),
            "# HELP x_info Help.\n# TYPE x_info gauge\nx_info 1\n"
        );
    }
}
