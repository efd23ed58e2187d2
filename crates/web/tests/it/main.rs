//! Checkout over a real engine: one charge whatever is clicked, the same place whatever came before.

mod backoffice_faults;
mod backoffice_frame;
mod backoffice_office;
mod backoffice_payments;
mod backoffice_people;
mod backoffice_repeats;
mod backoffice_shapes;
mod backoffice_tags;
mod faulty;
mod gate;
mod pay;
mod safety;
mod steps;
mod wallet;
