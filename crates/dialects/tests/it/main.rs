//! The ECommPay Gate over a real engine and database, with a gateway behind it that answers by amount and
//! by card number.

mod gate_access;
mod gate_after;
mod gate_sale;
mod link;
mod page;
mod page_around;
mod page_link;
mod shop;
