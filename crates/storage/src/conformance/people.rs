//! People and their tokens.

use altyn_domain::{
    Bucket, CustomerId, MerchantId, ProjectId, ResellerId, Role, Scope, Timestamp, TokenId, UserId,
};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Fixture;
use super::fixture::{START, all};
use super::races::two_handles;
use super::trail::entry;
use crate::{
    PeopleChange, Storage, StorageError, TokenKind, TokenRecord, TokenSearch, UserRecord,
    UserSearch,
};

fn reseller() -> Scope {
    Scope::Reseller(ResellerId::from_uuid(Uuid::from_u128(50)))
}

fn merchant() -> Scope {
    Scope::Merchant(MerchantId::from_uuid(Uuid::from_u128(60)))
}

fn project(number: u64) -> ProjectId {
    ProjectId::new(START, Bucket::new(7), number)
}

fn customer(number: u64, reference: &str) -> Scope {
    let project_id = project(number);
    Scope::Customer {
        project_id,
        customer_id: CustomerId::of(project_id, reference),
    }
}

fn scope_id(scope: Scope) -> Uuid {
    match scope {
        Scope::Reseller(id) => id.uuid(),
        Scope::Merchant(id) => id.uuid(),
        Scope::Customer { customer_id, .. } => customer_id.uuid(),
    }
}

fn user_id(number: u64) -> UserId {
    UserId::new(START, Bucket::new(0), number)
}

fn user(number: u64, role: Role, scope: Scope) -> UserRecord {
    UserRecord {
        id: user_id(number),
        email: format!("person-{number}@altyn.example"),
        role,
        scope,
        body: format!("sealed:«{number}»"),
        revision: 1,
        created_at: START,
        disabled_at: None,
    }
}

fn operator(number: u64) -> UserRecord {
    user(number, Role::ResellerOperator, reseller())
}

fn token_id(number: u8) -> TokenId {
    TokenId::new(START, Bucket::new(0), u64::from(number))
}

fn token(number: u8, kind: TokenKind, of: u64) -> TokenRecord {
    TokenRecord {
        id: token_id(number),
        hash: vec![number; 32],
        kind,
        user_id: user_id(of),
        scope: None,
        body: format!("sealed:{number}"),
        created_at: START,
        expires_at: START.plus_millis(60_000),
        seen_at: START,
        ended_at: None,
    }
}

async fn save(storage: &dyn Storage, change: PeopleChange) {
    let saved = storage.save_people(&change, START).await;
    saved.unwrap_or_else(|error| panic!("{change:?}: {error}"));
}

async fn conflicts(storage: &dyn Storage, change: PeopleChange) {
    let saved = storage.save_people(&change, START).await;
    let conflict = matches!(saved, Err(StorageError::Conflict));
    assert!(conflict, "{change:?}: {saved:?}");
}

async fn read(storage: &dyn Storage, number: u64) -> Option<UserRecord> {
    storage.user(user_id(number)).await.expect("it reads")
}

async fn read_token(storage: &dyn Storage, number: u8) -> Option<TokenRecord> {
    let found = storage.token_by_hash(&[number; 32]).await;
    found.expect("it reads")
}

