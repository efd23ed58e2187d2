//! People of the back office on both databases: signing in, the second factor, tokens, invitations.

use std::time::Instant;

use altyn_domain::{Permission, Role, Scope, UserId};
use altyn_engine::{
    Caller, EngineConfig, EngineError, NewApiToken, NewInvitation, OfficeError, SignInError,
    UserChange,
};
use futures::future::join_all;

use crate::gate::{BOTH, Database};
use crate::house::{HOME, House, PASSWORD, ROOT, acceptance};

/// The code of a conflict, or the fields that are wrong.
pub fn code(error: &OfficeError) -> String {
    match error {
        OfficeError::Conflict(code, _) => (*code).to_owned(),
        OfficeError::Invalid(flaws) => {
            let fields: Vec<&str> = flaws.iter().map(|flaw| flaw.field.as_str()).collect();
            fields.join(" ")
        }
        other => format!("{other:?}"),
    }
}

pub fn new_token(house: &House, permissions: &[Permission]) -> NewApiToken {
    NewApiToken {
        name: "Robot".to_owned(),
        permissions: permissions.to_vec(),
        expires_at: house.now().plus_millis(86_400_000),
        allow_list: Vec::new(),
    }
}

#[tokio::test]
async fn the_first_person_changes_the_password_and_sets_up_a_second_factor() {
    for database in BOTH {
        let house = House::build(database).await;
        let engine = &house.engine;
        let (view, first) = engine
            .create_root(ROOT, "Chief", false)
            .await
            .expect("made");
        assert!(view.must_change_password && !view.second_factor);
        let twice = engine.create_root("b@altyn.example", "B", false).await;
        assert_eq!(code(&twice.unwrap_err()), "root_operator_exists");
        let taken = engine.create_root(ROOT, "B", true).await;
        assert_eq!(code(&taken.unwrap_err()), "email_taken");

        let signed_in = house.sign_in(" Operator@ALTYN.example", first.expose(), None);
        let token = signed_in.await.expect("let in").token.expose().to_owned();
        let caller = house.caller_by(&token).await.expect("let in");
        assert!(caller.must_enrol() && caller.must_change_password());
        assert_eq!(caller.permissions().collect::<Vec<_>>(), [Permission::Own]);
        // Not even a token gets around it.
        let made = engine.create_api_token(
            &caller,
            PASSWORD,
            new_token(&house, &[Permission::UsersView]),
        );
        assert!(matches!(made.await, Err(OfficeError::Forbidden(_))));

        let weak = house.change_password(&caller, first.expose(), "short");
        assert_eq!(code(&weak.await.unwrap_err()), "password password");
        let same = house.change_password(&caller, first.expose(), first.expose());
        assert_eq!(code(&same.await.unwrap_err()), "password");
        let changed = house.change_password(&caller, first.expose(), PASSWORD);
        changed.await.expect("changed");
        let caller = house.caller_by(&token).await.expect("let in");
        assert!(caller.must_enrol() && !caller.must_change_password());

        let person = house.enrolled(ROOT, token).await;
        assert_eq!(person.recovery.len(), 10);
        let caller = house.caller(&person).await;
        assert!(!caller.must_enrol() && caller.may(Permission::UsersManage));
        let again = engine.begin_second_factor(&caller, PASSWORD).await;
        assert_eq!(code(&again.unwrap_err()), "second_factor_present");
        let removed = engine.remove_second_factor(&caller, PASSWORD, "000000");
        assert_eq!(code(&removed.await.unwrap_err()), "second_factor_required");
        assert_eq!(engine.me(&caller).await.expect("me").recovery_codes, 10);
    }
}

#[tokio::test]
async fn a_password_set_by_somebody_else_holds_seven_days() {
    let house = House::build(Database::Sqlite).await;
    let (_, first) = house
        .engine
        .create_root(ROOT, "Chief", false)
        .await
        .expect("made");
    house.advance(7 * 86_400);
    let late = house.sign_in(ROOT, first.expose(), None).await;
    assert!(matches!(late, Err(SignInError::Denied)));
    let (_, next) = house.engine.reset_user(ROOT).await.expect("reset");
    assert!(house.sign_in(ROOT, first.expose(), None).await.is_err());
    assert!(house.sign_in(ROOT, next.expose(), None).await.is_ok());
}

