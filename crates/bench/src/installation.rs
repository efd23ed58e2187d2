//! One gateway with its database: load on it, and whether everything is right afterwards.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::checks::{Before, Books, Findings};
use crate::gate::GateShopper;
use crate::gateway::{Bank, Gateway, Setup};
use crate::load::{self, Outcome, count};
use crate::postgres::Postgres;
use crate::prefill::{self, Database};
use crate::process;
use crate::profile::Profile;
use crate::receiver::Receiver;
use crate::results::{Sample, Store};
use crate::shop::{Job, Shopper};
use crate::visitor::{Task, Visitor};

/// What all installations of a benchmark share.
pub struct Stage<'a> {
    /// Folder with the programs.
    pub programs: &'a Path,
    /// Folder for data directories.
    pub folder: &'a Path,
    /// The cluster.
    pub postgres: &'a Postgres,
    /// Bank and partner.
    pub bank: &'a Bank,
    /// The receiver of callbacks.
    pub receiver: &'a Receiver,
    /// How long one load lasts.
    pub length: Duration,
    /// Where profiles go, if they are wanted.
    pub profile: Option<&'a Profile>,
}

/// A running installation.
pub struct Installation {
    store: Store,
    name: String,
    data: PathBuf,
    database: Database,
    gateway: Gateway,
    books: Books,
}

/// What came of a load.
pub struct Measured {
    /// The load itself.
    pub sample: Sample,
    /// The answers that came before the end of what was measured.
    pub answer: Option<Sample>,
    /// What went wrong.
    pub findings: Findings,
}

impl Installation {
    /// Starts one with empty tables.
    pub async fn fresh(stage: &Stage<'_>, store: Store, name: &str) -> Result<Self> {
        let data = stage.folder.join(name);
        std::fs::create_dir(&data).with_context(|| data.display().to_string())?;
        let database = match store {
            Store::Postgres => Database::Postgres(stage.postgres.create(name).await?),
            Store::Sqlite => Database::Sqlite(data.join("altyn.db")),
        };
        let stopped = Stopped {
            store,
            name: name.to_owned(),
            data,
            database,
            before: Before::default(),
        };
        stopped.start(stage).await
    }

    /// Starts one, pays one order and multiplies it to `rows` paid orders.
    pub async fn prefilled(
        stage: &Stage<'_>,
        store: Store,
        name: &str,
        rows: u32,
    ) -> Result<Stopped> {
        let mut installation = Self::fresh(stage, store, name).await?;
        let mut shopper = installation.shopper(stage, Job::Pay).await?;
        let order = shopper.register().await?;
        shopper.pay(&order).await?;
        installation.books.enter_paid(&order);
        installation.drain(stage).await?;
        let stopped = installation.stop(stage).await?;
        prefill::multiply(&stopped.database, &order, rows).await?;
        let payments = u64::from(rows) + 1;
        let before = Before {
            payments,
            paid: payments,
            callbacks: payments,
        };
        Ok(Stopped { before, ..stopped })
    }

    async fn shopper(&self, stage: &Stage<'_>, job: Job) -> Result<Shopper> {
        let (account, orders) = (&self.gateway.shop, &self.books.orders);
        Shopper::new(job, account, &stage.receiver.url(), orders).await
    }

    async fn visitor(&self, stage: &Stage<'_>, task: Task) -> Result<Visitor> {
        Ok(match task {
            Task::Shop(job) => Visitor::Shop(Box::new(self.shopper(stage, job).await?)),
            Task::Gate(job) => {
                let (account, sales) = (&self.gateway.gate, &self.books.sales);
                let shopper = GateShopper::new(job, account, stage.receiver, sales).await?;
                Visitor::Gate(Box::new(shopper))
            }
        })
    }

    /// Which database it has.
    pub fn store(&self) -> Store {
        self.store
    }

    /// Puts load on it.
    pub async fn measure(
        &mut self,
        stage: &Stage<'_>,
        task: Task,
        callers: usize,
    ) -> Result<Measured> {
        let mut visitors = Vec::with_capacity(callers);
        for _ in 0..callers {
            visitors.push(self.visitor(stage, task).await?);
        }
        if self.store == Store::Postgres {
            stage.postgres.checkpoint().await?;
        }
        let recording = match stage.profile {
            Some(profile) => profile.begin(stage, task, self.store, callers).await?,
            None => None,
        };
        let before = self.meters(stage).await?;
        let outcome = load::run(visitors, stage.length).await?;
        let idle_us = process::idle_us().saturating_sub(before.idle_us);
        let mut findings = Findings::default();
        let failed = |what: &str| {
            let store = self.store.name();
            format!("{store}, {} by {callers} callers: {what}", task.name())
        };
        let first = outcome.failures.first();
        findings.problems.extend(first.map(|first| failed(first)));
        self.books.enter(task, &outcome.callers);
        let mut drain_s = None;
        if task.has_callbacks() {
            let began = Instant::now();
            if let Err(error) = self.drain(stage).await {
                findings.problems.push(format!("{error:#}"));
            }
            drain_s = Some(began.elapsed().as_secs_f64());
        }
        let used = self.meters(stage).await?.since(&before);
        if let (Some(profile), Some(recording)) = (stage.profile, recording) {
            profile.end(stage, recording).await?;
        }
        let used = Meters { idle_us, ..used };
        Ok(Measured {
            sample: self.sample(&outcome, &used, drain_s),
            answer: answer(&outcome)?,
            findings,
        })
    }

