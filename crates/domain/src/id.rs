//! Typed identifiers. Each is a UUIDv7 (a customer's is a UUIDv8 made from its reference) and is shown with a prefix (`pay_…`) in our own texts; dialects
//! show the bare UUID.
//!
//! The twelve `rand_a` bits of an id that belongs to a payment carry the [`Bucket`] of its project, so
//! that an id alone says on which shard its rows live.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::Timestamp;

/// Why a text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid identifier")]
pub struct IdError;

/// The shard key of a project: 0 to 4095. Leads every key of a table that grows with payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bucket(u16);

impl Bucket {
    /// How many buckets there are.
    pub const COUNT: u16 = 4096;

    /// The bucket with this number; numbers beyond the last wrap around.
    pub const fn new(number: u16) -> Self {
        Self(number % Self::COUNT)
    }

    /// The number, 0 to 4095, in the type that both databases store.
    pub const fn number(self) -> i16 {
        self.0.cast_signed()
    }
}

/// A UUIDv7 of `now` whose `rand_a` bits are `bucket` and whose other random bits come from `random`.
pub fn bucketed_uuid(now: Timestamp, bucket: Bucket, random: u64) -> Uuid {
    let millis = now.as_millis().max(0).cast_unsigned();
    let high = (millis << 16) | 0x7000 | u64::from(bucket.0);
    let low = (random & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    Uuid::from_u64_pair(high, low)
}

macro_rules! id_type {
    ($name:ident, $prefix:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that is known to be one of these.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// A new id of `now` in `bucket`; `random` gives its 62 random bits.
            pub fn new(now: Timestamp, bucket: Bucket, random: u64) -> Self {
                Self(bucketed_uuid(now, bucket, random))
            }

            /// The bare UUID, as dialects and databases use it.
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// The bucket written into the id.
            pub fn bucket(self) -> Bucket {
                let (high, _) = self.0.as_u64_pair();
                Bucket::new(u16::try_from(high & 0x0fff).unwrap_or(0))
            }

            /// The millisecond in which the id was made.
            pub fn made_at(self) -> Timestamp {
                let (high, _) = self.0.as_u64_pair();
                Timestamp::from_millis(i64::try_from(high >> 16).unwrap_or(i64::MAX))
            }

            /// Reads the bare or the prefixed form.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let bare = text.strip_prefix(concat!($prefix, "_")).unwrap_or(text);
                if bare.len() != 36 && bare.len() != 32 {
                    return Err(IdError);
                }
                Uuid::try_parse(bare).map(Self).map_err(|_| IdError)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }
    };
}

id_type!(
    PaymentId,
    "pay",
    "A payment. Unguessable: whoever knows it may open its payment page."
);
id_type!(
    OperationId,
    "opr",
    "An operation of a payment; the idempotency key a gateway sees."
);
id_type!(
    ProjectId,
    "prj",
    "A project: one shop, site or terminal of a merchant."
);
id_type!(CredentialId, "crd", "A credential of a project.");
id_type!(
    ResellerId,
    "rsl",
    "A reseller: a tenant that has resellers and merchants under it."
);
id_type!(MerchantId, "mrc", "A merchant: the owner of projects.");
id_type!(ConnectorId, "cnn", "A gateway connector in the registry.");
id_type!(MethodId, "mth", "A payment method of a reseller.");
id_type!(UserId, "usr", "A person who signs in.");
id_type!(TokenId, "tok", "A session, an API token or an invitation.");
id_type!(CustomerId, "cus", "A customer of a project.");

impl CustomerId {
    /// The customer that `project` knows by `reference`. The id is made from both, so whoever meets a
    /// customer first makes the same one: nobody has to look it up before.
    pub fn of(project: ProjectId, reference: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(project.uuid().as_bytes());
        hash.update(reference.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        let (high, low) = Uuid::from_bytes(bytes).as_u64_pair();
        let high = (high & !0xffff) | 0x8000 | u64::from(project.bucket().0);
        let low = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
        Self(Uuid::from_u64_pair(high, low))
    }
}

/// What a reference names. One key may exist once per project, dialect and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceKind {
    /// The merchant's own number of an order.
    Payment,
    /// The merchant's own number of a refund.
    Refund,
    /// The merchant's own number of a capture.
    Capture,
    /// The merchant's own number of a payout.
    Payout,
}

impl ReferenceKind {
    /// The number stored in both databases.
    pub const fn number(self) -> i16 {
        match self {
            Self::Payment => 1,
            Self::Refund => 2,
            Self::Capture => 3,
            Self::Payout => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_its_bucket_and_its_millisecond() {
        let now = Timestamp::from_millis(1_795_000_000_123);
        for number in [0, 1, 77, 4095] {
            let id = PaymentId::new(now, Bucket::new(number), u64::MAX);
            assert_eq!(id.bucket(), Bucket::new(number));
            assert_eq!(id.made_at(), now);
            assert_eq!(id.uuid().get_version_num(), 7);
            assert_eq!(id.uuid().get_variant(), uuid::Variant::RFC4122);
            assert_eq!(PaymentId::parse(&id.to_string()), Ok(id));
            assert_eq!(PaymentId::parse(&id.uuid().to_string()), Ok(id));
        }
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in [
            "",
            "pay_",
            "opr_018f",
            "018f6d3c-0000-7000-8000-00000000000g",
            "{}",
        ] {
            assert_eq!(PaymentId::parse(text), Err(IdError), "{text}");
        }
    }
}
