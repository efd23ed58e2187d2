//! What the figures should be. Below a floor the benchmark fails; a goal may be missed.

use serde::Serialize;

use crate::results::{Cell, Results, Sample, Store, What};
use crate::start::Start;

/// The number of callers that most goals are about.
pub const CALLERS: usize = 64;
/// Payments in a grown database.
pub const MILLION: u32 = 1_000_000;

/// Whether more is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    AtLeast,
    AtMost,
}

/// What a figure came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As good as the goal or better.
    Ok,
    /// Worse than the goal, not worse than the floor.
    Missed,
    /// Worse than the floor.
    BelowFloor,
    /// There is no figure.
    NotMeasured,
}

/// A figure with its goal and its floor.
#[derive(Debug, Serialize)]
pub struct Goal {
    name: String,
    unit: &'static str,
    value: Option<f64>,
    wanted: Wanted,
    goal: f64,
    floor: f64,
    verdict: Verdict,
}

impl Goal {
    fn new(
        name: String,
        unit: &'static str,
        value: Option<f64>,
        wanted: Wanted,
        limits: [f64; 2],
    ) -> Self {
        let [goal, floor] = limits;
        let reaches = |value: f64, limit: f64| match wanted {
            Wanted::AtLeast => value >= limit,
            Wanted::AtMost => value <= limit,
        };
        let verdict = match value {
            None => Verdict::NotMeasured,
            Some(value) if reaches(value, goal) => Verdict::Ok,
            Some(value) if reaches(value, floor) => Verdict::Missed,
            Some(_) => Verdict::BelowFloor,
        };
        Self {
            name,
            unit,
            value,
            wanted,
            goal,
            floor,
            verdict,
        }
    }

    /// What it came to.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Missed => "missed",
            Verdict::BelowFloor => "BELOW THE FLOOR",
            Verdict::NotMeasured => "not measured",
        };
        let value = self
            .value
            .map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
        let sign = match self.wanted {
            Wanted::AtLeast => ">=",
            Wanted::AtMost => "<=",
        };
        format!(
            "{:<58}{value:>9} {:<4} goal {sign} {:<7} floor {sign} {:<7} {verdict}",
            self.name, self.unit, self.goal, self.floor
        )
    }
}

/// All goals.
pub fn all(results: &Results, start: &Start) -> Vec<Goal> {
    let mut goals = against_yardstick(results);
    goals.extend(answers(results));
    goals.extend(between_databases(results));
    goals.extend(growth(results));
    goals.extend(small(results, start));
    goals
}

fn cell(what: What, store: Store, rows: u32, callers: usize) -> Cell {
    Cell {
        what,
        store: Some(store),
        rows,
        callers,
    }
}

fn on_postgres(results: &Results, what: What) -> Option<Sample> {
    results.median(cell(what, Store::Postgres, 0, CALLERS))
}

fn ratio(of: Option<f64>, to: Option<f64>) -> Option<f64> {
    Some(of? / to?)
}

fn against_yardstick(results: &Results) -> Vec<Goal> {
    let yardstick = results.yardstick();
    let pgbench = results.median(Cell::of_database(
        What::Pgbench,
        crate::yardstick::PGBENCH_CONNECTIONS,
    ));
    let register = on_postgres(results, What::Register);
    let pay = on_postgres(results, What::Pay);
    let rate = |sample: Option<Sample>| sample.map(|sample| sample.per_second);
    vec![
        Goal::new(
            "the yardstick P is no straw man: P / pgbench".to_owned(),
            "",
            ratio(yardstick, rate(pgbench)),
            Wanted::AtLeast,
            [0.9, 0.9],
        ),
        Goal::new(
            format!("register.do, {CALLERS} callers, PostgreSQL / P"),
            "",
            ratio(rate(register), yardstick),
            Wanted::AtLeast,
            [3.0, 2.0],
        ),
        Goal::new(
            format!("register.do, {CALLERS} callers, PostgreSQL, p99"),
            "ms",
            register.and_then(|sample| sample.p99_ms),
            Wanted::AtMost,
            [30.0, 60.0],
        ),
        Goal::new(
            format!("whole card payment, {CALLERS} callers, PostgreSQL / P"),
            "",
            ratio(rate(pay), yardstick),
            Wanted::AtLeast,
            [1.0, 0.5],
        ),
    ]
}

/// A shop that sells through the Gate waits for its answer, with a limit, and for the rest it does not.
fn answers(results: &Results) -> Vec<Goal> {
    let of = |store: Store| {
        let answer = results.median(cell(What::SaleAnswer, store, 0, CALLERS));
        Goal::new(
            format!("Gate answers, {CALLERS} callers, {}, p99", store.name()),
            "ms",
            answer.and_then(|sample| sample.p99_ms),
            Wanted::AtMost,
            [100.0, 200.0],
        )
    };
    vec![of(Store::Postgres), of(Store::Sqlite)]
}

