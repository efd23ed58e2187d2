//! HTTP for people: the hosted Checkout page.
//!
//! Pages are rendered on the server, work without script, and hold no card data: the number and the
//! security code go from the form to the engine and nowhere else, not even back into the form.

pub mod checkout;
mod texts;
