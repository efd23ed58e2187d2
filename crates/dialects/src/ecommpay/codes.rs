//! The response codes: one registry for outcomes of operations, rejections and errors of the API.
//!
//! The messages are constants of the protocol: clients show them as they are. The codes of card
//! schemes' limits on payouts and money transfers (3305 to 3340, 3362, 3400 to 3419, 3450 to 3452,
//! 3606, 3607, 3617 to 3635, 3900 and 3901) are not here: their messages are not known to us, and this
//! gateway tells none of them.

use altyn_domain::DeclineCode;

/// `code,message`, ascending; a message with a comma stands in quotes.
const TABLE: &str = include_str!("codes.csv");

const HEAD: &str = "code,message\n";

const ROWS: usize = 296;

/// Read by the compiler: a broken table does not build.
static MESSAGES: [(u32, &str); ROWS] = READ;

const READ: [(u32, &str); ROWS] = {
    let mut rows = [(0, ""); ROWS];
    let mut rest = TABLE.split_at(HEAD.len()).1;
    let mut at = 0;
    while at < ROWS {
        let (line, after) = parted(rest, b'\n');
        let (number, message) = parted(line, b',');
        let Ok(number) = u32::from_str_radix(number, 10) else {
            panic!("the first column is a number");
        };
        assert!(at == 0 || rows[at - 1].0 < number, "rows are ascending");
        rows[at] = (number, unquoted(message));
        rest = after;
        at += 1;
    }
    assert!(rest.is_empty(), "there are more rows");
    rows
};

/// What stands before and after the first such byte.
const fn parted(text: &str, byte: u8) -> (&str, &str) {
    let mut at = 0;
    while text.as_bytes()[at] != byte {
        at += 1;
    }
    (text.split_at(at).0, text.split_at(at + 1).1)
}

const fn unquoted(text: &str) -> &str {
    match text.as_bytes() {
        [b'"', .., b'"'] => text.split_at(text.len() - 1).0.split_at(1).1,
        _ => text,
    }
}

/// A code of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code(u32);

