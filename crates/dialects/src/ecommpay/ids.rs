//! The ids of this dialect: the shop's own id of a payment, and ours of a request.

use altyn_domain::{Operation, Payment, PaymentId};

/// The most characters of a payment's id.
const PAYMENT_ID_MAX: usize = 255;

/// Whether this can be the id of a payment: 1 to 255 characters, no blank and no control character at
/// either end. A NUL is refused anywhere, for not every database keeps it.
pub(super) fn is_payment_id(text: &str) -> bool {
    let at_end = |c: char| c.is_whitespace() || c.is_control();
    let (first, last) = (text.chars().next(), text.chars().next_back());
    let fits = text.chars().take(PAYMENT_ID_MAX + 1).count() <= PAYMENT_ID_MAX;
    fits && !text.contains('\0') && first.is_some_and(|c| !at_end(c)) && !last.is_some_and(at_end)
}

/// The id of a payment as it is compared: letter case does not count. Every character becomes its own
/// lower case by itself, whatever stands around it, so that two ids that are equal but for letter case have
/// one key: a sigma at the end of a word is a sigma. Nothing else is folded: `ß` is not `ss`, and an
/// accent of its own is not the accented letter.
pub(super) fn reference_key(payment_id: &str) -> String {
    let folded = payment_id.chars().flat_map(char::to_lowercase);
    folded.map(|c| if c == 'ς' { 'σ' } else { c }).collect()
}

/// The id of the request that began an operation: `<40 hex>-<40 hex>-<8 digits>`. It is made of the
/// payment's id and the operation's number, the operation's id and the low half of its serial number,
/// and the last digits of that; so it needs no place of its own and finds its operation.
pub(super) fn request_id(payment: &Payment, operation: &Operation) -> String {
    let serial = operation.serial.unsigned_abs();
    format!(
        "{}{:08x}-{}{:08x}-{:08}",
        payment.id.uuid().simple(),
        operation.number,
        operation.id.uuid().simple(),
        serial & 0xffff_ffff,
        serial % 100_000_000,
    )
}

/// The payment and the number of the operation that a request's id names, if it has the shape of one.
/// Whoever has loaded the payment must still ask whether the operation's [`request_id`] is this text.
pub(super) fn parse_request_id(text: &str) -> Option<(PaymentId, u32)> {
    let hex = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let mut parts = text.split('-');
    let (payment, operation, digits) = (parts.next()?, parts.next()?, parts.next()?);
    let has_shape = payment.len() == 40 && operation.len() == 40 && digits.len() == 8;
    if !has_shape || parts.next().is_some() || !hex(payment) || !hex(operation) {
        return None;
    }
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let id = PaymentId::parse(&payment[..32]).ok()?;
    let number = u32::from_str_radix(&payment[32..], 16).ok()?;
    (number > 0).then_some((id, number))
}

#[cfg(test)]
mod tests {
    use altyn_domain::{OperationKind, OperationState, Way};

    use super::super::samples::Sample;
    use super::*;

    #[test]
    fn a_request_is_found_by_its_id() {
        let refunded = Sample::new(Way::Purchase).paid();
        let refunded = refunded.then(OperationKind::Refund, OperationState::Declined, 5);
        let mut payment = refunded.payment();
        payment.operations[1].serial = 5_048_925_000_004_552;
        let ids: Vec<_> = payment
            .operations
            .iter()
            .map(|o| request_id(&payment, o))
            .collect();
        assert_ne!(ids[0], ids[1]);
        for (id, operation) in ids.iter().zip(&payment.operations) {
            assert_eq!(parse_request_id(id), Some((payment.id, operation.number)));
            assert_eq!(id.len(), 90);
        }
        assert!(ids[1].ends_with("751f73c8-00004552"), "{}", ids[1]);
        let part = ids[1].split('-').next().unwrap();
        assert_eq!(part, format!("{}00000002", payment.id.uuid().simple()));
    }

    #[test]
    fn other_texts_are_no_ids_of_requests() {
        let payment = Sample::new(Way::Purchase).paid().payment();
        let id = request_id(&payment, &payment.operations[0]);
        let zero = id.replacen("00000001-", "00000000-", 1);
        let others = [
            String::new(),
            "-".to_owned(),
            "65c6ff709b27777e91fe-05048926".to_owned(),
            id.to_uppercase(),
            id[1..].to_owned(),
            format!("{id}1"),
            format!("{id}-"),
            format!("{}x", &id[..89]),
            id.replace('-', "_"),
            id.replacen(&id[..1], "g", 1),
            id.replacen(&id[..1], "é", 1),
            zero,
        ];
        for text in others {
            assert_eq!(parse_request_id(&text), None, "{text}");
        }
    }

    #[test]
    fn letter_case_does_not_count() {
        for (one, other) in [
            ("order_314", "Order_314"),
            ("Чай-7", "ЧАЙ-7"),
            ("ΟΔΟΣ", "οδος"),
            ("οδοσ", "ΟΔΟΣ"),
            ("Ǆ", "ǆ"),
        ] {
            assert_eq!(reference_key(one), reference_key(other), "{one}");
        }
        for (one, other) in [
            ("straße", "strasse"),
            ("e\u{301}", "é"),
            ("1", "１"),
            ("a b", "ab"),
        ] {
            assert_ne!(reference_key(one), reference_key(other), "{one}");
        }
        for text in ["Ab", "ΟΔΟΣ", "İstanbul", "ẞ"] {
            let key = reference_key(text);
            assert_eq!(reference_key(&key), key, "folding twice is folding once");
        }
    }

    #[test]
    fn only_texts_with_clean_ends_are_ids() {
        let longest = "я".repeat(255);
        for text in ["1", "X03936", "a b", "a\u{a0}b", "\u{1f600}", &longest] {
            assert!(is_payment_id(text), "{text}");
        }
        let long = "я".repeat(256);
        for text in [
            "", " ", " a", "a ", "a\n", "\ta", "a\u{a0}", "\u{7f}a", "a\0b", &long,
        ] {
            assert!(!is_payment_id(text), "{text:?}");
        }
    }
}
