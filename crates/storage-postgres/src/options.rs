//! What may be chosen about the connections.

use std::time::Duration;

/// What may be chosen about the connections to PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostgresOptions {
    /// How many connections reads share; writers have their own.
    pub read_connections_max: usize,
    /// How long a read waits for a free connection before the database counts as not available.
    pub read_wait: Duration,
    /// How long opening a connection may take.
    pub connect_timeout: Duration,
    /// How long one statement may take in the database.
    pub statement_timeout: Duration,
    /// How long a statement may wait for a row that another writer holds.
    pub lock_timeout: Duration,
    /// How long the database keeps a transaction open whose gateway has fallen silent.
    pub idle_transaction_timeout: Duration,
    /// How long migrations may take, waiting for another node that migrates included.
    pub migration_timeout: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            read_connections_max: 8,
            read_wait: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(5),
            idle_transaction_timeout: Duration::from_secs(30),
            migration_timeout: Duration::from_secs(600),
        }
    }
}

impl PostgresOptions {
    /// How long we wait for all answers of one round trip: longer than the database's own limit, so that
    /// this one strikes only when the database or the network is silent.
    pub(crate) fn answer_timeout(&self) -> Duration {
        self.statement_timeout * 2 + self.lock_timeout
    }
}
