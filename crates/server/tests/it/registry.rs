//! The registry of connectors, payment methods of resellers and the tree of owners, on both databases.

use altyn_domain::{
    AmountRange, ConnectorId, Currency, Language, MerchantId, MethodKind, Permission, ProjectId,
    RefundAbility, ResellerId, Role, Scope, SurplusPolicy,
};
use altyn_engine::{
    AuditQuery, Caller, ConnectorChange, CredentialKind, Engine, Flaw, Form, KeyRotation,
    MethodAbilities, MethodChange, MethodConnector, MethodFacts, MethodName, MethodView,
    NewConnector, NewMethod, Offer, OfficeError, OwnerRef, ProjectChange, ProjectFacts, Secret,
};
use serde_json::{Value, json};

use crate::connector::{Connector, KEY};
use crate::docs;
use crate::gate::Database;
use crate::office::Office;

/// Runs each case on both databases.
macro_rules! on_both {
    ($($case:ident),*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                Box::pin(super::$case(crate::gate::Database::Sqlite)).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $case() {
                Box::pin(super::$case(crate::gate::Database::Postgres)).await;
            })*
        }
    };
}
pub(crate) use on_both;

fn schema() -> Value {
    json!([
        {"type": "string", "key": "account", "label": "Account", "required": true},
        {"type": "password", "key": "api_key", "label": "Key"},
    ])
}

fn new_connector(name: &str, url: &str) -> NewConnector {
    NewConnector {
        name: name.to_owned(),
        url: url.to_owned(),
        processing_period_min: Some(10),
        schema: schema(),
        static_values: json!({"partner": "altyn"}),
        key: None,
        allow_http: false,
    }
}

fn facts(name: &str, offer: Offer) -> MethodFacts {
    MethodFacts {
        name: MethodName::One(name.to_owned()),
        kind: MethodKind::Wallet,
        ranges: vec![AmountRange {
            currency: Currency::KZT,
            min: 100,
            max: 1_000_000,
        }],
        countries: vec!["KZ".to_owned()],
        customer_kinds: Vec::new(),
        abilities: MethodAbilities {
            refunds: RefundAbility::Full,
            ..MethodAbilities::default()
        },
        position: 0,
        active: true,
        offer,
        processing_period_min: None,
        provider: altyn_domain::ProviderNumbers::default(),
    }
}

fn new_method(
    reseller_id: ResellerId,
    connector: MethodConnector,
    settings: Value,
    facts: MethodFacts,
) -> NewMethod {
    NewMethod {
        reseller_id,
        connector,
        settings,
        facts,
    }
}

pub fn project_facts(slug: &str) -> ProjectFacts {
    ProjectFacts {
        name: format!("Shop {slug}"),
        slug: slug.to_owned(),
        default_currency: Currency::KZT,
        currencies: vec![Currency::KZT],
        language: Language::En,
        session_timeout_min: 20,
        tries_max: 3,
        surplus: SurplusPolicy::Return,
        balances: false,
    }
}

/// What is wrong, place by place; or the code.
pub fn told<T>(result: Result<T, OfficeError>) -> Vec<String> {
    match result {
        Ok(_) => Vec::new(),
        Err(OfficeError::Invalid(flaws)) => flaws
            .into_iter()
            .map(|flaw| format!("{}: {}", flaw.field, flaw.message))
            .collect(),
        Err(OfficeError::Conflict(code, _)) => vec![code.to_owned()],
        Err(OfficeError::NotFound) => vec!["not_found".to_owned()],
        Err(OfficeError::Forbidden(_) | OfficeError::Rank(_)) => vec!["forbidden".to_owned()],
        Err(OfficeError::Stale) => vec!["stale".to_owned()],
        Err(OfficeError::Engine(error)) => panic!("{error:?}"),
    }
}

/// A reseller under the root, a merchant under it and a project of that.
pub struct Branch {
    pub reseller: ResellerId,
    pub merchant: MerchantId,
    pub project: ProjectId,
}

