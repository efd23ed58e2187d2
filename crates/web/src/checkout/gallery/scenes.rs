//! Payments that a shop could have, and the pages that are made from them.

use std::sync::Arc;

use altyn_domain::{
    Bucket, CardBrand, CardSummary, ConnectorSettings, Counters, Currency, DeclineCode, End,
    EndReason, Expiry, Facts, HttpMethod, Initiator, Language, MethodKind, Money, Operation,
    OperationId, OperationState, Order, PayerAction, Payment, PaymentId, PaymentMethod, Project,
    ProjectId, ProjectSettings, Sums, SurplusPolicy, Timestamp, Way,
};
use axum::response::Response;

use super::super::card_form::CardForm;
use super::super::handlers::present;
use super::super::manner::{FrameMode, InFrame, Leave, Manner};
use super::super::pages;
use super::super::paying::{Chosen, NotChosen};
use super::super::standing::Standing;
use super::super::visit::{Place, View};

/// 2026-11-22.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_305_600_000);

/// What a shop wrote.
#[derive(Clone, Copy)]
pub(super) struct Wording<'a> {
    pub shop: &'a str,
    /// What a wallet is called.
    pub wallet: &'a str,
    pub number: &'a str,
    pub description: &'a str,
    pub holder: &'a str,
}

pub(super) const USUAL: Wording<'_> = Wording {
    shop: "Көк базар — онлайн дүкен",
    wallet: "Dala Wallet",
    number: "A-2026-01842",
    description: "Шай «Пиала Gold» 250 г × 2, жеткізу",
    holder: "TEST HOLDER",
};

pub(super) fn project(wording: Wording<'_>) -> Project {
    let bucket = Bucket::new(7);
    let card = PaymentMethod::card("card", "sandbox-bank", ConnectorSettings::default());
    let wallet = PaymentMethod {
        kind: MethodKind::Wallet,
        title: wording.wallet.to_owned(),
        ..PaymentMethod::card("wallet", "partner", ConnectorSettings::default())
    };
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
            balances: false,
            endpoints: Vec::new(),
            dynamic_endpoint: None,
            methods: vec![card, wallet],
            keys: Vec::new(),
        },
    }
}