    fn sample(&self, outcome: &Outcome<Visitor>, used: &Meters, drain_s: Option<f64>) -> Sample {
        let each = |amount: u64| Some(count(amount) / count(outcome.done.max(1)));
        let on_postgres = |value: Option<f64>| value.filter(|_| self.store == Store::Postgres);
        Sample {
            per_second: outcome.per_second(),
            p50_ms: Some(outcome.quantile_ms(0.5)),
            p99_ms: Some(outcome.quantile_ms(0.99)),
            cpu_us: each(used.gateway_us),
            database_us: on_postgres(each(used.database_us)),
            load_us: each(used.load_us),
            bank_us: each(used.bank_us),
            idle_us: each(used.idle_us),
            wal_bytes: on_postgres(each(used.wal_bytes)),
            memory_mib: Some(count(self.gateway.memory_peak_bytes()) / 1_048_576.0),
            drain_s,
        }
    }

    /// Waits until everything that is paid was told.
    async fn drain(&self, stage: &Stage<'_>) -> Result<()> {
        let delivered = self.books.until_delivered(&self.database, stage.receiver);
        delivered.await.with_context(|| self.name.clone())
    }

    /// Compares what was acknowledged with what is there.
    pub async fn check(&self, stage: &Stage<'_>) -> Result<Findings> {
        let outside = (stage.bank, stage.receiver);
        let mut findings = self
            .books
            .check(&self.database, &self.gateway, outside)
            .await?;
        for text in findings.problems.iter_mut().chain(&mut findings.notes) {
            *text = format!("{}: {text}", self.name);
        }
        Ok(findings)
    }

    /// Stops the program; the database stays.
    pub async fn stop(self, stage: &Stage<'_>) -> Result<Stopped> {
        self.gateway.stop().await?;
        Ok(Stopped {
            store: self.store,
            name: self.name,
            data: self.data,
            database: self.database,
            before: self.books.closed(stage.receiver),
        })
    }

    async fn meters(&self, stage: &Stage<'_>) -> Result<Meters> {
        Ok(Meters {
            gateway_us: self.gateway.cpu_us(),
            database_us: stage.postgres.cpu_us(),
            load_us: process::cpu_us(std::process::id()),
            bank_us: stage.bank.cpu_us(),
            idle_us: process::idle_us(),
            wal_bytes: stage.postgres.wal_bytes().await?,
        })
    }
}

/// The immediate answers of the Gate in a load of sales.
fn answer(outcome: &Outcome<Visitor>) -> Result<Option<Sample>> {
    let mut answers = load::new_histogram()?;
    for visitor in &outcome.callers {
        if let Visitor::Gate(shopper) = visitor {
            answers.add(&shopper.answers)?;
        }
    }
    let quantile_ms = |share| Some(load::quantile_ms(&answers, share));
    Ok((!answers.is_empty()).then(|| Sample {
        per_second: outcome.per_second(),
        p50_ms: quantile_ms(0.5),
        p99_ms: quantile_ms(0.99),
        ..Sample::default()
    }))
}

struct Meters {
    gateway_us: u64,
    database_us: u64,
    load_us: u64,
    bank_us: u64,
    idle_us: u64,
    wal_bytes: u64,
}

impl Meters {
    fn since(&self, before: &Self) -> Self {
        Self {
            gateway_us: self.gateway_us.saturating_sub(before.gateway_us),
            database_us: self.database_us.saturating_sub(before.database_us),
            load_us: self.load_us.saturating_sub(before.load_us),
            bank_us: self.bank_us.saturating_sub(before.bank_us),
            idle_us: self.idle_us.saturating_sub(before.idle_us),
            wal_bytes: self.wal_bytes.saturating_sub(before.wal_bytes),
        }
    }
}

/// An installation whose program does not run.
pub struct Stopped {
    store: Store,
    name: String,
    data: PathBuf,
    database: Database,
    before: Before,
}

impl Stopped {
    /// Starts it again.
    pub async fn start(self, stage: &Stage<'_>) -> Result<Installation> {
        ensure!(self.data.is_dir(), "{} is gone", self.data.display());
        let gateway = start(stage, &self.data, &self.database).await?;
        stage.receiver.begin(gateway.gate.key.clone());
        Ok(Installation {
            store: self.store,
            name: self.name,
            data: self.data,
            database: self.database,
            gateway,
            books: Books::open(self.before, stage.bank).await?,
        })
    }

    /// Removes everything.
    pub async fn remove(self, stage: &Stage<'_>) -> Result<()> {
        if self.store == Store::Postgres {
            stage.postgres.drop(&self.name).await?;
        }
        std::fs::remove_dir_all(&self.data).with_context(|| self.data.display().to_string())
    }
}

async fn start(stage: &Stage<'_>, data: &Path, database: &Database) -> Result<Gateway> {
    let database_url = match database {
        Database::Postgres(url) => Some(url.as_str()),
        Database::Sqlite(_) => None,
    };
    let setup = Setup {
        programs: stage.programs,
        data,
        database_url,
        bank: Some(stage.bank),
    };
    Gateway::start(&setup).await
}
