//! The connections that reads share.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use altyn_storage::StorageError;
use deadpool_postgres::{
    Connect, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Transaction,
};
use futures::future::try_join_all;
use tokio::task::JoinHandle;
use tokio::time::error::Elapsed;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Error, Row, Statement};

use crate::PostgresOptions;
use crate::address::Address;
use crate::connection::{session_settings, unavailable};
use crate::failure::{Failure, describe, is_fatal};
use crate::flight::{Param, in_order};

/// Parameters of a statement.
pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A statement of a transaction that changes what is not money.
pub(crate) struct Write<'a> {
    pub sql: &'a str,
    pub params: Vec<Param<'a>>,
    /// How many rows it must write; with any other number the transaction is a conflict.
    pub rows: Option<u64>,
}

/// Opens a connection of the pool and tells it its settings.
struct Opener {
    address: Address,
    settings: String,
}

type Opening<'a> =
    Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

impl Connect for Opener {
    fn connect(&self, _: &Config) -> Opening<'_> {
        Box::pin(async {
            let (client, task) = self.address.open().await?;
            client.batch_execute(&self.settings).await?;
            Ok((client, task))
        })
    }
}

/// The read path. Every call is bounded in time: for a connection, and for the answer.
pub(crate) struct Readers {
    pool: Pool,
    limit: Duration,
}

impl Readers {
    pub(crate) fn new(address: &Address, options: &PostgresOptions) -> Result<Self, StorageError> {
        let opener = Opener {
            address: address.clone(),
            settings: session_settings(options),
        };
        let config = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_connect(address.config().clone(), opener, config);
        let pool = Pool::builder(manager)
            .max_size(options.read_connections_max.max(1))
            .wait_timeout(Some(options.read_wait))
            .create_timeout(Some(options.connect_timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StorageError::Unusable(error.to_string()))?;
        let limit = options.answer_timeout();
        Ok(Self { pool, limit })
    }

    /// The rows of one statement, which is a transaction of its own.
    pub(crate) async fn rows(
        &self,
        sql: &str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, StorageError> {
        let connection = self.connection().await?;
        let work = async {
            let statement = connection.prepare_cached(sql).await?;
            connection.query(&statement, params).await
        };
        let done = tokio::time::timeout(self.limit, work).await;
        settle(connection, done)
    }

    /// Carries out one statement that changes something, which is a transaction of its own; how many rows it
    /// wrote.
    pub(crate) async fn change(&self, sql: &str, params: Params<'_>) -> Result<u64, StorageError> {
        let connection = self.connection().await?;
        let work = async {
            let statement = connection.prepare_cached(sql).await?;
            Ok(connection.execute(&statement, params).await)
        };
        let done = tokio::time::timeout(self.limit, work).await;
        committed(settle_change(connection, done)?)
    }

    /// Carries out all `writes` in this order in one transaction, or none of them. They leave together.
    pub(crate) async fn transact(&self, writes: &[Write<'_>]) -> Result<(), StorageError> {
        let mut connection = self.connection().await?;
        let work = async {
            let tx = connection.transaction().await?;
            let mut prepared = Vec::with_capacity(writes.len());
            for write in writes {
                prepared.push(tx.prepare_cached(write.sql).await?);
            }
            let steps = writes.iter().zip(&prepared);
            let steps = steps.map(|(write, sql)| execute(&tx, sql, &write.params));
            let answers = in_order(steps.collect()).await;
            for (answer, write) in answers.into_iter().zip(writes) {
                let rows = answer?;
                if write.rows.is_some_and(|expected| expected != rows) {
                    return Ok(None);
                }
            }
            Ok(Some(tx.commit().await))
        };
        let done = tokio::time::timeout(self.limit, work).await;
        match settle_change(connection, done)? {
            None => Err(StorageError::Conflict),
            Some(answer) => committed(answer),
        }
    }

    /// The rows of each statement, all of one snapshot. They leave together.
    pub(crate) async fn snapshot<const N: usize>(
        &self,
        statements: [(&str, Params<'_>); N],
    ) -> Result<[Vec<Row>; N], StorageError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        self.snapshot_within(begin, self.limit, statements).await
    }

    /// The same with a BEGIN and a time limit of one's own.
    pub(crate) async fn snapshot_within<const N: usize>(
        &self,
        begin: &str,
        limit: Duration,
        statements: [(&str, Params<'_>); N],
    ) -> Result<[Vec<Row>; N], StorageError> {
        let connection = self.connection().await?;
        let client: &Client = &connection;
        let work = async {
            let texts = statements
                .iter()
                .map(|(sql, _)| connection.prepare_cached(sql));
            let prepared = try_join_all(texts).await?;
            let queries = statements.iter().zip(&prepared);
            let queries = queries.map(|((_, params), sql)| client.query(sql, params));
            let (begun, rows, ended) = futures::join!(
                client.batch_execute(begin),
                in_order(queries.collect()),
                client.batch_execute("COMMIT")
            );
            begun?;
            ended?;
            rows.into_iter().collect::<Result<Vec<_>, _>>()
        };
        let done = tokio::time::timeout(limit, work).await;
        let rows = settle(connection, done)?;
        rows.try_into()
            .map_err(|_| StorageError::Unavailable("an answer is missing".to_owned()))
    }

    /// A connection of the pool.
    pub(crate) async fn connection(&self) -> Result<Object, StorageError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => unavailable(&error),
            other => StorageError::Unavailable(other.to_string()),
        })
    }
}

async fn execute(
    tx: &Transaction<'_>,
    statement: &Statement,
    params: &[Param<'_>],
) -> Result<u64, Error> {
    let params: Vec<&(dyn ToSql + Sync)> = params
        .iter()
        .map(|param| &**param as &(dyn ToSql + Sync))
        .collect();
    tx.execute(statement, &params).await
}

/// What the answer to the end of a transaction means: one that is lost says nothing.
fn committed<T>(answer: Result<T, Error>) -> Result<T, StorageError> {
    match answer {
        Err(error) if error.as_db_error().is_none_or(is_fatal) => {
            Err(StorageError::CommitUnknown(describe(&error)))
        }
        other => Ok(other.map_err(Failure::from)?),
    }
}

/// The same as [`settle`] for work that ends with a commit: silence says nothing about it.
fn settle_change<T>(
    connection: Object,
    done: Result<Result<T, Error>, Elapsed>,
) -> Result<T, StorageError> {
    let silent = done.is_err();
    settle(connection, done).map_err(|error| match silent {
        true => StorageError::CommitUnknown("no answer within the time limit".to_owned()),
        false => error,
    })
}

/// The answer of a connection's work; a connection that broke or fell silent does not go back to the pool.
pub(crate) fn settle<T>(
    connection: Object,
    done: Result<Result<T, Error>, Elapsed>,
) -> Result<T, StorageError> {
    let failure = match done {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => Failure::from(error),
        Err(_) => Failure::Silent,
    };
    if !failure.keeps_connection() {
        drop(Object::take(connection));
    }
    Err(failure.into())
}
