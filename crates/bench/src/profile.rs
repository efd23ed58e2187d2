//! Where the time goes: `perf` over the whole machine, and PostgreSQL's own count of its statements.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result};
use tokio::process::{Child, Command};

use crate::installation::Stage;
use crate::results::Store;
use crate::visitor::Task;

/// The number of callers that is looked into.
const CALLERS: usize = 64;
/// Samples per second and processor; odd, so as not to beat with anything.
const FREQUENCY: &str = "997";
/// Lines of a report that are kept.
const LINES_MAX: usize = 70;

/// Where profiles are written.
pub struct Profile {
    folder: PathBuf,
}

/// A recording under way.
pub struct Recording {
    name: String,
    perf: Child,
    store: Store,
}

impl Profile {
    /// Writes into this folder.
    pub fn new(folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self { folder })
    }

    /// Begins, if this load is one to look into.
    pub async fn begin(
        &self,
        stage: &Stage<'_>,
        task: Task,
        store: Store,
        callers: usize,
    ) -> Result<Option<Recording>> {
        if callers != CALLERS {
            return Ok(None);
        }
        if store == Store::Postgres {
            stage
                .postgres
                .execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
                .await?;
            stage
                .postgres
                .ask("SELECT pg_stat_statements_reset()")
                .await?;
        }
        let name = format!("{}-{}", task.name(), store.name()).to_lowercase();
        let mut command = Command::new("perf");
        command.args([
            "record",
            "--all-cpus",
            "--freq",
            FREQUENCY,
            "--call-graph=fp",
            "--output",
        ]);
        command.arg(self.data(&name)).args(["--", "sleep"]);
        command.arg(stage.length.as_secs().max(1).to_string());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let perf = command
            .kill_on_drop(true)
            .spawn()
            .context("perf is needed for --profile")?;
        Ok(Some(Recording { name, perf, store }))
    }

    /// Ends, and writes what was seen.
    pub async fn end(&self, stage: &Stage<'_>, mut recording: Recording) -> Result<()> {
        recording.perf.wait().await?;
        let mut text = String::new();
        for sort in ["comm", "comm,dso", "comm,dso,symbol"] {
            text.push_str(&self.report(&recording.name, sort).await?);
        }
        if recording.store == Store::Postgres {
            text.push_str(&statements(stage).await?);
        }
        let file = self.folder.join(format!("{}.txt", recording.name));
        std::fs::write(&file, text)?;
        eprintln!("profile: {}", file.display());
        Ok(())
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.perf"))
    }

    async fn report(&self, name: &str, sort: &str) -> Result<String> {
        let mut command = Command::new("perf");
        command.args([
            "report",
            "--stdio",
            "--no-children",
            "--call-graph=none",
            "--sort",
            sort,
        ]);
        command
            .arg("--input")
            .arg(self.data(name))
            .stdin(Stdio::null());
        let output = command.kill_on_drop(true).output().await?;
        let said = String::from_utf8_lossy(&output.stdout);
        let lines = said
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let lines: Vec<&str> = lines.take(LINES_MAX).collect();
        Ok(format!("== by {sort}\n{}\n\n", lines.join("\n")))
    }
}

/// PostgreSQL's statements by the time that they took.
async fn statements(stage: &Stage<'_>) -> Result<String> {
    let rows = stage
        .postgres
        .ask_all(
            "SELECT calls, round(total_exec_time)::bigint, round(1000 * mean_exec_time)::bigint, rows, \
             wal_bytes::bigint, left(regexp_replace(query, '\\s+', ' ', 'g'), 160) \
             FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 25",
        )
        .await?;
    let mut text = String::from("== statements: calls, total ms, mean us, rows, WAL bytes, text\n");
    for row in rows {
        let number = |index: usize| row.get::<_, i64>(index);
        let query: String = row.get(5);
        text.push_str(&format!(
            "{:>8} {:>8} {:>8} {:>9} {:>11}  {query}\n",
            number(0),
            number(1),
            number(2),
            number(3),
            number(4)
        ));
    }
    Ok(text)
}