fn between_databases(results: &Results) -> Vec<Goal> {
    let of = |what: What, name: &str| {
        let rate = |store| {
            results
                .median(cell(what, store, 0, CALLERS))
                .map(|s| s.per_second)
        };
        Goal::new(
            format!("{name}, {CALLERS} callers, SQLite / PostgreSQL"),
            "",
            ratio(rate(Store::Sqlite), rate(Store::Postgres)),
            Wanted::AtLeast,
            [0.6, 0.4],
        )
    };
    vec![
        of(What::Register, "register.do"),
        of(What::Pay, "whole card payment"),
    ]
}

fn growth(results: &Results) -> Vec<Goal> {
    let mut goals = Vec::new();
    for store in [Store::Postgres, Store::Sqlite] {
        for (what, name) in [
            (What::Register, "register.do"),
            (What::Pay, "whole card payment"),
        ] {
            let rate = |rows| {
                results
                    .median(cell(what, store, rows, CALLERS))
                    .map(|s| s.per_second)
            };
            let Some(grown) = rate(MILLION) else { continue };
            goals.push(Goal::new(
                format!("{name}, {}, 1 M payments / empty", store.name()),
                "",
                ratio(Some(grown), rate(0)),
                Wanted::AtLeast,
                [0.85, 0.7],
            ));
        }
    }
    goals
}

fn small(results: &Results, start: &Start) -> Vec<Goal> {
    let register = on_postgres(results, What::Register);
    let most = results
        .lines()
        .filter(|(cell, _, _)| cell.rows == 0)
        .filter_map(|(_, sample, _)| sample.memory_mib);
    vec![
        Goal::new(
            "processor time of the gateway for a register.do".to_owned(),
            "us",
            register.and_then(|sample| sample.cpu_us),
            Wanted::AtMost,
            [120.0, 250.0],
        ),
        Goal::new(
            "memory of the gateway under load, at most".to_owned(),
            "MiB",
            most.max_by(f64::total_cmp),
            Wanted::AtMost,
            [60.0, 150.0],
        ),
        Goal::new(
            "memory of an idle demo".to_owned(),
            "MiB",
            Some(start.idle_mib),
            Wanted::AtMost,
            [60.0, 100.0],
        ),
        Goal::new(
            "start of the demo to ready, empty data directory".to_owned(),
            "s",
            Some(start.ready_s),
            Wanted::AtMost,
            [0.5, 1.0],
        ),
        Goal::new(
            "start of the demo to the first paid order".to_owned(),
            "s",
            Some(start.first_payment_s),
            Wanted::AtMost,
            [0.5, 2.0],
        ),
        Goal::new(
            "the program altyn".to_owned(),
            "MiB",
            Some(start.program_mib),
            Wanted::AtMost,
            [30.0, 60.0],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(value: Option<f64>, wanted: Wanted) -> Verdict {
        Goal::new(
            String::new(),
            "",
            value,
            wanted,
            if wanted == Wanted::AtLeast {
                [3.0, 2.0]
            } else {
                [2.0, 3.0]
            },
        )
        .verdict()
    }

    #[test]
    fn a_figure_is_judged_by_goal_and_floor() {
        use Verdict::{BelowFloor, Missed, NotMeasured, Ok};
        use Wanted::{AtLeast, AtMost};
        for (value, wanted, expected) in [
            (Some(3.0), AtLeast, Ok),
            (Some(2.5), AtLeast, Missed),
            (Some(1.9), AtLeast, BelowFloor),
            (Some(2.0), AtMost, Ok),
            (Some(2.5), AtMost, Missed),
            (Some(3.1), AtMost, BelowFloor),
            (None, AtMost, NotMeasured),
        ] {
            assert_eq!(verdict(value, wanted), expected, "{value:?} {wanted:?}");
        }
    }

    #[test]
    fn growth_is_a_goal_only_where_it_was_measured() {
        let mut results = Results::default();
        assert!(growth(&results).is_empty());
        for (rows, per_second) in [(0, 100.0), (MILLION, 90.0)] {
            let sample = Sample {
                per_second,
                ..Sample::default()
            };
            results.add(cell(What::Pay, Store::Sqlite, rows, CALLERS), sample);
        }
        let goals = growth(&results);
        assert_eq!(goals.len(), 1);
        assert_eq!(
            (goals[0].value, goals[0].verdict()),
            (Some(0.9), Verdict::Ok)
        );
    }
}
