//! Published and agreed signatures: what clients of several languages made of the same messages.

use serde_json::json;

use super::signature::{
    Order, Rules, SignatureFault, Source, Variant, any_text, canonical, has_forbidden_characters,
    hmac_sha512_base64, sign, signature_of, verify,
};
use super::signed_json::SignedJson;

struct Vector {
    about: &'static str,
    key: &'static str,
    message: &'static str,
    text: &'static str,
    signature: &'static str,
}

/// All known clients agree about these.
#[rustfmt::skip]
const AGREED: [Vector; 10] = [
    Vector {
        about: "P1: the vendor documentation example",
        key: "secret",
        message: r#"{"general": {"project_id": 3254, "payment_id": "id_38202316"}, "customer": {"id": "585741", "email": "johndoe@example.com", "first_name": "John", "last_name": "Doe", "address": "Downing str., 23", "identify": {"doc_number": "54122312544"}, "ip_address": "198.51.100.47"}, "payment": {"amount": 10800, "currency": "USD", "description": "Computer keyboards"}, "receipt_data": {"positions": [{"quantity": "10", "amount": "108", "description": "Computer keyboard"}]}, "return_url": {"success": "https://paymentpage.example.com/complete-redirect?id=success", "decline": "https://paymentpage.example.com/complete-redirect?id=decline"}}"#,
        text: "customer:address:Downing str., 23;customer:email:johndoe@example.com;customer:first_name:John;customer:id:585741;customer:identify:doc_number:54122312544;customer:ip_address:198.51.100.47;customer:last_name:Doe;general:payment_id:id_38202316;general:project_id:3254;payment:amount:10800;payment:currency:USD;payment:description:Computer keyboards;receipt_data:positions:0:amount:108;receipt_data:positions:0:description:Computer keyboard;receipt_data:positions:0:quantity:10;return_url:decline:https://paymentpage.example.com/complete-redirect?id=decline;return_url:success:https://paymentpage.example.com/complete-redirect?id=success",
        signature: "lagSnuspAn+F6XkmQISqwtBg0PsiTy62fF9x33TM+278mnufIDZyi1yP0BQALuCxyikkIxIMbodBn2F8hMdRwA==",
    },
    Vector {
        about: "P2: boolean true, zero and an ignored frame_mode",
        key: "secret",
        message: r#"{"customer": {"project_id": 0, "id": "sutm_id"}, "card": {"pan": "4242424242424242", "year": 2020, "month": 8, "card_holder": "John Smith", "cvv": "123", "save": true}, "frame_mode": "popup"}"#,
        text: "card:card_holder:John Smith;card:cvv:123;card:month:8;card:pan:4242424242424242;card:save:1;card:year:2020;customer:id:sutm_id;customer:project_id:0",
        signature: "lY0LTSAzpR7zGce5qfYGacOuYlHGWqkMcQlqmjlsDDZI2gVcE1qVeWANnkIR7mdOqRXJnL1kO0lUmkQ0YYLWRg==",
    },
    Vector {
        about: "P3: minimal callback",
        key: "secret",
        message: r#"{"payment": {"id": "000049", "status": "success"}}"#,
        text: "payment:id:000049;payment:status:success",
        signature: "/3TrhHVz9BHaLfgLyhoxO7dsQNzbzZa/TdO3pxQocXWwgVM6tGlzMLVfpOxFNTnkR9iiFVK/77ZedMcbkCjmng==",
    },
    Vector {
        about: "P4: Payment Page parameters of the wallet-partner page",
        key: "secret",
        message: r#"{"project_id": 101, "payment_id": "X03936", "payment_currency": "INR", "payment_amount": 1000, "customer_id": "customer1"}"#,
        text: "customer_id:customer1;payment_amount:1000;payment_currency:INR;payment_id:X03936;project_id:101",
        signature: "ZalOnbORW5MfDbJ14N73b/P0S3WDKbo1Bvme6oYjivyWAMWkcALl5nxgzYmmQST/LDnCOhGxWhAGPiwjSjUIsQ==",
    },
    Vector {
        about: "P5: Gate wallet-partner sale body from the same page",
        key: "top-secret/101",
        message: r#"{"general": {"project_id": 101, "payment_id": "TEST_15392667771145"}, "payment": {"amount": 501, "currency": "INR"}, "customer": {"id": "customer123", "ip_address": "1.1.1.1", "first_name": "Mary", "last_name": "Smith", "phone": "76575657657676", "email": "smith@example.com"}, "return_url": {"success": "http://example.com/success"}}"#,
        text: "customer:email:smith@example.com;customer:first_name:Mary;customer:id:customer123;customer:ip_address:1.1.1.1;customer:last_name:Smith;customer:phone:76575657657676;general:payment_id:TEST_15392667771145;general:project_id:101;payment:amount:501;payment:currency:INR;return_url:success:http://example.com/success",
        signature: "VZvABUFSl2ltFKCZ42DuPveBEwCaW5VOxl9enTybYZ5jdiV6dij+05vf9a6FOohezTtQX115I5CWXXaNR24htQ==",
    },
    Vector {
        about: "P6: sale success callback from the same page",
        key: "top-secret/101",
        message: r#"{"project_id": 197, "payment": {"id": "TEST_wallet-partner_333", "type": "purchase", "status": "success", "date": "2020-08-24T09:36:01+0000", "method": "wallet-partner", "sum": {"amount": 15000, "currency": "INR"}, "description": "TEST"}, "customer": {"phone": "123456789"}, "operation": {"id": 5048925000004552, "type": "sale", "status": "success", "date": "2020-08-24T09:36:01+0000", "created_date": "2020-08-24T09:23:21+0000", "request_id": "65c6ff709b27777e91fe-05048926", "sum_initial": {"amount": 15000, "currency": "INR"}, "sum_converted": {"amount": 15000, "currency": "INR"}, "code": "0", "message": "Success", "provider": {"id": 1731, "payment_id": "201738090", "auth_code": "", "date": "2020-08-24T09:33:56+0000"}}}"#,
        text: "customer:phone:123456789;operation:code:0;operation:created_date:2020-08-24T09:23:21+0000;operation:date:2020-08-24T09:36:01+0000;operation:id:5048925000004552;operation:message:Success;operation:provider:auth_code:;operation:provider:date:2020-08-24T09:33:56+0000;operation:provider:id:1731;operation:provider:payment_id:201738090;operation:request_id:65c6ff709b27777e91fe-05048926;operation:status:success;operation:sum_converted:amount:15000;operation:sum_converted:currency:INR;operation:sum_initial:amount:15000;operation:sum_initial:currency:INR;operation:type:sale;payment:date:2020-08-24T09:36:01+0000;payment:description:TEST;payment:id:TEST_wallet-partner_333;payment:method:wallet-partner;payment:status:success;payment:sum:amount:15000;payment:sum:currency:INR;payment:type:purchase;project_id:197",
        signature: "8zNYtdChqKcPpqmHuGYOw0hcVQNX4U7lp6lkL0am7H+aPBdApKCeStvqlcAp3NKzuY0yISytJIuFc164DVOEoQ==",
    },
    Vector {
        about: "P7: booleans, zero, empty text, negative",
        key: "secret",
        message: r#"{"flag_on": true, "flag_off": false, "zero": 0, "zero_text": "0", "empty": "", "neg": -5}"#,
        text: "empty:;flag_off:0;flag_on:1;neg:-5;zero:0;zero_text:0",
        signature: "fAOZdu7OOgUcM/rE6na64sLljsFyWkx7N78i/Bg07xOsmzreMunRGL7HYK2HdAC/57BUJazsNOhVBSDyPGbJZg==",
    },
    Vector {
        about: "P8: empty object and empty array give no line",
        key: "secret",
        message: r#"{"redirect_data": {"body": {}, "method": "POST", "url": "https://partner.example/billpay/order/example123"}, "list": [], "payment": {"id": "r1"}, "general": {"payment_id": "r1", "project_id": 7}}"#,
        text: "general:payment_id:r1;general:project_id:7;payment:id:r1;redirect_data:method:POST;redirect_data:url:https://partner.example/billpay/order/example123",
        signature: "roCOaoUYkTPjxL7S5enWZlzoU2loG7GT7WAcXex/XyDR642hI6DiVDk50ocry6NqATubcgHrsPIHRSII9/mxfQ==",
    },
    Vector {
        about: "P9: array of objects, index in the path",
        key: "secret",
        message: r#"{"receipt_data": {"positions": [{"amount": 100, "quantity": 1}, {"amount": 250, "quantity": 2}, {"amount": 7, "quantity": 3}], "total_tax_amount": 0}, "payment": {"amount": 357}}"#,
        text: "payment:amount:357;receipt_data:positions:0:amount:100;receipt_data:positions:0:quantity:1;receipt_data:positions:1:amount:250;receipt_data:positions:1:quantity:2;receipt_data:positions:2:amount:7;receipt_data:positions:2:quantity:3;receipt_data:total_tax_amount:0",
        signature: "jeBW6lol4MUsX/PlD93+YvmHjj/RKPr9Lw2lmK8RUT4dDk74LFdl/jDUKiYjIkb1gahM34UxxMdqg3G1ODAi3A==",
    },
    Vector {
        about: "P10: mixed nesting, upper case before _ before lower case",
        key: "secret",
        message: r#"{"list": ["a", "b", {"deep": ["x", {"y": "z"}]}], "Zeta": 1, "alpha": 2, "_low": 3}"#,
        text: "Zeta:1;_low:3;alpha:2;list:0:a;list:1:b;list:2:deep:0:x;list:2:deep:1:y:z",
        signature: "42zgT92G7CEOHD457NdjTqwcpSzPtKfGwA+cfrSD3matYvNLDnK/7uftls010graM/6VmgIcrlCXoYMujtHpAw==",
    },
];

