//! Shapes that many end points share: instants, roles, permissions, places in the tree of owners.

use std::borrow::Cow;

use altyn_domain::{
    CustomerId, MerchantId, Permission, ProjectId, ResellerId, Role, Scope, Timestamp,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::extract::id_in;
use super::problem::Problem;

/// An instant, written as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant(pub Timestamp);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let instant = jiff::Timestamp::from_microsecond(self.0.as_micros());
        serializer.collect_str(&instant.unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        let read: Result<jiff::Timestamp, _> = text.parse();
        let instant = read.map_err(|_| D::Error::custom("is not an instant of RFC 3339"))?;
        Ok(Self(Timestamp::from_micros(instant.as_microsecond())))
    }
}

impl PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("An instant: RFC 3339, in UTC."))
            .examples(["2026-11-22T09:30:00Z"])
            .into()
    }
}

impl ToSchema for Instant {
    fn name() -> Cow<'static, str> {
        "Instant".into()
    }
}

/// A role by its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoleWord(pub Role);

impl PartialSchema for RoleWord {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("What a person is there for."))
            .enum_values(Some(Role::ALL.map(Role::word)))
            .into()
    }
}

impl ToSchema for RoleWord {
    fn name() -> Cow<'static, str> {
        "Role".into()
    }
}

/// A permission by its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PermissionWord(pub Permission);

impl PartialSchema for PermissionWord {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("One thing that may be done."))
            .enum_values(Some(Permission::ALL.map(Permission::word)))
            .into()
    }
}

impl ToSchema for PermissionWord {
    fn name() -> Cow<'static, str> {
        "Permission".into()
    }
}

/// What kind of place in the tree of owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlaceKind {
    /// A reseller with all that is under it.
    Reseller,
    /// A merchant with its projects.
    Merchant,
    /// One customer of a project.
    Customer,
}

/// A place in the tree of owners. What lies below it is in the person's reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "merchant", "id": "mrc_019f0e6b7c107a3f8b2c4d5e6f708192"}))]
pub struct Place {
    /// What kind.
    pub kind: PlaceKind,
    /// The id of the reseller, merchant or customer.
    pub id: String,
    /// With a customer: the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
}

impl From<Scope> for Place {
    fn from(scope: Scope) -> Self {
        let (kind, id, project_id) = match scope {
            Scope::Reseller(id) => (PlaceKind::Reseller, id.to_string(), None),
            Scope::Merchant(id) => (PlaceKind::Merchant, id.to_string(), None),
            Scope::Customer {
                project_id,
                customer_id,
            } => {
                let project_id = Some(project_id.to_string());
                (PlaceKind::Customer, customer_id.to_string(), project_id)
            }
        };
        Self {
            kind,
            id,
            project_id,
        }
    }
}

impl Place {
    /// The place, read from the field of this name.
    ///
    /// # Errors
    /// If an id is none, or a project stands where none belongs.
    pub fn read(&self, field: &str) -> Result<Scope, Problem> {
        let id = format!("{field}.id");
        let project = format!("{field}.project_id");
        if self.project_id.is_some() != (self.kind == PlaceKind::Customer) {
            let message = "belongs to a customer, and only there";
            return Err(Problem::invalid_field(&project, message));
        }
        Ok(match self.kind {
            PlaceKind::Reseller => Scope::Reseller(id_in::<ResellerId>(&id, &self.id)?),
            PlaceKind::Merchant => Scope::Merchant(id_in::<MerchantId>(&id, &self.id)?),
            PlaceKind::Customer => {
                let text = self.project_id.as_deref().unwrap_or_default();
                Scope::Customer {
                    project_id: id_in::<ProjectId>(&project, text)?,
                    customer_id: id_in::<CustomerId>(&id, &self.id)?,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_they_are_read() {
        let at = Instant(Timestamp::from_micros(1_795_305_600_123_456));
        let text = serde_json::to_string(&at).unwrap();
        assert_eq!(text, "\"2026-11-22T00:00:00.123456Z\"");
        assert_eq!(serde_json::from_str::<Instant>(&text).unwrap(), at);
        let east: Instant = serde_json::from_str("\"2026-11-22T05:00:00.123456+05:00\"").unwrap();
        assert_eq!(east, at);
        for wrong in ["\"2026-11-22\"", "1795305600", "\"now\"", "null"] {
            assert!(serde_json::from_str::<Instant>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn words_are_those_of_the_domain() {
        for role in Role::ALL {
            let text = serde_json::to_string(&RoleWord(role)).unwrap();
            assert_eq!(text, format!("\"{}\"", role.word()));
        }
        for one in Permission::ALL {
            let text = serde_json::to_string(&PermissionWord(one)).unwrap();
            assert_eq!(text, format!("\"{}\"", one.word()));
        }
    }
}