impl Code {
    /// Done.
    pub const SUCCESS: Self = Self::known(0);
    /// The operation still runs, or the payer must act.
    pub const AWAITING_PROCESSING: Self = Self::known(9999);
    /// Declined by this platform.
    pub const GENERAL_DECLINE: Self = Self::known(100);
    /// Declined by a card provider.
    pub const CARD_DECLINE: Self = Self::known(10000);
    /// Declined by a wallet or a bank.
    pub const WALLET_DECLINE: Self = Self::known(20000);
    /// The payer did not come back from the issuer's page.
    pub const NOT_BACK_FROM_ACS: Self = Self::known(108);
    /// A hold or an invoice was cancelled.
    pub const CANCELLED: Self = Self::known(301);
    /// The caller's address is not one of those agreed upon.
    pub const ACCESS_DENIED: Self = Self::known(303);
    /// The project does not have this kind of operation.
    pub const NOT_ALLOWED_BY_PROJECT: Self = Self::known(310);
    /// The payment method is switched off.
    pub const PROVIDER_NOT_AVAILABLE: Self = Self::known(314);
    /// Our own fault.
    pub const INTERNAL_ERROR: Self = Self::known(501);
    /// A request that was accepted turned out to be malformed.
    pub const VALIDATION_ERROR: Self = Self::known(502);
    /// Nothing was done, for lack of room: the same request may come again.
    pub const TRY_AGAIN: Self = Self::known(601);
    /// The waiting time is over.
    pub const AUTO_DECLINE: Self = Self::known(603);
    /// The payout form was open longer than its id lives.
    pub const PAYOUT_SESSION_EXPIRED: Self = Self::known(604);
    /// The structure of the request is wrong.
    pub const MALFORMED_REQUEST: Self = Self::known(702);
    /// The body is not JSON.
    pub const INVALID_JSON: Self = Self::known(2003);
    /// A member that is needed is missing.
    pub const REQUIRED_FIELD_MISSING: Self = Self::known(2004);
    /// The id of the customer is malformed.
    pub const INVALID_CUSTOMER_ID: Self = Self::known(2124);
    /// The project needs an id of the customer.
    pub const CUSTOMER_ID_REQUIRED: Self = Self::known(2154);
    /// The e-mail address is malformed.
    pub const INVALID_EMAIL: Self = Self::known(2426);
    /// No such project.
    pub const PROJECT_NOT_FOUND: Self = Self::known(2442);
    /// No such payment method, or none of this project.
    pub const UNKNOWN_METHOD: Self = Self::known(2541);
    /// The birthday is malformed.
    pub const INVALID_BIRTHDAY: Self = Self::known(2609);
    /// No such country.
    pub const INVALID_COUNTRY: Self = Self::known(2610);
    /// Above the limit of the method.
    pub const AMOUNT_TOO_LARGE: Self = Self::known(2642);
    /// Below the limit of the method.
    pub const AMOUNT_TOO_SMALL: Self = Self::known(3358);
    /// The card's last month is over.
    pub const CARD_EXPIRED: Self = Self::known(3021);
    /// The project does not have this currency.
    pub const CURRENCY_DISABLED: Self = Self::known(3023);
    /// The id of the payment is malformed.
    pub const INVALID_PAYMENT_ID: Self = Self::known(3024);
    /// No such token.
    pub const INVALID_TOKEN: Self = Self::known(3027);
    /// A refund or payout above the merchant's balance.
    pub const MERCHANT_BALANCE: Self = Self::known(3028);
    /// The project has used this id of a payment.
    pub const PAYMENT_ID_EXISTS: Self = Self::known(3041);
    /// Impossible as the payment stands.
    pub const STATUS_NOT_ALLOWED: Self = Self::known(3060);
    /// No such payment or operation.
    pub const TRANSACTION_NOT_FOUND: Self = Self::known(3061);
    /// The payment was registered without details.
    pub const DETAILS_NOT_RECEIVED: Self = Self::known(3062);
    /// Our own order of states is broken.
    pub const STATE_MACHINE: Self = Self::known(3081);
    /// No card has this number.
    pub const CARD_NOT_FOUND: Self = Self::known(3101);
    /// No such currency, or not possible for the method.
    pub const INVALID_CURRENCY: Self = Self::known(3121);
    /// The card's security code is missing.
    pub const CVV_REQUIRED: Self = Self::known(3141);
    /// The name of the card's holder is malformed.
    pub const INVALID_HOLDER: Self = Self::known(3161);
    /// No such recurring series.
    pub const RECURRING_NOT_FOUND: Self = Self::known(3181);
    /// The recurring series is cancelled.
    pub const RECURRING_CANCELLED: Self = Self::known(3184);
    /// No such card token.
    pub const CARD_TOKEN_NOT_FOUND: Self = Self::known(3221);
    /// The merchant's own id of a refund came before.
    pub const REFUND_ID_EXISTS: Self = Self::known(3230);
    /// The signature does not fit.
    pub const INVALID_SIGNATURE: Self = Self::known(3261);
    /// There is no signature.
    pub const EMPTY_SIGNATURE: Self = Self::known(3262);
    /// More than can still be refunded.
    pub const REFUND_EXCEEDS: Self = Self::known(3283);
    /// The currency of a refund is missing or another.
    pub const REFUND_CURRENCY: Self = Self::known(3284);
    /// A second refund came too soon.
    pub const REFUND_TOO_SOON: Self = Self::known(3285);
    /// A partial refund without an amount.
    pub const AMOUNT_REQUIRED: Self = Self::known(3286);
    /// A partial refund without a currency.
    pub const CURRENCY_REQUIRED: Self = Self::known(3287);
    /// A refund while the payment is disputed.
    pub const REFUND_DISPUTED: Self = Self::known(3288);
    /// The method moves only the whole sum.
    pub const AMOUNT_NOT_WHOLE: Self = Self::known(3609);
    /// The method makes no refunds, or no more.
    pub const REFUND_UNAVAILABLE: Self = Self::known(3610);
    /// The operation came before.
    pub const DUPLICATE_OPERATION: Self = Self::known(3613);

