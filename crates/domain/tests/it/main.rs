//! The rules of a payment, tested from outside: every change goes through `decide`, and a [`desk::Desk`]
//! keeps what it returns as a database would.

mod balance;
mod book;
mod checks;
mod decide_edges;
mod desk;
mod enumeration;
mod lifecycle;
mod methods;
mod model;
mod rows;
mod script;
