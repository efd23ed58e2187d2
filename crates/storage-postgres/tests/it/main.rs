//! The conformance suite, and what only PostgreSQL can get wrong.
//!
//! Needs a server that tests may do anything with; its URL is in `ALTYN_TEST_POSTGRES_URL`, which
//! `cargo xtask test` sets. Without it the tests fail: a suite that skips itself proves nothing.

mod broken;
mod database;
mod list_plans;
mod plans;
mod proxy;
mod schema;
mod writers;

altyn_storage::conformance_tests!(database::Database::create().await);