/// Clients differ about these: what we write, and what else is accepted. The key is `secret`.
#[rustfmt::skip]
const DIVERGING: [(&str, &str, &str, &[&str]); 5] = [
    ("D1 null",
     r#"{"a": null, "b": "x"}"#,
     "x/1GJqdcrZL5x0l4RRcdVRDoq50t8IdIOOIWePByEXofVb1bmkCUatscs9u96ogBZsruL/XGPGKDiK6Ejxc1SA==",
     &["D/pDYyzQPNB/fsZSTaVRZrlXb0rp8dX7OZ1wMeqwNhFBw2WAxY1lNgLECMutRTYbMxRlzGHj/NQluE88acxmTA=="]),
    ("D2 12 array items",
     r#"{"n": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]}"#,
     "KB7VjWjJYOLoSQs0Bp8qeGx4OjIF3Wf9tz0XLfErgrkDrZmlqsVtdYQwYzK78Gyv1H6rgBoiddoShNriUgo7+g==",
     &["CJezy4svEj6VjEtg1MopSlNPfVmQZ+jtU4vFO37tDIsWRXIKWm1qJga4d5ivUYO2OBu0S2NivPLzsU/Ts1SpOw==",
       "zf+jx2sqrXAhYl2dQc+o/fDwvmJn6FfIuxs5VelRZH6E/pwouIQgEgbQ16HBgrh/BwE/XMEfCotkVXifYxRRpA=="]),
    ("D3 sibling key prefixes",
     r#"{"a": {"x": 1}, "a1": 2, "a-b": 3, "a_b": 4}"#,
     "MaaqgZZ749xuo43wcVKhsGFUl92N1kI2z3V23d/MwvtKyawXfK5MKOZnvp1wa27Jsi3sdQdZFChPLFQFGvrWQw==",
     &["r9EZqIZ3IokK0TmxjNe9vzFLtX118ErNfIL0xRlltoEpVbMuRk+9aswgsIbk7ZHKPCP1HM/f8AyH9AsdWq9NDw=="]),
    ("D4 fractions",
     r#"{"price": 1.5, "whole": 2.0}"#,
     "fCbMnzOg0TejZOkdwZl0jrOOl/qrfnt9C0cU78V1jh9of3JuJf2yrFw0D9eZsLwxb+NK2KsXKQnS/SCeRYO0cw==",
     &["awdLAn1+Z5qj/ZIZIi3EZrY71f2wBzWr/A1esE+z9LoGfp+3bPUfo3RSYZvuW48r7+EzjP2xm0Nerp7SAY/P/Q=="]),
    ("D5 colon in a key",
     r#"{"a:b": {"c:d": 1}}"#,
     "NKO1vXYRRV76fxeCZ0elu2UDqriY15sN3psXBq0tJvwkVQZo+/EuHW2OnsXJHdv2+ZESFdWwO4EFrPmorsPAPA==",
     &["09SzsDIbaqSvfr6ixweAUcM+4/8Dio9+xQKgWftjERV14Cam//3fjPiG4QMquJLs4WQFeguVO3CRKeV/TOQsJA=="]),
];

