//! What Linux tells of a process: processor time and memory.

use std::fs;

/// `/proc` counts processor time in hundredths of a second on every Linux of today.
const TICK_US: u64 = 10_000;

/// The numbers of `/proc/PID/stat` that are read.
struct Stat {
    parent: u32,
    /// Ticks of the process itself.
    own: u64,
    /// Ticks of its children that ended.
    children: u64,
}

impl Stat {
    fn read(id: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
    }

    /// The program's name, in brackets, may hold anything: fields are counted from its end.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            own: number(11)? + number(12)?,
            children: number(13)? + number(14)?,
        })
    }
}

/// Processor time of one process, in microseconds; 0 if it is gone.
pub fn cpu_us(id: u32) -> u64 {
    Stat::read(id).map_or(0, |stat| stat.own * TICK_US)
}

/// Processor time of a process, its children, and those that it waited for, in microseconds.
pub fn family_cpu_us(id: u32) -> u64 {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let stats = ids.filter_map(|other| Some((other, Stat::read(other)?)));
    let ticks = stats.filter_map(|(other, stat)| {
        if other == id {
            Some(stat.own + stat.children)
        } else {
            (stat.parent == id).then_some(stat.own)
        }
    });
    ticks.sum::<u64>() * TICK_US
}

/// Time in which processors of this machine had nothing to do, in microseconds, all of them together.
pub fn idle_us() -> u64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    idle_ticks(&text).unwrap_or(0) * TICK_US
}

/// The fourth number of the line of all processors is idle time, the fifth idle while a disk works.
fn idle_ticks(text: &str) -> Option<u64> {
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    let numbers: Vec<&str> = line.split_whitespace().collect();
    let number = |index: usize| numbers.get(index)?.parse::<u64>().ok();
    Some(number(3)? + number(4)?)
}

/// A line of `/proc/PID/status` that counts kilobytes, in bytes: `VmRSS` now, `VmHWM` at most.
pub fn memory_bytes(id: u32, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    kilobytes(&text, name).unwrap_or(0) * 1_024
}

/// The number of a line `Name:   123 kB`.
pub fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_after_the_name() {
        let line = "7 (a ) b) S 3 7 7 0 -1 4194560 1 2 3 4 50 60 7 8 20 0 1 0 99 1000 10";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.parent, stat.own, stat.children), (3, 110, 15));
        assert!(Stat::parse("broken").is_none());
    }

    #[test]
    fn idle_time_is_that_of_all_processors() {
        let text = "cpu  1 2 3 40 5 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n";
        assert_eq!(idle_ticks(text), Some(45));
        assert_eq!(idle_ticks("cpu0 1 2 3 4 5"), None);
        assert!(idle_us() > 0);
    }

    #[test]
    fn a_status_line_is_found_by_its_whole_name() {
        let text = "VmHWM:\t   200 kB\nVmRSS:\t   100 kB\n";
        assert_eq!(kilobytes(text, "VmRSS"), Some(100));
        assert_eq!(kilobytes(text, "VmR"), None);
    }

    #[test]
    fn this_process_uses_memory_and_belongs_to_its_own_family() {
        let id = std::process::id();
        assert!(memory_bytes(id, "VmRSS") > 0);
        assert!(family_cpu_us(id) >= cpu_us(id));
    }
}
