//! The connection of a writer: its settings and its prepared statements.

use std::time::{Duration, Instant};

use altyn_storage::StorageError;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::PostgresOptions;
use crate::address::Address;
use crate::doubt::Backend;
use crate::failure::{Failure, not_committed};
use crate::inserts::SaveStatements;
use crate::load::LoadStatements;

/// How long plans are kept. Plans made on empty tables can be bad ones for full tables, and the database
/// looks at them again only when it has analysed a table; making all of ours anew takes a few milliseconds.
const PLANS_KEPT: Duration = Duration::from_secs(60);

/// What every connection is told first. Plans are generic, so that a statement is planned once and not at
/// each execution, and never scan a whole table where there is an index, nor a whole range of it to sort what
/// the index has in order. A database that is set up to
/// answer commits before they are on disk is told not to.
pub(crate) fn session_settings(options: &PostgresOptions) -> String {
    format!(
        "SET default_transaction_isolation = 'read committed'; \
         SET plan_cache_mode = force_generic_plan; \
         SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; \
         SET enable_bitmapscan = off; \
         SET jit = off; \
         SET statement_timeout = {}; SET lock_timeout = {}; \
         SET idle_in_transaction_session_timeout = {}; \
         SELECT set_config('synchronous_commit', 'on', false) \
         WHERE current_setting('synchronous_commit') = 'off'",
        options.statement_timeout.as_millis(),
        options.lock_timeout.as_millis(),
        options.idle_transaction_timeout.as_millis(),
    )
}

/// A writer's connection, ready for batches.
pub(crate) struct Connection {
    pub client: Client,
    pub load: LoadStatements,
    pub save: SaveStatements,
    pub backend: Backend,
    plans_made: Instant,
    task: JoinHandle<()>,
}

impl Connection {
    /// Opens a connection, with everything prepared in one round trip.
    pub(crate) async fn open(
        address: &Address,
        options: &PostgresOptions,
    ) -> Result<Self, StorageError> {
        let opening = async {
            let (client, task) = address.open().await?;
            let settings = session_settings(options);
            let ((), backend, load, save) = futures::try_join!(
                client.batch_execute(&settings),
                Backend::of(&client),
                LoadStatements::prepare(&client),
                SaveStatements::prepare(&client),
            )?;
            Ok(Self {
                client,
                load,
                save,
                backend,
                plans_made: Instant::now(),
                task,
            })
        };
        let limit = options.connect_timeout + options.answer_timeout();
        match tokio::time::timeout(limit, opening).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(unavailable(&error)),
            Err(_) => Err(Failure::Silent.into()),
        }
    }

    /// Whether the plans have been kept long enough; they then count as new.
    pub(crate) fn are_plans_old(&mut self) -> bool {
        let old = self.plans_made.elapsed() >= PLANS_KEPT;
        if old {
            self.plans_made = Instant::now();
        }
        old
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A connection that is given up must not go on sending what is still queued, a COMMIT for example.
        self.task.abort();
    }
}

/// The error of a connection that could not be opened.
pub(crate) fn unavailable(error: &tokio_postgres::Error) -> StorageError {
    match not_committed(error) {
        // A wrong password, a missing database: for the operator, and perhaps mended while we run.
        StorageError::Refused(text) => StorageError::Unavailable(text),
        other => other,
    }
}
