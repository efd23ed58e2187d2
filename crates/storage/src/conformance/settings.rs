//! Settings and their version.

use altyn_domain::{CredentialId, MerchantId, ProjectId, Refusal, Way};

use tokio::task::JoinSet;
use uuid::Uuid;

use super::Fixture;
use super::fixture::{self, Gate, START, shop};
use super::races::two_handles;
use super::trail::entry;
use crate::{
    AuditEntry, CredentialRecord, ProjectRecord, SettingsChange, SettingsEntry, SettingsKind,
    SettingsRecords, Storage, StorageError,
};

fn project(number: u16) -> ProjectRecord {
    let project = shop(number);
    ProjectRecord {
        id: project.id,
        bucket: project.bucket,
        merchant_id: Some(MerchantId::new(START, project.bucket, u64::from(number))),
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

async fn save(
    storage: &dyn Storage,
    projects: &[ProjectRecord],
    credentials: &[CredentialRecord],
    audit: Vec<AuditEntry>,
) -> Result<(), StorageError> {
    let change = SettingsChange {
        projects: projects.to_vec(),
        credentials: credentials.to_vec(),
        audit,
        ..SettingsChange::default()
    };
    storage.save_settings(&change).await
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
    let saved = save(&*storage, &projects, &credentials, vec![entry(1, 1)]);
    saved.await.expect("it saves");
    let first = all(&*fixture.another().await).await;
    assert_eq!(first.version, empty.version + 1);
    assert_eq!(first.projects, projects);
    assert_eq!(first.credentials, credentials);

    let later = START.plus_millis(1);
    credentials[1].revoked_at = Some(later);
    projects[1].settings = "sealed again".to_owned();
    projects[1].name = String::new();
    projects[1].merchant_id = None;
    let saved = save(&*storage, &projects[1..], &credentials[1..2], Vec::new());
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
    let saved = save(&*storage, &projects, &credentials, Vec::new());
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
        let saved = save(&*storage, &projects, &credentials, vec![entry(1, 1)]).await;
        assert!(matches!(saved, Err(StorageError::Refused(_))), "{saved:?}");
        assert_eq!(all(&*storage).await, before);
        let heads = storage.audit_heads().await.expect("it reads");
        assert_eq!(heads, []);
    }
}

/// Whoever was authenticated under older settings is told so by the batch, on every handle.
pub async fn a_command_under_old_settings_is_refused(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let other = fixture.another().await;
    let payment = gate.registered(Way::Purchase).await;
    let projects = [project(7)];
    let saved = save(&*other, &projects, &[], Vec::new());
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

fn settings_entry(kind: SettingsKind, number: u128, parent: Option<u128>) -> SettingsEntry {
    SettingsEntry {
        kind,
        id: Uuid::from_u128(number),
        parent: parent.map(Uuid::from_u128),
        body: format!("sealed:«{number}»"),
        created_at: START,
        archived_at: None,
    }
}

/// Resellers, merchants, connectors and methods come back with every field in the order of their ids; a
/// change replaces by id, and what names a parent that is not there is refused.
pub async fn settings_entries_come_back(fixture: &dyn Fixture) {
    let storage = fixture.fresh().await;
    // Parents first: the order of the ids is another one.
    let mut entries = vec![
        settings_entry(SettingsKind::Reseller, 50, None),
        settings_entry(SettingsKind::Reseller, 40, Some(50)),
        settings_entry(SettingsKind::Merchant, 30, Some(40)),
        settings_entry(SettingsKind::Connector, 60, None),
        settings_entry(SettingsKind::Method, 20, Some(50)),
    ];
    let mut change = SettingsChange {
        entries: entries.clone(),
        audit: vec![entry(1, 1), entry(1, 2)],
        ..SettingsChange::default()
    };
    storage.save_settings(&change).await.expect("it saves");
    entries.sort_by_key(|entry| entry.id);
    let first = fixture.another().await.settings().await.expect("it reads");
    assert_eq!((first.version, &first.entries), (1, &entries));
    let chain = storage.audit_chain(change.audit[0].chain, 1, 10).await;
    assert_eq!(chain.expect("it reads"), change.audit);

    entries[1].parent = Some(Uuid::from_u128(50));
    entries[1].body = String::new();
    entries[1].archived_at = Some(START.plus_millis(5));
    change.entries = vec![entries[1].clone()];
    change.audit.clear();
    storage.save_settings(&change).await.expect("it saves");
    let second = storage.settings().await.expect("it reads");
    assert_eq!((second.version, &second.entries), (2, &entries));

    change.entries = vec![
        settings_entry(SettingsKind::Merchant, 31, Some(50)),
        settings_entry(SettingsKind::Merchant, 32, Some(99)),
    ];
    let saved = storage.save_settings(&change).await;
    assert!(matches!(saved, Err(StorageError::Refused(_))), "{saved:?}");
    assert_eq!(storage.settings().await.expect("it reads"), second);
}

/// A change that was decided on another version, or whose place in the audit trail is taken, is a
/// conflict and leaves nothing.
pub async fn a_change_of_other_settings_is_a_conflict(fixture: &dyn Fixture) {
    let storage = fixture.fresh().await;
    let connector = |number| settings_entry(SettingsKind::Connector, number, None);
    let change = |expected_version, number, place| SettingsChange {
        expected_version,
        entries: vec![connector(number)],
        audit: vec![entry(1, place)],
        ..SettingsChange::default()
    };
    let first = change(Some(0), 1, 1);
    let saved = storage.save_settings(&first).await;
    saved.expect("nobody was faster");
    let second = change(Some(1), 2, 2);
    let saved = storage.save_settings(&second).await;
    saved.expect("nobody was faster");
    let before = all(&*storage).await;
    assert_eq!((before.version, before.entries.len()), (2, 2));
    let wrong = [
        change(Some(0), 3, 3),
        change(Some(1), 3, 3),
        change(Some(3), 3, 3),
        change(Some(2), 3, 2),
        change(None, 3, 1),
    ];
    for change in wrong {
        let saved = storage.save_settings(&change).await;
        assert!(matches!(saved, Err(StorageError::Conflict)), "{saved:?}");
        assert_eq!(all(&*storage).await, before);
        let heads = storage.audit_heads().await.expect("it reads");
        assert_eq!(heads, [entry(1, 2)]);
    }
    let last = change(None, 3, 3);
    let saved = storage.save_settings(&last).await;
    saved.expect("the version does not matter");
    assert_eq!(all(&*storage).await.version, 3);
}

/// Of many changes that were decided on one version exactly one takes place.
pub async fn of_changes_on_one_version_one_wins(fixture: &dyn Fixture) {
    const ROUNDS: i64 = 6;
    const RIVALS: u128 = 6;
    let handles = two_handles(fixture).await;
    for round in 0..ROUNDS {
        let mut tasks = JoinSet::new();
        for rival in 0..RIVALS {
            let storage = handles[usize::from(rival % 2 == 1)].clone();
            let number = u128::try_from(round).expect("not negative") * 100 + rival;
            tasks.spawn(async move {
                let change = SettingsChange {
                    expected_version: Some(round),
                    entries: vec![settings_entry(SettingsKind::Connector, number, None)],
                    ..SettingsChange::default()
                };
                match storage.save_settings(&change).await {
                    Ok(()) => true,
                    Err(StorageError::Conflict) => false,
                    Err(error) => panic!("{error}"),
                }
            });
        }
        let won = fixture::all(tasks).await;
        assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
    }
    let end = all(&*handles[1]).await;
    assert_eq!(end.version, ROUNDS);
    assert_eq!(i64::try_from(end.entries.len()), Ok(ROUNDS));
}
