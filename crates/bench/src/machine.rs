//! The machine that everything is measured on.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::load::count;
use crate::process;

/// What is written and made durable at once.
const BLOCK: usize = 4_096;
/// The file that is written over, as a database writes over its log.
const FILE_BLOCKS: usize = 4_096;
const DISK_TEST: Duration = Duration::from_secs(1);

/// What is known of it.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// Processors that may be used.
    pub cores: usize,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// The version of PostgreSQL.
    pub postgres: String,
    /// The file system of the benchmark's folder.
    pub file_system: String,
    /// Blocks of 4 KiB that one thread makes durable in a second.
    pub syncs_per_second: f64,
    /// Half of these took no longer, in milliseconds.
    pub sync_p50_ms: f64,
}

impl Machine {
    /// Looks at it, and at the disk that `folder` is on.
    pub fn look(folder: &Path, postgres: String) -> Result<Self> {
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let memory = process::kilobytes(&memory, "MemTotal").unwrap_or(0);
        let (syncs_per_second, sync_p50_ms) = sync_rate(folder)?;
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: count(memory) / 1_048_576.0,
            postgres,
            file_system: file_system(folder)?,
            syncs_per_second,
            sync_p50_ms,
        })
    }

    /// One line for people.
    pub fn line(&self) -> String {
        format!(
            "machine: {} cores, {:.0} GiB, PostgreSQL {}, {}, fdatasync of 4 KiB {:.0}/s, p50 {:.2} ms",
            self.cores,
            self.memory_gib,
            self.postgres,
            self.file_system,
            self.syncs_per_second,
            self.sync_p50_ms
        )
    }
}

fn sync_rate(folder: &Path) -> Result<(f64, f64)> {
    let mut file = tempfile::tempfile_in(folder)?;
    let block = [0x5a_u8; BLOCK];
    for _ in 0..FILE_BLOCKS {
        file.write_all(&block)?;
    }
    file.sync_all()?;
    let mut latencies = Histogram::<u64>::new(3)?;
    let began = Instant::now();
    let mut at = 0;
    while began.elapsed() < DISK_TEST {
        let before = Instant::now();
        write_block(&mut file, at, &block)?;
        latencies.saturating_record(u64::try_from(before.elapsed().as_micros())?.max(1));
        at = (at + 1) % FILE_BLOCKS;
    }
    let rate = count(latencies.len()) / began.elapsed().as_secs_f64();
    Ok((rate, count(latencies.value_at_quantile(0.5)) / 1_000.0))
}

fn write_block(file: &mut File, number: usize, block: &[u8]) -> Result<()> {
    file.seek(SeekFrom::Start(u64::try_from(number * BLOCK)?))?;
    file.write_all(block)?;
    file.sync_data().context("fdatasync")
}

/// The kind of file system with the longest mount point above the folder.
fn file_system(folder: &Path) -> Result<String> {
    let folder = folder.canonicalize()?;
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let kinds = mounts.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let place = words.next()?;
        folder
            .starts_with(place)
            .then_some((place.len(), words.next()?))
    });
    Ok(kinds
        .max_by_key(|(length, _)| *length)
        .map_or("?", |(_, kind)| kind)
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_written_over_in_its_place() {
        let mut file = tempfile::tempfile().unwrap();
        let block = [1_u8; BLOCK];
        write_block(&mut file, 1, &block).unwrap();
        write_block(&mut file, 0, &block).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 8_192);
    }

    #[test]
    fn every_folder_is_on_some_file_system() {
        assert_ne!(file_system(Path::new("/")).unwrap(), "?");
    }
}
