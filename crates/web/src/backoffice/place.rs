//! Places in the tree of owners.

use altyn_domain::{CustomerId, MerchantId, ProjectId, ResellerId, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::id_in;
use super::problem::Problem;

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
