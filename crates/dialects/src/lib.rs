//! Merchant-facing APIs, a folder per dialect.
//!
//! A dialect only translates: its wire into commands and reads of the engine, payments and refusals
//! into its own words. It holds no rules of its own about money, opens no database and calls nobody.

mod calendar;
pub mod ecommpay;
mod intake;
pub mod rbs;
mod web_address;