/// An address that a Python client made, from its `?` on. Blanks travel as `+`.
const PYTHON_URL: &str = "project_id=402&interface_type=%7B%22id%22%3A+24%7D&payment_id=pid-1\
    &payment_amount=1001&payment_currency=USD&customer_id=c1\
    &payment_description=%D0%A7%D0%B0%D0%B9+%2B+2\
    &signature=DdRajBNTqPW9deQ6QB2sezAkSh%2FDJFzgCtHG9cKAExGRT4hqyn2pwfJqLrPzBDCYjWrCWhymhlObahZUY\
    %2BQBEQ%3D%3D";

/// One of a JavaScript client, with an unsigned `frame_mode` and a truth that is signed as `1`.
const JS_URL: &str = "project_id=112&interface_type=%7B%22id%22%3A22%7D&payment_amount=1000\
    &payment_id=FFCD12-30&payment_currency=USD&recurring_register=true&frame_mode=iframe\
    &signature=bYtGaOY8RZ%2FJYnrhahBVQux2f369BCaD8y05iaLccJiJriwOWbjPPKDd4k5L6qUNEkhCFY4r7kj1fF\
    %2FR3DB6dg%3D%3D";

fn read(body: &str) -> SignedJson<'_> {
    SignedJson::parse(body.as_bytes()).unwrap()
}