/// People and tokens come back with every field, and are found by address and by hash.
pub async fn people_come_back(fixture: &dyn Fixture) {
    let storage = fixture.fresh().await;
    let mut users = vec![
        user(1, Role::RootOperator, reseller()),
        user(2, Role::MerchantOwner, merchant()),
        user(3, Role::Customer, customer(1, "c-1")),
    ];
    users[1].disabled_at = Some(START.plus_millis(3));
    let mut tokens = vec![
        token(1, TokenKind::Session, 1),
        token(2, TokenKind::Api, 2),
        token(3, TokenKind::Invitation, 2),
        token(4, TokenKind::Invitation, 1),
    ];
    tokens[2].scope = Some(customer(2, "c-2"));
    tokens[3].scope = Some(merchant());
    tokens[3].ended_at = Some(START.plus_millis(9));
    let change = PeopleChange {
        new_users: users.clone(),
        new_tokens: tokens.clone(),
        audit: vec![entry(1, 1)],
        ..PeopleChange::default()
    };
    save(&*storage, change).await;
    let other = fixture.another().await;
    for (number, user) in (1..).zip(&users) {
        assert_eq!(read(&*other, number).await.as_ref(), Some(user));
        let found = other.user_by_email(&user.email).await.expect("it reads");
        assert_eq!(found.as_ref(), Some(user));
    }
    for (number, token) in (1..).zip(&tokens) {
        assert_eq!(read_token(&*other, number).await.as_ref(), Some(token));
    }
    let nobody = other.user_by_email("nobody@altyn.example").await;
    assert_eq!(nobody.expect("it reads"), None);
    assert_eq!(read(&*other, 9).await, None);
    assert_eq!(read_token(&*other, 9).await, None);
    let heads = other.audit_heads().await.expect("it reads");
    assert_eq!(heads, [entry(1, 1)]);

    users[0].email = "other@altyn.example".to_owned();
    users[0].role = Role::Customer;
    users[0].scope = customer(3, "c-3");
    users[0].body = String::new();
    users[0].disabled_at = Some(START.plus_millis(7));
    users[1].disabled_at = None;
    users[1].scope = reseller();
    for user in &mut users[..2] {
        user.revision = 2;
    }
    let change = PeopleChange {
        users: users[..2].to_vec(),
        ..PeopleChange::default()
    };
    save(&*storage, change).await;
    for (number, user) in (1..).zip(&users) {
        assert_eq!(read(&*other, number).await.as_ref(), Some(user));
    }
}

/// Changes of which one part does not fit what is stored, beside parts that do.
fn changes_that_conflict() -> [PeopleChange; 9] {
    let mut namesake = operator(3);
    namesake.email = operator(1).email;
    let revised = |number, revision| UserRecord {
        revision,
        ..operator(number)
    };
    let mut renamed = revised(2, 2);
    renamed.email = operator(1).email;
    let none = PeopleChange::default;
    let with_new_user = |change: PeopleChange| PeopleChange {
        new_users: vec![operator(4)],
        ..change
    };
    [
        PeopleChange {
            new_users: vec![operator(4), namesake],
            ..none()
        },
        PeopleChange {
            users: vec![revised(1, 1)],
            ..with_new_user(none())
        },
        PeopleChange {
            users: vec![revised(1, 3)],
            ..with_new_user(none())
        },
        // A person who is not there.
        PeopleChange {
            users: vec![revised(9, 2)],
            ..with_new_user(none())
        },
        PeopleChange {
            users: vec![revised(1, 2), revised(1, 2)],
            ..with_new_user(none())
        },
        PeopleChange {
            users: vec![revised(1, 2), renamed],
            ..with_new_user(none())
        },
        PeopleChange {
            ended_tokens: vec![token_id(1), token_id(2)],
            ..with_new_user(none())
        },
        // A token that is not there.
        PeopleChange {
            ended_tokens: vec![token_id(1), token_id(9)],
            ..with_new_user(none())
        },
        PeopleChange {
            users: vec![revised(1, 2)],
            ended_of: Some((user_id(1), TokenKind::Session, None)),
            new_tokens: vec![token(3, TokenKind::Session, 1)],
            audit: vec![entry(1, 2), entry(1, 1)],
            ..with_new_user(none())
        },
    ]
}

