//! Random scripts: what may happen to a payment, in which order, at which time. Choices are indexes
//! into what exists at that moment, so that a shrunk script still makes sense.

use altyn_domain::{DeclineCode, Outcome, RefundAbility, SurplusPolicy, TimerKind, Way};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::desk::{Setup, endpoint};

/// One thing that happens, and how far the clock moved before it.
#[derive(Debug, Clone)]
pub struct Step {
    /// Negative when another node's clock is behind.
    pub wait_ms: i64,
    pub act: Act,
}

/// What happens.
#[derive(Debug, Clone)]
pub enum Act {
    RegisterAgain,
    Stranger,
    Begin {
        method_known: bool,
        from_balance: Share,
    },
    Send {
        operation: Index,
        after: Option<u8>,
    },
    /// The gateway tells the end of an operation that is at the gateway.
    Answer {
        which: Index,
        said: Said,
    },
    /// News about any operation: late, repeated, contradicting.
    Report {
        operation: Index,
        said: Said,
        enquiries: u32,
    },
    Capture {
        amount: Amount,
        release_rest: bool,
    },
    Void {
        amount: Amount,
    },
    Refund {
        amount: Amount,
        reference: Option<u8>,
        expects: Expects,
    },
    /// Somebody wants the money of a surplus try back.
    GiveBack {
        operation: Index,
        amount: Amount,
        reference: Option<u8>,
    },
    /// The project's settings change.
    Settings {
        policy: SurplusPolicy,
        balances: bool,
    },
    /// Another payment of the customer brings something to the balance, or spends of it: percent of this
    /// payment.
    Elsewhere(i64),
    Cancel,
    /// A timer that is set fires, when it is due or (after a change of clocks) before.
    Timer {
        which: Index,
        due: bool,
        said: Said,
    },
    /// A timer that may not be set fires: the second of two nodes, a repeat after a crash.
    Stray {
        kind: TimerKind,
        subject: u32,
    },
    Resolve {
        incident: Index,
        report: Option<(Index, Said)>,
    },
}

/// What a gateway says.
#[derive(Debug, Clone)]
pub struct Said {
    pub outcome: Outcome,
    pub amount: SaidAmount,
    /// Which step the payer must take: a 3-D Secure transaction, or a redirect.
    pub step: Option<Option<u8>>,
}

/// The amount a gateway names.
#[derive(Debug, Clone, Copy)]
pub enum SaidAmount {
    None,
    Same,
    Other,
    OtherCurrency,
}

/// The amount a merchant names.
#[derive(Debug, Clone, Copy)]
pub enum Amount {
    All,
    /// Percent of the payment, at least one minor unit.
    Percent(i64),
    Exact(i64),
}

/// The part of a try that the balance is to pay.
#[derive(Debug, Clone, Copy)]
pub enum Share {
    Nothing,
    All,
    /// As much as there is.
    Available,
    /// Percent of the payment.
    Percent(i64),
    Exact(i64),
}

/// What a merchant expects to be captured.
#[derive(Debug, Clone, Copy)]
pub enum Expects {
    Nothing,
    /// What is captured now and not given back, plus this.
    Off(i64),
}

/// How a script begins: scripts that are left to chance seldom come to a second success.
#[derive(Debug, Clone)]
pub enum Start {
    Registered,
    /// By a try of which the balance pays a part.
    Paid,
    /// So many tries that are no longer waited for, and the part of each that the balance is to pay.
    Late(Vec<Share>),
    /// By the first of two such tries, and then the second succeeds too.
    Twice([Share; 2]),
}

/// A payment, how it begins, and what happens then.
pub fn script(steps_max: usize) -> impl Strategy<Value = (Setup, Start, Vec<Step>)> {
    let steps = proptest::collection::vec(step(), 1..=steps_max);
    let start = prop_oneof![
        1 => Just(Start::Registered),
        1 => Just(Start::Paid),
        1 => proptest::collection::vec(share(), 1..=3).prop_map(Start::Late),
        3 => [share(), share()].prop_map(Start::Twice),
    ];
    (setup(), start, steps)
}

fn setup() -> impl Strategy<Value = Setup> {
    let way = prop_oneof![6 => Just(Way::Purchase), 5 => Just(Way::Hold), 1 => Just(Way::Verify)];
    let amount = prop_oneof![4 => 1_i64..=20, 4 => 21_i64..=100_000, 1 => Just(i64::MAX / 16)];
    let refunds = prop_oneof![
        6 => Just(RefundAbility::Partial),
        2 => Just(RefundAbility::Full),
        1 => Just(RefundAbility::Never),
    ];
    let known = (prop::bool::weighted(0.8), prop::bool::weighted(0.9));
    let customers = (known, 0_i64..=250, refunds);
    let automatic = || proptest::option::weighted(0.3, 60_000_i64..3_600_000);
    let money = (way, amount, policy(), 1_u32..=6, customers);
    let times = (
        60_000_i64..3_600_000,
        prop_oneof![9 => 30_000_i64..600_000, 1 => Just(0_i64)],
        automatic(),
        automatic(),
    );
    let routes = (any::<bool>(), any::<bool>(), 0_usize..4);
    (money, times, routes).prop_map(|(money, times, (own_url, dynamic, endpoints))| {
        use altyn_domain::EventKind as E;
        let customers = money.4;
        let all = [
            endpoint("all", &[]),
            endpoint("money", &[E::Captured, E::Refunded, E::Voided]),
            endpoint("ends", &[E::Expired, E::Cancelled]),
        ];
        Setup {
            way: money.0,
            amount: money.1,
            surplus: money.2,
            tries_max: money.3,
            session_ms: times.0,
            period_ms: times.1,
            auto_capture_ms: times.2,
            auto_void_ms: times.3,
            callback_url: own_url.then(|| "https://shop.example/own".to_owned()),
            endpoints: all[..endpoints].to_vec(),
            dynamic_endpoint: dynamic.then(|| endpoint("own", &[])),
            customer: customers.0.0,
            balances: customers.0.1,
            balance: percent(money.1, customers.1),
            refunds: customers.2,
        }
    })
}

