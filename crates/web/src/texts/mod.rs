//! Every text that a payer reads, one table per language. A text that a language lacks does not compile.

mod en;
mod kk;
mod ru;

use altyn_domain::{CardBrand, CardError, DeclineCode, Language, MethodKind};

/// A heading and what stands under it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message {
    pub title: &'static str,
    pub text: &'static str,
}

/// The texts of one language. `{}` stands for the one value that a text is about.
#[derive(Debug)]
pub(crate) struct Texts {
    pub language: Language,
    pub language_name: &'static str,
    pub choose_language: &'static str,
    pub secure: &'static str,

    pub page_title: &'static str,
    pub to_pay: &'static str,
    pub to_hold: &'static str,
    pub to_verify: &'static str,
    pub no_charge: &'static str,
    pub hold_note: &'static str,
    pub verify_note: &'static str,
    pub shop: &'static str,
    pub order: &'static str,
    pub card: &'static str,
    pub amount: &'static str,
    pub refunded: &'static str,
    pub method: &'static str,
    pub approval_code: &'static str,
    pub time_left: &'static str,
    pub days: &'static str,
    pub hours: &'static str,
    pub minutes: &'static str,

    pub card_details: &'static str,
    pub card_number: &'static str,
    pub expiry: &'static str,
    pub expiry_hint: &'static str,
    pub code: &'static str,
    pub code_hint: &'static str,
    pub holder: &'static str,
    pub optional: &'static str,
    pub pay: &'static str,
    pub hold: &'static str,
    pub verify: &'static str,
    pub sending: &'static str,
    pub privacy: &'static str,

    pub choose_method: &'static str,
    pub by_card: &'static str,
    pub by_wallet: &'static str,
    /// A page whose name nobody knows, as the texts about a visit to it call it.
    pub wallet_page: &'static str,
    /// A name as those texts call it.
    pub quoted: &'static str,
    pub wallet_note: &'static str,
    pub going: &'static str,
    pub go_on_at: &'static str,
    pub new_window: &'static str,

    pub fix_fields: &'static str,
    pub number_missing: &'static str,
    pub number_length: &'static str,
    pub number_check: &'static str,
    pub expiry_malformed: &'static str,
    pub expired_card: &'static str,
    pub code_length: &'static str,
    pub code_length_amex: &'static str,

    pub last_try_failed: &'static str,
    pub unanswered: &'static str,
    pub unanswered_wallet: &'static str,
    pub tries_left: &'static str,
    pub try_again: &'static str,
    pub back_to_shop: &'static str,
    pub returning: &'static str,
    pub stay: &'static str,
    pub refresh: &'static str,
    pub go_on: &'static str,
    pub open_bank: &'static str,

    pub wait: Message,
    pub wait_wallet: Message,
    pub wait_long: &'static str,
    pub device_check: Message,
    pub challenge: Message,
    pub challenge_again: &'static str,
    pub away: Message,
    pub away_again: Message,
    pub paid: Message,
    pub held: Message,
    pub verified: Message,
    pub returned: Message,
    pub already_paid: Message,
    pub declined: Message,
    pub gateway_says: &'static str,
    pub declined_for_good: &'static str,
    pub tries_over: Message,
    pub cancelled: Message,
    pub expired: Message,
    pub unknown_order: Message,
    pub trouble: Message,
    pub no_method: Message,
    pub bad_link: Message,
    pub bad_link_detail: &'static str,
    pub time_over: Message,

    pub decline_general: &'static str,
    pub decline_insufficient_funds: &'static str,
    pub decline_expired_card: &'static str,
    pub decline_invalid_card: &'static str,
    pub decline_security_code: &'static str,
    pub decline_authentication_failed: &'static str,
    pub decline_authentication_required: &'static str,
    pub decline_limit_exceeded: &'static str,
    pub decline_blocked_card: &'static str,
    pub decline_not_allowed: &'static str,
    pub decline_suspected_fraud: &'static str,
    pub decline_issuer_unavailable: &'static str,
    pub decline_invalid_amount: &'static str,
    pub decline_original_not_found: &'static str,
    pub decline_interrupted: &'static str,
    pub decline_technical: &'static str,
    pub decline_cancelled_by_payer: &'static str,
    pub decline_time_over: &'static str,
    pub decline_amount_too_large: &'static str,
    pub decline_amount_too_small: &'static str,
    pub decline_currency_not_possible: &'static str,
    pub decline_country_not_possible: &'static str,
    pub decline_operation_not_allowed: &'static str,
    pub decline_refund_exceeds: &'static str,
    pub decline_partial_refund_impossible: &'static str,
    pub decline_refund_impossible: &'static str,

    pub wallet_general: &'static str,
    pub wallet_insufficient_funds: &'static str,
    pub wallet_not_confirmed: &'static str,
    pub wallet_limit: &'static str,
    pub wallet_unavailable: &'static str,
    pub wallet_technical: &'static str,
}

