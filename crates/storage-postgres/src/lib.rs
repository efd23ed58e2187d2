//! PostgreSQL: the database for production, and for several gateways on one database.
//!
//! Writing goes over one connection of each [`BatchWriter`](altyn_storage::BatchWriter) in at most four
//! round trips: begin and resolve references; lock and read payments; lock the balances of their customers,
//! if they have any; write everything and commit. All
//! statements of a round trip leave together, and nothing is answered as committed unless every one of
//! them, the commit last, succeeded. Reading goes over a small pool.
//!
//! Every statement is made so that it needs no luck with its plan. Plans are made once, often while the
//! tables are still empty, and must be right a year later: rows are found one by one through lateral
//! subqueries that the planner cannot flatten, each a descent in the index of the key; writes are inserts
//! from arrays, which need no join. `tests/it/plans.rs` proves it on empty tables.
//!
//! What it must never do: read a clock or draw random numbers in SQL, use a sequence, NOTIFY or an advisory
//! lock, read a row to be changed without locking it first.

mod address;
mod audit;
mod connection;
mod customers;
mod doubt;
mod failure;
mod flight;
mod idempotency;
mod inserts;
mod lists;
mod load;
mod migrate;
mod options;
mod people;
mod pool;
mod reads;
mod rows;
mod save;
mod settings;
mod storage;
mod timers;
mod tokens;
mod trail;
mod writer;

pub use options::PostgresOptions;
pub use storage::PostgresStorage;

/// What every session is told first, so that tests can look at plans as they will be.
#[doc(hidden)]
pub fn session_settings() -> String {
    connection::session_settings(&PostgresOptions::default())
}

/// Every prepared SQL text of this crate with its name, so that tests can look at all plans.
#[doc(hidden)]
pub fn statements() -> Vec<(&'static str, String)> {
    let mut all = load::statements();
    all.extend(inserts::statements());
    all.extend(reads::statements());
    all.extend(timers::statements());
    all.extend(audit::statements());
    all.extend(settings::statements());
    all.extend(lists::statements());
    all.extend(customers::statements());
    all.extend(people::statements());
    all.extend(tokens::statements());
    all.extend(trail::statements());
    all.extend(idempotency::statements());
    all
}
