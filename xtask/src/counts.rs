//! What test runners say about their runs, read into numbers.

use crate::report::Counts;

/// `test result: ok. 3 passed; 0 failed; 1 ignored; …` of cargo's own runner; many lines add up.
pub fn of_cargo_line(line: &str) -> Option<Counts> {
    let rest = plain(line);
    let rest = rest.trim().strip_prefix("test result: ")?;
    let (_, rest) = rest.split_once(". ")?;
    Some(Counts {
        passed: number_before(rest, "passed")?,
        failed: number_before(rest, "failed")?,
        skipped: number_before(rest, "ignored").unwrap_or(0),
    })
}

/// `Summary [   0.027s] 4 tests run: 3 passed, 1 failed, 2 skipped` of nextest.
pub fn of_nextest_line(line: &str) -> Option<Counts> {
    let rest = plain(line);
    let rest = rest.trim().strip_prefix("Summary [")?;
    let (_, rest) = rest.split_once(" run: ")?;
    let bad = ["failed", "exec failed", "timed out", "failed due to signal"];
    Some(Counts {
        passed: number_before(rest, "passed")?,
        failed: bad
            .iter()
            .filter_map(|word| number_before(rest, word))
            .sum(),
        skipped: number_before(rest, "skipped").unwrap_or(0),
    })
}

/// `# pass 3`, `# fail 0`, `# cancelled 0`, `# skipped 1`, `# todo 0` of node's runner (TAP).
pub fn of_node_report(report: &str) -> Option<Counts> {
    let number = |name: &str| {
        let values = report
            .lines()
            .filter_map(|line| line.strip_prefix("# ")?.strip_prefix(name));
        values
            .filter_map(|value| value.trim().parse::<u64>().ok())
            .next_back()
    };
    Some(Counts {
        passed: number("pass ")?,
        failed: number("fail ")? + number("cancelled ").unwrap_or(0),
        skipped: number("skipped ").unwrap_or(0) + number("todo ").unwrap_or(0),
    })
}

/// The first `<testsuite tests="…" failures="…" errors="…" skipped="…">` of pytest's JUnit file.
pub fn of_pytest_report(report: &str) -> Option<Counts> {
    let (_, rest) = report.split_once("<testsuite ")?;
    let (attributes, _) = rest.split_once('>')?;
    let number = |name: &str| {
        let (_, value) = attributes.split_once(&format!("{name}=\""))?;
        value.split_once('"')?.0.parse::<u64>().ok()
    };
    let failed = number("failures")? + number("errors")?;
    let skipped = number("skipped")?;
    let passed = number("tests")?.saturating_sub(failed + skipped);
    Some(Counts {
        passed,
        failed,
        skipped,
    })
}

/// The number that stands right before a word in a list like `3 passed, 1 failed (2 slow)`.
fn number_before(text: &str, word: &str) -> Option<u64> {
    text.split([',', ';', '(', ')']).find_map(|part| {
        let (number, rest) = part.trim().split_once(' ')?;
        if rest == word {
            number.parse().ok()
        } else {
            None
        }
    })
}

/// The line without the escape sequences that colour it.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            text.push(c);
            continue;
        }
        // `ESC [ … letter`: everything up to the letter belongs to the sequence.
        rest.by_ref().find(char::is_ascii_alphabetic);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, skipped: u64) -> Option<Counts> {
        Some(Counts {
            passed,
            failed,
            skipped,
        })
    }

    #[test]
    fn cargo() {
        let line = "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out";
        assert_eq!(of_cargo_line(line), counts(3, 1, 2));
        assert_eq!(of_cargo_line("test money::adds ... ok"), None);
    }

    #[test]
    fn nextest() {
        let line = "     Summary [   0.027s] 4 tests run: 4 passed (1 slow), 2 skipped";
        assert_eq!(of_nextest_line(line), counts(4, 0, 2));
        let line = "Summary [ 9.0s] 4/9 tests run: 1 passed, 2 failed, 1 timed out, 0 skipped";
        assert_eq!(of_nextest_line(line), counts(1, 3, 0));
        let line = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.003s] \u{1b}[1m1\u{1b}[0m test run: \
                    \u{1b}[1m1\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m skipped";
        assert_eq!(of_nextest_line(line), counts(1, 0, 0));
    }

    #[test]
    fn node() {
        let report = "ok 1 - pays\n# tests 3\n# pass 1\n# fail 1\n# cancelled 1\n# skipped 0\n";
        assert_eq!(of_node_report(report), counts(1, 2, 0));
        assert_eq!(of_node_report("TAP version 13\n"), None);
    }

    #[test]
    fn pytest() {
        let report = r#"<?xml version="1.0"?><testsuites name="pytest tests"><testsuite
            name="pytest" errors="1" failures="1" skipped="1" tests="5" time="0.1"><testcase/>"#;
        let report = report.replace("<testsuite\n", "<testsuite ");
        assert_eq!(of_pytest_report(&report), counts(2, 2, 1));
    }
}
