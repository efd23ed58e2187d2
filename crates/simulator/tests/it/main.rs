//! The real program, started as its parent starts it and driven over HTTP.

mod acs;
mod bank;
mod faults;
mod gate;
mod gateway;
mod journal;
mod money;
mod partner;
mod partner_control;
mod partner_first;
mod partner_notices;
mod partner_page;
mod partner_second;
mod program;
mod shop;
mod shop_india;
mod simulator;
