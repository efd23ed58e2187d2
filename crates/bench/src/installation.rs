//! One gateway with its database: load on it, and whether everything is right afterwards.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::gateway::{Bank, Gateway, Setup};
use crate::load::{self, count};
use crate::postgres::Postgres;
use crate::prefill::{self, Database};
use crate::process;
use crate::profile::Profile;
use crate::receiver::Receiver;
use crate::results::{Sample, Store};
use crate::shop::{Job, Shopper};

/// How long callbacks may take to be delivered after a load.
const DRAIN_MAX: Duration = Duration::from_secs(300);
const DRAIN_POLL: Duration = Duration::from_millis(50);

/// What all installations of a benchmark share.
pub struct Stage<'a> {
    /// Folder with the programs.
    pub programs: &'a Path,
    /// Folder for data directories.
    pub folder: &'a Path,
    /// The cluster.
    pub postgres: &'a Postgres,
    /// The bank.
    pub bank: &'a Bank,
    /// The receiver of callbacks.
    pub receiver: &'a Receiver,
    /// How long one load lasts.
    pub length: Duration,
    /// Where profiles go, if they are wanted.
    pub profile: Option<&'a Profile>,
}

/// What went wrong after a load, in words.
pub type Problems = Vec<String>;

/// A running installation.
pub struct Installation {
    store: Store,
    name: String,
    data: PathBuf,
    database: Database,
    gateway: Gateway,
    /// Payments that were there before the present program was started.
    prefilled: u64,
    paid_before: u64,
    registered: u64,
    paid: u64,
    known: Arc<Vec<String>>,
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
        let gateway = start(stage, &data, &database).await?;
        stage.receiver.clear();
        Ok(Self {
            store,
            name: name.to_owned(),
            data,
            database,
            gateway,
            prefilled: 0,
            paid_before: 0,
            registered: 0,
            paid: 0,
            known: Arc::default(),
        })
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
        installation.registered = 1;
        installation.paid = 1;
        installation.drain(stage).await?;
        let stopped = installation.stop().await?;
        prefill::multiply(&stopped.database, &order, rows).await?;
        let payments = u64::from(rows) + 1;
        Ok(Stopped {
            prefilled: payments,
            paid_before: payments,
            ..stopped
        })
    }

    async fn shopper(&self, stage: &Stage<'_>, job: Job) -> Result<Shopper> {
        Shopper::new(
            job,
            &self.gateway.account,
            stage.receiver.url(),
            &self.known,
        )
        .await
    }

    /// Which database it has.
    pub fn store(&self) -> Store {
        self.store
    }

    /// Puts load on it.
    pub async fn measure(
        &mut self,
        stage: &Stage<'_>,
        job: Job,
        callers: usize,
    ) -> Result<(Sample, Problems)> {
        let mut shoppers = Vec::with_capacity(callers);
        for _ in 0..callers {
            shoppers.push(self.shopper(stage, job).await?);
        }
        if self.store == Store::Postgres {
            stage.postgres.checkpoint().await?;
        }
        let recording = match stage.profile {
            Some(profile) => profile.begin(stage, job, self.store, callers).await?,
            None => None,
        };
        let before = self.meters(stage).await?;
        let outcome = load::run(shoppers, stage.length).await?;
        let mut problems: Problems = outcome
            .failures
            .first()
            .map(|first| self.failed(job, callers, first))
            .into_iter()
            .collect();
        self.count(job, &outcome.callers);
        let drain_s = match job {
            Job::Pay => {
                let began = Instant::now();
                problems.extend(
                    self.drain(stage)
                        .await
                        .err()
                        .map(|error| format!("{error:#}")),
                );
                Some(began.elapsed().as_secs_f64())
            }
            Job::Refused | Job::Register | Job::Status => None,
        };
        let after = self.meters(stage).await?;
        if let (Some(profile), Some(recording)) = (stage.profile, recording) {
            profile.end(stage, recording).await?;
        }
        let per_call = |now: u64, then: u64| {
            Some(count(now.saturating_sub(then)) / count(outcome.done.max(1)))
        };
        let on_postgres = |value: Option<f64>| value.filter(|_| self.store == Store::Postgres);
        let sample = Sample {
            per_second: outcome.per_second(),
            p50_ms: Some(outcome.quantile_ms(0.5)),
            p99_ms: Some(outcome.quantile_ms(0.99)),
            cpu_us: per_call(after.gateway_us, before.gateway_us),
            database_us: on_postgres(per_call(after.database_us, before.database_us)),
            load_us: per_call(after.load_us, before.load_us),
            bank_us: per_call(after.bank_us, before.bank_us),
            wal_bytes: on_postgres(per_call(after.wal_bytes, before.wal_bytes)),
            memory_mib: Some(count(self.gateway.memory_peak_bytes()) / 1_048_576.0),
            drain_s,
        };
        Ok((sample, problems))
    }

    fn failed(&self, job: Job, callers: usize, first: &str) -> String {
        format!(
            "{}, {job:?} by {callers} callers: {first}",
            self.store.name()
        )
    }

    fn count(&mut self, job: Job, callers: &[Shopper]) {
        let orders = callers
            .iter()
            .map(|caller| caller.orders.len())
            .sum::<usize>();
        let orders = u64::try_from(orders).unwrap_or(u64::MAX);
        match job {
            Job::Refused | Job::Status => {}
            Job::Register => self.registered += orders,
            Job::Pay => {
                self.registered += orders;
                self.paid += orders;
                let known = Arc::make_mut(&mut self.known);
                known.extend(
                    callers
                        .iter()
                        .flat_map(|caller| caller.orders.iter().cloned()),
                );
            }
        }
    }

    /// Waits until every paid order's callback was received and recorded.
    async fn drain(&self, stage: &Stage<'_>) -> Result<()> {
        let began = Instant::now();
        let mut waiting = None;
        while began.elapsed() < DRAIN_MAX {
            let (told, _) = stage.receiver.counts();
            if u64::try_from(told)? >= self.paid {
                let left = self.database.count("deliveries WHERE state = 1").await?;
                if left == 0 {
                    return Ok(());
                }
                waiting = Some(left);
            }
            tokio::time::sleep(DRAIN_POLL).await;
        }
        let (told, _) = stage.receiver.counts();
        anyhow::bail!(
            "{}: {told} of {} callbacks received after {} s, {waiting:?} not recorded",
            self.name,
            self.paid,
            DRAIN_MAX.as_secs()
        )
    }

    /// Compares what was acknowledged with what is stored, and lets the gateway audit itself.
    pub async fn check(&self, stage: &Stage<'_>) -> Result<Problems> {
        let mut problems = Problems::new();
        let mut compare = |what: &str, expected: u64, found: u64| {
            if expected != found {
                problems.push(format!(
                    "{}: {what}: {expected} expected, {found} found",
                    self.name
                ));
            }
        };
        let payments = self.prefilled + self.registered;
        let paid = self.paid_before + self.paid;
        compare("payments", payments, self.database.count("payments").await?);
        let captured = self
            .database
            .count("payments WHERE status = 'captured'")
            .await?;
        compare("paid orders", paid, captured);
        let delivered = self.database.count("deliveries WHERE state = 2").await?;
        compare("recorded callbacks", paid, delivered);
        let (told, calls) = stage.receiver.counts();
        compare(
            "orders that callbacks came for",
            self.paid,
            u64::try_from(told)?,
        );
        compare("callbacks", self.paid, calls);
        match self.gateway.audit().await {
            Ok(report) => {
                let number = |name: &str| report.get(name).and_then(serde_json::Value::as_u64);
                compare(
                    "audited payments",
                    payments,
                    number("payments").unwrap_or(0),
                );
                compare(
                    "open operations",
                    0,
                    number("open_operations").unwrap_or(u64::MAX),
                );
            }
            Err(error) => problems.push(format!("{}: {error:#}", self.name)),
        }
        Ok(problems)
    }

    /// Stops the program; the database stays.
    pub async fn stop(self) -> Result<Stopped> {
        self.gateway.stop().await?;
        Ok(Stopped {
            store: self.store,
            name: self.name,
            data: self.data,
            database: self.database,
            prefilled: self.prefilled + self.registered,
            paid_before: self.paid_before + self.paid,
        })
    }

    async fn meters(&self, stage: &Stage<'_>) -> Result<Meters> {
        Ok(Meters {
            gateway_us: self.gateway.cpu_us(),
            database_us: stage.postgres.cpu_us(),
            load_us: process::cpu_us(std::process::id()),
            bank_us: stage.bank.cpu_us(),
            wal_bytes: stage.postgres.wal_bytes().await?,
        })
    }
}

struct Meters {
    gateway_us: u64,
    database_us: u64,
    load_us: u64,
    bank_us: u64,
    wal_bytes: u64,
}

/// An installation whose program does not run.
pub struct Stopped {
    store: Store,
    name: String,
    data: PathBuf,
    database: Database,
    prefilled: u64,
    paid_before: u64,
}

impl Stopped {
    /// Starts it again.
    pub async fn start(self, stage: &Stage<'_>) -> Result<Installation> {
        ensure!(self.data.is_dir(), "{} is gone", self.data.display());
        let gateway = start(stage, &self.data, &self.database).await?;
        stage.receiver.clear();
        Ok(Installation {
            store: self.store,
            name: self.name,
            data: self.data,
            database: self.database,
            gateway,
            prefilled: self.prefilled,
            paid_before: self.paid_before,
            registered: 0,
            paid: 0,
            known: Arc::default(),
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