#[tokio::test]
async fn row_78_six_wrong_guesses_lock() {
    for database in BOTH {
        let house = House::build(database).await;
        let root = house.root().await;
        house.advance(30);
        let code = house.code(&root.secret);
        for _ in 0..5 {
            let wrong = house.sign_in(ROOT, "wrong", Some(&code)).await;
            assert!(matches!(wrong, Err(SignInError::Denied)));
        }
        // A wrong code counts like a wrong password.
        let wrong = house.sign_in(ROOT, PASSWORD, Some("000000")).await;
        assert!(matches!(wrong, Err(SignInError::Denied)));
        let locked = house.sign_in(ROOT, PASSWORD, Some(&code)).await;
        let until = house.now().plus_millis(30 * 60_000);
        assert!(matches!(locked, Err(SignInError::Locked { until: u }) if u == until));
        // Who guesses on learns nothing, not even from the right password.
        for _ in 0..4 {
            let wrong = house.sign_in(ROOT, "wrong", None).await;
            assert!(matches!(wrong, Err(SignInError::Denied)));
        }
        let right = house.sign_in(ROOT, PASSWORD, Some(&code)).await;
        assert!(matches!(right, Err(SignInError::Denied)));

        house.advance(30 * 60);
        let code = house.code(&root.secret);
        let late = house.sign_in(ROOT, PASSWORD, Some(&code)).await;
        assert!(late.is_ok(), "{late:?}");
        let actions = actions(&house, &root).await;
        let count = |action: &str| actions.iter().filter(|one| *one == action).count();
        assert_eq!(
            (count("user.sign_in_failed"), count("user.locked")),
            (11, 1)
        );
    }
}

/// What the audit trail says, the oldest first.
async fn actions(house: &House, root: &crate::house::Person) -> Vec<String> {
    let fresh = house.again(root).await;
    let caller = house.caller_by(&fresh).await.expect("let in");
    let query = altyn_engine::AuditQuery::default();
    let entries = house.engine.audit_trail(&caller, query, None, 200).await;
    let entries = entries.expect("the trail").into_iter().rev();
    entries.map(|entry| entry.action).collect()
}

#[tokio::test]
async fn row_78_many_guesses_at_once_are_all_counted() {
    for database in BOTH {
        let house = House::build(database).await;
        house.root().await;
        let guesses =
            (0..20).map(|n| house.sign_in(ROOT, if n == 19 { PASSWORD } else { "no" }, None));
        let ends = join_all(guesses).await;
        assert!(ends.iter().all(Result::is_err));
        let right = house.sign_in(ROOT, PASSWORD, None).await;
        assert!(matches!(right, Err(SignInError::Denied)), "{right:?}");
    }
}

#[tokio::test]
async fn row_78_an_unknown_address_looks_like_a_wrong_password() {
    let house = House::build(Database::Sqlite).await;
    house.root().await;
    // Two tries side by side meet the same neighbours, and the middle of many pairs tells the cost even on
    // a busy machine. Without the hash an unknown address would cost a tenth.
    let mut percents: Vec<u128> = Vec::new();
    for round in 0..31 {
        let mut took = [0; 2];
        for turn in 0..2 {
            let n = (round + turn) % 2;
            let email = [ROOT, "nobody@altyn.example"][n];
            let begun = Instant::now();
            let end = house.sign_in(email, "wrong horses 1", None).await;
            took[n] = begun.elapsed().as_micros();
            let text = end.expect_err("wrong").to_string();
            assert_eq!(
                text,
                "the e-mail address, the password or the code is wrong"
            );
        }
        let [known, unknown] = took;
        percents.push(unknown * 100 / known);
    }
    percents.sort_unstable();
    assert!((60..=166).contains(&percents[15]), "{percents:?}");
}

