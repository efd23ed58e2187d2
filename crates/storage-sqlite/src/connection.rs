//! Opening connections, and bringing the file to the tables of this program.

use std::path::Path;
use std::time::Duration;

use altyn_storage::StorageError;
use refinery::error::Kind;
use rusqlite::{Connection, OpenFlags};

use crate::fault::Fault;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// How long a lock of another program is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How many prepared statements a connection keeps: more than there are.
const STATEMENTS_MAX: usize = 128;
/// How often opening is tried while another program opens the same file for the first time.
const OPEN_ATTEMPTS_MAX: u32 = 10;

/// Opens a connection that writes.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, Fault> {
    let connection = open(path)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        let text = format!("the file system cannot share memory: journal mode is {mode}");
        return Err(StorageError::Unusable(text).into());
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -16384; \
         PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 67108864; \
         PRAGMA temp_store = MEMORY;",
    )?;
    Ok(connection)
}

/// Opens a connection that only reads. The file exists and is in WAL mode.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, Fault> {
    let connection = open(path)?;
    connection.execute_batch(
        "PRAGMA query_only = ON; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;",
    )?;
    Ok(connection)
}

fn open(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// Makes the file if it is not there, readable by its owner alone, and brings it to the newest tables.
/// A file of a newer program is left as it is and refused.
pub(crate) fn prepare(path: &Path) -> Result<(), StorageError> {
    create(path).map_err(|error| StorageError::Unusable(format!("{}: {error}", path.display())))?;
    for _ in 1..OPEN_ATTEMPTS_MAX {
        match migrate(path) {
            // Another program is making the same tables at this moment.
            Err(error) if error.is_race => {}
            other => return other.map_err(|error| error.error),
        }
    }
    migrate(path).map_err(|error| error.error)
}

#[cfg(unix)]
fn create(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let file = options.append(true).create(true).mode(0o600).open(path);
    file.map(drop)
}

#[cfg(not(unix))]
fn create(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true).open(path).map(drop)
}

struct NotReady {
    error: StorageError,
    is_race: bool,
}

fn migrate(path: &Path) -> Result<(), NotReady> {
    let mut connection = open_writer(path).map_err(|fault| {
        let error = fault.sorted();
        let is_race = matches!(
            &error,
            StorageError::Unavailable(_) | StorageError::Conflict
        );
        NotReady { error, is_race }
    })?;
    // Grouped: the tables and the note that they are made are one transaction.
    let runner = embedded::migrations::runner().set_grouped(true);
    runner.run(&mut connection).map(drop).map_err(|error| {
        let (text, is_race) = match error.kind() {
            Kind::MissingVersion(applied) => {
                (format!("it is of a newer version: it has {applied}"), false)
            }
            Kind::DivergentVersion(applied, ours) => (
                format!("it has {applied} where this program has {ours}"),
                false,
            ),
            Kind::Connection(doing, cause) => (format!("{doing}: {cause}"), true),
            other => (other.to_string(), false),
        };
        let error = StorageError::Unusable(format!("{}: {text}", path.display()));
        NotReady { error, is_race }
    })
}

/// Puts everything that the WAL holds into the main file and empties it. After a failed commit nothing
/// in the WAL may be believed to be on disk until it was written and synced once more.
pub(crate) fn settle(connection: &Connection) -> Result<(), Fault> {
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy == 0 {
        Ok(())
    } else {
        let text = "the log of the database cannot be settled while it is read".to_owned();
        Err(StorageError::Unavailable(text).into())
    }
}
