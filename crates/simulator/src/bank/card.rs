//! Test cards: which number makes the bank behave how.

use super::operation::Code;

/// What the bank does with a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Approved at once.
    Approved,
    /// Declined with 116.
    InsufficientFunds,
    /// Declined with 101.
    Expired,
    /// Method step if supported, then a challenge; approved if it is passed.
    ChallengeApproved,
    /// A challenge, then declined with 116 although it was passed.
    ChallengeDeclined,
    /// Method step if supported, then approved without a challenge.
    Frictionless,
    /// Approved, but the answer is held back.
    TimeoutThenApproved,
    /// Declined, but the answer is held back.
    TimeoutThenDeclined,
    /// Approved, but the connection is closed without an answer.
    ConnectionDrop,
    /// Declined with 111: not a card number.
    BadNumber,
}

/// What comes before the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// A step in a hidden frame.
    pub method: bool,
    /// A page on which the payer types a code.
    pub challenge: bool,
}

/// How the answer that carries the decision travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// At once.
    AtOnce,
    /// Held back; meanwhile the bank says `pending`.
    Late,
    /// Never: the connection is closed.
    Dropped,
}

/// A test card as people are told about it.
pub struct TestCard {
    /// The number.
    pub pan: &'static str,
    /// What the bank does with it.
    pub behaviour: Behaviour,
}

/// Every card that the contract lists.
pub const TEST_CARDS: [TestCard; 9] = [
    TestCard {
        pan: "4444555511113333",
        behaviour: Behaviour::Approved,
    },
    TestCard {
        pan: "4000000000001166",
        behaviour: Behaviour::InsufficientFunds,
    },
    TestCard {
        pan: "4000000000000101",
        behaviour: Behaviour::Expired,
    },
    TestCard {
        pan: "5555555555555599",
        behaviour: Behaviour::ChallengeApproved,
    },
    TestCard {
        pan: "5555555555554444",
        behaviour: Behaviour::ChallengeDeclined,
    },
    TestCard {
        pan: "4111111111111111",
        behaviour: Behaviour::Frictionless,
    },
    TestCard {
        pan: "4000000000009995",
        behaviour: Behaviour::TimeoutThenApproved,
    },
    TestCard {
        pan: "4000000000009987",
        behaviour: Behaviour::TimeoutThenDeclined,
    },
    TestCard {
        pan: "4000000000009979",
        behaviour: Behaviour::ConnectionDrop,
    },
];

impl Behaviour {
    /// The behaviour that a number asks for.
    pub fn of(pan: &str) -> Behaviour {
        if !is_card_number(pan) {
            return Behaviour::BadNumber;
        }
        let listed = TEST_CARDS.iter().find(|card| card.pan == pan);
        listed.map_or(Behaviour::Approved, |card| card.behaviour)
    }

    /// What happens, in a few words.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::InsufficientFunds => "declined: not enough money (116)",
            Self::Expired => "declined: expired card (101)",
            Self::ChallengeApproved => "asks for a code, then approved",
            Self::ChallengeDeclined => "asks for a code, then declined (116)",
            Self::Frictionless => "authenticated without a code, approved",
            Self::TimeoutThenApproved => "answers late, approved",
            Self::TimeoutThenDeclined => "answers late, declined (116)",
            Self::ConnectionDrop => "closes the connection, approved",
            Self::BadNumber => "declined: not a card number (111)",
        }
    }

    /// Whether the card's issuer takes part in 3-D Secure.
    pub fn enrolled(self) -> &'static str {
        match self {
            Self::ChallengeApproved | Self::ChallengeDeclined | Self::Frictionless => "Y",
            Self::Approved | Self::InsufficientFunds | Self::Expired => "N",
            Self::TimeoutThenApproved | Self::TimeoutThenDeclined | Self::ConnectionDrop => "N",
            Self::BadNumber => "U",
        }
    }

    /// The authentication that the issuer wants when the terminal leaves it the choice.
    pub fn authentication(self) -> Authentication {
        match self {
            Self::ChallengeApproved => Authentication {
                method: true,
                challenge: true,
            },
            Self::ChallengeDeclined => Authentication {
                method: false,
                challenge: true,
            },
            Self::Frictionless => Authentication {
                method: true,
                challenge: false,
            },
            Self::Approved
            | Self::InsufficientFunds
            | Self::Expired
            | Self::TimeoutThenApproved
            | Self::TimeoutThenDeclined
            | Self::ConnectionDrop
            | Self::BadNumber => Authentication {
                method: false,
                challenge: false,
            },
        }
    }

    /// The decision, once authentication is over and was not failed.
    pub fn code(self) -> Code {
        match self {
            Self::Approved
            | Self::ChallengeApproved
            | Self::Frictionless
            | Self::TimeoutThenApproved
            | Self::ConnectionDrop => Code::APPROVED,
            Self::InsufficientFunds | Self::ChallengeDeclined | Self::TimeoutThenDeclined => {
                Code::INSUFFICIENT_FUNDS
            }
            Self::Expired => Code::EXPIRED_CARD,
            Self::BadNumber => Code::BAD_CARD_NUMBER,
        }
    }

    /// How the decision reaches the terminal.
    pub fn delivery(self) -> Delivery {
        match self {
            Self::TimeoutThenApproved | Self::TimeoutThenDeclined => Delivery::Late,
            Self::ConnectionDrop => Delivery::Dropped,
            Self::Approved
            | Self::InsufficientFunds
            | Self::Expired
            | Self::ChallengeApproved
            | Self::ChallengeDeclined
            | Self::Frictionless
            | Self::BadNumber => Delivery::AtOnce,
        }
    }
}

/// Twelve to nineteen digits whose last one is the Luhn check digit.
fn is_card_number(pan: &str) -> bool {
    if !(12..=19).contains(&pan.len()) || !pan.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let sum: u32 = pan
        .bytes()
        .rev()
        .enumerate()
        .map(|(position, byte)| {
            let digit = u32::from(byte - b'0');
            match (position % 2, digit) {
                (0, _) => digit,
                (_, 9) => 9,
                _ => digit * 2 % 9,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// `411111**1111`; nothing for what is too short or no number.
pub fn mask(pan: &str) -> Option<[u8; 12]> {
    let digits = pan.as_bytes();
    if !(12..=19).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut masked = [b'*'; 12];
    masked[..6].copy_from_slice(&digits[..6]);
    masked[8..].copy_from_slice(&digits[digits.len() - 4..]);
    Some(masked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_cards_are_valid_numbers() {
        for card in &TEST_CARDS {
            assert!(is_card_number(card.pan), "{}", card.pan);
            assert_eq!(Behaviour::of(card.pan), card.behaviour);
        }
    }

    #[test]
    fn other_numbers_are_approved_or_no_numbers() {
        assert_eq!(Behaviour::of("4242424242424242"), Behaviour::Approved);
        for wrong in [
            "4242424242424241",
            "4242",
            "",
            "4242 4242 4242 4242",
            "४२४२",
        ] {
            assert_eq!(Behaviour::of(wrong), Behaviour::BadNumber, "{wrong}");
        }
    }

    #[test]
    fn mask_keeps_six_and_four() {
        assert_eq!(mask("4111111111111111").as_ref(), Some(b"411111**1111"));
        assert_eq!(mask("4111"), None);
        assert_eq!(mask("4111 1111 1111 1111"), None);
    }
}