#[tokio::test]
async fn row_79_codes_are_taken_once() {
    for database in BOTH {
        let house = House::build(database).await;
        let root = house.root().await;
        let denied = |end: Result<_, SignInError>| matches!(end, Err(SignInError::Denied));
        // The code that confirmed the second factor was used.
        let used = house.code(&root.secret);
        assert!(denied(house.sign_in(ROOT, PASSWORD, Some(&used)).await));
        let none = house.sign_in(ROOT, PASSWORD, None).await;
        assert!(matches!(none, Err(SignInError::CodeNeeded)));

        house.advance(30);
        let code = house.code(&root.secret);
        assert!(house.sign_in(ROOT, PASSWORD, Some(&code)).await.is_ok());
        assert!(denied(house.sign_in(ROOT, PASSWORD, Some(&code)).await));
        // The clock of the phone is a step late; two steps are too many.
        house.advance(60);
        let late = house.code(&root.secret);
        house.advance(30);
        assert!(house.sign_in(ROOT, PASSWORD, Some(&late)).await.is_ok());
        let later = house.code(&root.secret);
        house.advance(60);
        assert!(denied(house.sign_in(ROOT, PASSWORD, Some(&later)).await));

        let recovery = root.recovery[3].to_lowercase();
        assert!(house.sign_in(ROOT, PASSWORD, Some(&recovery)).await.is_ok());
        assert!(denied(house.sign_in(ROOT, PASSWORD, Some(&recovery)).await));
        // The same code twice at the same moment: one of them.
        house.advance(30);
        let code = house.code(&root.secret);
        let two = (0..2).map(|_| house.sign_in(ROOT, PASSWORD, Some(&code)));
        let ends = join_all(two).await;
        assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 1);
    }
}

#[tokio::test]
async fn row_79_renewed_recovery_codes_take_the_place_of_all() {
    let house = House::build(Database::Sqlite).await;
    let root = house.root().await;
    let caller = house.caller(&root).await;
    let wrong = house
        .engine
        .renew_recovery_codes(&caller, PASSWORD, "000000")
        .await;
    assert_eq!(code(&wrong.unwrap_err()), "code");
    house.advance(30);
    let now = house.code(&root.secret);
    let fresh = house
        .engine
        .renew_recovery_codes(&caller, PASSWORD, &now)
        .await;
    let fresh = fresh.expect("new ones");
    assert!(
        house
            .sign_in(ROOT, PASSWORD, Some(&root.recovery[0]))
            .await
            .is_err()
    );
    assert!(house.sign_in(ROOT, PASSWORD, Some(&fresh[0])).await.is_ok());

    // Another phone: the present one proves it, and holds until the new one is confirmed.
    let replaced = house
        .engine
        .replace_second_factor(&caller, PASSWORD, &fresh[1]);
    let secret = replaced.await.expect("begun").secret_base32;
    house.advance(30);
    let now = house.code(&secret);
    let confirmed = house.engine.confirm_second_factor(&caller, &now);
    confirmed.await.expect("confirmed");
    house.advance(30);
    let old = house.code(&root.secret);
    assert!(house.sign_in(ROOT, PASSWORD, Some(&old)).await.is_err());
    let new = house.code(&secret);
    assert!(house.sign_in(ROOT, PASSWORD, Some(&new)).await.is_ok());
}

#[tokio::test]
async fn sessions_end_by_themselves_and_by_hand() {
    for database in BOTH {
        let house = House::build(database).await;
        let engine = &house.engine;
        let root = house.root().await;
        let second = house.again(&root).await;
        let caller = house.caller(&root).await;
        let sessions = engine.sessions(&caller).await.expect("sessions");
        assert_eq!(sessions.len(), 2);
        let other = sessions.iter().find(|one| !one.current).expect("the other");
        engine.end_session(&caller, other.id).await.expect("ended");
        let twice = engine.end_session(&caller, other.id).await;
        assert!(matches!(twice, Err(OfficeError::NotFound)));
        assert!(house.caller_by(&second).await.is_none());

        // In use it goes on, idle it ends, and after twelve hours in any case.
        for _ in 0..3 {
            house.advance(14 * 60);
            assert!(house.caller_by(&root.token).await.is_some());
        }
        house.advance(15 * 60);
        assert!(house.caller_by(&root.token).await.is_none());
        let third = house.again(&root).await;
        for _ in 0..71 {
            house.advance(10 * 60);
            assert!(house.caller_by(&third).await.is_some());
        }
        house.advance(10 * 60);
        assert!(house.caller_by(&third).await.is_none());

        let fourth = house.again(&root).await;
        let fifth = house.again(&root).await;
        let caller = house.caller_by(&fifth).await.expect("let in");
        let changed = house.change_password(&caller, PASSWORD, "eight horses 2");
        changed.await.expect("changed");
        assert!(house.caller_by(&fourth).await.is_none());
        for former in [PASSWORD, "eight horses 2"] {
            let back = house.change_password(&caller, "eight horses 2", former);
            assert_eq!(code(&back.await.unwrap_err()), "password");
        }
        engine.sign_out(&caller).await.expect("signed out");
        engine.sign_out(&caller).await.expect("twice is once");
        assert!(house.caller_by(&fifth).await.is_none());
    }
}

