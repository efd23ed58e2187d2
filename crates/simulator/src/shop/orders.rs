//! The orders of a cashier: in memory, and in the shop's journal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde::Serialize;

use crate::journal::Journal;

/// What is kept of a sale.
pub trait Kept: Clone + Serialize {
    /// The shop's number of it.
    fn number(&self) -> &str;
}

/// All orders of one cashier.
pub struct Orders<Order> {
    known: Mutex<HashMap<String, Order>>,
    journal: Option<Arc<Journal>>,
}

impl<Order: Kept> Orders<Order> {
    /// What the journal remembers, oldest first, and where changes are kept.
    pub fn open(
        remembered: impl IntoIterator<Item = Order>,
        journal: Option<Arc<Journal>>,
    ) -> Orders<Order> {
        let remembered = remembered.into_iter();
        let known = remembered.map(|order| (order.number().to_owned(), order));
        Orders {
            known: Mutex::new(known.collect()),
            journal,
        }
    }

    /// Adds or replaces an order.
    pub fn keep(&self, order: Order) {
        let mut known = self.known();
        if let Some(journal) = &self.journal {
            journal.append(&order);
        }
        known.insert(order.number().to_owned(), order);
    }

    /// A copy of an order.
    pub fn find(&self, number: &str) -> Option<Order> {
        self.known().get(number).cloned()
    }

    /// Copies of all orders, in no order.
    pub fn all(&self) -> Vec<Order> {
        self.known().values().cloned().collect()
    }

    /// Changes an order in place; nothing if there is none.
    pub fn change(&self, number: &str, change: impl FnOnce(&mut Order)) -> Option<Order> {
        let mut known = self.known();
        let order = known.get_mut(number)?;
        change(order);
        if let Some(journal) = &self.journal {
            journal.append(order);
        }
        Some(order.clone())
    }

    /// As [`Orders::change`], but the journal gets a line only if `news` is another than before:
    /// pages ask the gateway far more often than anything happens.
    pub fn change_if_news<News: PartialEq>(
        &self,
        number: &str,
        news: impl Fn(&Order) -> News,
        change: impl FnOnce(&mut Order),
    ) {
        let mut known = self.known();
        let Some(order) = known.get_mut(number) else {
            return;
        };
        let before = news(order);
        change(order);
        if let Some(journal) = self.journal.as_ref().filter(|_| news(order) != before) {
            journal.append(order);
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Order>> {
        self.known
            .lock()
            .expect("nobody panics while holding the orders")
    }
}
