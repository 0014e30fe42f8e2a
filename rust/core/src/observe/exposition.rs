use std::fmt::Write as _;

use super::histogram::Distribution;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// The text format 0.0.4, written family by family.
///
/// The words of a family are written with its first series: a family that has nothing to tell does not appear.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    pub(super) text: String,
}

/// One family while its series are written.
pub(super) struct Series<'a> {
    text: &'a mut String,
    name: &'a str,
    header: Option<(Kind, &'a str)>,
}

pub(super) type Labels<'a> = &'a [(&'static str, &'a str)];

impl Exposition {
    pub(super) fn family<'a>(&'a mut self, name: &'a str, kind: Kind, help: &'a str) -> Series<'a> {
        Series { text: &mut self.text, name, header: Some((kind, help)) }
    }
}

impl Series<'_> {
    pub(super) fn value(&mut self, labels: Labels<'_>, value: f64) {
        self.line("", labels, None, value);
    }

    #[expect(clippy::cast_precision_loss, reason = "the format knows floats alone")]
    pub(super) fn count(&mut self, labels: Labels<'_>, count: u64) {
        self.value(labels, count as f64);
    }

    #[expect(clippy::cast_precision_loss, reason = "the format knows floats alone")]
    pub(super) fn histogram(&mut self, labels: Labels<'_>, bounds: &[f64], distribution: &Distribution) {
        let mut sum = 0;
        for (index, count) in distribution.buckets.iter().enumerate() {
            sum += count;
            let bound = bounds.get(index).map_or_else(|| "+Inf".to_owned(), |bound| format!("{bound:?}"));
            self.line("_bucket", labels, Some(("le", &bound)), sum as f64);
        }
        self.line("_sum", labels, None, distribution.sum);
        self.line("_count", labels, None, sum as f64);
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, last: Option<(&'static str, &str)>, value: f64) {
        if let Some((kind, help)) = self.header.take() {
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            // Writing to a String does not fail.
            let _ = write!(self.text, "# HELP {0} {help}\n# TYPE {0} {kind}\n", self.name);
        }
        self.text.extend([self.name, suffix]);
        let mut opening = '{';
        for (name, value) in labels.iter().copied().chain(last) {
            self.text.push(opening);
            self.text.extend([name, "=\""]);
            push_escaped(self.text, value);
            self.text.push('"');
            opening = ',';
        }
        if opening == ',' {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

fn push_escaped(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_without_series_does_not_appear_and_labels_are_escaped() {
        let mut exposition = Exposition::default();
        exposition.family("nothing", Kind::Gauge, "Nothing.");
        let mut family = exposition.family("polls_total", Kind::Counter, "Polls.");
        family.count(&[("taskType", "a\"\\\nb"), ("domain", "")], 3);
        family.count(&[], 4);
        let expected = "# HELP polls_total Polls.\n# TYPE polls_total counter\n\
                        polls_total{taskType=\"a\\\"\\\\\\nb\",domain=\"\"} 3\npolls_total 4\n";
        assert_eq!(exposition.text, expected);
    }

    #[test]
    fn buckets_are_cumulative() {
        let mut exposition = Exposition::default();
        let distribution = Distribution { buckets: vec![2, 0, 1], sum: 7.5 };
        exposition.family("size", Kind::Histogram, "Sizes.").histogram(
            &[("a", "b")],
            &[0.5, 10.0],
            &distribution,
        );
        let expected = "# HELP size Sizes.\n# TYPE size histogram\nsize_bucket{a=\"b\",le=\"0.5\"} 2\n\
                        size_bucket{a=\"b\",le=\"10.0\"} 2\nsize_bucket{a=\"b\",le=\"+Inf\"} 3\n\
                        size_sum{a=\"b\"} 7.5\nsize_count{a=\"b\"} 3\n";
        assert_eq!(exposition.text, expected);
    }
}
