//! Settings and their version.

use altyn_domain::{CredentialId, ProjectId, Refusal, Timestamp, Way};

use super::Fixture;
use super::fixture::{Gate, START, shop};
use crate::{CredentialRecord, ProjectRecord, SettingsRecords, Storage, StorageError};

fn project(number: u16) -> ProjectRecord {
    let project = shop(number);
    ProjectRecord {
        id: project.id,
        bucket: project.bucket,
        name: format!("Магазин «{number}»"),
        slug: project.slug.clone(),
        settings: format!("sealed:{number}"),
        created_at: START,
    }
}

fn credential(number: u8, project_id: ProjectId) -> CredentialRecord {
    CredentialRecord {
        id: CredentialId::new(START, project_id.bucket(), u64::from(number)),
        project_id,
        dialect: "rbs".to_owned(),
        kind: "password".to_owned(),
        login: format!("shop-{number}-api"),
        secret_hash: vec![number; 32],
        allow_list: r#"["192.0.2.0/24"]"#.to_owned(),
        created_at: START,
        revoked_at: None,
    }
}

async fn all(storage: &dyn Storage) -> SettingsRecords {
    let mut all = storage.settings().await.expect("it reads");
    assert_eq!(storage.settings_version().await.ok(), Some(all.version));
    all.projects.sort_by_key(|project| project.id);
    all.credentials.sort_by_key(|credential| credential.id);
    all
}

/// Projects and credentials come back with every field; a change replaces by id and raises the version.
pub async fn settings_come_back(fixture: &dyn Fixture) {
    let storage = fixture.fresh().await;
    let empty = all(&*storage).await;
    assert_eq!(
        (&empty.projects[..], &empty.credentials[..]),
        (&[][..], &[][..])
    );
    let mut projects = vec![project(7), project(8)];
    let mut credentials = vec![
        credential(1, projects[0].id),
        credential(2, projects[0].id),
        credential(3, projects[1].id),
    ];
    let saved = storage.save_settings(&projects, &credentials, "two shops", START);
    saved.await.expect("it saves");
    let first = all(&*fixture.another().await).await;
    assert_eq!(first.version, empty.version + 1);
    assert_eq!(first.projects, projects);
    assert_eq!(first.credentials, credentials);

    let later = START.plus_millis(1);
    credentials[1].revoked_at = Some(later);
    projects[1].settings = "sealed again".to_owned();
    projects[1].name = String::new();
    let saved = storage.save_settings(&projects[1..], &credentials[1..2], "revoked", later);
    saved.await.expect("it saves");
    let second = all(&*storage).await;
    assert_eq!(second.version, first.version + 1);
    assert_eq!(second.projects, projects);
    assert_eq!(second.credentials, credentials);
}

/// If one row is refused, none is saved and the version stays.
pub async fn settings_are_saved_whole_or_not_at_all(fixture: &dyn Fixture) {
    let storage = fixture.fresh().await;
    let projects = [project(7)];
    let credentials = [credential(1, projects[0].id)];
    let saved = storage.save_settings(&projects, &credentials, "one shop", START);
    saved.await.expect("it saves");
    let before = all(&*storage).await;

    let mut namesake = project(9);
    namesake.slug.clone_from(&projects[0].slug);
    let mut twin = credential(9, projects[0].id);
    twin.login.clone_from(&credentials[0].login);
    let homeless = credential(9, shop(99).id);
    let mut short = credential(9, projects[0].id);
    short.secret_hash.truncate(31);
    let wrong = [
        (vec![project(8), namesake], Vec::new()),
        (vec![project(8)], vec![twin]),
        (vec![project(8)], vec![homeless]),
        (vec![project(8)], vec![short]),
    ];
    for (projects, credentials) in wrong {
        let at = Timestamp::from_micros(START.as_micros() + 1);
        let saved = storage.save_settings(&projects, &credentials, "wrong", at);
        let saved = saved.await;
        assert!(matches!(saved, Err(StorageError::Refused(_))), "{saved:?}");
        assert_eq!(all(&*storage).await, before);
    }
}

/// Whoever was authenticated under older settings is told so by the batch, on every handle.
pub async fn a_command_under_old_settings_is_refused(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let other = fixture.another().await;
    let payment = gate.registered(Way::Purchase).await;
    let projects = [project(7)];
    let saved = other.save_settings(&projects, &[], "changed", START);
    saved.await.expect("it saves");
    let answer = gate.try_run(Gate::cancel(payment.id)).await;
    assert_eq!(answer, Err(Refusal::SettingsChanged));
    assert_eq!(gate.read(payment.id).await, payment);
    gate.settings_version = gate.storage.settings_version().await.expect("it reads");
    gate.done(Gate::cancel(payment.id)).await;
}

/// Numbers of operations are leased in blocks, and never twice, whoever asks.
pub async fn serials_are_leased_once(fixture: &dyn Fixture) {
    let (one, other) = (fixture.fresh().await, fixture.another().await);
    let lease = |storage: std::sync::Arc<dyn Storage>| async move {
        storage.lease_serials(100).await.expect("it leases")
    };
    let mut firsts = Vec::new();
    for _ in 0..5 {
        let (first, second) = tokio::join!(lease(one.clone()), lease(other.clone()));
        firsts.extend([first, second]);
    }
    firsts.sort_unstable();
    assert!(firsts[0] > 0, "{firsts:?}");
    assert!(
        firsts.windows(2).all(|pair| pair[1] - pair[0] == 100),
        "{firsts:?}"
    );
}
