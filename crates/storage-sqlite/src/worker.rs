//! Threads that own connections and do what they are sent.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use altyn_storage::StorageError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::connection;
use crate::fault::Fault;

/// How much work may wait for the threads of one queue; more is refused at once.
const WAITING_MAX: usize = 8_192;

type Job = Box<dyn FnOnce(&mut Slot) + Send>;

/// What the threads of a queue are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Owns the connection that writes.
    Writer,
    /// Only reads.
    Reader,
}

/// A queue of work, and the threads that do it. They end when the last handle is dropped.
pub(crate) struct Workers {
    queue: mpsc::SyncSender<Job>,
}

impl Workers {
    /// Starts `count` threads on this file.
    pub fn start(role: Role, count: usize, path: &Path) -> Result<Self, StorageError> {
        let (queue, work) = mpsc::sync_channel(WAITING_MAX);
        let work = Arc::new(Mutex::new(work));
        for number in 1..=count {
            let work = Arc::clone(&work);
            let mut slot = Slot::open(role, path)?;
            let name = match role {
                Role::Writer => "sqlite-writer".to_owned(),
                Role::Reader => format!("sqlite-reader-{number}"),
            };
            std::thread::Builder::new()
                .name(name)
                .spawn(move || serve(&work, &mut slot))
                .map_err(|error| StorageError::Unusable(error.to_string()))?;
        }
        Ok(Self { queue })
    }

    /// Has `job` done on a thread's connection, and waits for its answer. If the caller goes away the
    /// job is done all the same.
    pub async fn run<T, F>(&self, job: F) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    {
        let (answer, waiting) = oneshot::channel();
        self.send(Box::new(move |slot| {
            // Nobody may be waiting any more.
            let _ = answer.send(slot.run(job));
        }))?;
        let gone = |_| StorageError::Unavailable("the database thread broke off".to_owned());
        waiting.await.map_err(gone)?
    }

    /// Has `job` done if there is room for it, and does not wait for it.
    pub fn post<F>(&self, job: F)
    where
        F: FnOnce(&mut Connection) -> Result<(), Fault> + Send + 'static,
    {
        let _ = self.send(Box::new(move |slot| {
            let _ = slot.run(job);
        }));
    }

    fn send(&self, job: Job) -> Result<(), StorageError> {
        self.queue.try_send(job).map_err(|error| {
            let text = match error {
                mpsc::TrySendError::Full(_) => "too much work is waiting",
                mpsc::TrySendError::Disconnected(_) => "the database threads have ended",
            };
            StorageError::Unavailable(text.to_owned())
        })
    }
}

fn serve(work: &Mutex<mpsc::Receiver<Job>>, slot: &mut Slot) {
    loop {
        // One thread waits at the queue, the others for their turn at it.
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else {
            return;
        };
        if catch_unwind(AssertUnwindSafe(|| job(slot))).is_err() {
            slot.connection = None;
        }
    }
}

/// The place of a connection: it may have to be opened anew.
struct Slot {
    role: Role,
    path: PathBuf,
    connection: Option<Connection>,
    unsettled: bool,
}

impl Slot {
    fn open(role: Role, path: &Path) -> Result<Self, StorageError> {
        let mut slot = Self {
            role,
            path: path.to_owned(),
            connection: None,
            unsettled: false,
        };
        slot.connected().map_err(Fault::sorted)?;
        Ok(slot)
    }

    fn connected(&mut self) -> Result<&mut Connection, Fault> {
        if self.connection.is_none() {
            let connection = match self.role {
                Role::Writer => connection::open_writer(&self.path)?,
                Role::Reader => connection::open_reader(&self.path)?,
            };
            if self.unsettled {
                connection::settle(&connection)?;
                self.unsettled = false;
            }
            self.connection = Some(connection);
        }
        Ok(self.connection.as_mut().expect("it was opened above"))
    }

    fn run<T>(
        &mut self,
        job: impl FnOnce(&mut Connection) -> Result<T, Fault>,
    ) -> Result<T, StorageError> {
        let result = self.connected().and_then(job);
        result.map_err(|fault| {
            if fault.breaks_connection() {
                self.connection = None;
            }
            if matches!(fault, Fault::CommitLost(_)) {
                self.unsettled = true;
            }
            fault.sorted()
        })
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn disk_failure() -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_FSYNC), None)
    }

    fn writer() -> (tempfile::TempDir, Workers) {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let path = directory.path().join("altyn.db");
        connection::prepare(&path).expect("the file opens");
        let workers = Workers::start(Role::Writer, 1, &path).expect("a thread starts");
        (directory, workers)
    }

    /// Leaves a mark that only its own connection sees.
    fn mark(db: &mut Connection) -> Result<(), Fault> {
        Ok(db.execute_batch("CREATE TEMP TABLE mark (n); BEGIN IMMEDIATE")?)
    }

    fn is_marked(db: &mut Connection) -> Result<bool, Fault> {
        Ok(!db.is_autocommit() || db.prepare("SELECT n FROM temp.mark").is_ok())
    }

    #[tokio::test]
    async fn row_6_a_connection_is_not_used_after_the_disk_failed() {
        let (_directory, writer) = writer();
        for lost_commit in [false, true] {
            writer.run(mark).await.expect("it is marked");
            let failed: Result<(), _> = writer
                .run(move |_| {
                    Err(if lost_commit {
                        Fault::CommitLost(disk_failure())
                    } else {
                        Fault::Sql(disk_failure())
                    })
                })
                .await;
            let unknown = matches!(failed, Err(StorageError::CommitUnknown(_)));
            assert_eq!(unknown, lost_commit, "{failed:?}");
            assert_eq!(writer.run(is_marked).await.ok(), Some(false));
        }
        let log = |db: &mut Connection| {
            let path = db.path().map(|path| format!("{path}-wal"));
            Ok(std::fs::metadata(path.expect("it has a path")).map_or(0, |data| data.len()))
        };
        // The log was put into the main file before anything else was done.
        assert_eq!(writer.run(log).await.ok(), Some(0));
    }

    #[tokio::test]
    async fn a_refused_statement_keeps_the_connection() {
        let (_directory, writer) = writer();
        writer.run(mark).await.expect("it is marked");
        let refused = writer
            .run(|db| Ok(db.execute_batch("INSERT INTO installation VALUES (2, 0)")?))
            .await;
        assert!(matches!(refused, Err(StorageError::Refused(_))));
        assert_eq!(writer.run(is_marked).await.ok(), Some(true));
    }

    #[tokio::test]
    async fn a_thread_outlives_work_that_panics() {
        let (_directory, writer) = writer();
        let died: Result<(), _> = writer.run(|_| panic!("on purpose")).await;
        assert!(matches!(died, Err(StorageError::Unavailable(_))));
        assert_eq!(writer.run(is_marked).await.ok(), Some(false));
    }
}
