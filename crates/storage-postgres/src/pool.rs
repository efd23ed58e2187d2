//! The connections that reads share.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use altyn_storage::StorageError;
use deadpool_postgres::{
    Connect, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use futures::future::try_join_all;
use tokio::task::JoinHandle;
use tokio::time::error::Elapsed;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Error, Row};

use crate::PostgresOptions;
use crate::address::Address;
use crate::connection::{session_settings, unavailable};
use crate::failure::Failure;
use crate::flight::in_order;

/// Parameters of a statement.
pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

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

    /// How long an answer may take.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// A connection of the pool.
    pub(crate) async fn connection(&self) -> Result<Object, StorageError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => unavailable(&error),
            other => StorageError::Unavailable(other.to_string()),
        })
    }
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