pub async fn branch(office: &Office, slug: &str) -> Branch {
    let (engine, root) = (&office.engine, &office.root);
    let reseller = engine.create_reseller(root, office.root_reseller, slug);
    let reseller = reseller.await.expect("a reseller").id;
    let merchant = engine.create_merchant(root, reseller, slug);
    let merchant = merchant.await.expect("a merchant").id;
    let project = engine.create_merchant_project(root, merchant, project_facts(slug));
    Branch {
        reseller,
        merchant,
        project: project.await.expect("a project").id,
    }
}

/// Every line of the audit trail.
async fn trail(engine: &Engine, caller: &Caller) -> String {
    let page = engine.audit_trail(caller, AuditQuery::default(), None, 200);
    let entries = page.await.expect("it can be read");
    let lines = entries.iter();
    let lines: Vec<String> = lines
        .map(|entry| format!("{} {}", entry.action, entry.detail))
        .collect();
    lines.join("\n")
}

async fn connectors_live(kind: Database) {
    let office = Office::open(kind).await;
    let (engine, root) = (&office.engine, &office.root);
    let example = Connector::start().await;
    let mut new = new_connector("Example", &example.url);
    new.key = Some(Secret::new(KEY));
    let (made, key) = engine.create_connector(root, new).await.expect("made");
    assert_eq!(key.expose(), KEY);
    assert_eq!((made.instances, made.key_hint.as_str()), (0, "whsec_…LaSw"));
    let asked = engine.describe_connector(root, made.id, None).await;
    let asked = asked.expect("it answers");
    assert!(asked.test && asked.not_found_final_after_ms.is_some());
    // While a key is replaced, a connector that knows only the old one is still spoken to.
    let rotation = |overlap_hours| KeyRotation {
        overlap_hours,
        key: None,
    };
    let fresh = engine.rotate_key(root, made.id, rotation(1), None).await;
    let fresh = fresh.expect("rotated").expose().to_owned();
    assert!(
        fresh.starts_with("whsec_") && fresh.len() == 50,
        "a new key"
    );
    let asked = engine.describe_connector(root, made.id, None).await;
    asked.expect("both keys are valid");
    let view = engine.connector_view(root, made.id).expect("it is there");
    let (old_hint, _) = view.old_key.expect("the old key is valid too");
    assert_eq!(
        (old_hint.as_str(), &view.key_hint[9..]),
        ("whsec_…LaSw", &fresh[46..])
    );
    engine
        .rotate_key(root, made.id, rotation(0), None)
        .await
        .expect("rotated");
    let asked = engine.describe_connector(root, made.id, None).await;
    assert_eq!(told(asked), ["not_described"], "no old key any more");
    let long = engine.rotate_key(root, made.id, rotation(721), None).await;
    assert_eq!(told(long), ["overlap_hours: must be 0 to 720"]);
    let (_, key) = {
        let new = new_connector("Other", "https://gateway.example/altyn");
        engine.create_connector(root, new).await.expect("made")
    };
    let lines = trail(engine, root).await;
    for secret in [KEY, &fresh, key.expose()] {
        assert!(!lines.contains(secret), "a key is in the trail");
    }
    for action in [
        "connector.created",
        "connector.described",
        "connector.key_rotated",
    ] {
        assert!(lines.contains(action), "{action} in\n{lines}");
    }
    assert!(
        engine
            .verify_trail()
            .await
            .expect("checked")
            .findings
            .is_empty()
    );
}

async fn connectors_are_listed_by_name(kind: Database) {
    let office = Office::open(kind).await;
    let (engine, root) = (&office.engine, &office.root);
    let url = "https://gateway.example/altyn";
    let other = engine.create_connector(root, new_connector("Other", url));
    let (other, _) = other.await.expect("made");
    let example = engine.create_connector(root, new_connector("Example", url));
    example.await.expect("made");
    let names: Vec<String> = engine
        .connectors(root)
        .expect("a list")
        .into_iter()
        .map(|view| view.name)
        .collect();
    assert_eq!(names, ["Example", "Other"]);
    engine
        .delete_connector(root, other.id, None)
        .await
        .expect("deleted");
    assert_eq!(told(engine.connector_view(root, other.id)), ["not_found"]);
}

