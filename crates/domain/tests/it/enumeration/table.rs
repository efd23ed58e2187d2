//! The life-cycle table as the page has it. Every cell is a phrase with one meaning: a cell that is not
//! known here fails the test, so nobody can reword a rule without deciding what it means.

use std::path::Path;

use altyn_domain::SurplusPolicy;

/// Where the payment stands when something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    Waits,
    Processing,
    Paid,
    Over,
    PaidOrOver,
    Any,
    /// It waits again because the period of the try ended.
    WaitsAfterPeriod,
    /// Another try than this one is in flight, a newer one.
    ProcessingSecond,
    PaidByLate,
    PaidBySecond,
    NotWaitingForIt,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happens {
    TryBegins,
    SuccessInTime,
    FailureInTime,
    PeriodEndsWaitedFor,
    PeriodEnds,
    PeriodEndsMustDecline,
    LateSuccess,
    LateFailure,
    SecondSucceeds,
    SecondFails,
    Success,
    Failure,
    HoldSucceeds,
    Same,
    Contradicts,
    SuccessAfterDecline,
    TimeEnds,
}

/// Where the payment stands then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Processing,
    /// By this try.
    Paid,
    WaitsOrOver,
    WaitsOrExpired,
    Unchanged,
}

/// Which failure the payer sees then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    Nothing,
    NothingNew,
    ThisReason,
    NewestReason,
    Unchanged,
}

/// What is done beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Nothing,
    /// What the balance pays of a try.
    Reserved,
    Booked,
    Kept,
    Surplus,
    Incident,
    Voided,
    NoNewTries,
    StaysOpen,
}

/// One row of the table.
#[derive(Debug, Clone)]
pub struct Row {
    pub number: u32,
    pub before: Before,
    pub happens: Happens,
    pub then: Then,
    pub shown: Shown,
    pub done: Vec<Done>,
}

/// Where the money of a surplus stands first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    InSuspense,
    OnBalance,
}

/// What becomes of it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    GoesBack,
    WaitsForPerson,
    Stays,
}

/// All rows of the page, in its order.
pub fn rows() -> Vec<Row> {
    page().lines().filter_map(row).collect()
}

/// What the page says of a surplus under a policy, if the payment has a customer with a balance or not.
///
/// # Panics
/// If the page has not exactly one row for it.
pub fn of_surplus(policy: SurplusPolicy, customer: bool) -> (Stands, Follows) {
    let name = match (policy, customer) {
        (SurplusPolicy::Return, _) => "`return`",
        (SurplusPolicy::Manual, _) => "`manual`",
        (SurplusPolicy::Balance, true) => "`balance`",
        (SurplusPolicy::Balance, false) => "`balance`, and there is none",
    };
    let page = page();
    let mut found = page.lines().filter_map(|line| {
        let inner = line.strip_prefix('|')?.strip_suffix('|')?;
        let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
        (cells[0] == name).then_some(cells)
    });
    let cells = found.next().unwrap_or_else(|| panic!("no row of {name}"));
    assert!(found.next().is_none(), "two rows of {name}");
    let [_, stands, follows] = cells[..] else {
        panic!("{name} has {} cells", cells.len());
    };
    let stands = match stands {
        "in suspense" => Stands::InSuspense,
        "on the customer's balance" => Stands::OnBalance,
        _ => panic!("{name}: nobody knows what {stands:?} means"),
    };
    let follows = match follows {
        "goes back by itself" => Follows::GoesBack,
        "waits for a person, with an incident" => Follows::WaitsForPerson,
        "stays there until somebody spends it or gives it back" => Follows::Stays,
        _ => panic!("{name}: nobody knows what {follows:?} means"),
    };
    (stands, follows)
}

fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/life-of-a-payment.md");
    std::fs::read_to_string(page).expect("the page is there")
}

/// A line of the page, if it is a row of the table: its first cell is a number.
fn row(line: &str) -> Option<Row> {
    let inner = line.strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
    let number = cells[0].parse().ok()?;
    let [_, the_payment, happens, then, shown, done] = cells[..] else {
        panic!("row {number} has {} cells", cells.len());
    };
    let row = Row {
        number,
        before: before(the_payment).unwrap_or_else(|| unknown(number, the_payment)),
        happens: event(happens).unwrap_or_else(|| unknown(number, happens)),
        then: after(then).unwrap_or_else(|| unknown(number, then)),
        shown: seen(shown).unwrap_or_else(|| unknown(number, shown)),
        done: done
            .split(" and ")
            .map(|part| effect(part).unwrap_or_else(|| unknown(number, part)))
            .collect(),
    };
    Some(row)
}

fn unknown<T>(number: u32, cell: &str) -> T {
    panic!("row {number}: nobody knows what {cell:?} means")
}

fn before(cell: &str) -> Option<Before> {
    Some(match cell {
        "waits" => Before::Waits,
        "processing" => Before::Processing,
        "paid" => Before::Paid,
        "over" => Before::Over,
        "paid or over" => Before::PaidOrOver,
        "any" => Before::Any,
        "waits, after 4" => Before::WaitsAfterPeriod,
        "processing a second try" => Before::ProcessingSecond,
        "paid by a late success" => Before::PaidByLate,
        "paid by the second try" => Before::PaidBySecond,
        "does not wait for that try" => Before::NotWaitingForIt,
        _ => return None,
    })
}

fn event(cell: &str) -> Option<Happens> {
    Some(match cell {
        "a try begins" => Happens::TryBegins,
        "success in time" => Happens::SuccessInTime,
        "failure in time" => Happens::FailureInTime,
        "the period ends without an answer" => Happens::PeriodEndsWaitedFor,
        "its period ends" => Happens::PeriodEnds,
        "the period ends where an API must say \"declined\"" => Happens::PeriodEndsMustDecline,
        "late success" | "late success of the first" => Happens::LateSuccess,
        "late failure" | "late failure of the first" => Happens::LateFailure,
        "a second try succeeds" => Happens::SecondSucceeds,
        "a second try fails" => Happens::SecondFails,
        "success" | "any further success" => Happens::Success,
        "failure" | "any further failure" => Happens::Failure,
        "success of a hold" => Happens::HoldSucceeds,
        "the same result again" => Happens::Same,
        "a result that contradicts a known end" => Happens::Contradicts,
        "success of a try that the gateway had declined" => Happens::SuccessAfterDecline,
        "the payment's own time ends" => Happens::TimeEnds,
        _ => return None,
    })
}

fn after(cell: &str) -> Option<Then> {
    Some(match cell {
        "processing" => Then::Processing,
        "paid" | "paid by the first" => Then::Paid,
        "waits, or over" => Then::WaitsOrOver,
        "waits, or expired" => Then::WaitsOrExpired,
        "unchanged" => Then::Unchanged,
        _ => return None,
    })
}

fn seen(cell: &str) -> Option<Shown> {
    Some(match cell {
        "nothing" => Shown::Nothing,
        "nothing new" => Shown::NothingNew,
        "the reason" => Shown::ThisReason,
        "the newest reason" => Shown::NewestReason,
        "unchanged" => Shown::Unchanged,
        _ => return None,
    })
}

fn effect(part: &str) -> Option<Done> {
    Some(match part {
        "nothing" => Done::Nothing,
        "booked" => Done::Booked,
        "kept on the try" => Done::Kept,
        "the balance's part reserved" => Done::Reserved,
        "surplus, by policy" => Done::Surplus,
        "incident" => Done::Incident,
        "voided, whatever the policy" => Done::Voided,
        "no new tries" => Done::NoNewTries,
        "the try stays open" => Done::StaysOpen,
        _ => return None,
    })
}