fn parameters(query: &str) -> SignedJson<'_> {
    SignedJson::of_parameters(form_urlencoded::parse(query.as_bytes())).unwrap()
}

fn page(query: &str, key: &str) -> bool {
    let parameters = parameters(query);
    let given = signature_of(&parameters).unwrap();
    verify(&parameters, given, key, Source::PaymentPage)
}

#[test]
fn what_all_clients_agree_about() {
    for vector in AGREED {
        let about = vector.about;
        let message = read(vector.message);
        let text = canonical(&message, Variant::DOCUMENTED);
        assert_eq!(*text, vector.text, "{about}");
        let signature = hmac_sha512_base64(vector.key, &text);
        assert_eq!(signature, vector.signature, "{about}");
        let value = message.to_value();
        assert_eq!(sign(&value, vector.key), vector.signature, "{about}");
        for source in [Source::Gate, Source::PaymentPage] {
            assert!(verify(&message, &signature, vector.key, source), "{about}");
            assert!(!verify(&message, &signature, "other", source), "{about}");
        }
        // As a message comes: with the signature in it.
        for place in ["/general", ""] {
            let mut whole = value.clone();
            let Some(object) = whole.pointer_mut(place) else {
                continue;
            };
            object["signature"] = signature.clone().into();
            let body = whole.to_string();
            let whole = read(&body);
            let given = signature_of(&whole).unwrap();
            assert!(verify(&whole, given, vector.key, Source::Gate), "{about}");
        }
    }
}

#[test]
fn what_clients_differ_about_is_accepted_and_the_documented_way_is_written() {
    for (about, body, written, others) in DIVERGING {
        let message = read(body);
        assert_eq!(sign(&message.to_value(), "secret"), written, "{about}");
        for given in [written].iter().chain(others) {
            let accepted = |given: &str| verify(&message, given, "secret", Source::Gate);
            assert!(accepted(given), "{about}: {given}");
            let changed = given.replacen(&given[7..8], "0", 1).replacen('0', "1", 1);
            assert!(!accepted(&changed), "{about}: {changed}");
        }
    }
}

#[test]
fn addresses_of_two_clients_are_accepted() {
    assert!(page(PYTHON_URL, "secret"));
    assert!(page(JS_URL, "my_secret"));
    for (url, key) in [(PYTHON_URL, "secret"), (JS_URL, "my_secret")] {
        assert!(page(&format!("{url}&_plugin_version=1.2"), key), "unsigned");
        assert!(page(&url.replace('+', "%20"), key));
        assert!(!page(url, "other"));
        assert!(!page(&format!("{url}&redirect=1"), key));
        assert!(!page(
            &url.replace("payment_amount=100", "payment_amount=101"),
            key
        ));
        assert!(!page(&url.replace("USD", "EUR"), key));
    }
    assert!(!page(
        &JS_URL.replace("register=true", "register=false"),
        "my_secret"
    ));
    assert!(page(
        &JS_URL.replace("register=true", "register=True"),
        "my_secret"
    ));
    assert!(page(
        &JS_URL.replace("register=true", "register=1"),
        "my_secret"
    ));
}

