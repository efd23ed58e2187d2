//! Who may do what: roles, permissions, and the one table that joins them.

use serde::{Deserialize, Serialize};

use crate::{CustomerId, MerchantId, ProjectId, ResellerId};

/// Where in the tree of owners a person stands; everything below it is in reach, nothing beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum Scope {
    /// A reseller with all resellers, merchants and projects under it.
    Reseller(ResellerId),
    /// A merchant with its projects.
    Merchant(MerchantId),
    /// One customer of a project.
    Customer {
        /// The project.
        project_id: ProjectId,
        /// The customer.
        customer_id: CustomerId,
    },
}

/// What a person is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the installation; stands at the root reseller.
    RootOperator,
    /// Runs a reseller.
    ResellerOperator,
    /// Runs a merchant.
    MerchantOwner,
    /// Moves money back and looks at it.
    Finance,
    /// Helps payers: looks, and refunds nothing.
    Support,
    /// Connects shops: projects' keys and callbacks.
    Developer,
    /// Looks.
    ReadOnly,
    /// A customer of a project: own payments and balance.
    Customer,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 8] = [
        Self::RootOperator,
        Self::ResellerOperator,
        Self::MerchantOwner,
        Self::Finance,
        Self::Support,
        Self::Developer,
        Self::ReadOnly,
        Self::Customer,
    ];

    /// The word stored in databases and used by the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::RootOperator => "root_operator",
            Self::ResellerOperator => "reseller_operator",
            Self::MerchantOwner => "merchant_owner",
            Self::Finance => "finance",
            Self::Support => "support",
            Self::Developer => "developer",
            Self::ReadOnly => "read_only",
            Self::Customer => "customer",
        }
    }

    /// Reads [`word`](Self::word).
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Whether this role has this permission, within the person's scope.
    pub fn grants(self, permission: Permission) -> bool {
        permission.roles().contains(&self)
    }

    /// Whether a person with this role may stand at such a scope. The root operator's reseller must be
    /// the root one: whoever knows the tree checks it.
    pub const fn stands_at(self, scope: &Scope) -> bool {
        matches!(
            (self, scope),
            (
                Self::RootOperator | Self::ResellerOperator,
                Scope::Reseller(_)
            ) | (Self::MerchantOwner, Scope::Merchant(_))
                | (
                    Self::Finance | Self::Support | Self::Developer | Self::ReadOnly,
                    Scope::Reseller(_) | Scope::Merchant(_)
                )
                | (Self::Customer, Scope::Customer { .. })
        )
    }

    /// Whether somebody with this role may give `other` to a person. Nobody gives more than he has.
    pub fn may_give(self, other: Self) -> bool {
        match self {
            Self::RootOperator => true,
            Self::ResellerOperator => other != Self::RootOperator,
            Self::MerchantOwner => !matches!(other, Self::RootOperator | Self::ResellerOperator),
            Self::Finance | Self::Support | Self::Developer | Self::ReadOnly | Self::Customer => {
                false
            }
        }
    }
}

/// One thing that may be done in the back office.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// One's own sessions, password, second factor and API tokens.
    Own,
    /// See and change the registry of connectors.
    Connectors,
    /// See payment methods.
    MethodsView,
    /// Make, change and test payment methods.
    MethodsManage,
    /// See resellers, merchants and projects.
    TreeView,
    /// Make and change resellers and merchants.
    TreeManage,
    /// Change projects.
    ProjectsManage,
    /// Make and revoke the keys of projects, and say where their callbacks go.
    CredentialsManage,
    /// See payments with everything that belongs to them.
    PaymentsView,
    /// Register payments and begin tries.
    PaymentsCreate,
    /// Capture, void, cancel and refund payments.
    PaymentsManage,
    /// See what a person must look at.
    IncidentsView,
    /// Close what a person must look at.
    IncidentsResolve,
    /// See customers, their balances and statements.
    CustomersView,
    /// Give the money of a balance back.
    BalanceRefund,
    /// See the people in reach and their invitations.
    UsersView,
    /// Invite people, change their roles, disable them.
    UsersManage,
    /// Read the audit trail.
    AuditView,
}

