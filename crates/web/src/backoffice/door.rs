//! The payer's way back from Checkout to the shop, for payments that are registered in the back office.

use altyn_domain::{Language, Payment};
use altyn_engine::office::BACKOFFICE;

use crate::checkout::Door;

/// Leads the payer to the address that the payment was registered with.
#[derive(Debug, Clone, Copy, Default)]
pub struct OfficeDoor;

impl Door for OfficeDoor {
    fn dialect(&self) -> &'static str {
        BACKOFFICE
    }

    fn return_url(&self, payment: &Payment, _: Language) -> Option<String> {
        payment.order.return_url.clone()
    }
}
