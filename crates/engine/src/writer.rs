//! The writer: the one way by which money changes.
//!
//! Commands wait in a bounded queue. The writer takes whatever waits, up to a limit and without a timer:
//! a batch grows while the previous commit is in flight. It loads, lets the domain decide each command in
//! order, saves everything as one change and commits; only then does anyone hear an answer.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use altyn_domain::{Answer, IdSource, Refusal};
use altyn_storage::{BatchId, BatchWriter, LoadKeys, Request, Storage, StorageError};
use tokio::sync::{mpsc, oneshot};
use tracing::{error, warn};
use uuid::Uuid;

use crate::handover::Handover;
use crate::{Clock, EngineConfig, EngineError, Entropy, crash};

/// How often a batch is run again because another writer was faster.
const CONFLICTS_MAX: u32 = 8;
/// How often the fate of a lost commit is looked up, and the pause between two looks.
const LOST_COMMIT_LOOKS_MAX: u32 = 20;
const LOST_COMMIT_PAUSE: Duration = Duration::from_millis(250);

type Reply = oneshot::Sender<Result<Answer, EngineError>>;

struct Waiting {
    request: Request,
    reply: Reply,
}

/// Gives commands to the writer.
#[derive(Clone)]
pub struct WriterHandle {
    queue: mpsc::Sender<Waiting>,
}

impl WriterHandle {
    /// Waits until the command is decided and its effects are on disk.
    ///
    /// # Errors
    /// See [`EngineError`]. A full queue answers at once.
    pub async fn execute(&self, request: Request) -> Result<Answer, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.queue
            .try_send(Waiting { request, reply })
            .map_err(|full| match full {
                mpsc::error::TrySendError::Full(_) => EngineError::Busy,
                mpsc::error::TrySendError::Closed(_) => EngineError::Unavailable(None),
            })?;
        answer.await.unwrap_or(Err(EngineError::StateUnknown))
    }
}

/// Everything the writer needs.
pub(crate) struct Writer {
    pub storage: Arc<dyn Storage>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub config: EngineConfig,
    pub serials: Serials,
    pub handover: Handover,
}

/// So many numbers of operations are leased at once, and more when fewer than that are left: more than one
/// batch can use up, however often it is run again.
const SERIALS_BLOCK: i64 = 200_000;
const SERIALS_LOW: i64 = 50_000;

/// Numbers of operations that are this writer's to give.
type Serials = Mutex<Range<i64>>;

struct Ids<'a> {
    entropy: &'a dyn Entropy,
    serials: &'a Serials,
}

impl IdSource for Ids<'_> {
    fn random(&mut self) -> u64 {
        self.entropy.random()
    }

    fn serial(&mut self) -> i64 {
        let mut serials = self.serials.lock().unwrap_or_else(PoisonError::into_inner);
        serials
            .next()
            .expect("a batch uses fewer numbers than are kept")
    }
}

/// What became of a batch.
enum Fate {
    /// On disk: the answers hold.
    Committed(Vec<Result<Answer, Refusal>>),
    /// Not on disk.
    Failed(StorageError),
    /// A lost commit whose fate could not be found out.
    Unknown,
}

impl Writer {
    /// Starts the writer; it ends when every handle is dropped.
    pub(crate) async fn start(
        self,
    ) -> Result<(WriterHandle, tokio::task::JoinHandle<()>), StorageError> {
        let (queue, waiting) = mpsc::channel(self.config.queue_max);
        let database = self.storage.writer().await?;
        let task = tokio::spawn(self.run(database, waiting));
        Ok((WriterHandle { queue }, task))
    }

    async fn run(self, mut database: Box<dyn BatchWriter>, mut queue: mpsc::Receiver<Waiting>) {
        let mut batch = Vec::with_capacity(self.config.batch_max);
        while queue.recv_many(&mut batch, self.config.batch_max).await > 0 {
            metrics::histogram!("altyn_writer_batch_commands").record(batch_size(&batch));
            if let Err(failure) = self.lease_serials().await {
                error!(error = %failure, "no numbers for operations");
                for waiting in batch.drain(..) {
                    let _ = waiting.reply.send(Err(EngineError::Unavailable(None)));
                }
                continue;
            }
            self.process(database.as_mut(), std::mem::take(&mut batch))
                .await;
        }
    }

    /// Sees to it that there are numbers for the operations of a batch.
    async fn lease_serials(&self) -> Result<(), StorageError> {
        let lock = || self.serials.lock().unwrap_or_else(PoisonError::into_inner);
        let left = {
            let serials = lock();
            serials.end - serials.start
        };
        if left < SERIALS_LOW {
            let first = self.storage.lease_serials(SERIALS_BLOCK).await?;
            *lock() = first..first + SERIALS_BLOCK;
        }
        Ok(())
    }