/// What does not find people and tokens as it expects them is a conflict, and leaves nothing.
pub async fn people_who_moved_are_a_conflict(fixture: &dyn Fixture) {
    let storage = fixture.fresh().await;
    let first = PeopleChange {
        new_users: vec![operator(1), operator(2)],
        new_tokens: vec![
            token(1, TokenKind::Session, 1),
            token(2, TokenKind::Session, 1),
        ],
        ended_tokens: Vec::new(),
        audit: vec![entry(1, 1)],
        ..PeopleChange::default()
    };
    save(&*storage, first).await;
    let change = PeopleChange {
        ended_tokens: vec![token_id(2)],
        ..PeopleChange::default()
    };
    save(&*storage, change).await;
    let mut ended = token(2, TokenKind::Session, 1);
    ended.ended_at = Some(START);

    for change in changes_that_conflict() {
        conflicts(&*storage, change).await;
        assert_eq!(read(&*storage, 1).await, Some(operator(1)));
        assert_eq!(read(&*storage, 2).await, Some(operator(2)));
        assert_eq!(read(&*storage, 4).await, None);
        let open = token(1, TokenKind::Session, 1);
        assert_eq!(read_token(&*storage, 1).await, Some(open));
        assert_eq!(read_token(&*storage, 2).await, Some(ended.clone()));
        assert_eq!(read_token(&*storage, 3).await, None);
        let heads = storage.audit_heads().await.expect("it reads");
        assert_eq!(heads, [entry(1, 1)]);
    }
}

/// All tokens of one kind of one person are ended at once, but the excepted one and those that the same
/// change makes; what was ended before keeps its time.
pub async fn tokens_are_ended_together(fixture: &dyn Fixture) {
    let storage = fixture.fresh().await;
    let change = PeopleChange {
        new_users: vec![operator(1), operator(2)],
        new_tokens: vec![
            token(1, TokenKind::Session, 1),
            token(2, TokenKind::Session, 1),
            token(3, TokenKind::Session, 1),
            token(4, TokenKind::Api, 1),
            token(5, TokenKind::Session, 2),
            token(6, TokenKind::Session, 1),
        ],
        ..PeopleChange::default()
    };
    save(&*storage, change).await;
    let change = PeopleChange {
        ended_tokens: vec![token_id(3)],
        ..PeopleChange::default()
    };
    save(&*storage, change).await;
    let later = START.plus_millis(100);
    let change = PeopleChange {
        new_tokens: vec![token(7, TokenKind::Session, 1)],
        ended_tokens: vec![token_id(6)],
        ended_of: Some((user_id(1), TokenKind::Session, Some(token_id(2)))),
        ..PeopleChange::default()
    };
    let saved = storage.save_people(&change, later).await;
    saved.expect("it saves");
    let ended = |number: u8| {
        let storage = storage.clone();
        async move { read_token(&*storage, number).await.and_then(|t| t.ended_at) }
    };
    let expected = [
        (1, Some(later)),
        (2, None),
        (3, Some(START)),
        (4, None),
        (5, None),
        (6, Some(later)),
        (7, None),
    ];
    for (number, at) in expected {
        assert_eq!(ended(number).await, at, "token {number}");
    }
    let change = PeopleChange {
        ended_of: Some((user_id(1), TokenKind::Session, None)),
        ..PeopleChange::default()
    };
    save(&*storage, change).await;
    for number in [2, 7] {
        assert_eq!(ended(number).await, Some(START), "token {number}");
    }
    for number in [4, 5] {
        assert_eq!(ended(number).await, None, "token {number}");
    }
}

/// A token is seen when it was used last; old ones are forgotten, and only those.
pub async fn tokens_are_touched_and_forgotten(fixture: &dyn Fixture) {
    let storage = fixture.fresh().await;
    let mut tokens: Vec<_> = (1..=4)
        .map(|number| token(number, TokenKind::Session, 1))
        .collect();
    let at = |millis| START.plus_millis(millis);
    tokens[1].expires_at = at(1_000);
    tokens[2].ended_at = Some(at(1_000));
    tokens[3].ended_at = Some(at(2_000));
    let change = PeopleChange {
        new_users: vec![operator(1)],
        new_tokens: tokens,
        ..PeopleChange::default()
    };
    save(&*storage, change).await;
    for (used, seen) in [(50, 50), (20, 50), (50, 50), (70, 70)] {
        let touched = storage.touch_token(token_id(1), at(used)).await;
        touched.expect("it is touched");
        let found = read_token(&*storage, 1).await.map(|token| token.seen_at);
        assert_eq!(found, Some(at(seen)));
    }
    let touched = storage.touch_token(token_id(9), START).await;
    touched.expect("nobody is touched");
    for (before, left) in [
        (at(1_000), vec![1, 2, 3, 4]),
        (at(1_001), vec![1, 4]),
        (at(2_001), vec![1]),
    ] {
        storage.forget_tokens(before).await.expect("it forgets");
        for number in 1..=4 {
            let found = read_token(&*storage, number).await.is_some();
            assert_eq!(found, left.contains(&number), "token {number}");
        }
    }
}

