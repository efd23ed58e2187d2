//! The back office over a real engine and both databases, with a gateway that does as it is told.
//!
//! PostgreSQL's address is in `ALTYN_TEST_POSTGRES_URL`, which `cargo xtask test` sets; without it these tests
//! fail.

mod balances;
mod database;
mod gate;
mod incidents;
mod payments;
mod undoing;