async fn connectors_are_checked(kind: Database) {
    let office = Office::open(kind).await;
    let (engine, root) = (&office.engine, &office.root);
    let wrong = NewConnector {
        name: " ".to_owned(),
        url: "http://gateway.example/".to_owned(),
        processing_period_min: Some(0),
        schema: json!([{"type": "select", "key": "a"}]),
        static_values: json!([]),
        key: Some(Secret::new("whsec_short")),
        allow_http: false,
    };
    let rule = "must be https://…, or http://… on this machine, without a user or a #";
    assert_eq!(
        told(engine.create_connector(root, wrong).await),
        [
            "name: must be a text of 1 to 200 characters",
            "static: must be a JSON object",
            "processing_period_min: must be 1 to 43200 whole minutes",
            "schema[0].options: required for type select",
            &format!("url: {rule}"),
            "key: must be whsec_ and 24 to 64 bytes in Base64",
        ]
    );
    let url = "https://gateway.example/";
    let (made, _) = engine
        .create_connector(root, new_connector("One", url))
        .await
        .expect("made");
    let mut twice = new_connector("ONE", url);
    twice.static_values = json!({"account": "1"});
    assert_eq!(
        told(engine.create_connector(root, twice).await),
        [
            "name: another connector has this name",
            "static.account: is a setting of the schema too",
        ]
    );
    let rename = |name: &str| ConnectorChange {
        name: Some(name.to_owned()),
        ..ConnectorChange::default()
    };
    let renamed = engine
        .update_connector(root, made.id, rename("Two"), Some(made.etag()))
        .await
        .expect("changed");
    assert_ne!(renamed.etag(), made.etag());
    let stale = engine.update_connector(root, made.id, rename("Three"), Some(made.etag()));
    assert_eq!(told(stale.await), ["stale"]);
    // Below the root nobody sees or touches the registry, whatever the role.
    let branch = branch(&office, "one").await;
    let below = Scope::Reseller(branch.reseller);
    for role in [Role::ResellerOperator, Role::ReadOnly] {
        let person = office.person(role, below).await;
        assert!(!person.may(Permission::Connectors));
        assert_eq!(told(engine.connectors(&person)), ["forbidden"]);
        let new = new_connector("Mine", url);
        assert_eq!(
            told(engine.create_connector(&person, new).await),
            ["forbidden"]
        );
        let gone = engine.delete_connector(&person, made.id, None).await;
        assert_eq!(told(gone), ["forbidden"]);
    }
}

/// Two branches, a connector, a method that the root offers to all, and one that the first branch's reseller
/// offers to its merchant.
struct Offered {
    office: Office,
    one: Branch,
    two: Branch,
    operator: Caller,
    connector: ConnectorId,
    made: MethodView,
    own: MethodView,
}

impl Offered {
    async fn open(kind: Database) -> Self {
        let office = Office::open(kind).await;
        let (engine, root) = (&office.engine, &office.root);
        let (one, two) = (branch(&office, "one").await, branch(&office, "two").await);
        let connector = new_connector("Gate", "https://gateway.example/");
        let (connector, _) = engine
            .create_connector(root, connector)
            .await
            .expect("made");
        let from = MethodConnector::Registered(connector.id);
        let settings = json!({"account": "shop-7", "api_key": "s3cr3t"});
        let mut everybody = facts("Wallet", Offer::All);
        everybody.position = 5;
        let new = new_method(
            office.root_reseller,
            from.clone(),
            settings.clone(),
            everybody,
        );
        let made = engine.create_method(root, new).await.expect("made");
        let below = Scope::Reseller(one.reseller);
        let operator = office.person(Role::ResellerOperator, below).await;
        let only = Offer::Owners(vec![OwnerRef::Merchant(one.merchant)]);
        let new = new_method(one.reseller, from, settings, facts("Own", only));
        let own = engine.create_method(&operator, new).await.expect("made");
        Self {
            connector: connector.id,
            one,
            two,
            operator,
            made,
            own,
            office,
        }
    }

