//! The one table that is printed.

use crate::checks::Findings;
use crate::goals::Goal;
use crate::machine::Machine;
use crate::results::{Results, Sample};
use crate::start::Start;

const NAME_WIDTH: usize = 43;
const WIDTHS: [usize; 12] = [8, 8, 8, 8, 8, 8, 8, 8, 8, 5, 9, 7];

/// The whole answer for people.
pub fn render(
    machine: &Machine,
    start: &Start,
    results: &Results,
    goals: &[Goal],
    findings: &Findings,
) -> String {
    let mut text = format!("{}\n{}\n\n", machine.line(), start.line());
    let heads = [
        "callers", "per s", "p50 ms", "p99 ms", "CPU us", "db us", "own us", "idle us", "WAL B",
        "MiB", "drain s", "x P",
    ];
    text.push_str(&line("", &heads.map(str::to_owned)));
    let yardstick = results.yardstick();
    for (cell, median, _) in results.lines() {
        text.push_str(&line(
            &cell.name(),
            &columns(cell.callers, &median, yardstick),
        ));
    }
    text.push_str(
        "\nCPU us: the gateway's processor time for each call or payment; db us: PostgreSQL's; own us: that of \
         the benchmark's\ncallers, receiver, bank and partner; idle us: nobody's. All but the last, and WAL, hold the \
         delivery of callbacks,\nwhich may end after the load (drain s). Medians of all runs.\n\n",
    );
    for goal in goals {
        text.push_str(&goal.line());
        text.push('\n');
    }
    text.push('\n');
    if findings.problems.is_empty() {
        text.push_str(
            "after the load: every acknowledged payment is stored once, every callback came, the partner \
             agrees with every sale, the audits found nothing\n",
        );
    }
    for problem in &findings.problems {
        text.push_str(&format!("PROBLEM {problem}\n"));
    }
    for note in &findings.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}

fn line(name: &str, columns: &[String; 12]) -> String {
    let mut text = format!("{name:<NAME_WIDTH$}");
    for (column, width) in columns.iter().zip(WIDTHS) {
        text.push_str(&format!("{column:>width$}"));
    }
    text.push('\n');
    text
}

fn columns(callers: usize, sample: &Sample, yardstick: Option<f64>) -> [String; 12] {
    let shown = |value: Option<f64>, decimals: usize| match value {
        Some(value) => number(value, decimals),
        None => "-".to_owned(),
    };
    let own = sample.load_us.zip(sample.bank_us);
    let own = own.map(|(load, bank)| load + bank);
    // The best of several numbers of connections is a different one from run to run.
    let callers = if callers == 0 {
        "best".to_owned()
    } else {
        callers.to_string()
    };
    [
        callers,
        number(sample.per_second, 0),
        shown(sample.p50_ms, 1),
        shown(sample.p99_ms, 1),
        shown(sample.cpu_us, 0),
        shown(sample.database_us, 0),
        shown(own, 0),
        shown(sample.idle_us, 0),
        shown(sample.wal_bytes, 0),
        shown(sample.memory_mib, 0),
        shown(sample.drain_s, 1),
        shown(yardstick.map(|yardstick| sample.per_second / yardstick), 2),
    ]
}

/// A number with a comma after each three digits before the point.
fn number(value: f64, decimals: usize) -> String {
    let plain = format!("{value:.decimals$}");
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        let left = whole.len() - index;
        if index > 0 && left.is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(number(51_322.4, 0), "51,322");
        assert_eq!(number(2_550.0, 1), "2,550.0");
        assert_eq!(number(999.0, 0), "999");
        assert_eq!(number(-123.0, 0), "-123");
        assert_eq!(number(1_234_567.0, 0), "1,234,567");
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let sample = Sample {
            per_second: 100.0,
            p50_ms: Some(1.25),
            ..Sample::default()
        };
        let columns = columns(64, &sample, Some(50.0));
        assert_eq!(columns[..4], ["64", "100", "1.2", "-"]);
        assert_eq!(columns[11], "2.00");
    }
}
