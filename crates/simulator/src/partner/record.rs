//! The lines of the partner's journal: each is the whole present state of one thing.

use serde::{Deserialize, Serialize};

use super::answers::Answer;
use super::book::{Book, Item, Simulation};
use super::order::{Notice, Order, Payment, Refund};

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// An order.
    Order(Box<Order>),
    /// A payment.
    Payment(Box<Payment>),
    /// A refund.
    Refund(Box<Refund>),
    /// A notice and how its delivery went so far.
    Notice(Box<Notice>),
    /// A forced result.
    Simulation(Simulation),
    /// An answer that is given again.
    Answer(Answer),
}

impl Record {
    /// The present state of something in the book.
    pub fn of(book: &Book, item: Item) -> Record {
        match item {
            Item::Order(index) => Record::Order(Box::new(book.order(index).clone())),
            Item::Payment(index) => Record::Payment(Box::new(book.payment(index).clone())),
            Item::Refund(index) => Record::Refund(Box::new(book.refund(index).clone())),
            Item::Notice(index) => Record::Notice(Box::new(book.notice(index).clone())),
        }
    }
}
