//! Requests in, wire out: the real program, the real simulator, both databases.
//!
//! `cargo xtask test` builds both programs and starts a private PostgreSQL cluster before these run.

mod bank;
mod callbacks;
mod clock;
mod connector;
mod connector_check;
mod crash;
mod crash_balance;
mod crash_wallet;
mod database;
mod docs;
mod docs_adding;
mod docs_configuration;
mod docs_examples;
mod docs_tables;
mod ecommpay_gate;
mod gate;
mod house;
mod india;
mod lifecycle;
mod lifecycle_balance;
mod lifecycle_bank;
mod lifecycle_doubt;
mod lifecycle_far;
mod lifecycle_known;
mod lifecycle_stage;
mod lifecycle_surplus;
mod lifecycle_wallet;
mod methods;
mod nodes;
mod office;
mod operations;
mod pay;
mod people;
mod people_proof;
mod refunds;
mod registration;
mod registry;
mod registry_tree;
mod remote;
mod secrecy;
mod trail;
mod wallet;
mod wire;
mod writer;