#[test]
fn parameters_that_begin_with_an_underscore_may_be_signed_or_not() {
    let parameters = parameters("a=1&_b=2&c=false");
    for (text, is_right) in [
        ("a:1;c:false", true),
        ("a:1;c:0", true),
        ("_b:2;a:1;c:false", true),
        ("_b:2;a:1;c:0", true),
        ("_b:2;a:1;c:1", false),
        ("_b:2;c:false", false),
        ("a:1", false),
    ] {
        let given = hmac_sha512_base64("k", text);
        let accepted = verify(&parameters, &given, "k", Source::PaymentPage);
        assert_eq!(accepted, is_right, "{text}");
        // None of this is for the other doors.
        let accepted = verify(&parameters, &given, "k", Source::Gate);
        assert_eq!(accepted, text == "_b:2;a:1;c:false", "{text}");
    }
    let written = canonical(&parameters, Variant::PAYMENT_PAGE);
    assert_eq!(*written, "a:1;c:false");
}

#[test]
fn signatures_are_left_out_but_in_arrays_for_one_client() {
    let body = r#"{"signature":"x","a":{"signature":["y"],"b":1},"l":[{"signature":"z","c":2}],
        "d":{"frame_mode":{"e":1}},"signatures":3}"#;
    let message = read(body);
    let text = canonical(&message, Variant::DOCUMENTED);
    assert_eq!(*text, "a:b:1;l:0:c:2;signatures:3");
    let python = Variant {
        rules: Rules::ARRAY_SIGNATURES_KEPT.and(Rules::NULL_AS_NONE),
        order: Order::Plain,
    };
    let kept = canonical(&message, python);
    assert_eq!(*kept, "a:b:1;l:0:c:2;l:0:signature:z;signatures:3");
    for text in [text, kept] {
        let given = hmac_sha512_base64("k", &text);
        assert!(verify(&message, &given, "k", Source::Gate));
    }
}

#[test]
fn one_client_s_habits_come_together() {
    let message = read(r#"{"n:1":{"z":null,"x":2.0},"l":[0,1,2,3,4,5,6,7,8,9,10],"b":true}"#);
    let items = "l:0:0;l:10:10;l:1:1;l:2:2;l:3:3;l:4:4;l:5:5;l:6:6;l:7:7;l:8:8;l:9:9";
    let by_path = items.replacen("l:10:10;l:1:1", "l:1:1;l:10:10", 1);
    for (text, is_right) in [
        (format!("b:1;{by_path};n:1:x:2.0;n:1:z:None"), true),
        (format!("b:1;{items};n:1:x:2.0;n:1:z:"), true),
        (format!("b:1;{items};n::1:x:2.0;n::1:z:"), true),
        (format!("b:1;{by_path};n::1:x:2;n::1:z:"), true),
        (format!("b:1;{items};n:1:x:2.0;n:1:z:None"), false),
        (format!("b:1;{by_path};n::1:x:2;n::1:z:None"), false),
        (format!("b:true;{by_path};n::1:x:2;n::1:z:"), false),
    ] {
        let given = hmac_sha512_base64("k", &text);
        let accepted = verify(&message, &given, "k", Source::Gate);
        assert_eq!(accepted, is_right, "{text}");
    }
}

#[test]
fn usual_messages_have_one_text_and_odd_ones_few() {
    let count = |message: &SignedJson<'_>, source| {
        let mut texts = Vec::new();
        any_text(message, source, |text| {
            texts.push(text.to_owned());
            false
        });
        let tried = texts.len();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), tried, "each text is tried once");
        tried
    };
    for vector in AGREED {
        let texts = count(&read(vector.message), Source::Gate);
        assert_eq!(texts, 1, "{}", vector.about);
    }
    assert_eq!(count(&parameters(PYTHON_URL), Source::PaymentPage), 1);
    assert_eq!(count(&parameters(JS_URL), Source::PaymentPage), 2);
    let odd = read(
        r#"{"n:1":{"z":null,"x":2.0},"a":{"x":"true"},"a1":"true","a-b":1,"_u":2,
            "l":[0,1,2,3,4,5,6,7,8,9,10,{"signature":"x"}]}"#,
    );
    assert!(count(&odd, Source::Gate) <= 16);
    assert!(count(&odd, Source::PaymentPage) <= 64);
}