    /// The active methods of a project.
    fn ids(&self, project: ProjectId) -> Vec<String> {
        let project = self.office.engine.project(project).expect("it is there");
        let methods = project.settings.methods.iter().filter(|one| one.active);
        methods.map(|one| one.id.clone()).collect()
    }
}

async fn methods_reach_projects(kind: Database) {
    let office = Office::open(kind).await;
    let (engine, root) = (&office.engine, &office.root);
    let one = branch(&office, "one").await;
    let (connector, key) = engine
        .create_connector(root, new_connector("Gate", "https://gateway.example/"))
        .await
        .expect("made");
    let from = MethodConnector::Registered(connector.id);
    let settings = json!({"account": "shop-7", "api_key": "s3cr3t"});
    let everybody = facts("Wallet", Offer::All);
    let new = new_method(
        office.root_reseller,
        from.clone(),
        settings.clone(),
        everybody,
    );
    let made = engine.create_method(root, new).await.expect("made");
    let own = made.own.clone().expect("the operator's own");
    assert_eq!(Value::Object(own.settings), json!({"account": "shop-7"}));
    assert_eq!(own.secrets, ["api_key"]);
    let listed = engine.project(one.project).expect("it is there");
    let method = listed
        .method(&made.id.to_string())
        .expect("offered")
        .clone();
    assert!(method.active && method.connector == "remote" && method.title == "Wallet");
    assert_eq!(method.processing_period_ms, 600_000);
    let set = &method.settings.0;
    assert_eq!(set["base_url"], "https://gateway.example/");
    assert_eq!(set["key"], key.expose());
    assert_eq!(
        set["settings"],
        r#"{"account":"shop-7","api_key":"s3cr3t"}"#
    );
    assert_eq!(set["static"], r#"{"partner":"altyn"}"#);
}

async fn methods_are_seen_from_below(kind: Database) {
    let all = Offered::open(kind).await;
    let (engine, one, two) = (&all.office.engine, &all.one, &all.two);
    let (office, operator, made, own) = (&all.office, &all.operator, &all.made, &all.own);
    // A reseller's own method comes by its position and reaches its own branch only.
    assert_eq!(
        all.ids(one.project),
        [own.id.to_string(), made.id.to_string()]
    );
    assert_eq!(all.ids(two.project), [made.id.to_string()]);
    // From below, a method is seen without its settings, and not touched.
    let seen = engine.method_view(operator, made.id).expect("seen");
    assert!(seen.own.is_none());
    assert_eq!(
        told(engine.delete_method(operator, made.id, None).await),
        ["not_found"]
    );
    let merchant = office
        .person(Role::MerchantOwner, Scope::Merchant(one.merchant))
        .await;
    assert_eq!(engine.methods(&merchant).expect("a list").len(), 2);
    let other = office
        .person(Role::MerchantOwner, Scope::Merchant(two.merchant))
        .await;
    assert_eq!(engine.methods(&other).expect("a list").len(), 1);
    let offered = engine
        .project_methods(&merchant, one.project)
        .expect("a list");
    assert_eq!(offered.len(), 2);
    assert_eq!(
        told(engine.project_methods(&other, one.project)),
        ["not_found"]
    );
}

async fn what_is_in_use_stays(kind: Database) {
    let all = Offered::open(kind).await;
    let (engine, root, one) = (&all.office.engine, &all.office.root, &all.one);
    // In use: the schema is frozen and the connector stays.
    assert_eq!(engine.connectors(root).expect("a list")[0].instances, 2);
    let schema = ConnectorChange {
        schema: Some(json!([])),
        ..ConnectorChange::default()
    };
    let frozen = engine.update_connector(root, all.connector, schema, None);
    assert_eq!(told(frozen.await), ["schema_frozen"]);
    let gone = engine.delete_connector(root, all.connector, None).await;
    assert_eq!(told(gone), ["in_use"]);
    // A change of a project does not swallow what is only offered to it.
    let changed = ProjectChange {
        tries_max: Some(9),
        ..ProjectChange::default()
    };
    let view = engine
        .change_project(root, one.project, changed, None)
        .await;
    assert_eq!(view.expect("changed").facts.tries_max, 9);
    let key = CredentialKind::Key { number: 7 };
    let made_key = engine.create_project_credential(root, one.project, "ecommpay", key, vec![]);
    made_key.await.expect("made");
    let settings = engine
        .project(one.project)
        .expect("it is there")
        .settings
        .clone();
    engine
        .update_project(one.project, &settings)
        .await
        .expect("changed");
    assert_eq!(all.ids(one.project).len(), 2);
}

async fn deleted_methods_serve_what_was_begun(kind: Database) {
    let all = Offered::open(kind).await;
    let (engine, root, one) = (&all.office.engine, &all.office.root, &all.one);
    // Deleted methods begin nothing, and what was begun by them can still be looked after.
    engine
        .delete_method(&all.operator, all.own.id, None)
        .await
        .expect("deleted");
    engine
        .delete_method(root, all.made.id, None)
        .await
        .expect("deleted");
    assert!(all.ids(one.project).is_empty());
    let project = engine.project(one.project).expect("it is there");
    let kept = project
        .method(&all.made.id.to_string())
        .expect("it is there");
    assert!(!kept.active && kept.settings.0["settings"].contains("s3cr3t"));
    engine
        .delete_connector(root, all.connector, None)
        .await
        .expect("deleted");
    let project = engine.project(one.project).expect("it is there");
    let kept = project
        .method(&all.made.id.to_string())
        .expect("it is there");
    assert_eq!(kept.settings.0["base_url"], "https://gateway.example/");
    let lines = trail(engine, root).await;
    assert!(!lines.contains("s3cr3t"), "{lines}");
}

async fn methods_are_checked(kind: Database) {
    let office = Office::open(kind).await;
    let (engine, root) = (&office.engine, &office.root);
    let (one, two) = (branch(&office, "one").await, branch(&office, "two").await);
    let bank = MethodConnector::Builtin("sandbox-bank".to_owned());
    let mut wrong = facts("", Offer::Owners(vec![OwnerRef::Project(two.project)]));
    wrong.ranges.push(AmountRange {
        currency: Currency::KZT,
        min: 0,
        max: -1,
    });
    wrong.countries = vec!["kz".to_owned()];
    let new = new_method(
        one.reseller,
        bank.clone(),
        json!({"base_url": "x", "y": 1}),
        wrong,
    );
    assert_eq!(
        told(engine.create_method(root, new).await),
        [
            "name: must be a text of 1 to 200 characters",
            "currencies[1].currency: is there twice",
            "currencies[1].min: must be 1 at least",
            "currencies[1].max: is less than min",
            "countries[0]: must be two capital letters (ISO 3166-1)",
            "kind: this connector takes cards: card",
            "offered_to[0]: is not under the reseller",
            "settings.y: no such setting",
            "settings.terminal_key: required",
            r"settings.base_url: must match ^https?://[^\s]+$",
        ]
    );
    let none = MethodConnector::Builtin("remote".to_owned());
    let new = new_method(one.reseller, none, json!({}), facts("A", Offer::All));
    assert_eq!(
        told(engine.create_method(root, new).await),
        ["connector: no such connector"]
    );
}

async fn settings_are_kept_and_changed(kind: Database) {
    let office = Office::open(kind).await;
    let (engine, root) = (&office.engine, &office.root);
    let (one, two) = (branch(&office, "one").await, branch(&office, "two").await);
    let bank = MethodConnector::Builtin("sandbox-bank".to_owned());
    // Only who runs the installation has gateways called in its own network.
    let settings = json!({"base_url": "http://127.0.0.1:1", "terminal_key": "t"});
    let mut cards = facts("Cards", Offer::All);
    cards.kind = MethodKind::Card;
    let new = new_method(one.reseller, bank, settings, cards);
    let operator = office
        .person(Role::ResellerOperator, Scope::Reseller(one.reseller))
        .await;
    let refused = engine.create_method(&operator, new.clone()).await;
    assert_eq!(
        told(refused),
        ["settings.base_url: must be an address that the root reseller's methods use"]
    );
    let made = engine.create_method(root, new.clone()).await.expect("made");
    let foreign = NewMethod {
        reseller_id: two.reseller,
        ..new
    };
    let refused = engine.create_method(&operator, foreign).await;
    assert_eq!(told(refused), ["reseller_id: no such reseller"]);
    let project = engine.project(one.project).expect("it is there");
    let method = project.method(&made.id.to_string()).expect("offered");
    assert_eq!(
        method.processing_period_ms, 300_000,
        "cards have five minutes"
    );
    // A secret that is left out stays; one that is null goes, and here it is needed.
    let settings = |settings: Value| MethodChange {
        settings: Some(settings),
        ..MethodChange::default()
    };
    let stays = settings(json!({"base_url": "http://127.0.0.1:2"}));
    let changed = engine
        .update_method(root, made.id, stays, Some(made.etag()))
        .await;
    let changed = changed.expect("changed");
    let project = engine.project(one.project).expect("it is there");
    let method = project.method(&made.id.to_string()).expect("offered");
    assert_eq!(method.settings.0["terminal_key"], "t");
    assert_eq!(method.settings.0["base_url"], "http://127.0.0.1:2");
    let goes = settings(json!({"base_url": "http://127.0.0.1:2", "terminal_key": null}));
    let refused = engine.update_method(root, made.id, goes, None).await;
    assert_eq!(told(refused), ["settings.terminal_key: required"]);
    let again = engine.update_method(root, made.id, MethodChange::default(), Some(made.etag()));
    assert_eq!(told(again.await), ["stale"]);
    let asked = engine.describe_method(root, made.id).await;
    assert_eq!(told(asked), ["not_supported"]);
    assert_ne!(changed.etag(), made.etag());
    let choices = engine.connector_choices(&operator).expect("a list");
    let names: Vec<&str> = choices.iter().map(|choice| choice.name.as_str()).collect();
    assert_eq!(names, ["cashfree", "sandbox-bank"]);
}

on_both!(
    connectors_live,
    connectors_are_listed_by_name,
    connectors_are_checked,
    methods_reach_projects,
    methods_are_seen_from_below,
    what_is_in_use_stays,
    deleted_methods_serve_what_was_begun,
    methods_are_checked,
    settings_are_kept_and_changed
);

/// What the page of the registry shows: each schema is taken or refused with the flaws behind it, and so are
/// the values that follow it.
#[test]
fn the_page_shows_what_is_taken_and_refused() {
    let page = "docs/connectors-registry.md";
    let mut form: Option<Form> = None;
    let mut flaws: Option<Vec<String>> = None;
    let mut seen = 0;
    let settle = |flaws: Option<Vec<String>>, shown: &str, place: &str| {
        let told = flaws.unwrap_or_default().join("\n");
        assert_eq!(told, shown.trim_end(), "{place}");
    };
    let lines = |flaws: Vec<Flaw>| {
        let lines = flaws.into_iter();
        lines
            .map(|flaw| format!("{}: {}", flaw.field, flaw.message))
            .collect()
    };
    for block in docs::blocks(page) {
        match block.info.as_str() {
            "text,flaws" => settle(flaws.take(), &block.text, &block.place()),
            "json,schema" => {
                settle(flaws.take(), "", &block.place());
                let schema = serde_json::from_str(&block.text).expect("JSON");
                match Form::parse(&schema) {
                    Ok(read) => form = Some(read),
                    Err(wrong) => flaws = Some(lines(wrong)),
                }
            }
            "json,values" => {
                settle(flaws.take(), "", &block.place());
                let values = serde_json::from_str(&block.text).expect("JSON");
                let form = form.as_ref().expect("a schema stands before");
                flaws = form.check(values).err().map(lines);
            }
            _ => continue,
        }
        seen += 1;
    }
    settle(flaws, "", page);
    assert_eq!(seen, 11, "blocks of the page");
}
