//! The languages that pages and messages exist in.

use serde::{Deserialize, Serialize};

/// A language of pages and messages.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Russian.
    #[default]
    Ru,
    /// Kazakh.
    Kk,
    /// English.
    En,
}

impl Language {
    /// All of them, in the order in which a page offers them.
    pub const ALL: [Self; 3] = [Self::Kk, Self::Ru, Self::En];

    /// Reads an ISO 639-1 code in either case (`ru`, `KK`); `kz` is met in the wild for Kazakh.
    pub fn parse(code: &str) -> Option<Self> {
        match code.to_ascii_lowercase().as_str() {
            "ru" => Some(Self::Ru),
            "kk" | "kz" => Some(Self::Kk),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The ISO 639-1 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::Kk => "kk",
            Self::En => "en",
        }
    }
}