#[test]
fn the_signature_is_looked_for_at_the_root_first() {
    use SignatureFault::{Missing, NotText};
    for (body, told) in [
        (r#"{"signature":"r","general":{"signature":"g"}}"#, Ok("r")),
        (
            r#"{"general":{"signature":"g"},"customer":{"signature":"c"}}"#,
            Ok("g"),
        ),
        (
            r#"{"general":{"x":1},"customer":{"signature":"c"}}"#,
            Ok("c"),
        ),
        (
            r#"{"general":"signature","payment":{"signature":"p"}}"#,
            Err(Missing),
        ),
        (r#"{"a":[{"signature":"x"}]}"#, Err(Missing)),
        ("{}", Err(Missing)),
        (r#"{"signature":""}"#, Err(Missing)),
        (r#"{"signature":null}"#, Err(Missing)),
        (
            r#"{"signature":"","general":{"signature":"g"}}"#,
            Err(Missing),
        ),
        (r#"{"signature":["x"]}"#, Err(NotText)),
        (r#"{"signature":{"x":"y"}}"#, Err(NotText)),
        (r#"{"signature":1}"#, Err(NotText)),
        (
            r#"{"signature":true,"general":{"signature":"g"}}"#,
            Err(NotText),
        ),
    ] {
        assert_eq!(signature_of(&read(body)), told, "{body}");
    }
}

#[test]
fn what_is_no_signature_is_refused() {
    let message = read(r#"{"a":1}"#);
    let right = hmac_sha512_base64("k", "a:1");
    assert!(verify(&message, &right, "k", Source::Gate));
    let unpadded = right.trim_end_matches('=');
    let url_safe = right.replace('+', "-").replace('/', "_");
    let hex = "00".repeat(64);
    for given in [
        "",
        "=",
        "x",
        &right[..84],
        unpadded,
        &hex,
        &format!("{right} "),
        &format!(" {right}"),
    ] {
        assert!(!verify(&message, given, "k", Source::Gate), "{given}");
    }
    assert!(right == url_safe || !verify(&message, &url_safe, "k", Source::Gate));
    // A key is a text: one that looks like base64 is not decoded.
    let key = "c2VjcmV0";
    let given = hmac_sha512_base64(key, "a:1");
    assert!(verify(&message, &given, key, Source::Gate));
    assert!(!verify(&message, &given, "secret", Source::Gate));
}

#[test]
fn forbidden_characters_of_a_page_are_found() {
    for (query, is_found) in [
        ("a=b&url=https://shop.kz/?x=1&t=10:00", false),
        ("interface_type={\"id\": 24}", false),
        ("a=b%3Bc", true),
        ("a%3Bb=c", true),
        ("a%3Ab=c", true),
        ("", false),
    ] {
        let found = has_forbidden_characters(&parameters(query));
        assert_eq!(found, is_found, "{query}");
    }
    // Why they are forbidden: these two would pass for each other.
    let one = parameters("a=1&b=2");
    let other = parameters("a=1%3Bb%3A2");
    let given = hmac_sha512_base64("k", &canonical(&one, Variant::PAYMENT_PAGE));
    assert!(verify(&other, &given, "k", Source::PaymentPage));
    assert!(!has_forbidden_characters(&one) && has_forbidden_characters(&other));
}

#[test]
fn values_that_are_no_objects_have_no_lines_of_their_own() {
    for value in [json!(null), json!(5), json!("x"), json!([]), json!({})] {
        let text = canonical(&SignedJson::from(&value), Variant::DOCUMENTED);
        assert_eq!(*text, "", "{value}");
    }
    let list = json!([1, {"a": 2}]);
    let text = canonical(&SignedJson::from(&list), Variant::DOCUMENTED);
    assert_eq!(*text, "0:1;1:a:2");
}
