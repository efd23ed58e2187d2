//! The signature of every message: lines `path:value` in natural order, HMAC-SHA-512, Base64.

use std::cmp::Ordering;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};

use crate::secret;

/// Members that are never signed, at any depth.
const UNSIGNED: [&str; 2] = ["signature", "frame_mode"];

/// The signature of a message; one that it has already does not count.
pub fn sign(message: &Value, key: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA512, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, canonical(message).as_bytes()))
}

/// Whether a message has a signature, at its root or in `general`, and it is right.
pub fn is_genuine(message: &Value, key: &str) -> bool {
    let places = [&message["signature"], &message["general"]["signature"]];
    let told = places.into_iter().find_map(Value::as_str);
    told.is_some_and(|told| secret::same(told.as_bytes(), sign(message, key).as_bytes()))
}

/// The text that is signed.
fn canonical(message: &Value) -> String {
    let mut lines = Vec::new();
    flatten("", message, &mut lines);
    lines.sort_by(|(left, _), (right, _)| natural(left, right));
    let lines: Vec<String> = lines
        .into_iter()
        .map(|(path, value)| format!("{path}:{value}"))
        .collect();
    lines.join(";")
}

/// The parser has limited how deep a value may be.
fn flatten(path: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}:{name}")
        }
    };
    let text = match value {
        Value::Object(members) => {
            let signed = members
                .iter()
                .filter(|(name, _)| !UNSIGNED.contains(&name.as_str()));
            for (name, value) in signed {
                flatten(&below(&name.replace(':', "::")), value, lines);
            }
            return;
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&below(&index.to_string()), item, lines);
            }
            return;
        }
        Value::Null => String::new(),
        Value::Bool(truth) => u8::from(*truth).to_string(),
        Value::Number(number) => written(number),
        Value::String(text) => text.clone(),
    };
    lines.push((path.to_owned(), text));
}

