//! The ECommPay Gate over a real engine and database, with a gateway behind it that answers by amount and
//! by card number.

mod gate_access;
mod gate_after;
mod gate_sale;
mod page;
mod shop;