/// Who is disabled is not let in, nor is the token; enabled again, only the person is.
async fn disabling_ends_what_is_open(house: &House, boss: &Caller, id: UserId, robot: &str) {
    let engine = &house.engine;
    let disabled = Some(true);
    let change = UserChange {
        disabled,
        ..UserChange::default()
    };
    engine
        .update_user(boss, id, change, None)
        .await
        .expect("disabled");
    assert!(house.caller_by(robot).await.is_none());
    let door = house.sign_in("finance@altyn.example", PASSWORD, None).await;
    assert!(matches!(door, Err(SignInError::Denied)));
    let disabled = Some(false);
    let change = UserChange {
        disabled,
        ..UserChange::default()
    };
    engine
        .update_user(boss, id, change, None)
        .await
        .expect("enabled");
    // What was ended stays ended.
    assert!(house.caller_by(robot).await.is_none());
    assert!(
        house
            .sign_in("finance@altyn.example", PASSWORD, None)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn row_63_what_changes_holds_at_the_next_request() {
    for database in BOTH {
        let house = House::build(database).await;
        let engine = &house.engine;
        let root = house.root().await;
        let boss = house.caller(&root).await;
        let place = house.scope(&root).await;
        let email = "finance@altyn.example";
        let person = house
            .invited(&root, email, Role::ResellerOperator, place)
            .await;
        let caller = house.caller(&person).await;
        let id = caller.user_id().expect("a person");
        let wanted = new_token(&house, &[Permission::UsersView, Permission::PaymentsView]);
        let (view, robot) = engine
            .create_api_token(&caller, PASSWORD, wanted)
            .await
            .expect("made");

        // Fewer rights: the person and the token lose them at once.
        let role = Some(Role::Finance);
        let seen = engine.user_view(&boss, id).await.expect("seen").etag();
        let change = UserChange {
            role,
            ..UserChange::default()
        };
        let changed = engine
            .update_user(&boss, id, change.clone(), Some(&seen))
            .await;
        assert_eq!(changed.expect("changed").role, Role::Finance);
        let stale = engine.update_user(&boss, id, change, Some(&seen)).await;
        assert!(matches!(stale, Err(OfficeError::Stale)));
        for token in [person.token.as_str(), robot.expose()] {
            let caller = house.caller_by(token).await.expect("let in");
            assert!(!caller.may(Permission::UsersView) && caller.may(Permission::PaymentsView));
        }
        // The token never has more than was given to it, nor anything of the person's own.
        let program = house.caller_by(robot.expose()).await.expect("let in");
        assert!(program.is_token() && !program.may(Permission::Own));
        let escalated = engine.create_api_token(
            &program,
            PASSWORD,
            new_token(&house, &[Permission::PaymentsView]),
        );
        assert!(escalated.await.is_err());
        assert!(engine.sessions(&program).await.is_err());
        assert_eq!(engine.api_tokens(&program).await.expect("itself"), [view]);
        assert_eq!(engine.me(&program).await.expect("whose").id, id);

        // Without a second factor its tokens do nothing either.
        engine
            .reset_second_factor(&boss, id, None)
            .await
            .expect("reset");
        assert!(house.caller_by(&person.token).await.is_none());
        let program = house.caller_by(robot.expose()).await.expect("known");
        assert_eq!(program.permissions().count(), 0);

        disabling_ends_what_is_open(&house, &boss, id, robot.expose()).await;
    }
}

#[tokio::test]
async fn row_63_nobody_climbs() {
    for database in BOTH {
        let house = House::build(database).await;
        let engine = &house.engine;
        let root = house.root().await;
        let (reseller, merchant) = house.branch(&root, 1).await;
        let (other, _) = house.branch(&root, 2).await;
        let top = house.scope(&root).await;
        let (here, there) = (Scope::Reseller(reseller), Scope::Reseller(other));
        let email = "owner@altyn.example";
        let owner = house
            .invited(&root, email, Role::ResellerOperator, here)
            .await;
        let caller = house.caller(&owner).await;
        let root_id = house.caller(&root).await.user_id().expect("a person");
        let offer = |role, scope| NewInvitation {
            email: "x@altyn.example".to_owned(),
            role,
            scope,
        };
        for (role, scope) in [
            (Role::RootOperator, top),
            (Role::RootOperator, here),
            (Role::ResellerOperator, there),
            (Role::ResellerOperator, top),
            (Role::ResellerOperator, Scope::Merchant(merchant)),
        ] {
            let refused = engine.invite(&caller, offer(role, scope)).await;
            assert!(refused.is_err(), "{role:?} at {scope:?}");
        }
        let boss = house.caller(&root).await;
        let unfit = engine.invite(&boss, offer(Role::RootOperator, here));
        assert_eq!(code(&unfit.await.unwrap_err()), "role");
        assert!(matches!(
            engine.user_view(&caller, root_id).await,
            Err(OfficeError::NotFound)
        ));
        let change = UserChange {
            disabled: Some(true),
            ..UserChange::default()
        };
        let refused = engine
            .update_user(&caller, root_id, change.clone(), None)
            .await;
        assert!(matches!(refused, Err(OfficeError::NotFound)));
        let own = caller.user_id().expect("a person");
        let refused = engine.update_user(&caller, own, change, None).await;
        assert_eq!(code(&refused.unwrap_err()), "self");
        let seen = engine.users(&caller, None, 10).await.expect("people");
        assert_eq!(seen.len(), 1);
        let all = engine.users(&house.caller(&root).await, None, 10).await;
        assert_eq!(all.expect("people").len(), 2);
    }
}

#[tokio::test]
async fn the_last_root_operator_stays() {
    for database in BOTH {
        let house = House::build(database).await;
        let engine = &house.engine;
        let first = house.root().await;
        let second = house.root_named("second@altyn.example", true).await;
        let (one, two) = (house.caller(&first).await, house.caller(&second).await);
        let (a, b) = (
            one.user_id().expect("a person"),
            two.user_id().expect("a person"),
        );
        let change = UserChange {
            disabled: Some(true),
            ..UserChange::default()
        };
        // Both put each other out at the same moment.
        let (left, right) = tokio::join!(
            engine.update_user(&one, b, change.clone(), None),
            engine.update_user(&two, a, change.clone(), None),
        );
        assert_eq!(usize::from(left.is_ok()) + usize::from(right.is_ok()), 1);
        let lost = left.err().or(right.err()).expect("one lost");
        assert_eq!(code(&lost), "last_root_operator");
    }
}

/// An invitation that was withdrawn, or is seven days old, brings nobody in.
async fn withdrawn_or_late_holds_no_more(house: &House, boss: &Caller, scope: Scope) {
    let engine = &house.engine;
    let offer = |email: &str| NewInvitation {
        email: email.to_owned(),
        role: Role::Support,
        scope,
    };
    let made = engine.invite(boss, offer("c@altyn.example")).await;
    let (view, text) = made.expect("invited");
    engine
        .withdraw_invitation(boss, view.id)
        .await
        .expect("withdrawn");
    let twice = engine.withdraw_invitation(boss, view.id).await;
    assert!(matches!(twice, Err(OfficeError::NotFound)));
    let end = engine.accept_invitation(acceptance(text.expose())).await;
    assert!(matches!(end, Err(OfficeError::NotFound)));

    let made = engine.invite(boss, offer("d@altyn.example")).await;
    let (_, text) = made.expect("invited");
    house.advance(7 * 86_400);
    let end = engine.accept_invitation(acceptance(text.expose())).await;
    assert!(matches!(end, Err(OfficeError::NotFound)));
}

#[tokio::test]
async fn an_invitation_is_used_once_and_only_while_it_holds() {
    for database in BOTH {
        let house = House::build(database).await;
        let engine = &house.engine;
        let root = house.root().await;
        let boss = house.caller(&root).await;
        let scope = house.scope(&root).await;
        let offer = |email: &str, role| NewInvitation {
            email: email.to_owned(),
            role,
            scope,
        };
        let taken = engine
            .invite(&boss, offer("OPERATOR@altyn.example", Role::Support))
            .await;
        assert_eq!(code(&taken.unwrap_err()), "email_taken");
        let made = engine
            .invite(&boss, offer("a@altyn.example", Role::ResellerOperator))
            .await;
        let (view, text) = made.expect("invited");
        assert_eq!(
            engine.invitations(&boss, None, 10).await.expect("a list"),
            [view]
        );
        let mut weak = acceptance(text.expose());
        "colleague 123".clone_into(&mut weak.password);
        let weak = engine.accept_invitation(weak).await;
        assert_eq!(code(&weak.unwrap_err()), "password");
        // Twice at the same moment: one person.
        let both = (0..2).map(|_| engine.accept_invitation(acceptance(text.expose())));
        let ends = join_all(both).await;
        assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 1);
        let token = ends.into_iter().flatten().next().expect("one").token;
        assert!(
            engine
                .invitations(&boss, None, 10)
                .await
                .expect("a list")
                .is_empty()
        );

        // Who invited is disabled: the invitation holds no more.
        let person = house
            .enrolled("a@altyn.example", token.expose().to_owned())
            .await;
        let caller = house.caller(&person).await;
        let made = engine
            .invite(&caller, offer("b@altyn.example", Role::Support))
            .await;
        let (_, text) = made.expect("invited");
        let id = caller.user_id().expect("a person");
        let change = UserChange {
            disabled: Some(true),
            ..UserChange::default()
        };
        engine
            .update_user(&boss, id, change, None)
            .await
            .expect("disabled");
        let end = engine.accept_invitation(acceptance(text.expose())).await;
        assert!(matches!(end, Err(OfficeError::NotFound)));

        withdrawn_or_late_holds_no_more(&house, &boss, scope).await;
    }
}

#[tokio::test]
async fn an_api_token_holds_where_and_as_long_as_it_says() {
    for database in BOTH {
        let house = House::build(database).await;
        let engine = &house.engine;
        let root = house.root().await;
        let caller = house.caller(&root).await;
        let mut wrong = new_token(&house, &[Permission::Own]);
        wrong.expires_at = house.now().plus_millis(367 * 86_400_000);
        " ".clone_into(&mut wrong.name);
        let end = engine.create_api_token(&caller, PASSWORD, wrong).await;
        assert_eq!(code(&end.unwrap_err()), "permissions expires_at name");
        let mut wanted = new_token(&house, &[Permission::UsersView]);
        wanted.allow_list = vec!["10.1.0.0/16".parse().expect("a network")];
        let (view, text) = engine
            .create_api_token(&caller, PASSWORD, wanted)
            .await
            .expect("made");
        let elsewhere = engine.authenticate_bearer(text.expose(), HOME).await;
        assert!(matches!(elsewhere, Err(EngineError::Denied(_))));
        let near = "10.1.2.3".parse().expect("an address");
        let there = engine.authenticate_bearer(text.expose(), near).await;
        assert!(there.is_ok());
        engine.end_api_token(&caller, view.id).await.expect("ended");
        assert!(
            engine
                .authenticate_bearer(text.expose(), near)
                .await
                .is_err()
        );

        let wanted = new_token(&house, &[Permission::UsersView]);
        let (_, text) = engine
            .create_api_token(&caller, PASSWORD, wanted)
            .await
            .expect("made");
        house.advance(86_399);
        assert!(house.caller_by(text.expose()).await.is_some());
        house.advance(1);
        assert!(house.caller_by(text.expose()).await.is_none());
    }
}

#[tokio::test]
async fn where_no_second_factor_is_needed_it_can_be_removed() {
    let config = EngineConfig {
        second_factor_required: false,
        ..EngineConfig::default()
    };
    let house = House::build_with(Database::Sqlite, config).await;
    let root = house.root().await;
    let caller = house.caller(&root).await;
    house.advance(30);
    let now = house.code(&root.secret);
    let wrong = house
        .engine
        .remove_second_factor(&caller, "wrong", &now)
        .await;
    assert_eq!(code(&wrong.unwrap_err()), "password");
    let removed = house.engine.remove_second_factor(&caller, PASSWORD, &now);
    removed.await.expect("removed");
    let without = house.sign_in(ROOT, PASSWORD, None).await.expect("let in");
    assert!(!without.caller.must_enrol() && without.caller.may(Permission::UsersManage));
}