/// `1.5` stays, `2.0` is 2.
fn written(number: &Number) -> String {
    let text = number.to_string();
    match text.strip_suffix(".0") {
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

/// Digits that stand together are compared as a number, everything else letter by letter.
fn natural(left: &str, right: &str) -> Ordering {
    let (mut left_rest, mut right_rest) = (left.as_bytes(), right.as_bytes());
    loop {
        let digits = (leading_digits(left_rest), leading_digits(right_rest));
        let (left_length, right_length) = match digits {
            (0, _) | (_, 0) => {
                let order = left_rest.first().cmp(&right_rest.first());
                if order != Ordering::Equal {
                    return order;
                }
                if left_rest.is_empty() {
                    // The same numbers, perhaps with other zeros before them.
                    return left.cmp(right);
                }
                (1, 1)
            }
            (left_length, right_length) => {
                let numbers = (&left_rest[..left_length], &right_rest[..right_length]);
                let order = as_numbers(numbers.0, numbers.1);
                if order != Ordering::Equal {
                    return order;
                }
                (left_length, right_length)
            }
        };
        left_rest = &left_rest[left_length..];
        right_rest = &right_rest[right_length..];
    }
}

fn leading_digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn as_numbers(left: &[u8], right: &[u8]) -> Ordering {
    let significant = |digits: &[u8]| -> Vec<u8> {
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits[zeros..].to_vec()
    };
    let (left, right) = (significant(left), significant(right));
    left.len().cmp(&right.len()).then(left.cmp(&right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(message: &Value, key: &str, text: Option<&str>, signature: &str) {
        if let Some(text) = text {
            assert_eq!(canonical(message), text);
        }
        assert_eq!(sign(message, key), signature);
        let mut signed = message.clone();
        signed["signature"] = json!(signature);
        assert!(is_genuine(&signed, key));
        assert!(!is_genuine(&signed, "another key"));
        signed["signature"] = json!(signature.replacen(|_| true, "_", 1));
        assert!(!is_genuine(&signed, key));
        assert!(!is_genuine(message, key), "it has none");
    }

    #[test]
    fn the_published_example() {
        let message = json!({
            "general": {"project_id": 3254, "payment_id": "id_38202316"},
            "customer": {
                "id": "585741", "email": "johndoe@example.com", "first_name": "John",
                "last_name": "Doe", "address": "Downing str., 23",
                "identify": {"doc_number": "54122312544"}, "ip_address": "198.51.100.47",
            },
            "payment": {
                "amount": 10800, "currency": "USD", "description": "Computer keyboards",
            },
            "receipt_data": {"positions": [
                {"quantity": "10", "amount": "108", "description": "Computer keyboard"},
            ]},
            "return_url": {
                "success": "https://paymentpage.example.com/complete-redirect?id=success",
                "decline": "https://paymentpage.example.com/complete-redirect?id=decline",
            },
        });
        let signature = "lagSnuspAn+F6XkmQISqwtBg0PsiTy62fF9x33TM+278mnufIDZyi1yP0BQALuCxyikkIxIMb\
                         odBn2F8hMdRwA==";
        check(&message, "secret", None, signature);
        let mut general = message;
        general["general"]["signature"] = json!(signature);
        assert!(is_genuine(&general, "secret"), "the other place");
    }

    #[test]
    fn a_callback_of_a_sale() {
        let message = json!({
            "project_id": 197,
            "payment": {
                "id": "TEST_wallet-partner_333", "type": "purchase", "status": "success",
                "date": "2020-08-24T09:36:01+0000", "method": "wallet-partner",
                "sum": {"amount": 15000, "currency": "INR"}, "description": "TEST",
            },
            "customer": {"phone": "123456789"},
            "operation": {
                "id": 5_048_925_000_004_552_i64, "type": "sale", "status": "success",
                "date": "2020-08-24T09:36:01+0000", "created_date": "2020-08-24T09:23:21+0000",
                "request_id": "65c6ff709b27777e91fe-05048926",
                "sum_initial": {"amount": 15000, "currency": "INR"},
                "sum_converted": {"amount": 15000, "currency": "INR"},
                "code": "0", "message": "Success",
                "provider": {
                    "id": 1731, "payment_id": "201738090", "auth_code": "",
                    "date": "2020-08-24T09:33:56+0000",
                },
            },
        });
        let text = canonical(&message);
        assert!(text.contains(";operation:provider:auth_code:;operation:provider:date:2020"));
        let signature = "8zNYtdChqKcPpqmHuGYOw0hcVQNX4U7lp6lkL0am7H+aPBdApKCeStvqlcAp3NKzuY0yISytJ\
                         IuFc164DVOEoQ==";
        check(&message, "top-secret/101", None, signature);
    }

    #[test]
    fn what_is_empty_gives_no_line() {
        let message = json!({
            "redirect_data": {
                "body": {}, "method": "POST",
                "url": "https://partner.example/billpay/order/example123",
            },
            "list": [], "payment": {"id": "r1"},
            "general": {"payment_id": "r1", "project_id": 7},
        });
        let text = "general:payment_id:r1;general:project_id:7;payment:id:r1;\
                    redirect_data:method:POST;\
                    redirect_data:url:https://partner.example/billpay/order/example123";
        let signature = "roCOaoUYkTPjxL7S5enWZlzoU2loG7GT7WAcXex/XyDR642hI6DiVDk50ocry6NqATubcgHrs\
                         PIHRSII9/mxfQ==";
        check(&message, "secret", Some(text), signature);
    }

    #[test]
    fn numbers_in_names_are_numbers() {
        let message = json!({"n": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]});
        let signature = "KB7VjWjJYOLoSQs0Bp8qeGx4OjIF3Wf9tz0XLfErgrkDrZmlqsVtdYQwYzK78Gyv1H6rgBoid\
                         doShNriUgo7+g==";
        check(&message, "secret", None, signature);
        let message = json!({"a": {"x": 1}, "a1": 2, "a-b": 3, "a_b": 4});
        let signature = "MaaqgZZ749xuo43wcVKhsGFUl92N1kI2z3V23d/MwvtKyawXfK5MKOZnvp1wa27Jsi3sdQdZF\
                         ChPLFQFGvrWQw==";
        check(&message, "secret", None, signature);
        assert_eq!(natural("a01", "a1"), Ordering::Less);
        assert_eq!(natural("a2b", "a10"), Ordering::Less);
    }

    #[test]
    fn values_are_written_as_documented() {
        let message = json!({"flag_on": true, "flag_off": false, "zero": 0, "zero_text": "0",
                             "empty": "", "neg": -5});
        let text = "empty:;flag_off:0;flag_on:1;neg:-5;zero:0;zero_text:0";
        let signature = "fAOZdu7OOgUcM/rE6na64sLljsFyWkx7N78i/Bg07xOsmzreMunRGL7HYK2HdAC/57BUJazsN\
                         OhVBSDyPGbJZg==";
        check(&message, "secret", Some(text), signature);
        assert_eq!(
            canonical(&json!({"a": null, "price": 1.5, "whole": 2.0, "frame_mode": "popup"})),
            "a:;price:1.5;whole:2"
        );
    }
}