/// Of many changes of one revision, and of many people with one address, exactly one is saved; a token is
/// ended once.
pub async fn of_rival_changes_of_a_person_one_wins(fixture: &dyn Fixture) {
    const ROUNDS: i64 = 5;
    const RIVALS: u64 = 6;
    let handles = two_handles(fixture).await;
    let change = PeopleChange {
        new_users: vec![operator(1)],
        new_tokens: (1..=5).map(|n| token(n, TokenKind::Session, 1)).collect(),
        ..PeopleChange::default()
    };
    save(&*handles[0], change).await;
    for round in 1..=ROUNDS {
        let mut tasks = JoinSet::new();
        for rival in 0..RIVALS {
            let storage = handles[usize::from(rival % 2 == 1)].clone();
            let round_number = u64::try_from(round).expect("not negative");
            let mut namesake = operator(round_number * 100 + rival);
            namesake.email = format!("contested-{round}@altyn.example");
            let mut revised = operator(1);
            revised.revision = round + 1;
            revised.body = format!("rival {rival}");
            let number = u8::try_from(round).expect("it is small");
            let changes = [
                PeopleChange {
                    new_users: vec![namesake],
                    ..PeopleChange::default()
                },
                PeopleChange {
                    users: vec![revised],
                    ..PeopleChange::default()
                },
                PeopleChange {
                    ended_tokens: vec![token_id(number)],
                    ..PeopleChange::default()
                },
            ];
            tasks.spawn(async move {
                let mut won = [0; 3];
                for (place, change) in changes.iter().enumerate() {
                    match storage.save_people(change, START).await {
                        Ok(()) => won[place] += 1,
                        Err(StorageError::Conflict) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                won
            });
        }
        let won = all(tasks).await;
        for place in 0..3 {
            let winners: i32 = won.iter().map(|won| won[place]).sum();
            assert_eq!(winners, 1, "change {place} of round {round}");
        }
    }
    let end = read(&*handles[1], 1).await.map(|user| user.revision);
    assert_eq!(end, Some(ROUNDS + 1));
}

/// People are listed in the order of their ids: all, or those of some scopes with the customers of some
/// projects, each once.
pub async fn people_are_listed(fixture: &dyn Fixture) {
    let storage = fixture.fresh().await;
    let users = vec![
        operator(1),
        user(2, Role::MerchantOwner, merchant()),
        user(3, Role::Customer, customer(1, "c-1")),
        operator(4),
        user(5, Role::Customer, customer(2, "c-1")),
        user(6, Role::Customer, customer(1, "c-2")),
        user(7, Role::Support, merchant()),
    ];
    let mut mixed = users.clone();
    mixed.reverse();
    let change = PeopleChange {
        new_users: mixed,
        ..PeopleChange::default()
    };
    save(&*storage, change).await;
    let other = Scope::Merchant(MerchantId::from_uuid(Uuid::from_u128(61)));
    type Case<'a> = (Option<Vec<Scope>>, Vec<u64>, &'a [u64]);
    let cases: Vec<Case<'_>> = vec![
        (None, vec![], &[1, 2, 3, 4, 5, 6, 7]),
        (Some(vec![]), vec![], &[]),
        (Some(vec![other]), vec![9], &[]),
        (Some(vec![reseller()]), vec![], &[1, 4]),
        (
            Some(vec![merchant(), reseller(), merchant()]),
            vec![],
            &[1, 2, 4, 7],
        ),
        (Some(vec![]), vec![1], &[3, 6]),
        (Some(vec![merchant()]), vec![2, 1, 2], &[2, 3, 5, 6, 7]),
        (Some(vec![customer(1, "c-2")]), vec![], &[6]),
        (Some(vec![customer(1, "c-2")]), vec![1], &[3, 6]),
    ];
    for (scopes, projects, wanted) in cases {
        let scopes = scopes.map(|all| all.into_iter().map(scope_id).collect::<Vec<_>>());
        let wanted: Vec<_> = users
            .iter()
            .filter(|user| wanted.iter().any(|number| user.id == user_id(*number)))
            .cloned()
            .collect();
        for limit in [1, 2, 3, 100] {
            let mut search = UserSearch {
                scopes: scopes.clone(),
                projects: projects.iter().map(|number| project(*number)).collect(),
                after: None,
                limit,
            };
            let mut paged = Vec::new();
            loop {
                let page = storage.users(&search).await.expect("it reads");
                assert!(page.len() <= limit as usize);
                let Some(last) = page.last() else { break };
                search.after = Some(last.id);
                paged.extend(page);
            }
            assert_eq!(paged, wanted, "{search:?}");
        }
    }
}