impl Texts {
    /// The texts of a language.
    pub(crate) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Ru => &ru::TEXTS,
            Language::Kk => &kk::TEXTS,
            Language::En => &en::TEXTS,
        }
    }

    /// Why a try failed, in plain words.
    pub(crate) const fn decline(&self, code: DeclineCode, kind: MethodKind) -> &'static str {
        match kind {
            MethodKind::Card => self.card_decline(code),
            MethodKind::Wallet => self.wallet_decline(code),
        }
    }

    /// Why the service behind a wallet refused. It knows no cards.
    const fn wallet_decline(&self, code: DeclineCode) -> &'static str {
        match code {
            DeclineCode::InsufficientFunds => self.wallet_insufficient_funds,
            DeclineCode::AuthenticationFailed => self.wallet_not_confirmed,
            DeclineCode::LimitExceeded => self.wallet_limit,
            DeclineCode::IssuerUnavailable => self.wallet_unavailable,
            DeclineCode::Technical => self.wallet_technical,
            DeclineCode::General
            | DeclineCode::ExpiredCard
            | DeclineCode::InvalidCard
            | DeclineCode::SecurityCode
            | DeclineCode::AuthenticationRequired
            | DeclineCode::BlockedCard
            | DeclineCode::NotAllowed
            | DeclineCode::SuspectedFraud => self.wallet_general,
            DeclineCode::InvalidAmount
            | DeclineCode::OriginalNotFound
            | DeclineCode::Interrupted
            | DeclineCode::CancelledByPayer
            | DeclineCode::TimeOver
            | DeclineCode::AmountTooLarge
            | DeclineCode::AmountTooSmall
            | DeclineCode::CurrencyNotPossible
            | DeclineCode::CountryNotPossible
            | DeclineCode::OperationNotAllowed
            | DeclineCode::RefundExceeds
            | DeclineCode::PartialRefundImpossible
            | DeclineCode::RefundImpossible => self.card_decline(code),
        }
    }

    /// Why a bank refused.
    const fn card_decline(&self, code: DeclineCode) -> &'static str {
        match code {
            DeclineCode::General => self.decline_general,
            DeclineCode::InsufficientFunds => self.decline_insufficient_funds,
            DeclineCode::ExpiredCard => self.decline_expired_card,
            DeclineCode::InvalidCard => self.decline_invalid_card,
            DeclineCode::SecurityCode => self.decline_security_code,
            DeclineCode::AuthenticationFailed => self.decline_authentication_failed,
            DeclineCode::AuthenticationRequired => self.decline_authentication_required,
            DeclineCode::LimitExceeded => self.decline_limit_exceeded,
            DeclineCode::BlockedCard => self.decline_blocked_card,
            DeclineCode::NotAllowed => self.decline_not_allowed,
            DeclineCode::SuspectedFraud => self.decline_suspected_fraud,
            DeclineCode::IssuerUnavailable => self.decline_issuer_unavailable,
            DeclineCode::InvalidAmount => self.decline_invalid_amount,
            DeclineCode::OriginalNotFound => self.decline_original_not_found,
            DeclineCode::Interrupted => self.decline_interrupted,
            DeclineCode::Technical => self.decline_technical,
            DeclineCode::CancelledByPayer => self.decline_cancelled_by_payer,
            DeclineCode::TimeOver => self.decline_time_over,
            DeclineCode::AmountTooLarge => self.decline_amount_too_large,
            DeclineCode::AmountTooSmall => self.decline_amount_too_small,
            DeclineCode::CurrencyNotPossible => self.decline_currency_not_possible,
            DeclineCode::CountryNotPossible => self.decline_country_not_possible,
            DeclineCode::OperationNotAllowed => self.decline_operation_not_allowed,
            DeclineCode::RefundExceeds => self.decline_refund_exceeds,
            DeclineCode::PartialRefundImpossible => self.decline_partial_refund_impossible,
            DeclineCode::RefundImpossible => self.decline_refund_impossible,
        }
    }

    /// What is wrong with a field of the card.
    pub(crate) fn card_error(&self, error: CardError, brand: CardBrand) -> &'static str {
        match error {
            CardError::NumberLength => self.number_length,
            CardError::NumberCheck => self.number_check,
            CardError::ExpiryMalformed => self.expiry_malformed,
            CardError::Expired => self.expired_card,
            CardError::SecurityCode if brand == CardBrand::Amex => self.code_length_amex,
            CardError::SecurityCode => self.code_length,
        }
    }
}

/// A text with its one value in place. A text that begins with it begins with a capital letter.
pub(crate) fn fill(text: &str, value: &str) -> String {
    let filled = text.replacen("{}", value, 1);
    let mut rest = filled.chars();
    match rest.next() {
        Some(first) if text.starts_with("{}") => first.to_uppercase().chain(rest).collect(),
        Some(_) | None => filled,
    }
}