/// So many percent of an amount, in minor units.
pub fn percent(whole: i64, percent: i64) -> i64 {
    let product = whole.checked_mul(percent);
    product.map_or(whole / 100 * percent, |product| product / 100)
}

fn policy() -> impl Strategy<Value = SurplusPolicy> {
    prop_oneof![
        2 => Just(SurplusPolicy::Return),
        2 => Just(SurplusPolicy::Manual),
        4 => Just(SurplusPolicy::Balance),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let wait_ms = prop_oneof![
        6 => 0_i64..5_000,
        3 => 5_000_i64..120_000,
        1 => 120_000_i64..1_200_000,
        1 => -30_000_i64..0,
    ];
    (wait_ms, act()).prop_map(|(wait_ms, act)| Step { wait_ms, act })
}

fn act() -> impl Strategy<Value = Act> {
    let index = any::<Index>;
    prop_oneof![
        1 => Just(Act::RegisterAgain),
        1 => Just(Act::Stranger),
        12 => (prop::bool::weighted(0.95), share())
            .prop_map(|(method_known, from_balance)| Act::Begin { method_known, from_balance }),
        8 => (index(), amount(), proptest::option::weighted(0.4, 0_u8..4))
            .prop_map(|(operation, amount, reference)| Act::GiveBack { operation, amount, reference }),
        3 => (policy(), prop::bool::weighted(0.7))
            .prop_map(|(policy, balances)| Act::Settings { policy, balances }),
        3 => (-60_i64..=40).prop_map(Act::Elsewhere),
        5 => (index(), proptest::option::of(0_u8..3))
            .prop_map(|(operation, after)| Act::Send { operation, after }),
        24 => (index(), said()).prop_map(|(which, said)| Act::Answer { which, said }),
        8 => (index(), said(), prop_oneof![4 => Just(0_u32), 1 => 1_u32..12])
            .prop_map(|(operation, said, enquiries)| Act::Report { operation, said, enquiries }),
        8 => (amount(), any::<bool>())
            .prop_map(|(amount, release_rest)| Act::Capture { amount, release_rest }),
        5 => amount().prop_map(|amount| Act::Void { amount }),
        10 => (amount(), proptest::option::weighted(0.4, 0_u8..4), expects())
            .prop_map(|(amount, reference, expects)| Act::Refund { amount, reference, expects }),
        1 => Just(Act::Cancel),
        16 => (index(), prop::bool::weighted(0.9), said())
            .prop_map(|(which, due, said)| Act::Timer { which, due, said }),
        3 => (select(TimerKind::ALL.to_vec()), 0_u32..12)
            .prop_map(|(kind, subject)| Act::Stray { kind, subject }),
        4 => (index(), proptest::option::of((index(), said())))
            .prop_map(|(incident, report)| Act::Resolve { incident, report }),
    ]
}

fn said() -> impl Strategy<Value = Said> {
    let outcome = prop_oneof![
        10 => Just(Outcome::Approved),
        5 => select(vec![DeclineCode::General, DeclineCode::InsufficientFunds])
            .prop_map(Outcome::Declined),
        4 => Just(Outcome::Pending),
        3 => Just(Outcome::Unknown),
        2 => Just(Outcome::NotSent),
        1 => Just(Outcome::NotFound),
        1 => Just(Outcome::Voided),
    ];
    let amount = prop_oneof![
        8 => Just(SaidAmount::None),
        8 => Just(SaidAmount::Same),
        1 => Just(SaidAmount::Other),
        1 => Just(SaidAmount::OtherCurrency),
    ];
    let step = proptest::option::weighted(0.5, proptest::option::weighted(0.8, 0_u8..3));
    (outcome, amount, step).prop_map(|(outcome, amount, step)| Said {
        // Only something that is not finished can ask the payer for a step.
        step: step.filter(|_| outcome == Outcome::Pending),
        outcome,
        amount,
    })
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        6 => Just(Amount::All),
        10 => (1_i64..=120).prop_map(Amount::Percent),
        1 => select(vec![0, -1, 1, i64::MAX, i64::MIN]).prop_map(Amount::Exact),
    ]
}

fn share() -> impl Strategy<Value = Share> {
    prop_oneof![
        8 => Just(Share::Nothing),
        1 => Just(Share::All),
        5 => Just(Share::Available),
        5 => (1_i64..=110).prop_map(Share::Percent),
        1 => select(vec![-1, 1, i64::MAX, i64::MIN]).prop_map(Share::Exact),
    ]
}

fn expects() -> impl Strategy<Value = Expects> {
    prop_oneof![
        6 => Just(Expects::Nothing),
        2 => Just(Expects::Off(0)),
        1 => (-3_i64..=3).prop_map(Expects::Off),
    ]
}
