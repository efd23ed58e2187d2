//! The real program, started as its parent starts it and driven over HTTP.

mod acs;
mod bank;
mod faults;
mod gateway;
mod journal;
mod money;
mod program;
mod shop;
mod simulator;
