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
/// The same for the last act of a program: a running one must not be held up by a command that ends.
const LAST_BUSY_TIMEOUT: Duration = Duration::from_millis(200);
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

/// The last act of a program: [`settle`] that waits only shortly. What can be done without anybody's leave is
/// done first, so that the locks are held for a moment only.
pub(crate) fn finish(connection: &Connection) -> Result<(), Fault> {
    connection.busy_timeout(LAST_BUSY_TIMEOUT)?;
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    settle(connection)
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

#[cfg(test)]
mod tests {
    use altyn_domain::{Bucket, Currency, Order, PaymentId, PaymentStatus, ProjectId, Timestamp};
    use refinery::Target;
    use rusqlite::params;
    use uuid::Uuid;

    use super::*;
    use crate::{customers, rows, settings, trail};

    const AT: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    /// What an installation without a back office holds: a project, a paid payment, two changes of settings.
    fn write_second_version(db: &Connection, payment: PaymentId, project: ProjectId) {
        let (bucket, at) = (payment.bucket().number(), AT.as_micros());
        let (payment, project) = (payment.uuid(), project.uuid());
        let order = serde_json::to_string(&Order::default()).expect("it is JSON");
        let run = |sql: &str, params: &[&dyn rusqlite::ToSql]| {
            let written = db.execute(sql, params);
            written.unwrap_or_else(|error| panic!("{sql}: {error}"));
        };
        run(
            "INSERT INTO projects VALUES (?1, ?2, 'Shop', 'shop', 'sealed', ?3)",
            params![project, bucket, at],
        );
        run(
            "INSERT INTO payments VALUES (?1, ?2, ?3, 'rbs', 'purchase', 'KZT', 10000, 10000, 10000, 0, \
             0, 0, 0, 'captured', 1, ?4, NULL, NULL, 3, ?4, ?4, ?4, NULL, NULL, 1, 0, 0, 1, 'order-1', \
             ?5)",
            params![bucket, payment, project, at, order],
        );
        run(
            "INSERT INTO operations VALUES (?1, ?2, 1, ?3, ?2, 'sale', 'succeeded', 10000, NULL, NULL, \
             'card', 0, ?4, ?4, ?4, '{\"initiator\":\"payer\",\"facts\":{},\"exchanges\":1}')",
            params![bucket, payment, project, at],
        );
        for (kind, debit, credit) in [
            ("connector_clearing", 10000, 0),
            ("merchant_payable", 0, 10000),
        ] {
            run(
                "INSERT INTO accounts VALUES (?1, ?2, ?3, 'KZT', ?4, ?5, 0, 0)",
                params![bucket, project, kind, debit, credit],
            );
        }
        run(
            "INSERT INTO postings VALUES (?1, ?2, 1, ?3, 1, 'sale', 2, NULL, 'connector_clearing', \
             'merchant_payable', 'KZT', 10000, ?4)",
            params![bucket, payment, project, at],
        );
        run(
            "INSERT INTO incidents VALUES (?1, ?2, 1, ?3, 'contradiction', 1, 'seen', ?4, NULL, NULL)",
            params![bucket, payment, project, at],
        );
        for (version, what) in [
            (1, "the shop «Тау» was made"),
            (2, "a key of \"shop\" was revoked"),
        ] {
            run(
                "INSERT INTO settings_audit VALUES (?1, ?2, ?3)",
                params![version, at + version, what],
            );
        }
        run("UPDATE installation SET settings_version = 2", &[]);
    }

    #[test]
    fn an_installation_without_a_back_office_keeps_what_it_has() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let path = directory.path().join("altyn.db");
        create(&path).expect("the file is made");
        let mut old = open_writer(&path).expect("it opens");
        let second = embedded::migrations::runner().set_target(Target::Version(2));
        second.run(&mut old).expect("the old tables are made");
        let bucket = Bucket::new(7);
        let project = ProjectId::new(AT, bucket, 1);
        let payment = PaymentId::new(AT, bucket, 2);
        write_second_version(&old, payment, project);
        drop(old);

        prepare(&path).expect("it is brought to the newest tables");
        let db = open_writer(&path).expect("it opens");
        let known = settings::read(&db).expect("it reads");
        assert_eq!((known.version, known.projects.len()), (2, 1));
        assert_eq!(known.projects[0].merchant_id, None);
        assert_eq!(known.entries, []);
        let read = rows::payment(&db, payment).expect("it reads");
        let read = read.expect("it is there");
        assert_eq!(read.status(), PaymentStatus::Captured);
        assert_eq!((read.customer_id, read.operations.len()), (None, 1));
        let postings = rows::postings(&db, payment).expect("it reads");
        assert_eq!(postings.len(), 1);
        assert_eq!(postings[0].customer_id, None);
        assert_eq!(postings[0].currency, Currency::KZT);
        let balances = customers::audit(&db).expect("it reads");
        assert_eq!(balances, (Vec::new(), Vec::new()));

        // The old trail is the chain of zeros, without hashes.
        let chain = trail::chain(&db, Uuid::nil(), 1, 10).expect("it reads");
        let lines: Vec<_> = chain
            .iter()
            .map(|entry| (entry.number, entry.at.as_micros(), entry.detail.as_str()))
            .collect();
        let expected = [
            (
                1,
                AT.as_micros() + 1,
                r#"{"what":"the shop «Тау» was made"}"#,
            ),
            (
                2,
                AT.as_micros() + 2,
                r#"{"what":"a key of \"shop\" was revoked"}"#,
            ),
        ];
        assert_eq!(lines, expected);
        for entry in &chain {
            assert_eq!((entry.actor, entry.scope), (None, None));
            assert_eq!(entry.actor_name, "altyn");
            assert_eq!(entry.action, "settings.changed");
            assert!(entry.subject.is_empty());
            assert!(entry.previous_hash.is_empty() && entry.hash.is_empty());
        }
        let heads = trail::heads(&db).expect("it reads");
        assert_eq!(heads, chain[1..]);
        let table = db.query_row(
            "SELECT 1 FROM sqlite_schema WHERE name = 'settings_audit'",
            [],
            |_| Ok(()),
        );
        assert!(table.is_err(), "the old table is gone");
    }
}
