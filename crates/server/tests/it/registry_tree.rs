//! The tree of owners, projects and their keys in the back office, on both databases.

use altyn_domain::{Role, Scope, SurplusPolicy};
use altyn_engine::{CredentialKind, ProjectChange};

use crate::gate::Database;
use crate::office::Office;
use crate::registry::{branch, on_both, project_facts, told};

async fn the_tree_is_made_from_above(kind: Database) {
    let office = Office::open(kind).await;
    let (engine, root) = (&office.engine, &office.root);
    let (one, two) = (branch(&office, "one").await, branch(&office, "two").await);
    let operator = office
        .person(Role::ResellerOperator, Scope::Reseller(one.reseller))
        .await;
    let lower = engine
        .create_reseller(&operator, one.reseller, " Lower ")
        .await;
    let lower = lower.expect("made");
    assert_eq!(
        (lower.name.as_str(), lower.parent_id),
        ("Lower", Some(one.reseller))
    );
    for above in [office.root_reseller, two.reseller] {
        let refused = engine.create_reseller(&operator, above, "X").await;
        assert_eq!(told(refused), ["parent_id: no such reseller"]);
        let refused = engine.create_merchant(&operator, above, "X").await;
        assert_eq!(told(refused), ["reseller_id: no such reseller"]);
        let refused = engine.update_reseller(&operator, above, "X", None).await;
        assert_eq!(told(refused), ["not_found"]);
    }
    let own = engine
        .update_reseller(&operator, one.reseller, "X", None)
        .await;
    assert_eq!(told(own), ["forbidden"]);
    let renamed = engine
        .update_reseller(&operator, lower.id, "Low", Some(lower.etag()))
        .await;
    let renamed = renamed.expect("changed");
    let stale = engine
        .update_reseller(&operator, lower.id, "L", Some(lower.etag()))
        .await;
    assert_eq!(
        (told(stale), renamed.name.as_str()),
        (vec!["stale".to_owned()], "Low")
    );
    let seen = engine.resellers(&operator).expect("a list");
    let seen: Vec<&str> = seen.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(seen, ["Low", "one"], "nothing above, nothing beside");
    assert_eq!(engine.merchants(&operator).expect("a list").len(), 1);
    assert_eq!(engine.project_views(&operator).expect("a list").len(), 1);
    assert_eq!(engine.project_views(root).expect("a list").len(), 2);
}

async fn projects_are_checked(kind: Database) {
    let office = Office::open(kind).await;
    let engine = &office.engine;
    let (one, two) = (branch(&office, "one").await, branch(&office, "two").await);
    let owner = office
        .person(Role::MerchantOwner, Scope::Merchant(one.merchant))
        .await;
    let mut wrong = project_facts("one");
    wrong.surplus = SurplusPolicy::Balance;
    wrong.tries_max = 0;
    wrong.currencies = vec![];
    let refused = engine
        .create_merchant_project(&owner, one.merchant, wrong)
        .await;
    assert_eq!(
        told(refused),
        [
            "slug: another project has this short name",
            "currencies: must be one at least",
            "default_currency: is none of the currencies",
            "tries_max: must be 1 to 100",
            "surplus: balance is only for a project with balances",
        ]
    );
    let mut more = project_facts("more");
    (more.surplus, more.balances) = (SurplusPolicy::Balance, true);
    let made = engine
        .create_merchant_project(&owner, one.merchant, more.clone())
        .await;
    let made = made.expect("made");
    assert_eq!(made.facts, more);
    let beside = engine
        .create_merchant_project(&owner, two.merchant, project_facts("x"))
        .await;
    assert_eq!(told(beside), ["merchant_id: no such merchant"]);
    let beside = engine
        .change_project(&owner, two.project, ProjectChange::default(), None)
        .await;
    assert_eq!(told(beside), ["not_found"]);
}