    /// Runs a batch; one that the database refuses is halved until only the bad command gets the error.
    async fn process(&self, database: &mut dyn BatchWriter, batch: Vec<Waiting>) {
        let mut stack = vec![batch];
        while let Some(mut batch) = stack.pop() {
            let requests: Vec<&Request> = batch.iter().map(|waiting| &waiting.request).collect();
            match self.settle(database, &requests).await {
                Fate::Committed(answers) => {
                    for (waiting, answer) in batch.into_iter().zip(answers) {
                        // A caller that went away does not mind.
                        let _ = waiting.reply.send(answer.map_err(EngineError::Refused));
                    }
                }
                Fate::Failed(StorageError::Refused(_) | StorageError::Corrupt(_))
                    if batch.len() > 1 =>
                {
                    let second = batch.split_off(batch.len() / 2);
                    stack.push(second);
                    stack.push(batch);
                }
                Fate::Failed(failure) => {
                    error!(error = %failure, commands = batch.len(), "a batch was not written");
                    metrics::counter!("altyn_writer_failed_batches_total").increment(1);
                    for waiting in batch {
                        let _ = waiting.reply.send(Err(failed(&failure)));
                    }
                }
                Fate::Unknown => {
                    error!(commands = batch.len(), "the fate of a batch is unknown");
                    for waiting in batch {
                        let _ = waiting.reply.send(Err(EngineError::StateUnknown));
                    }
                }
            }
        }
    }

    /// Loads, decides, saves; again if another writer was faster.
    async fn settle(&self, database: &mut dyn BatchWriter, batch: &[&Request]) -> Fate {
        let mut conflicts = 0;
        loop {
            let id = BatchId(Uuid::from_u64_pair(
                self.entropy.random(),
                self.entropy.random(),
            ));
            match self.attempt(database, batch, id).await {
                Ok(answers) => return Fate::Committed(answers),
                Err((StorageError::Conflict, _)) if conflicts < CONFLICTS_MAX => {
                    conflicts += 1;
                    metrics::counter!("altyn_writer_conflicts_total").increment(1);
                }
                Err((StorageError::CommitUnknown(why), answers)) => {
                    warn!(error = %why, "the answer to a commit was lost");
                    match self.find_out(database, id).await {
                        Some(true) => return Fate::Committed(answers),
                        Some(false) if conflicts < CONFLICTS_MAX => conflicts += 1,
                        Some(false) | None => return Fate::Unknown,
                    }
                }
                Err((other, _)) => return Fate::Failed(other),
            }
        }
    }

    async fn attempt(
        &self,
        database: &mut dyn BatchWriter,
        batch: &[&Request],
        id: BatchId,
    ) -> Result<Vec<Result<Answer, Refusal>>, (StorageError, Vec<Result<Answer, Refusal>>)> {
        let mut keys = LoadKeys::default();
        for request in batch {
            request.collect_keys(&mut keys);
        }
        let mut loaded = database
            .load(&keys)
            .await
            .map_err(|error| (error, Vec::new()))?;
        crash::point("writer.loaded");
        let now = self.clock.now();
        let mut ids = Ids {
            entropy: self.entropy.as_ref(),
            serials: &self.serials,
        };
        let mut answers = Vec::with_capacity(batch.len());
        for request in batch {
            let deadline = self.config.exchange_deadline_ms;
            let decided = catch_unwind(AssertUnwindSafe(|| {
                loaded.decide(request, now, &mut ids, deadline)
            }));
            match decided {
                Ok(answer) => answers.push(answer),
                Err(_) => {
                    // A broken invariant: a bug. Nothing of this batch may be kept together with it.
                    database.abandon().await;
                    let what = "a decision broke an invariant".to_owned();
                    return Err((StorageError::Refused(what), Vec::new()));
                }
            }
        }
        let mut changes = loaded.into_changes(id, now);
        if changes.is_empty() {
            database.abandon().await;
            return Ok(answers);
        }
        let handed = self.handover.take(&mut changes);
        let saved = database.save(&changes).await;
        crash::point("writer.saved");
        match saved {
            Ok(()) => {
                self.handover.give(handed);
                Ok(answers)
            }
            Err(error @ StorageError::CommitUnknown(_)) => Err((error, answers)),
            Err(error) => Err((error, Vec::new())),
        }
    }

    /// Whether a batch whose commit was lost is on disk; `None` if the database stays away.
    async fn find_out(&self, database: &mut dyn BatchWriter, id: BatchId) -> Option<bool> {
        for _ in 0..LOST_COMMIT_LOOKS_MAX {
            if let Ok(committed) = database.is_committed(id).await {
                return Some(committed);
            }
            tokio::time::sleep(LOST_COMMIT_PAUSE).await;
        }
        None
    }
}

fn batch_size(batch: &[Waiting]) -> f64 {
    u32::try_from(batch.len()).map_or(f64::MAX, f64::from)
}

fn failed(error: &StorageError) -> EngineError {
    match error {
        StorageError::Refused(what) => EngineError::Fault(what.clone()),
        StorageError::Corrupt(row) => EngineError::Fault(row.to_string()),
        StorageError::CommitUnknown(_) => EngineError::StateUnknown,
        StorageError::Conflict | StorageError::Unavailable(_) | StorageError::Unusable(_) => {
            EngineError::Unavailable(None)
        }
    }
}