    /// A code that the compiler finds in the table.
    const fn known(number: u32) -> Self {
        let mut at = 0;
        while READ[at].0 != number {
            at += 1;
        }
        Self(number)
    }

    /// The code of this number, if the registry has it.
    pub fn of(number: u32) -> Option<Self> {
        find(number).map(|_| Self(number))
    }

    /// The number: some answers tell it as such.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The number as most of the wire wants it: as a text.
    pub fn text(self) -> String {
        self.0.to_string()
    }

    /// The message that goes with it.
    pub fn message(self) -> &'static str {
        find(self.0).expect("every code that can be made is in the table")
    }
}

fn find(number: u32) -> Option<&'static str> {
    let at = MESSAGES.binary_search_by_key(&number, |(code, _)| *code);
    at.ok().map(|at| MESSAGES[at].1)
}

/// Who carries a payment method out: the registry tells their declines in different numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// A card acquirer.
    Card,
    /// A wallet, a bank, a mobile operator.
    Wallet,
}

/// The code that tells this decline.
pub const fn code_of(decline: DeclineCode, provider: ProviderKind) -> Code {
    let (card, wallet) = match decline {
        DeclineCode::General => (10000, 20000),
        DeclineCode::InsufficientFunds => (10105, 20105),
        DeclineCode::ExpiredCard => (10106, 20106),
        DeclineCode::InvalidCard => (10102, 20102),
        DeclineCode::SecurityCode => (10103, 20103),
        DeclineCode::AuthenticationFailed => (10114, 20103),
        DeclineCode::AuthenticationRequired => (10709, 20303),
        DeclineCode::LimitExceeded => (10101, 20101),
        DeclineCode::BlockedCard => (10203, 20201),
        DeclineCode::NotAllowed => (10204, 20303),
        DeclineCode::SuspectedFraud => (10402, 20402),
        DeclineCode::IssuerUnavailable => (10202, 20202),
        DeclineCode::InvalidAmount => (10702, 20702),
        DeclineCode::OriginalNotFound => (10701, 20701),
        DeclineCode::Technical => (10505, 20202),
        DeclineCode::CancelledByPayer => (10000, 20301),
        DeclineCode::CountryNotPossible => (3105, 20205),
        // Ours: no provider was asked, or it told no code of its own.
        DeclineCode::Interrupted => (100, 100),
        DeclineCode::TimeOver => (603, 603),
        DeclineCode::AmountTooLarge => (2642, 2642),
        DeclineCode::AmountTooSmall => (3358, 3358),
        DeclineCode::CurrencyNotPossible => (3121, 3121),
        DeclineCode::OperationNotAllowed => (310, 310),
        DeclineCode::RefundExceeds => (3283, 3283),
        DeclineCode::PartialRefundImpossible => (3609, 3609),
        DeclineCode::RefundImpossible => (3610, 3610),
    };
    Code(match provider {
        ProviderKind::Card => card,
        ProviderKind::Wallet => wallet,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLINES: [DeclineCode; 26] = {
        use DeclineCode as D;
        [
            D::General,
            D::InsufficientFunds,
            D::ExpiredCard,
            D::InvalidCard,
            D::SecurityCode,
            D::AuthenticationFailed,
            D::AuthenticationRequired,
            D::LimitExceeded,
            D::BlockedCard,
            D::NotAllowed,
            D::SuspectedFraud,
            D::IssuerUnavailable,
            D::InvalidAmount,
            D::OriginalNotFound,
            D::Technical,
            D::CancelledByPayer,
            D::CountryNotPossible,
            D::Interrupted,
            D::TimeOver,
            D::AmountTooLarge,
            D::AmountTooSmall,
            D::CurrencyNotPossible,
            D::OperationNotAllowed,
            D::RefundExceeds,
            D::PartialRefundImpossible,
            D::RefundImpossible,
        ]
    };

    #[test]
    fn the_table_is_ascending_and_complete() {
        let numbers = MESSAGES.map(|(number, _)| number);
        assert!(numbers.is_sorted_by(|a, b| a < b), "no duplicate");
        let waiting = [9999, 19_999, 29_999];
        let count = |from: u32, to: u32| {
            let inside = |number: &&u32| (from..=to).contains(*number);
            let counted = numbers.iter().filter(inside);
            counted.filter(|number| !waiting.contains(number)).count()
        };
        assert_eq!(count(0, 999), 23, "outcomes of the platform");
        assert_eq!(count(2000, 2999), 25, "validation");
        assert_eq!(count(3000, 3999), 106, "state, limits, signature, refund");
        assert_eq!(count(1400, 1499), 38, "risk control");
        assert_eq!(count(10_000, 19_999), 52, "card provider");
        assert_eq!(count(20_000, 29_999), 43, "other providers");
        assert_eq!(count(30_000, 39_999), 6, "decided by the merchant");
        assert!(waiting.iter().all(|number| numbers.contains(number)));
        assert_eq!(
            numbers.len(),
            23 + 25 + 106 + 38 + 52 + 43 + 6 + waiting.len()
        );
    }

    #[test]
    fn every_row_is_clean() {
        for (number, message) in MESSAGES {
            let row = format!("{number} {message}");
            assert!(!message.is_empty() && message.trim() == message, "{row}");
            assert!(!message.contains('"'), "{row}");
        }
        for line in TABLE.lines() {
            let (_, message) = line.split_once(',').expect("two columns");
            assert_eq!(message.starts_with('"'), message.contains(','), "{line}");
            assert_eq!(message.ends_with('"'), message.contains(','), "{line}");
        }
    }

    #[test]
    fn codes_have_their_messages() {
        for (number, message) in MESSAGES {
            let code = Code::of(number).expect("it is in the table");
            assert_eq!((code.number(), code.message()), (number, message));
        }
        assert_eq!(Code::of(2010), None);
        assert_eq!(Code::SUCCESS.text(), "0");
        assert_eq!(Code::SUCCESS.message(), "Success");
        assert_eq!(Code::WALLET_DECLINE.message(), "General decline");
        let message = Code::of(3107).expect("it is there").message();
        assert_eq!(
            message,
            "Payout Constraint, card without successful purchase"
        );
    }

    #[test]
    fn every_decline_has_a_code_of_the_table() {
        for decline in DECLINES {
            for provider in [ProviderKind::Card, ProviderKind::Wallet] {
                let code = code_of(decline, provider);
                assert_eq!(Code::of(code.number()), Some(code), "{decline:?}");
                let number = code.number();
                let foreign = match provider {
                    ProviderKind::Card => 20_000..=29_999,
                    ProviderKind::Wallet => 10_000..=19_999,
                };
                assert!(!foreign.contains(&number), "{decline:?} {provider:?}");
            }
        }
        let wallet = code_of(DeclineCode::General, ProviderKind::Wallet);
        assert_eq!(
            (wallet.text(), wallet.message()),
            ("20000".to_owned(), "General decline")
        );
        let card = code_of(DeclineCode::InsufficientFunds, ProviderKind::Card);
        assert_eq!(card.message(), "Insufficient funds on card");
        let interrupted = code_of(DeclineCode::Interrupted, ProviderKind::Card);
        assert_eq!(interrupted, Code::GENERAL_DECLINE);
    }
}
