//! Row 72: no card number and no security code outside the memory of an exchange.

use base64::Engine as _;

use crate::gate::{APPROVED, BOTH, CHALLENGE, DROPPED, Gate, LATE_YES, NO_FUNDS, Setup, card};

const CARDS: [&str; 5] = [APPROVED, NO_FUNDS, CHALLENGE, LATE_YES, DROPPED];

/// Every form in which a number could hide.
fn forms(number: &str) -> Vec<Vec<u8>> {
    let spaced: Vec<String> = number
        .as_bytes()
        .chunks(4)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect();
    let hex: String = number.bytes().map(|byte| format!("{byte:02x}")).collect();
    let base64 = base64::engine::general_purpose::STANDARD_NO_PAD;
    let mut forms = vec![
        number.as_bytes().to_vec(),
        spaced.join(" ").into_bytes(),
        spaced.join("-").into_bytes(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
    ];
    // Base64 of a text that holds the number somewhere: each of the three alignments has a fixed middle.
    for shift in 0..3 {
        let padded = format!("{}{number}", "x".repeat(shift));
        let coded = base64.encode(padded);
        let skip = if shift == 0 { 0 } else { 4 };
        forms.push(coded.as_bytes()[skip..coded.len() - 4].to_vec());
    }
    forms
}

pub fn found(haystack: &[u8], number: &str) -> bool {
    forms(number)
        .iter()
        .any(|form| haystack.windows(form.len()).any(|window| window == form))
}

#[tokio::test]
async fn row_72_no_card_number_is_kept_anywhere() {
    for database in BOTH {
        let mut gate = Gate::start(Setup {
            log: "debug",
            ..Setup::on(database)
        })
        .await;
        for (n, pan) in CARDS.iter().enumerate() {
            let order = gate.registered(&format!("SEC-{n}"), 100).await;
            gate.pay(&order, pan).await;
            let mut wrong = card(&order, pan);
            wrong[3].1 = "000000";
            gate.call("paymentorder.do", &wrong).await;
        }
        gate.call("verifyEnrollment.do", &[("pan", CHALLENGE)])
            .await;
        let metrics = gate
            .http
            .get(format!("{}/metrics", gate.base_url))
            .send()
            .await;
        let metrics = metrics.expect("it answers").bytes().await.expect("a body");
        let database_dump = gate.dump().await;
        assert!(gate.stop().await);

        // First the search itself is proved: a planted number is found in every form.
        let canary = gate.data.join("canary.log");
        for form in forms("4111111111111111") {
            std::fs::write(&canary, [b"line ".to_vec(), form].concat()).expect("it is written");
            assert!(found(
                &std::fs::read(&canary).expect("it is there"),
                "4111111111111111"
            ));
        }
        std::fs::remove_file(&canary).expect("it is removed");

        let mut places = vec![
            ("metrics".to_owned(), metrics.to_vec()),
            ("dump".to_owned(), database_dump),
        ];
        for file in gate.files() {
            // The list of test cards for the person at the demo is meant to hold them.
            if file.ends_with("demo.json") {
                continue;
            }
            places.push((
                file.display().to_string(),
                std::fs::read(&file).expect("it is there"),
            ));
        }
        assert!(places.len() >= 4, "{places:?}");
        for (place, bytes) in &places {
            for pan in CARDS {
                assert!(!found(bytes, pan), "{pan} stands in {place}");
            }
        }
    }
}
