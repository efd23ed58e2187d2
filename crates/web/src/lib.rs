//! HTTP for people and gateways: the hosted Checkout page, the back-office API, and the addresses of
//! gateways' notices.
//!
//! Pages are rendered on the server, work without script, and hold no card data: the number and the
//! security code go from the form to the engine and nowhere else, not even back into the form.

pub mod backoffice;
pub mod checkout;
pub mod notices;
mod texts;
