//! What is to be paid, registered or not, and the ways of paying that it offers.

use altyn_domain::{Language, MethodKind, Money, Order, PaymentMethod, Project, Way};

use super::amount;
use super::manner::Manner;
use crate::texts::{Texts, fill};

/// What is to be paid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bill<'a> {
    pub project: &'a Project,
    pub order: &'a Order,
    pub way: Way,
    pub amount: Money,
    pub language: Language,
}

impl<'a> Bill<'a> {
    /// The texts of its language.
    pub(crate) const fn texts(&self) -> &'static Texts {
        Texts::of(self.language)
    }

    /// The amount as the payer reads it.
    pub(crate) fn shown_amount(&self) -> String {
        if self.way == Way::Verify {
            self.texts().no_charge.to_owned()
        } else {
            amount::shown(self.amount, self.language)
        }
    }

    /// What a button that pays says.
    pub(crate) fn button(&self) -> String {
        let t = self.texts();
        match self.way {
            Way::Purchase => fill(t.pay, &self.shown_amount()),
            Way::Hold => fill(t.hold, &self.shown_amount()),
            Way::Verify => t.verify.to_owned(),
        }
    }

    /// The ways of paying that fit, in the project's order. All cards are one way.
    pub(crate) fn offered(&self, manner: &Manner) -> Vec<&'a PaymentMethod> {
        let is_hold = self.way == Way::Hold;
        let is_listed = |method: &&PaymentMethod| manner.listed_methods.contains(&method.id);
        let only = &manner.only_methods;
        let is_allowed = |id: &String| only.is_empty() || only.contains(id);
        let methods = &self.project.settings.methods;
        let has_listed = methods.iter().any(|method| is_listed(&method));
        let mut has_card = false;
        methods
            .iter()
            .filter(|method| method.kind == MethodKind::Card || self.way != Way::Verify)
            .filter(|method| {
                method
                    .check(self.amount, &self.order.customer, is_hold)
                    .is_ok()
            })
            .filter(|method| is_allowed(&method.id))
            .filter(|method| !manner.hidden_methods.contains(&method.id))
            .filter(|method| !has_listed || is_listed(method))
            .filter(|method| {
                method.kind != MethodKind::Card || !std::mem::replace(&mut has_card, true)
            })
            .collect()
    }
}

/// What texts about a visit to a wallet's page call it.
pub(crate) fn page_name(method: Option<&PaymentMethod>, t: &'static Texts) -> String {
    match method.map(|method| method.title.as_str()) {
        Some("") | None => t.wallet_page.to_owned(),
        Some(title) => fill(t.quoted, title),
    }
}

/// What payers call a method.
pub(crate) fn title<'a>(method: &'a PaymentMethod, t: &'static Texts) -> &'a str {
    match method.kind {
        _ if !method.title.is_empty() => &method.title,
        MethodKind::Card => t.by_card,
        MethodKind::Wallet => t.by_wallet,
    }
}
