//! Who acts in the back office, and what is in reach.

use std::collections::BTreeSet;
use std::sync::Arc;

use altyn_domain::{
    CustomerId, MerchantId, Permission, Project, ProjectId, ResellerId, Role, Scope, TokenId,
    UserId,
};
use altyn_storage::ProjectKey;
use uuid::Uuid;

use crate::directory::Directory;
use crate::{Engine, OfficeError, Owner};

/// A person, or a program that acts for one, or a command of this program. Only the engine makes one.
#[derive(Debug, Clone)]
pub struct Caller {
    pub(crate) user_id: Option<UserId>,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// `None`: a command of this program, which reaches everything.
    pub(crate) scope: Option<Scope>,
    /// With an API token: what it may do, at most.
    pub(crate) token_permissions: Option<Vec<Permission>>,
    /// The session or token that was shown.
    pub(crate) token_id: Option<TokenId>,
    /// Whether only the caller's own second factor may be set up, and nothing else done.
    pub(crate) must_enrol: bool,
    /// Whether somebody else set the password: it is to be changed before anything else.
    pub(crate) must_change_password: bool,
}

impl Caller {
    /// A command of this program. Whoever may start the program with its key file may do everything.
    pub fn command(name: &str) -> Self {
        Self {
            user_id: None,
            name: name.to_owned(),
            role: Role::RootOperator,
            scope: None,
            token_permissions: None,
            token_id: None,
            must_enrol: false,
            must_change_password: false,
        }
    }

    /// The person's id; `None` for a command.
    pub fn user_id(&self) -> Option<UserId> {
        self.user_id
    }

    /// Who acts, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Where in the tree; `None` for a command.
    pub fn scope(&self) -> Option<Scope> {
        self.scope
    }

    /// The session or API token that was shown.
    pub fn token_id(&self) -> Option<TokenId> {
        self.token_id
    }

    /// Whether a program shows an API token, and not a person a session.
    pub fn is_token(&self) -> bool {
        self.token_permissions.is_some()
    }

    /// Whether the second factor must be set up before anything else.
    pub fn must_enrol(&self) -> bool {
        self.must_enrol
    }

    /// Whether the password must be changed before anything else, since somebody else set it.
    pub fn must_change_password(&self) -> bool {
        self.must_change_password
    }

    /// What no API token gives: with it a program could let somebody in who may do more than it may itself.
    pub const SESSION_ONLY: [Permission; 2] = [Permission::Own, Permission::UsersManage];

    /// Whether the caller has this permission, within reach.
    pub fn may(&self, permission: Permission) -> bool {
        let token = self.token_permissions.as_ref();
        let grants = |granted: &Vec<Permission>| {
            granted.contains(&permission) && !Self::SESSION_ONLY.contains(&permission)
        };
        self.role.grants(permission)
            && token.is_none_or(grants)
            && (permission == Permission::Own || !(self.must_enrol || self.must_change_password))
    }

    /// The permissions that the caller has.
    pub fn permissions(&self) -> impl Iterator<Item = Permission> + '_ {
        Permission::ALL.into_iter().filter(|one| self.may(*one))
    }

    /// Refuses a caller without this permission.
    ///
    /// # Errors
    /// [`OfficeError::Forbidden`].
    pub fn require(&self, permission: Permission) -> Result<(), OfficeError> {
        if self.may(permission) {
            Ok(())
        } else {
            Err(OfficeError::Forbidden(permission))
        }
    }
}

/// The part of the tree that a caller reaches, in one snapshot of the settings.
#[derive(Debug, Clone)]
pub struct Reach {
    pub(crate) directory: Arc<Directory>,
    /// Everything, things without an owner too.
    whole: bool,
    resellers: BTreeSet<ResellerId>,
    merchants: BTreeSet<MerchantId>,
    projects: BTreeSet<ProjectId>,
    customer: Option<CustomerId>,
}

