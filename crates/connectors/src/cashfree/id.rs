//! How our operations are named at the partner: the payment's UUID as 32 hex digits, a hyphen, and
//! the number of the operation. An order takes 3 to 45 characters, a refund 3 to 40 (35 in
//! generation 1: operation 99).

use altyn_domain::PaymentId;

/// The name of an operation.
pub(super) fn of(payment: PaymentId, operation: u32) -> String {
    format!("{}-{operation}", payment.uuid().simple())
}

/// The payment and operation that have this name. Only the one spelling that [`of`] makes is ours.
pub(super) fn read(name: &str) -> Option<(PaymentId, u32)> {
    let (payment, operation) = name.split_once('-')?;
    let found = (PaymentId::parse(payment).ok()?, operation.parse().ok()?);
    (of(found.0, found.1) == name).then_some(found)
}

#[cfg(test)]
mod tests {
    use altyn_domain::{Bucket, Timestamp};

    use super::*;

    #[test]
    fn a_name_says_which_operation_it_is() {
        let payment = PaymentId::new(Timestamp::from_millis(1_795_000_000_000), Bucket::new(7), 9);
        for operation in [1, 2, 99, u32::MAX] {
            let name = of(payment, operation);
            assert!((3..=45).contains(&name.len()), "{name}");
            assert_eq!(read(&name), Some((payment, operation)));
            for other in [
                name.to_uppercase(),
                format!("{name} "),
                format!("pay_{name}"),
                name.replace('-', "-0"),
                name.replace('-', "-+"),
                name.replace('-', "_"),
            ] {
                assert_eq!(read(&other), None, "{other}");
            }
        }
        for text in ["", "-", "-1", "WP-1001", "00-1"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
