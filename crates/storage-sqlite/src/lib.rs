//! The embedded database: one SQLite file in WAL mode.
//!
//! One thread owns the connection that writes, and a few threads own connections that only read; async
//! code sends them work and waits, so the runtime never blocks on the disk. A batch holds the writer's
//! turn from `load` to `save`, inside one `BEGIN IMMEDIATE` transaction; other writers of this program
//! queue for the turn, and writers of other programs wait at the file's lock.
//!
//! Invariants: `synchronous = FULL`, so a commit that was answered is on disk; a commit that failed on the
//! disk is answered as unknown, and the connection is not used again; foreign keys are always checked.
//! This crate must never decide anything about payments, read a clock or draw random numbers.

mod connection;
mod customers;
mod fault;
mod lists;
mod load;
mod office;
mod people;
#[cfg(test)]
mod plans;
mod read;
mod requests;
mod rows;
mod save;
mod search;
mod settings;
mod storage;
mod timers;
mod trail;
mod worker;
mod writer;

pub use storage::SqliteStorage;