impl Reach {
    pub(crate) fn new(directory: Arc<Directory>, caller: &Caller) -> Self {
        let mut reach = Self {
            whole: false,
            resellers: BTreeSet::new(),
            merchants: BTreeSet::new(),
            projects: BTreeSet::new(),
            customer: None,
            directory,
        };
        match caller.scope {
            None => reach.whole = true,
            Some(Scope::Reseller(id)) => {
                let found = reach.directory.resellers.get(&id);
                reach.whole = found.is_some_and(|reseller| reseller.parent.is_none());
                reach.add_below(id);
            }
            Some(Scope::Merchant(id)) => {
                if reach.directory.merchants.contains_key(&id) {
                    reach.merchants.insert(id);
                }
            }
            Some(Scope::Customer {
                project_id,
                customer_id,
            }) => {
                reach.customer = Some(customer_id);
                if reach.directory.projects.contains_key(&project_id) {
                    reach.projects.insert(project_id);
                }
            }
        }
        let directory = reach.directory.clone();
        if reach.whole {
            reach.resellers = directory.resellers.keys().copied().collect();
            reach.merchants = directory.merchants.keys().copied().collect();
            reach.projects = directory.projects.keys().copied().collect();
        }
        let owned = directory.owners.iter();
        let owned = owned.filter(|(_, merchant)| reach.merchants.contains(merchant));
        reach.projects.extend(owned.map(|(project, _)| *project));
        reach
    }

    fn add_below(&mut self, top: ResellerId) {
        let directory = self.directory.clone();
        let mut waiting = vec![top];
        while let Some(id) = waiting.pop() {
            if directory.resellers.contains_key(&id) && self.resellers.insert(id) {
                let children = directory.resellers.values();
                let children = children.filter(|child| child.parent == Some(id));
                waiting.extend(children.map(|child| child.id));
            }
        }
        let merchants = directory.merchants.values();
        let merchants = merchants.filter(|one| self.resellers.contains(&one.reseller_id));
        self.merchants = merchants.map(|merchant| merchant.id).collect();
    }

    /// Whether everything is in reach: the root operator's people and commands of this program.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether this reseller is.
    pub fn reseller(&self, id: ResellerId) -> bool {
        self.resellers.contains(&id)
    }

    /// Whether this merchant is.
    pub fn merchant(&self, id: MerchantId) -> bool {
        self.merchants.contains(&id)
    }

    /// This project, if it is.
    pub fn project(&self, id: ProjectId) -> Option<&Arc<Project>> {
        let project = self.projects.get(&id)?;
        self.directory.projects.get(project)
    }

    /// The one customer whose things alone are, if the caller is a customer.
    pub fn customer(&self) -> Option<CustomerId> {
        self.customer
    }

    /// Whether a payment or balance of this customer of that project is.
    pub fn holds(&self, project: ProjectId, customer: Option<CustomerId>) -> bool {
        self.projects.contains(&project) && (self.customer.is_none() || self.customer == customer)
    }

    /// All projects in reach.
    pub fn projects(&self) -> Vec<ProjectKey> {
        let found = self.projects.iter();
        let found = found.filter_map(|id| self.directory.projects.get(id));
        found.map(|project| (project.bucket, project.id)).collect()
    }

    /// The right to act for a project in reach.
    ///
    /// # Errors
    /// [`OfficeError::NotFound`] if it is not.
    pub fn owner(&self, project: ProjectId) -> Result<Owner, OfficeError> {
        let project = self.project(project).ok_or(OfficeError::NotFound)?;
        Ok(Owner {
            project: project.clone(),
            settings_version: self.directory.version,
            credential: None,
            only_payment: None,
        })
    }

    /// Whether something that stands at this place in the tree is in reach.
    pub fn scope(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Reseller(id) => self.reseller(*id),
            Scope::Merchant(id) => self.merchant(*id),
            Scope::Customer {
                project_id,
                customer_id,
            } => self.holds(*project_id, Some(*customer_id)),
        }
    }

    /// The ids of all owners in reach (resellers, merchants, projects), as the audit trail and the lists of
    /// people name them; `None` for everything.
    pub fn scope_ids(&self) -> Option<Vec<Uuid>> {
        if self.whole {
            return None;
        }
        let resellers = self.resellers.iter().map(|id| id.uuid());
        let merchants = self.merchants.iter().map(|id| id.uuid());
        let projects = self.projects.iter().map(|id| id.uuid());
        Some(resellers.chain(merchants).chain(projects).collect())
    }
}

impl Engine {
    /// What a caller reaches now.
    pub fn reach(&self, caller: &Caller) -> Reach {
        Reach::new(self.directory(), caller)
    }
}
