//! What was measured: one sample per run and cell, and the medians over the runs.

use clap::ValueEnum;
use serde::Serialize;

/// Where payments are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Store {
    /// A PostgreSQL server.
    Postgres,
    /// The embedded database.
    Sqlite,
}

impl Store {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        }
    }
}

/// What is done again and again in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The naive payment in SQL, one number of connections.
    Naive,
    /// The best of all [`What::Naive`] of a run.
    Yardstick,
    /// The same by `pgbench`.
    Pgbench,
    /// A signed call that is refused before the database.
    Refused,
    /// register.do.
    Register,
    /// register.do and paymentorder.do.
    Pay,
    /// getOrderStatusExtended.do.
    Status,
    /// A sale at the Gate, until its callback of success has come.
    Sale,
    /// The Gate's immediate answer to the same sales.
    SaleAnswer,
    /// The status of a payment at the Gate.
    GateStatus,
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// What is done.
    pub what: What,
    /// On which database.
    pub store: Option<Store>,
    /// How many payments were there before.
    pub rows: u32,
    /// How many callers do it.
    pub callers: usize,
}

impl Cell {
    /// A cell that is not about the gateway.
    pub fn of_database(what: What, callers: usize) -> Self {
        Self {
            what,
            store: None,
            rows: 0,
            callers,
        }
    }

    /// Its name for people.
    pub fn name(&self) -> String {
        let what = match self.what {
            What::Naive => "naive SQL payment",
            What::Yardstick => "naive SQL payment, the best: P",
            What::Pgbench => "the same by pgbench",
            What::Refused => "signed HTTP, no storage",
            What::Register => "register.do",
            What::Pay => "whole card payment",
            What::Status => "status of an order",
            What::Sale => "Gate sale to callback",
            What::SaleAnswer => "  the answer to it",
            What::GateStatus => "Gate status",
        };
        let mut name = what.to_owned();
        if let (Some(store), false) = (self.store, self.what == What::Refused) {
            name.push_str(", ");
            name.push_str(store.name());
        }
        match self.rows {
            0 => {}
            1_000_000 => name.push_str(", 1 M rows"),
            rows => name.push_str(&format!(", {rows} rows")),
        }
        name
    }
}

/// One run of a cell.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Sample {
    /// Calls, or whole payments, per second.
    pub per_second: f64,
    /// Half of them took no longer.
    pub p50_ms: Option<f64>,
    /// Of a hundred, 99 took no longer.
    pub p99_ms: Option<f64>,
    /// Processor time of the gateway for each, in microseconds; callbacks included.
    pub cpu_us: Option<f64>,
    /// Processor time of PostgreSQL for each, in microseconds.
    pub database_us: Option<f64>,
    /// Processor time of the load generator for each, in microseconds.
    pub load_us: Option<f64>,
    /// Processor time of the simulated bank and partner for each, in microseconds.
    pub bank_us: Option<f64>,
    /// Processor time of the machine that nobody used, for each, in microseconds.
    pub idle_us: Option<f64>,
    /// Bytes of PostgreSQL's write-ahead log for each; callbacks included.
    pub wal_bytes: Option<f64>,
    /// The most memory of the gateway so far, in MiB.
    pub memory_mib: Option<f64>,
    /// How long after the load the last callback was delivered, in seconds.
    pub drain_s: Option<f64>,
}

/// All lines in the order in which they were measured first.
#[derive(Debug, Default)]
pub struct Results {
    lines: Vec<(Cell, Vec<Sample>)>,
}

impl Results {
    /// Adds one run of a cell.
    pub fn add(&mut self, cell: Cell, sample: Sample) {
        match self.lines.iter_mut().find(|(known, _)| *known == cell) {
            Some((_, samples)) => samples.push(sample),
            None => self.lines.push((cell, vec![sample])),
        }
    }

    /// The medians of a cell.
    pub fn median(&self, cell: Cell) -> Option<Sample> {
        let (_, samples) = self.lines.iter().find(|(known, _)| *known == cell)?;
        median_sample(samples)
    }

    /// Payments per second of the yardstick.
    pub fn yardstick(&self) -> Option<f64> {
        let mut lines = self.lines.iter();
        let (_, samples) = lines.find(|(cell, _)| cell.what == What::Yardstick)?;
        median_sample(samples).map(|sample| sample.per_second)
    }

    /// Every cell with its medians and its runs.
    pub fn lines(&self) -> impl Iterator<Item = (Cell, Sample, &[Sample])> {
        self.lines.iter().filter_map(|(cell, samples)| {
            Some((*cell, median_sample(samples)?, samples.as_slice()))
        })
    }
}

fn median_sample(samples: &[Sample]) -> Option<Sample> {
    let of = |field: fn(&Sample) -> Option<f64>| median(samples.iter().filter_map(field).collect());
    Some(Sample {
        per_second: of(|sample| Some(sample.per_second))?,
        p50_ms: of(|sample| sample.p50_ms),
        p99_ms: of(|sample| sample.p99_ms),
        cpu_us: of(|sample| sample.cpu_us),
        database_us: of(|sample| sample.database_us),
        load_us: of(|sample| sample.load_us),
        bank_us: of(|sample| sample.bank_us),
        idle_us: of(|sample| sample.idle_us),
        wal_bytes: of(|sample| sample.wal_bytes),
        memory_mib: of(|sample| sample.memory_mib),
        drain_s: of(|sample| sample.drain_s),
    })
}

/// The middle one, or the mean of the two in the middle.
pub fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    let upper = *numbers.get(middle)?;
    if numbers.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*numbers.get(middle - 1)?, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn runs_of_a_cell_come_together() {
        let mut results = Results::default();
        let cell = Cell::of_database(What::Yardstick, 8);
        for per_second in [10.0, 30.0, 20.0] {
            results.add(
                cell,
                Sample {
                    per_second,
                    p99_ms: Some(per_second),
                    ..Sample::default()
                },
            );
        }
        assert_eq!(results.yardstick(), Some(20.0));
        let median = results.median(cell).unwrap();
        assert_eq!((median.p99_ms, median.cpu_us), (Some(20.0), None));
        assert_eq!(results.lines().count(), 1);
        assert_eq!(
            results
                .median(Cell::of_database(What::Pgbench, 8))
                .map(|s| s.per_second),
            None
        );
    }
}