pub(super) fn payment(wording: Wording<'_>) -> Payment {
    let order = Order {
        reference: wording.number.to_owned(),
        description: Some(wording.description.to_owned()),
        ..Order::default()
    };
    Payment {
        id: PaymentId::new(NOW, Bucket::new(7), 42),
        project_id: ProjectId::new(NOW, Bucket::new(7), 1),
        customer_id: None,
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
        on_balance: 0,
        credited: false,
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
        // Whatever a gateway writes is shown as text.
        last.facts.message = Facts::message_of(holder);
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
pub(super) struct Scene {
    pub name: &'static str,
    pub payment: Payment,
    pub asked_at: Asking,
    pub offers: Offers,
    pub back: Option<&'static str>,
    pub manner: Manner,
}

/// What a shop offers.
#[derive(Clone, Copy)]
pub(super) enum Offers {
    Card,
    Wallet,
    Both,
}

pub(super) enum Asking {
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
        offers: Offers::Card,
        back: Some("shop.example"),
        manner: Manner::default(),
    }
}

pub(super) fn scenes(w: Wording<'_>) -> Vec<Scene> {
    let mut scenes = forms(w);
    scenes.extend(wallets(w));
    scenes.extend(frames(w));
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

/// A way to the wallet's page.
pub(super) fn to_wallet(method: HttpMethod) -> PayerAction {
    let fields = match method {
        HttpMethod::Get => None,
        HttpMethod::Post | HttpMethod::Patch => Some(("token".to_owned(), "\"abc\"".to_owned())),
    };
    PayerAction::Redirect {
        url: "https://wallet.example/pay?a=1&b=2".to_owned(),
        method,
        fields: fields.into_iter().collect(),
    }
}

/// The newest try is made by wallet.
fn by_wallet(mut payment: Payment) -> Payment {
    if let Some(last) = payment.operations.last_mut() {
        last.method = "wallet".to_owned();
        last.card = None;
        last.facts.approval_code = None;
    }
    payment
}

/// The payer was sent to the wallet's page.
fn sent_away(w: Wording<'_>, method: HttpMethod) -> Payment {
    by_wallet(asked(payment(w), to_wallet(method), w.holder))
}

fn wallets(w: Wording<'_>) -> Vec<Scene> {
    let both = |name, place, payment| Scene {
        offers: Offers::Both,
        ..scene(name, place, payment)
    };
    let mut alone = scene("wallet", Place::Front, payment(w));
    alone.offers = Offers::Wallet;
    let mut wrong = both("methods-wrong", Place::Front, payment(w));
    wrong.asked_at = Asking::Posted("cc-number=4444+5555+1111+3334&cc-exp=10%2F26&cc-csc=1");
    let mut waited_out = sent_away(w, HttpMethod::Get);
    waited_out.operations[0].period_over = true;
    let sent = by_wallet(tried(payment(w), OperationState::Sent, w.holder));
    let poor = by_wallet(poor(w));
    let paid = by_wallet(completed(payment(w), w.holder));
    vec![
        alone,
        both("methods", Place::Front, payment(w)),
        wrong,
        both("methods-again", Place::Front, poor.clone()),
        both("methods-unanswered", Place::Front, waited_out),
        both("away", Place::Away, sent_away(w, HttpMethod::Get)),
        both("away-post", Place::Away, sent_away(w, HttpMethod::Post)),
        both("away-again", Place::Front, sent_away(w, HttpMethod::Get)),
        both("wait-wallet", Place::Result, sent),
        both("declined-wallet", Place::Result, poor),
        both("paid-wallet", Place::Result, paid),
    ]
}

/// The same pages in a frame of a shop's page.
fn frames(w: Wording<'_>) -> Vec<Scene> {
    let within = |name, place, payment, mode| {
        let frame = InFrame {
            mode,
            parent: Some("https://shop.example".to_owned()),
        };
        let manner = Manner {
            frame: Some(frame),
            shows_host: true,
            leave: Leave::ByItself,
            told: Some(serde_json::json!({ "payment_id": w.number })),
            ..Manner::default()
        };
        Scene {
            offers: Offers::Both,
            manner,
            ..scene(name, place, payment)
        }
    };
    let paid = completed(payment(w), w.holder);
    vec![
        within("framed-methods", Place::Front, payment(w), FrameMode::Popup),
        within(
            "framed-embedded",
            Place::Front,
            payment(w),
            FrameMode::Embedded,
        ),
        within("framed-paid", Place::Result, paid, FrameMode::Iframe),
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
    let step = |name, action| scene(name, Place::Steps, asked(payment(w), action, w.holder));
    let mut broken = step("steps-again", challenge.clone());
    broken.asked_at = Asking::BrokenReturn;
    vec![
        step("steps-method", check),
        step("steps-challenge", challenge),
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
    no_shop.back = None;
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
        scene(
            "expired-declined",
            Place::Front,
            ended(poor(w), EndReason::Expired),
        ),
        no_shop,
    ]
}

pub(super) fn render(scene: &Scene, project: &Project, language: Language) -> Response {
    let mut project = project.clone();
    project
        .settings
        .methods
        .retain(|method| match scene.offers {
            Offers::Card => method.kind == MethodKind::Card,
            Offers::Wallet => method.kind == MethodKind::Wallet,
            Offers::Both => true,
        });
    let view = View {
        base: "",
        payment: &scene.payment,
        project: &project,
        language,
        now: NOW,
        back: scene.back.map(str::to_owned),
        manner: scene.manner.clone(),
    };
    match (&scene.asked_at, view.standing()) {
        (Asking::Posted(body), _) => {
            let form = form_of(body);
            match Chosen::read(&view.bill(), &view.manner, &form, NOW) {
                Err(NotChosen::Wrong(filled)) => pages::form(&view, &filled),
                Err(NotChosen::NoSuchMethod) | Ok(_) => panic!("something is wrong in it"),
            }
        }
        (Asking::BrokenReturn, Standing::Asked(action)) => pages::steps(&view, &action, false),
        (_, _) => present(&view, place_of(&scene.asked_at), ""),
    }
}

const fn place_of(asking: &Asking) -> Place {
    match asking {
        Asking::At(place) => *place,
        Asking::Posted(_) | Asking::BrokenReturn => Place::Front,
    }
}

fn form_of(body: &str) -> CardForm {
    let uri: axum::http::Uri = format!("/?{body}").parse().unwrap();
    axum::extract::Query::try_from_uri(&uri).unwrap().0
}
