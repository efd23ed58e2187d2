//! What a taken session or a guess is worth: proving again who one is, what ends with a password, and what a
//! guess costs.

use altyn_domain::{Permission, Role};
use altyn_engine::{OfficeError, PasswordChange, SignInError};
use futures::future::join_all;

use crate::gate::{BOTH, Database};
use crate::house::{House, PASSWORD, ROOT};
use crate::people::{code, new_token};

const WRONG: &str = "wrong horses 1";

/// The fields that are wrong, or the code of a conflict.
fn refusal<T>(end: Result<T, OfficeError>) -> String {
    end.err()
        .map_or_else(|| "none".to_owned(), |error| code(&error))
}

#[tokio::test]
async fn a_session_alone_makes_nothing_that_outlives_it() {
    for database in BOTH {
        let house = House::build(database).await;
        let engine = &house.engine;
        let root = house.root().await;
        house.advance(30);
        let caller = house.caller(&root).await;
        let right = house.code(&root.secret);
        let wanted = new_token(&house, &[Permission::UsersView]);
        let made = engine.create_api_token(&caller, WRONG, wanted.clone());
        assert_eq!(refusal(made.await), "password");
        let replaced = engine.replace_second_factor(&caller, WRONG, &right);
        assert_eq!(refusal(replaced.await), "password");
        let renewed = engine.renew_recovery_codes(&caller, WRONG, &right);
        assert_eq!(refusal(renewed.await), "password");
        // The right one takes the wrong ones back.
        let made = engine.create_api_token(&caller, PASSWORD, wanted.clone());
        made.await.expect("made");
        for _ in 0..6 {
            let made = engine.create_api_token(&caller, WRONG, wanted.clone());
            assert_eq!(refusal(made.await), "password");
        }
        // In a lock the right one and a wrong one look alike, however often they are tried.
        for guess in [WRONG, PASSWORD].into_iter().cycle().take(12) {
            let made = engine.create_api_token(&caller, guess, wanted.clone());
            assert_eq!(refusal(made.await), "locked");
            let changed = house.change_password(&caller, guess, "eight horses 2");
            assert_eq!(refusal(changed.await), "locked");
        }
        let door = house.sign_in(ROOT, PASSWORD, Some(&right)).await;
        assert!(matches!(door, Err(SignInError::Locked { .. })), "{door:?}");
        assert_eq!(engine.api_tokens(&caller).await.expect("a list").len(), 1);
        assert!(house.caller_by(&root.token).await.is_some());
    }
}

#[tokio::test]
async fn a_second_factor_is_begun_and_removed_with_the_password() {
    let config = altyn_engine::EngineConfig {
        second_factor_required: false,
        ..altyn_engine::EngineConfig::default()
    };
    let house = House::build_with(Database::Sqlite, config).await;
    let engine = &house.engine;
    let root = house.root().await;
    let place = house.scope(&root).await;
    let email = "support@altyn.example";
    let person = house.invited(&root, email, Role::Support, place).await;
    let caller = house.caller(&person).await;
    house.advance(30);
    let right = house.code(&person.secret);
    let removed = engine.remove_second_factor(&caller, WRONG, &right);
    assert_eq!(refusal(removed.await), "password");
    let removed = engine.remove_second_factor(&caller, PASSWORD, &right);
    removed.await.expect("removed");
    let begun = engine.begin_second_factor(&caller, WRONG).await;
    assert_eq!(refusal(begun), "password");
    let confirmed = engine.confirm_second_factor(&caller, &right).await;
    assert_eq!(refusal(confirmed), "nothing_begun");
    let begun = engine.begin_second_factor(&caller, PASSWORD).await;
    begun.expect("begun");
}

#[tokio::test]
async fn what_ends_with_a_password() {
    for database in BOTH {
        let house = House::build(database).await;
        let engine = &house.engine;
        let root = house.root().await;
        let other = house.again(&root).await;
        let caller = house.caller(&root).await;
        let wanted = new_token(&house, &[Permission::UsersView]);
        let made = async || {
            let made = engine.create_api_token(&caller, PASSWORD, wanted.clone());
            made.await.expect("made").1
        };
        let (first, second) = (made().await, made().await);
        let living = async |tokens: [&str; 4]| {
            let mut living = Vec::new();
            for token in tokens {
                living.push(house.caller_by(token).await.is_some());
            }
            living
        };
        let tokens = [&root.token, &other, first.expose(), second.expose()];
        assert_eq!(living(tokens).await, [true; 4]);

        // One's own change ends the other sessions, and the tokens if that is wanted.
        let chosen = "eight horses 2";
        let changed = house.change_password(&caller, PASSWORD, chosen).await;
        changed.expect("changed");
        assert_eq!(living(tokens).await, [true, false, true, true]);
        let change = PasswordChange {
            old: chosen,
            new: "nine horses 33",
            end_tokens: true,
        };
        let changed = engine.change_password(&caller, change).await;
        changed.expect("changed");
        assert_eq!(living(tokens).await, [true, false, false, false]);

        // Somebody else's ends all.
        let made = engine.create_api_token(&caller, change.new, wanted.clone());
        let (_, third) = made.await.expect("made");
        assert!(house.caller_by(third.expose()).await.is_some());
        engine.reset_user(ROOT).await.expect("reset");
        assert!(house.caller_by(third.expose()).await.is_none());
        assert!(house.caller_by(&root.token).await.is_none());
    }
}

/// What a refused guess cost: statements, and random numbers for what was sealed.
async fn cost(house: &House, wire: &crate::wire::Wire, email: &str, at_once: usize) -> (u64, u64) {
    let before = (wire.statements(), house.draws());
    let guesses = (0..at_once).map(|_| house.sign_in(email, WRONG, None));
    for end in join_all(guesses).await {
        assert!(matches!(end, Err(SignInError::Denied)), "{end:?}");
    }
    let after = (wire.statements(), house.draws());
    (after.0 - before.0, after.1 - before.1)
}

#[tokio::test]
async fn row_78_a_guess_at_nobody_makes_the_work_of_a_guess_at_somebody() {
    let (house, wire) = House::build_counted().await;
    house.root().await;
    let nobody = "nobody@altyn.example";
    // Connections are opened, and the stand-in is made.
    cost(&house, &wire, nobody, 3).await;
    let known = cost(&house, &wire, ROOT, 1).await;
    assert!(known.0 >= 5 && known.1 >= 1, "{known:?}");
    assert_eq!(cost(&house, &wire, nobody, 1).await, known);
    assert_eq!(cost(&house, &wire, "no address", 1).await, known);
    // Nor does it show when many come at once: none begins again.
    let three = (known.0 * 3, known.1 * 3);
    assert_eq!(cost(&house, &wire, nobody, 3).await, three);
    assert_eq!(cost(&house, &wire, ROOT, 3).await, three);
}