/// Tokens are listed newest first, without those that are over, of one person or of some scopes.
pub async fn tokens_are_listed(fixture: &dyn Fixture) {
    let storage = fixture.fresh().await;
    let mut tokens = Vec::new();
    for number in 1..=24_u8 {
        let of = if number % 2 == 0 { 1 } else { 2 };
        let kind = match number % 4 {
            0 | 1 => TokenKind::Invitation,
            2 => TokenKind::Session,
            _ => TokenKind::Api,
        };
        let mut token = token(number, kind, of);
        if kind == TokenKind::Invitation {
            token.scope = Some(match number % 3 {
                0 => reseller(),
                1 => merchant(),
                _ => customer(1, "c-1"),
            });
        }
        token.expires_at = START.plus_millis(i64::from(number) * 100);
        token.ended_at = (number % 7 == 0).then_some(START);
        tokens.push(token);
    }
    let change = PeopleChange {
        new_users: vec![operator(1), operator(2)],
        new_tokens: tokens.clone(),
        ..PeopleChange::default()
    };
    save(&*storage, change).await;
    let alive_at: Timestamp = tokens[4].expires_at;
    for kind in [TokenKind::Session, TokenKind::Api, TokenKind::Invitation] {
        for user in [None, Some(user_id(1)), Some(user_id(2)), Some(user_id(9))] {
            for scopes in [
                None,
                Some(vec![]),
                Some(vec![merchant()]),
                Some(vec![customer(1, "c-1"), reseller(), customer(1, "c-1")]),
            ] {
                let scopes = scopes.map(|all| all.into_iter().map(scope_id).collect::<Vec<_>>());
                let is_wanted = |token: &&TokenRecord| {
                    token.kind == kind
                        && user.is_none_or(|user| token.user_id == user)
                        && token.ended_at.is_none()
                        && token.expires_at > alive_at
                        && scopes.as_ref().is_none_or(|scopes| {
                            token.scope.is_some_and(|s| scopes.contains(&scope_id(s)))
                        })
                };
                let wanted: Vec<_> = tokens.iter().rev().filter(is_wanted).cloned().collect();
                for limit in [2, 100] {
                    let search = TokenSearch {
                        kind,
                        user_id: user,
                        alive_at,
                        scopes: scopes.clone(),
                        after: None,
                        limit,
                    };
                    let words = format!("{search:?}");
                    assert_eq!(pages(&*storage, search).await, wanted, "{words}");
                }
            }
        }
    }
}

async fn pages(storage: &dyn Storage, mut search: TokenSearch) -> Vec<TokenRecord> {
    let mut paged = Vec::new();
    loop {
        let page = storage.tokens(&search).await.expect("it reads");
        assert!(page.len() <= search.limit as usize);
        let Some(last) = page.last() else {
            return paged;
        };
        search.after = Some(last.id);
        paged.extend(page);
    }
}
