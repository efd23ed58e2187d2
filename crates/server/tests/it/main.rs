//! Requests in, wire out: the real program, the real simulator, both databases.
//!
//! `cargo xtask test` builds both programs and starts a private PostgreSQL cluster before these run.

mod callbacks;
mod clock;
mod crash;
mod gate;
mod nodes;
mod operations;
mod pay;
mod refunds;
mod registration;
mod secrecy;
