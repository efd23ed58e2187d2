//! The steps of a run: each named, timed and counted, with a summary at the end.
//!
//! The last line of a run is `N passed, N failed` and nothing else, so that machines can read it.

use std::time::{Duration, Instant};

use anyhow::Result;

/// How many tests a step ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that were there and did not run.
    pub skipped: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// How a step ended that did not break.
#[derive(Debug, PartialEq, Eq)]
pub enum Done {
    /// It did its work; there was nothing to count.
    Plain,
    /// It ran tests. Failed ones make the step fail.
    Counted(Counts),
    /// There was nothing for it to do, for this reason.
    Skipped(String),
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Passed,
    Failed,
    Skipped(String),
    NotReached,
}

struct Row {
    name: &'static str,
    end: End,
    counts: Counts,
    took: Duration,
}

/// The steps run so far.
pub struct Steps {
    rows: Vec<Row>,
    keep_going: bool,
    failed: bool,
}

impl Steps {
    /// No steps yet. With `keep_going` a failed step does not keep later ones from running.
    pub fn new(keep_going: bool) -> Self {
        Self {
            rows: Vec::new(),
            keep_going,
            failed: false,
        }
    }

    /// Whether later steps run after a failure, from now on; returns what it was.
    pub fn keep_going(&mut self, keep_going: bool) -> bool {
        std::mem::replace(&mut self.keep_going, keep_going)
    }

    /// Runs one step, unless an earlier one failed and that ends the run.
    pub fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<Done>) {
        if self.failed && !self.keep_going {
            let row = Row {
                name,
                end: End::NotReached,
                counts: Counts::default(),
                took: Duration::ZERO,
            };
            self.rows.push(row);
            return;
        }
        println!("\n== {name}");
        let started = Instant::now();
        let (end, counts) = match step() {
            Ok(Done::Plain) => (End::Passed, Counts::default()),
            Ok(Done::Skipped(reason)) => (End::Skipped(reason), Counts::default()),
            Ok(Done::Counted(counts)) if counts.failed == 0 => (End::Passed, counts),
            Ok(Done::Counted(counts)) => (End::Failed, counts),
            Err(error) => {
                println!("{name}: {error:#}");
                // A step that broke is a failure that no runner counted.
                (
                    End::Failed,
                    Counts {
                        failed: 1,
                        ..Counts::default()
                    },
                )
            }
        };
        self.failed |= end == End::Failed;
        let row = Row {
            name,
            end,
            counts,
            took: started.elapsed(),
        };
        println!("== {}", row.describe());
        self.rows.push(row);
    }

    /// Has any step failed?
    pub fn failed(&self) -> bool {
        self.failed
    }

    /// The summary and the closing line.
    pub fn summary(&self) -> String {
        let mut text = String::from("\n== summary\n");
        let mut all = Counts::default();
        let mut took = Duration::ZERO;
        for row in &self.rows {
            text.push_str(&row.describe());
            text.push('\n');
            all += row.counts;
            took += row.took;
        }
        text.push_str(&format!("{:>8.1} s  all\n", took.as_secs_f64()));
        text.push_str(&format!("{} passed, {} failed", all.passed, all.failed));
        text
    }
}

impl Row {
    fn describe(&self) -> String {
        let end = match &self.end {
            End::Passed => "ok".to_owned(),
            End::Failed => "FAILED".to_owned(),
            End::Skipped(reason) => format!("skipped: {reason}"),
            End::NotReached => "not reached".to_owned(),
        };
        let mut text = format!(
            "{:>8.1} s  {:<12} {end}",
            self.took.as_secs_f64(),
            self.name
        );
        let Counts {
            passed,
            failed,
            skipped,
        } = self.counts;
        if self.counts != Counts::default() {
            text.push_str(&format!(
                " ({passed} passed, {failed} failed, {skipped} not run)"
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(passed: u64, failed: u64) -> Result<Done> {
        Ok(Done::Counted(Counts {
            passed,
            failed,
            skipped: 0,
        }))
    }

    fn last_line(steps: &Steps) -> String {
        steps
            .summary()
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned()
    }

    #[test]
    fn the_last_line_adds_all_tests_up() {
        let mut steps = Steps::new(false);
        steps.run("plain", || Ok(Done::Plain));
        steps.run("rust", || counted(3, 0));
        steps.run("node", || counted(4, 0));
        assert!(!steps.failed());
        assert_eq!(last_line(&steps), "7 passed, 0 failed");
    }

    #[test]
    fn a_failed_test_fails_the_run_and_ends_it() {
        let mut steps = Steps::new(false);
        steps.run("rust", || counted(3, 2));
        steps.run("later", || unreachable!("an earlier step failed"));
        assert!(steps.failed());
        assert_eq!(last_line(&steps), "3 passed, 2 failed");
        assert!(steps.summary().contains("later        not reached"));
    }

    #[test]
    fn a_part_can_run_to_its_end_before_a_failure_ends_the_run() {
        let mut steps = Steps::new(false);
        let before = steps.keep_going(true);
        steps.run("one", || counted(0, 1));
        steps.run("two", || counted(0, 1));
        steps.keep_going(before);
        steps.run("later", || unreachable!("an earlier step failed"));
        assert_eq!(last_line(&steps), "0 passed, 2 failed");
    }

    #[test]
    fn a_broken_step_counts_as_one_failure() {
        let mut steps = Steps::new(true);
        steps.run("broken", || anyhow::bail!("no such thing"));
        steps.run("later", || counted(1, 0));
        assert_eq!(last_line(&steps), "1 passed, 1 failed");
    }
}
