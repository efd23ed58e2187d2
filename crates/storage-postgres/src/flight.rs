//! Statements that leave together: one round trip for many.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures::future::{MaybeDone, maybe_done};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};

use crate::failure::is_fatal;

/// A parameter of a statement.
pub(crate) type Param<'a> = Box<dyn ToSql + Sync + Send + 'a>;

/// One column of `rows` as an array.
pub(crate) fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Param<'a>
where
    T: ToSql + Sync + Send + 'a,
{
    Box::new(rows.iter().map(value).collect::<Vec<T>>())
}

/// A statement with its parameters.
pub(crate) struct Step<'a> {
    pub statement: &'a Statement,
    pub params: Vec<Param<'a>>,
}

impl Step<'_> {
    async fn execute(&self, client: &Client) -> Result<u64, Error> {
        client.execute(self.statement, &self.params()).await
    }

    /// Runs it for its rows.
    pub(crate) async fn query(&self, client: &Client) -> Result<Vec<Row>, Error> {
        client.query(self.statement, &self.params()).await
    }

    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        let params = self.params.iter();
        params
            .map(|param| &**param as &(dyn ToSql + Sync))
            .collect()
    }
}

/// How a flight that ends with a commit came out.
pub(crate) enum Landing {
    /// Everything succeeded, the commit too: it is on disk.
    Committed,
    /// Certainly nothing was committed, and why.
    Failed(Error),
    /// The commit was sent and its answer is lost.
    Unknown(Error),
}

/// Sends all `steps` and COMMIT behind them without waiting in between, then collects every answer.
///
/// After a failed step the server skips the rest and answers the COMMIT, which then is a rollback, as if
/// it had worked: so its answer counts only if no step failed.
pub(crate) async fn commit(client: &Client, steps: &[Step<'_>]) -> Landing {
    let mut sent: Vec<_> = steps
        .iter()
        .map(|step| Box::pin(maybe_done(step.execute(client))))
        .collect();
    // The first poll of each sends it, in this order. One that fails at once may never have left us: then
    // the server would not know that the transaction is broken, so the COMMIT must not leave either.
    poll_fn(|cx| Poll::Ready(poll_all(&mut sent, cx))).await;
    if let Some(error) = first_error(&mut sent) {
        return Landing::Failed(error);
    }
    let mut last = pin!(maybe_done(client.batch_execute("COMMIT")));
    poll_fn(|cx| {
        let steps_done = poll_all(&mut sent, cx);
        match last.as_mut().poll(cx) {
            Poll::Ready(()) if steps_done => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
    let commit = last.as_mut().take_output().unwrap_or(Ok(()));
    land(
        sent.iter_mut().filter_map(|s| s.as_mut().take_output()),
        commit,
    )
}

fn land(steps: impl Iterator<Item = Result<u64, Error>>, commit: Result<(), Error>) -> Landing {
    let mut lost = None;
    for error in steps.filter_map(Result::err) {
        // The server's own word about a step before the commit settles the matter.
        if error.as_db_error().is_some() {
            return Landing::Failed(error);
        }
        lost.get_or_insert(error);
    }
    match (lost, commit) {
        (None, Ok(())) => Landing::Committed,
        (Some(error), _) => Landing::Unknown(error),
        // The server refused the commit and lives; had it ended, it might have committed first.
        (None, Err(error)) if error.as_db_error().is_some_and(|db| !is_fatal(db)) => {
            Landing::Failed(error)
        }
        (None, Err(error)) => Landing::Unknown(error),
    }
}

/// Polls all futures in this order, so that what they send leaves in this order, and collects what they
/// give.
pub(crate) async fn in_order<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut sent: Vec<_> = futures
        .into_iter()
        .map(|f| Box::pin(maybe_done(f)))
        .collect();
    poll_fn(|cx| match poll_all(&mut sent, cx) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
    let outputs = sent.iter_mut();
    outputs
        .filter_map(|future| future.as_mut().take_output())
        .collect()
}

type Sent<F> = Pin<Box<MaybeDone<F>>>;

/// Polls every one in order; whether all are done.
fn poll_all<F: Future>(sent: &mut [Sent<F>], cx: &mut Context<'_>) -> bool {
    let mut done = true;
    for future in sent {
        done &= future.as_mut().poll(cx).is_ready();
    }
    done
}

fn first_error<F: Future<Output = Result<u64, Error>>>(sent: &mut [Sent<F>]) -> Option<Error> {
    sent.iter_mut()
        .filter(|future| matches!(***future, MaybeDone::Done(Err(_))))
        .find_map(|future| future.as_mut().take_output()?.err())
}