use Role::{
    Customer, Developer, Finance, MerchantOwner, ReadOnly, ResellerOperator, RootOperator, Support,
};

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 18] = [
        Self::Own,
        Self::Connectors,
        Self::MethodsView,
        Self::MethodsManage,
        Self::TreeView,
        Self::TreeManage,
        Self::ProjectsManage,
        Self::CredentialsManage,
        Self::PaymentsView,
        Self::PaymentsCreate,
        Self::PaymentsManage,
        Self::IncidentsView,
        Self::IncidentsResolve,
        Self::CustomersView,
        Self::BalanceRefund,
        Self::UsersView,
        Self::UsersManage,
        Self::AuditView,
    ];

    /// The word used by the API, by tokens' permissions and in the docs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Connectors => "connectors",
            Self::MethodsView => "methods_view",
            Self::MethodsManage => "methods_manage",
            Self::TreeView => "tree_view",
            Self::TreeManage => "tree_manage",
            Self::ProjectsManage => "projects_manage",
            Self::CredentialsManage => "credentials_manage",
            Self::PaymentsView => "payments_view",
            Self::PaymentsCreate => "payments_create",
            Self::PaymentsManage => "payments_manage",
            Self::IncidentsView => "incidents_view",
            Self::IncidentsResolve => "incidents_resolve",
            Self::CustomersView => "customers_view",
            Self::BalanceRefund => "balance_refund",
            Self::UsersView => "users_view",
            Self::UsersManage => "users_manage",
            Self::AuditView => "audit_view",
        }
    }

    /// Reads [`word`](Self::word).
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    /// The table: which roles have it. `docs/roles.md` shows it, and a test compares the two.
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Own => &Role::ALL,
            Self::Connectors => &[RootOperator],
            Self::MethodsView => &[
                RootOperator,
                ResellerOperator,
                MerchantOwner,
                Support,
                Developer,
                ReadOnly,
            ],
            Self::MethodsManage => &[RootOperator, ResellerOperator],
            Self::TreeView => &[
                RootOperator,
                ResellerOperator,
                MerchantOwner,
                Finance,
                Support,
                Developer,
                ReadOnly,
            ],
            Self::TreeManage => &[RootOperator, ResellerOperator],
            Self::ProjectsManage => &[RootOperator, ResellerOperator, MerchantOwner, Developer],
            Self::CredentialsManage => &[RootOperator, ResellerOperator, MerchantOwner, Developer],
            Self::PaymentsView => &Role::ALL,
            Self::PaymentsCreate => &[
                RootOperator,
                ResellerOperator,
                MerchantOwner,
                Finance,
                Customer,
            ],
            Self::PaymentsManage => &[RootOperator, ResellerOperator, MerchantOwner, Finance],
            Self::IncidentsView => &[
                RootOperator,
                ResellerOperator,
                MerchantOwner,
                Finance,
                Support,
                ReadOnly,
            ],
            Self::IncidentsResolve => &[RootOperator, ResellerOperator],
            Self::CustomersView => &[
                RootOperator,
                ResellerOperator,
                MerchantOwner,
                Finance,
                Support,
                ReadOnly,
                Customer,
            ],
            Self::BalanceRefund => &[RootOperator, ResellerOperator, MerchantOwner, Finance],
            Self::UsersView => &[RootOperator, ResellerOperator, MerchantOwner],
            Self::UsersManage => &[RootOperator, ResellerOperator, MerchantOwner],
            Self::AuditView => &[RootOperator, ResellerOperator, MerchantOwner],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.word()), Some(role));
        }
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.word()), Some(permission));
        }
    }

    #[test]
    fn nobody_gives_more_than_he_has() {
        for giver in Role::ALL {
            for given in Role::ALL.into_iter().filter(|given| giver.may_give(*given)) {
                let more = Permission::ALL
                    .into_iter()
                    .find(|one| given.grants(*one) && !giver.grants(*one));
                assert_eq!(more, None, "{giver:?} gives {given:?}");
            }
        }
    }
}