async fn keys_of_a_project(kind: Database) {
    let office = Office::open(kind).await;
    let (engine, one) = (&office.engine, branch(&office, "one").await);
    let two = branch(&office, "two").await;
    let developer = office
        .person(Role::Developer, Scope::Merchant(one.merchant))
        .await;
    let login = |login: &str| CredentialKind::Password {
        login: login.to_owned(),
    };
    let make = async |project, dialect, kind| {
        engine
            .create_project_credential(&developer, project, dialect, kind, vec![])
            .await
    };
    let here = std::net::IpAddr::from([127, 0, 0, 1]);
    let (made, secret) = make(one.project, "rbs", login("one-api"))
        .await
        .expect("made");
    let let_in = || engine.authenticate_password("rbs", "one-api", secret.expose(), here);
    assert_eq!(let_in().expect("let in").project_id(), one.project);
    let (_, token) = make(one.project, "rbs", CredentialKind::Token)
        .await
        .expect("made");
    engine
        .authenticate_token("rbs", token.expose(), here)
        .expect("let in");
    let number = CredentialKind::Key { number: 77 };
    let (key, shared) = make(one.project, "ecommpay", number.clone())
        .await
        .expect("made");
    let signed =
        |wanted: &str| engine.authenticate_signed("ecommpay", "77", here, |known| known == wanted);
    signed(shared.expose()).expect("let in");
    let listed = engine
        .project_credentials(&developer, one.project)
        .expect("a list");
    assert_eq!(listed.len(), 3);
    let text = format!("{listed:?}");
    for secret in [&secret, &token, &shared] {
        assert!(!text.contains(secret.expose()), "{text}");
    }
    let networks = vec!["203.0.113.0/24".parse().expect("a network")];
    let limited = engine.limit_project_credential(&developer, one.project, made.id, networks);
    limited.await.expect("limited");
    assert!(let_in().is_err(), "not from here any more");
    let revoked = engine.revoke_project_credential(&developer, one.project, key.id);
    revoked.await.expect("revoked");
    assert!(signed(shared.expose()).is_err());
    let again = engine
        .revoke_project_credential(&developer, one.project, key.id)
        .await;
    assert_eq!(told(again), ["revoked"]);
    let elsewhere = engine
        .revoke_project_credential(&developer, two.project, made.id)
        .await;
    assert_eq!(told(elsewhere), ["not_found"]);
    // The project is known by its new number at once.
    make(one.project, "ecommpay", CredentialKind::Key { number: 78 })
        .await
        .expect("made");
    let project = engine.project(one.project).expect("it is there");
    assert_eq!(project.login("ecommpay"), Some("78"));
}

async fn keys_are_checked(kind: Database) {
    let office = Office::open(kind).await;
    let (engine, one) = (&office.engine, branch(&office, "one").await);
    let two = branch(&office, "two").await;
    let developer = office
        .person(Role::Developer, Scope::Merchant(one.merchant))
        .await;
    let login = |login: &str| CredentialKind::Password {
        login: login.to_owned(),
    };
    let make = async |project, dialect, kind| {
        engine
            .create_project_credential(&developer, project, dialect, kind, vec![])
            .await
    };
    let number = CredentialKind::Key { number: 77 };
    for (dialect, kind) in [("rbs", login("one-api")), ("ecommpay", number.clone())] {
        make(one.project, dialect, kind).await.expect("made");
    }
    for (dialect, kind, flaw) in [
        ("rbs", login("one-api"), "login: is taken, or was"),
        (
            "rbs",
            login("a b"),
            "login: must be 1 to 64 letters, digits, - _ . @",
        ),
        (
            "rbs",
            number.clone(),
            "kind: this dialect has password and token",
        ),
        ("ecommpay", number.clone(), "number: is taken, or was"),
        (
            "ecommpay",
            CredentialKind::Key { number: 0 },
            "number: must be 1 at least",
        ),
        ("soap", CredentialKind::Token, "dialect: no such dialect"),
    ] {
        assert_eq!(told(make(one.project, dialect, kind).await), [flaw]);
    }
    let beside = make(two.project, "rbs", CredentialKind::Token).await;
    assert_eq!(told(beside), ["not_found"]);
}

on_both!(
    the_tree_is_made_from_above,
    projects_are_checked,
    keys_of_a_project,
    keys_are_checked
);
