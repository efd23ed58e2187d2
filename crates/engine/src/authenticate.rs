//! Who is calling: credentials, and the owner handle that only authentication can make.

use std::net::IpAddr;
use std::sync::Arc;

use altyn_domain::{CredentialId, PaymentId, Project, ProjectId};
use ipnet::IpNet;

use crate::{Engine, EngineError};

/// The right to act for a project, under the settings of one version. Only [`Engine`] makes one: from a
/// credential, from an unguessable payment id, or for a timer of the project.
#[derive(Debug, Clone)]
pub struct Owner {
    pub(crate) project: Arc<Project>,
    pub(crate) settings_version: i64,
    pub(crate) credential: Option<CredentialId>,
    /// With a capability: the only payment it opens.
    pub(crate) only_payment: Option<PaymentId>,
}

impl Owner {
    /// The project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The project's id.
    pub fn project_id(&self) -> ProjectId {
        self.project.id
    }
}

/// Why a caller is not let in. All reasons look alike outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationError {
    /// No such login, wrong password, or revoked.
    #[error("access denied")]
    Denied,
    /// The login is known, and the signature is not by its key.
    #[error("wrong signature")]
    SignatureWrong,
    /// Right, but not from this address.
    #[error("access denied from this address")]
    AddressNotAllowed,
}

/// A secret that is shown once and never stored in clear.
#[derive(Clone, PartialEq, Eq, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct Secret(pub(crate) String);

impl Secret {
    /// A secret that somebody typed in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// A credential to be made.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// The dialect it is for.
    pub dialect: String,
    /// The login of a password; `None` makes a token, whose whole text is the secret.
    pub login: Option<String>,
    /// Networks it may be used from; empty for anywhere.
    pub allow_list: Vec<IpNet>,
}

/// A credential in memory.
#[derive(Debug, Clone)]
pub(crate) struct Credential {
    pub id: CredentialId,
    pub project_id: ProjectId,
    pub secret_hash: Vec<u8>,
    pub allow_list: Vec<IpNet>,
}

impl Credential {
    fn admits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let allowed = &self.allow_list;
        allowed.is_empty() || allowed.iter().any(|network| network.contains(&address))
    }
}

/// How a credential is looked up: dialect, `password`, `token` or `key`, login.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CredentialKey {
    pub dialect: String,
    pub kind: &'static str,
    pub login: String,
}

/// Stands for the key of a login that does not exist.
const NO_KEY: &str = "no such key";

/// How many leading characters of a token are its public part.
pub(crate) const TOKEN_LOGIN: usize = 8;

impl Engine {
    /// Lets a caller in by login and password.
    ///
    /// # Errors
    /// See [`AuthenticationError`].
    pub fn authenticate_password(
        &self,
        dialect: &str,
        login: &str,
        password: &str,
        address: IpAddr,
    ) -> Result<Owner, AuthenticationError> {
        let (dialect, login) = (dialect.to_owned(), login.to_owned());
        self.authenticate(
            CredentialKey {
                dialect,
                kind: "password",
                login,
            },
            password,
            address,
        )
    }

    /// Lets a caller in by a token.
    ///
    /// # Errors
    /// See [`AuthenticationError`].
    pub fn authenticate_token(
        &self,
        dialect: &str,
        token: &str,
        address: IpAddr,
    ) -> Result<Owner, AuthenticationError> {
        let login = token
            .get(..TOKEN_LOGIN)
            .ok_or(AuthenticationError::Denied)?
            .to_owned();
        let dialect = dialect.to_owned();
        self.authenticate(
            CredentialKey {
                dialect,
                kind: "token",
                login,
            },
            token,
            address,
        )
    }

    fn authenticate(
        &self,
        key: CredentialKey,
        secret: &str,
        address: IpAddr,
    ) -> Result<Owner, AuthenticationError> {
        let directory = self.directory();
        let Some(credential) = directory.credentials.get(&key) else {
            // Spend the same time as with a known login.
            self.vault().verify(secret, &[0; 32]);
            return Err(AuthenticationError::Denied);
        };
        if !self.vault().verify(secret, &credential.secret_hash) {
            return Err(AuthenticationError::Denied);
        }
        if !credential.admits(address) {
            return Err(AuthenticationError::AddressNotAllowed);
        }
        let project = directory.projects.get(&credential.project_id);
        Ok(Owner {
            project: project.ok_or(AuthenticationError::Denied)?.clone(),
            settings_version: directory.version,
            credential: Some(credential.id),
            only_payment: None,
        })
    }

    /// Lets a caller in whose request is signed with a key that the project `login` shares with us in this
    /// dialect. `verify` checks the signature with that key, in a time that does not depend on it. A request
    /// that a payer's browser carries has no address of the shop's: it may come from anywhere.
    ///
    /// # Errors
    /// See [`AuthenticationError`].
    pub fn authenticate_signed(
        &self,
        dialect: &str,
        login: &str,
        address: impl Into<Option<IpAddr>>,
        verify: impl FnOnce(&str) -> bool,
    ) -> Result<Owner, AuthenticationError> {
        let key = CredentialKey {
            dialect: dialect.to_owned(),
            kind: "key",
            login: login.to_owned(),
        };
        let directory = self.directory();
        let credential = directory.credentials.get(&key);
        let project = credential.and_then(|found| directory.projects.get(&found.project_id));
        let shared = project.and_then(|project| project.shared_key(dialect, login));
        let (Some(credential), Some(project), Some(shared)) = (credential, project, shared) else {
            // Spend the time that a known login costs.
            verify(NO_KEY);
            return Err(AuthenticationError::Denied);
        };
        if !verify(shared.secret.expose()) {
            return Err(AuthenticationError::SignatureWrong);
        }
        if address
            .into()
            .is_some_and(|address| !credential.admits(address))
        {
            return Err(AuthenticationError::AddressNotAllowed);
        }
        Ok(Owner {
            project: project.clone(),
            settings_version: directory.version,
            credential: Some(credential.id),
            only_payment: None,
        })
    }

    /// The right to open one payment, from its unguessable id.
    ///
    /// # Errors
    /// If the database cannot be read. `None` if there is no such payment.
    pub async fn open_payment(
        &self,
        id: PaymentId,
    ) -> Result<Option<(Owner, altyn_domain::Payment)>, EngineError> {
        let Some(payment) = self.storage().payment_by_capability(id).await? else {
            return Ok(None);
        };
        let Some(mut owner) = self.owner_of(payment.project_id) else {
            return Ok(None);
        };
        owner.only_payment = Some(id);
        Ok(Some((owner, payment)))
    }

    /// The right to act for a project, for the engine's own timers.
    pub(crate) fn owner_of(&self, project: ProjectId) -> Option<Owner> {
        let directory = self.directory();
        let project = directory.projects.get(&project)?.clone();
        let settings_version = directory.version;
        Some(Owner {
            project,
            settings_version,
            credential: None,
            only_payment: None,
        })
    }
}
