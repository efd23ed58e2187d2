//! A file of JSON lines that remembers state across restarts.
//!
//! Each line is the whole present state of one thing, so the newest line of a key wins when the
//! file is read back. Lines are handed to one writing thread in the order of the changes; it
//! writes what has gathered and flushes whenever nothing more waits. There is no fsync: the
//! journal survives the end of the program, not the end of the machine.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Lines that may wait for the writing thread before a change has to wait too.
const WAITING_MAX: usize = 8192;
/// The longest line that is read back.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// The thread that writes, and the way to it.
type Writer = (SyncSender<Vec<u8>>, JoinHandle<()>);

/// The writing end of a journal file.
pub struct Journal {
    writer: Mutex<Option<Writer>>,
}

impl Journal {
    /// Reads what the file holds, oldest first, and opens it for appending.
    pub fn open<Line: DeserializeOwned>(path: &Path) -> anyhow::Result<(Journal, Vec<Line>)> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .with_context(|| format!("journal {}", path.display()))?;
        let lines = read(&mut file).with_context(|| format!("journal {}", path.display()))?;
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write(file, &receiver))?;
        Ok((
            Journal {
                writer: Mutex::new(Some((sender, thread))),
            },
            lines,
        ))
    }

    /// Appends the present state of one thing.
    pub fn append(&self, line: &impl Serialize) {
        let mut text = match serde_json::to_vec(line) {
            Ok(text) => text,
            Err(error) => {
                eprintln!("altyn-simulator: journal line: {error}");
                return;
            }
        };
        text.push(b'\n');
        let writer = self
            .writer
            .lock()
            .expect("nobody panics while writing the journal");
        if let Some((sender, _)) = writer.as_ref() {
            // The thread ends early only after a write error that it has already reported.
            let _ = sender.send(text);
        }
    }

    /// Writes everything that waits and stops; later changes are not kept.
    pub fn close(&self) {
        let taken = self
            .writer
            .lock()
            .expect("nobody panics while writing the journal")
            .take();
        if let Some((sender, thread)) = taken {
            drop(sender);
            let _ = thread.join();
        }
    }
}

fn read<Line: DeserializeOwned>(file: &mut File) -> std::io::Result<Vec<Line>> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(&*file);
    let mut lines = Vec::new();
    let mut text = Vec::new();
    let mut broken = 0_u32;
    let mut torn = false;
    while !torn {
        text.clear();
        if reader
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut text)?
            == 0
        {
            break;
        }
        match serde_json::from_slice(&text) {
            Ok(line) => lines.push(line),
            Err(_) => broken += 1,
        }
        torn = text.last() != Some(&b'\n');
    }
    if torn {
        // The last run was killed in the middle of a line: the next one begins afresh.
        file.write_all(b"\n")?;
    }
    if broken > 0 {
        eprintln!("altyn-simulator: journal: {broken} broken line(s) left out");
    }
    Ok(lines)
}

fn write(file: File, receiver: &Receiver<Vec<u8>>) {
    let mut output = BufWriter::new(file);
    while let Ok(first) = receiver.recv() {
        let mut result = output.write_all(&first);
        for text in receiver.try_iter().take(WAITING_MAX) {
            result = result.and_then(|()| output.write_all(&text));
        }
        if let Err(error) = result.and_then(|()| output.flush()) {
            eprintln!("altyn-simulator: journal: {error}; nothing more is kept");
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_last_line_costs_only_itself() {
        let path = std::env::temp_dir().join(format!("altyn-journal-{}", crate::random::uuid()));
        std::fs::write(&path, b"1\n2\n[3,").expect("written");

        let (journal, lines) = Journal::open::<u32>(&path).expect("opened");
        assert_eq!(lines, [1, 2]);
        journal.append(&4_u32);
        journal.close();

        let (journal, lines) = Journal::open::<u32>(&path).expect("opened");
        assert_eq!(lines, [1, 2, 4]);
        journal.close();
        std::fs::remove_file(&path).expect("removed");
    }
}
