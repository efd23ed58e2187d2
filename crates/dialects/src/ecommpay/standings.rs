//! Every standing that a payment can be in, and how it is told: for tests of this dialect.

use altyn_domain::{DeclineCode, EndReason, Operation, OperationKind, OperationState, Way};

use super::samples::{Sample, challenge, device_check, redirect};

/// Payment status, sum, and each operation: type, status, code.
type Told = (&'static str, i64, Vec<(&'static str, &'static str, u32)>);

/// Every standing that a payment can be in, and how it is told.
pub(super) fn standings() -> Vec<(&'static str, Sample, Told)> {
    let mut all = unpaid();
    all.extend(ended());
    all.extend(paid());
    all
}

#[rustfmt::skip]
fn unpaid() -> Vec<(&'static str, Sample, Told)> {
    use OperationState as S;
    let gate = || Sample::new(Way::Purchase);
    let page = || Sample::page(Way::Purchase);
    let code = DeclineCode::InsufficientFunds;
    vec![
        ("registered", gate(), ("processing", 1000, vec![])),
        ("created", gate().tried(S::Created), ("processing", 1000, vec![("sale", "processing", 9999)])),
        ("sent", gate().tried(S::Sent), ("processing", 1000, vec![("sale", "processing", 9999)])),
        ("unknown", gate().tried(S::Pending), ("processing", 1000, vec![("sale", "processing", 9999)])),
        ("hold sent", Sample::new(Way::Hold).tried(S::Sent), ("processing", 1000, vec![("auth", "processing", 9999)])),
        ("check sent", Sample::new(Way::Verify).tried(S::Sent), ("processing", 0, vec![("account verification", "processing", 9999)])),
        ("at the partner's page", gate().tried(S::Pending).asked(redirect()),
            ("awaiting redirect result", 1000, vec![("sale", "awaiting redirect result", 9999)])),
        ("hidden frame, by the shop", gate().own_authentication().tried(S::Pending).by_card().asked(device_check()),
            ("awaiting 3ds result", 1000, vec![("sale", "awaiting 3ds result", 9999)])),
        ("challenge, by the shop", gate().own_authentication().tried(S::Pending).by_card().asked(challenge()),
            ("awaiting 3ds result", 1000, vec![("sale", "awaiting 3ds result", 9999)])),
        ("challenge, by us", gate().tried(S::Pending).by_card().asked(challenge()),
            ("awaiting redirect result", 1000, vec![("sale", "awaiting redirect result", 9999)])),
        ("challenge on our page", page().tried(S::Pending).by_card().asked(challenge()),
            ("awaiting 3ds result", 1000, vec![("sale", "awaiting 3ds result", 9999)])),
        ("period over", gate().tried(S::Pending).period_over(), ("decline", 1000, vec![("sale", "decline", 603)])),
        ("period over at the partner's page", gate().tried(S::Pending).asked(redirect()).period_over(),
            ("decline", 1000, vec![("sale", "decline", 603)])),
        ("page: opened", page(), ("awaiting customer", 1000, vec![])),
        ("page: sent", page().tried(S::Sent), ("processing", 1000, vec![("sale", "processing", 9999)])),
        ("page: refused", page().refused(code), ("awaiting customer", 1000, vec![("sale", "decline", 20105)])),
        ("page: refused card", page().refused(code).by_card(), ("awaiting customer", 1000, vec![("sale", "decline", 10105)])),
        ("page: refused and tried again", page().refused(code).tried(S::Pending),
            ("processing", 1000, vec![("sale", "decline", 20105), ("sale", "processing", 9999)])),
        ("page: period over, tries left", page().tried(S::Pending).period_over(),
            ("awaiting customer", 1000, vec![("sale", "processing", 9999)])),
        ("page: period over, tried again", page().tried(S::Pending).period_over().tried(S::Pending).asked(redirect()),
            ("awaiting redirect result", 1000, vec![("sale", "processing", 9999), ("sale", "awaiting redirect result", 9999)])),
        ("page: tries used up, the last one unknown",
            page().refused(code).refused(code).refused(code).refused(code).tried(S::Pending).period_over(),
            ("decline", 1000, vec![("sale", "decline", 20105), ("sale", "decline", 20105), ("sale", "decline", 20105),
                ("sale", "decline", 20105), ("sale", "decline", 603)])),
    ]
}

#[rustfmt::skip]
fn ended() -> Vec<(&'static str, Sample, Told)> {
    use {EndReason as E, OperationState as S};
    let gate = || Sample::new(Way::Purchase);
    let page = || Sample::page(Way::Purchase);
    let code = DeclineCode::General;
    let general = || vec![("sale", "decline", 20000)];
    let auto = || vec![("sale", "decline", 603)];
    vec![
        ("declined", gate().refused(code).ended(E::Declined), ("decline", 1000, general())),
        ("declined card", gate().refused(code).by_card().ended(E::Declined), ("decline", 1000, vec![("sale", "decline", 10000)])),
        ("declined by our own rule", gate().refused(DeclineCode::AmountTooSmall).ended(E::Declined),
            ("decline", 1000, vec![("sale", "decline", 3358)])),
        ("declined hold", Sample::new(Way::Hold).refused(code).ended(E::Declined), ("decline", 1000, vec![("auth", "decline", 20000)])),
        ("declined check", Sample::new(Way::Verify).refused(code).ended(E::Declined),
            ("decline", 0, vec![("account verification", "decline", 20000)])),
        ("undone by the gateway", gate().tried(S::Voided).ended(E::Declined), ("decline", 1000, general())),
        ("time over, unknown", gate().tried(S::Pending).period_over().ended(E::Expired), ("decline", 1000, auto())),
        ("time over, refused too late", gate().refused(code).period_over().ended(E::Expired).late(), ("decline", 1000, auto())),
        ("time over, paid too late", gate().tried(S::Succeeded).period_over().ended(E::Expired).late().surplus(),
            ("decline", 1000, auto())),
        ("time over, paid too late and given back",
            gate().tried(S::Succeeded).period_over().ended(E::Expired).late().surplus().then(OperationKind::Reversal, S::Pending, 1000).surplus(),
            ("decline", 1000, auto())),
        ("time over, never tried", gate().ended(E::Expired), ("expired", 1000, vec![])),
        ("page: time over, never tried", page().ended(E::Expired), ("expired", 1000, vec![])),
        ("page: time over after a refusal", page().refused(code).ended(E::Expired), ("decline", 1000, general())),
        ("page: withdrawn", page().ended(E::Cancelled), ("canceled", 1000, vec![])),
        ("page: withdrawn after a refusal", page().refused(code).ended(E::Cancelled), ("canceled", 1000, general())),
        ("page: withdrawn, unknown try", page().tried(S::Pending).period_over().ended(E::Cancelled), ("canceled", 1000, auto())),
    ]
}

#[rustfmt::skip]
fn paid() -> Vec<(&'static str, Sample, Told)> {
    use {OperationKind as K, OperationState as S};
    let sale = || Sample::new(Way::Purchase).paid();
    let hold = || Sample::new(Way::Hold).paid();
    let exceeds = |o: &mut Operation| o.decline = Some(DeclineCode::RefundExceeds);
    let sold = ("sale", "success", 0);
    let held = ("auth", "success", 0);
    vec![
        ("paid", sale(), ("success", 1000, vec![sold])),
        ("paid after the period", Sample::new(Way::Purchase).paid().period_over(), ("success", 1000, vec![sold])),
        ("page: paid after a refusal", Sample::page(Way::Purchase).refused(DeclineCode::General).paid(),
            ("success", 1000, vec![("sale", "decline", 20000), sold])),
        ("page: paid twice", Sample::page(Way::Purchase).paid().tried(S::Succeeded).surplus().then(K::Reversal, S::Pending, 1000).surplus(),
            ("success", 1000, vec![sold])),
        ("page: paid, another try unknown", Sample::page(Way::Purchase).paid().tried(S::Pending).period_over(),
            ("success", 1000, vec![sold, ("sale", "processing", 9999)])),
        ("checked", Sample::new(Way::Verify).paid(), ("success", 0, vec![("account verification", "success", 0)])),
        ("held", hold(), ("awaiting capture", 1000, vec![held])),
        ("capture sent", hold().then(K::Capture, S::Sent, 1000), ("awaiting capture", 1000, vec![held, ("capture", "processing", 9999)])),
        ("capture refused", hold().then(K::Capture, S::Declined, 1000), ("awaiting capture", 1000, vec![held, ("capture", "decline", 20000)])),
        ("captured", hold().then(K::Capture, S::Succeeded, 1000), ("success", 1000, vec![held, ("capture", "success", 0)])),
        ("captured in part", hold().release(400), ("success", 400, vec![held, ("capture", "success", 0)])),
        ("captured in part, rest kept", hold().then(K::Capture, S::Succeeded, 400), ("success", 400, vec![held, ("capture", "success", 0)])),
        ("given up in part", hold().then(K::Void, S::Succeeded, 300), ("awaiting capture", 1000, vec![held, ("cancel", "success", 0)])),
        ("given up", hold().then(K::Void, S::Succeeded, 1000), ("canceled", 1000, vec![held, ("cancel", "success", 0)])),
        ("giving up refused", hold().then(K::Void, S::Declined, 1000), ("awaiting capture", 1000, vec![held, ("cancel", "decline", 20000)])),
        ("refund sent", sale().then(K::Refund, S::Sent, 300), ("success", 1000, vec![sold, ("refund", "processing", 9999)])),
        ("refund unknown", sale().then(K::Refund, S::Pending, 300), ("success", 1000, vec![sold, ("refund", "processing", 9999)])),
        ("refunded in part", sale().then(K::Refund, S::Succeeded, 300), ("partially refunded", 700, vec![sold, ("refund", "success", 0)])),
        ("refunded", sale().then(K::Refund, S::Succeeded, 1000), ("refunded", 0, vec![sold, ("refund", "success", 0)])),
        ("refund too large", sale().then(K::Refund, S::Declined, 2000).last(exceeds), ("success", 1000, vec![sold, ("refund", "decline", 3283)])),
        ("refunded, then too much", sale().then(K::Refund, S::Succeeded, 1000).then(K::Refund, S::Declined, 1).last(exceeds),
            ("refunded", 0, vec![sold, ("refund", "success", 0), ("refund", "decline", 3283)])),
        ("undone in part", sale().then(K::Reversal, S::Succeeded, 300), ("partially reversed", 700, vec![sold, ("reversal", "success", 0)])),
        ("undone", sale().then(K::Reversal, S::Succeeded, 1000), ("reversed", 0, vec![sold, ("reversal", "success", 0)])),
        ("undone and refunded in part", sale().then(K::Reversal, S::Succeeded, 300).then(K::Refund, S::Succeeded, 200),
            ("partially refunded", 500, vec![sold, ("reversal", "success", 0), ("refund", "success", 0)])),
        ("undone and refunded", sale().then(K::Reversal, S::Succeeded, 300).then(K::Refund, S::Succeeded, 700),
            ("refunded", 0, vec![sold, ("reversal", "success", 0), ("refund", "success", 0)])),
        ("charged back in part", sale().then(K::Chargeback, S::Succeeded, 100), ("success", 1000, vec![sold])),
        ("captured and refunded", hold().then(K::Capture, S::Succeeded, 1000).then(K::Refund, S::Succeeded, 1000),
            ("refunded", 0, vec![held, ("capture", "success", 0), ("refund", "success", 0)])),
    ]
}
