//! Orders in which clients sort keys and lines.

use std::cmp::Ordering;

/// By UTF-16 code units, as JavaScript and Java compare. Bytes of UTF-8 tell the same but for one
/// case: what lies beyond the first 65,536 characters comes before the last 8,192 of those.
pub(super) fn code_units(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let differing = a.iter().zip(b).find(|(a, b)| a != b);
    let Some((&a_byte, &b_byte)) = differing else {
        return a.len().cmp(&b.len());
    };
    let beyond = |byte: u8| byte >= 0xf0;
    if a_byte >= 0xee && b_byte >= 0xee && beyond(a_byte) != beyond(b_byte) {
        return beyond(b_byte).cmp(&beyond(a_byte));
    }
    a_byte.cmp(&b_byte)
}

/// "Natural": runs of digits compare as numbers, all else by its bytes, so letter case matters.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let mut left = (a.as_bytes(), b.as_bytes());
    while let (Some(a_byte), Some(b_byte)) = (left.0.first(), left.1.first()) {
        if a_byte.is_ascii_digit() && b_byte.is_ascii_digit() {
            let (a_run, a_rest) = digits(left.0);
            let (b_run, b_rest) = digits(left.1);
            let numbers = (a_run.len(), a_run).cmp(&(b_run.len(), b_run));
            if numbers.is_ne() {
                return numbers;
            }
            left = (a_rest, b_rest);
        } else if a_byte == b_byte {
            left = (&left.0[1..], &left.1[1..]);
        } else {
            return a_byte.cmp(b_byte);
        }
    }
    // Equal as far as both go; what differs in leading zeros only still needs an order.
    let lengths = left.0.len().cmp(&left.1.len());
    lengths.then_with(|| a.cmp(b))
}

/// The digits in front, without leading zeros, and what follows them.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit());
    let (run, rest) = text.split_at(end.unwrap_or(text.len()));
    let zeros = run.iter().position(|byte| *byte != b'0');
    (&run[zeros.unwrap_or(run.len())..], rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natural_order_compares_digits_as_numbers() {
        let ascending = [
            "A",
            "Zeta",
            "_low",
            "a",
            "a-b",
            "a01",
            "a1",
            "a1:x",
            "a2",
            "a10",
            "a10b2",
            "a10b11",
            "a99999999999999999999999",
            "a100000000000000000000000",
            "a:x",
            "a_b",
            "b",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(natural(a, b), i.cmp(&j), "{a} {b}");
            }
        }
    }

    #[test]
    fn code_units_compare_as_utf16_does() {
        let texts = [
            "",
            "a",
            "a1",
            "a:x",
            "ab",
            "я",
            "\u{d7ff}",
            "\u{e000}",
            "\u{ffff}",
            "\u{10000}",
            "\u{10ffff}",
            "a\u{e000}",
            "a\u{1f600}",
            "\u{ee}",
            "\u{f0}",
        ];
        for a in texts {
            for b in texts {
                let by_units = a.encode_utf16().cmp(b.encode_utf16());
                assert_eq!(code_units(a, b), by_units, "{a:?} {b:?}");
            }
        }
    }
}
