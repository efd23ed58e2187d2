//! The engine: what every use case needs, in one place.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use altyn_domain::{
    Answer, CallbackFormat, Command, Connector, OperationId, Payment, Refusal, Timestamp,
};
use altyn_storage::{Lease, Request, Storage};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::directory::Directory;
use crate::handover::{Handed, Handover};
use crate::http::HttpClient;
use crate::notices::Asked;
use crate::office::Looked;
use crate::people::PasswordDesk;
use crate::receivers::Receivers;
use crate::trail::TrailWriter;
use crate::writer::{Writer, WriterHandle};
use crate::{
    AuthenticationError, Clock, EngineConfig, EngineError, Entropy, Owner, UrlGuard, Vault,
};

/// What the program gives the engine.
pub struct EngineParts {
    /// The database.
    pub storage: Arc<dyn Storage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The installation's key.
    pub vault: Vault,
    /// Limits.
    pub config: EngineConfig,
    /// All connectors.
    pub connectors: Vec<Arc<dyn Connector>>,
    /// All callback formats.
    pub formats: Vec<Arc<dyn CallbackFormat>>,
}

struct Inner {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    vault: Vault,
    config: EngineConfig,
    connectors: HashMap<&'static str, Arc<dyn Connector>>,
    formats: HashMap<&'static str, Arc<dyn CallbackFormat>>,
    directory: RwLock<Arc<Directory>>,
    writer: WriterHandle,
    gateways: HttpClient,
    receivers: HttpClient,
    guard: UrlGuard,
    callback_places: Receivers,
    background: Arc<Semaphore>,
    asked: Asked,
    trail: TrailWriter,
    looked: Looked,
    password_desk: PasswordDesk,
    handover: Handover,
    handed: Mutex<Option<mpsc::UnboundedReceiver<Handed>>>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

/// The engine. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

impl Engine {
    /// Reads the settings and starts the writer. Timers run only after [`Engine::run_timers`].
    ///
    /// # Errors
    /// If the database cannot be read or the settings cannot be opened with this key.
    pub async fn start(parts: EngineParts) -> Result<Self, EngineError> {
        let records = parts.storage.settings().await?;
        let directory = Directory::open(records, &parts.vault)?;
        let in_all_max = parts.config.callbacks.in_all_max;
        let (handover, handed) = Handover::new(in_all_max, parts.config.lease_ms);
        let writer = Writer {
            handover: handover.clone(),
            storage: parts.storage.clone(),
            clock: parts.clock.clone(),
            entropy: parts.entropy.clone(),
            config: parts.config.clone(),
            serials: Mutex::new(0..0),
        };
        let (writer, _task) = writer.start().await?;
        let guard = UrlGuard::new(parts.config.callbacks.allowed_networks.clone());
        let background = Arc::new(Semaphore::new(parts.config.background_max));
        let callback_places = Receivers::new(parts.config.callbacks.per_host_max);
        let fault = |error: reqwest::Error| EngineError::Fault(error.to_string());
        Ok(Self(Arc::new(Inner {
            gateways: HttpClient::for_gateways(&parts.config).map_err(fault)?,
            receivers: HttpClient::for_receivers(&parts.config, &guard).map_err(fault)?,
            storage: parts.storage,
            clock: parts.clock,
            entropy: parts.entropy,
            vault: parts.vault,
            config: parts.config,
            connectors: parts
                .connectors
                .into_iter()
                .map(|c| (c.name(), c))
                .collect(),
            formats: parts.formats.into_iter().map(|f| (f.name(), f)).collect(),
            directory: RwLock::new(Arc::new(directory)),
            writer,
            guard,
            callback_places,
            background,
            asked: Asked::default(),
            trail: TrailWriter::default(),
            looked: Looked::default(),
            password_desk: PasswordDesk::default(),
            handover,
            handed: Mutex::new(Some(handed)),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })))
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The database, for reads.
    pub fn storage(&self) -> &dyn Storage {
        self.0.storage.as_ref()
    }

    /// Limits.
    pub fn config(&self) -> &EngineConfig {
        &self.0.config
    }

    /// Checks addresses that merchants give.
    pub fn url_guard(&self) -> &UrlGuard {
        &self.0.guard
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        self.0.entropy.as_ref()
    }

    pub(crate) fn gateways(&self) -> &HttpClient {
        &self.0.gateways
    }

    pub(crate) fn receivers(&self) -> &HttpClient {
        &self.0.receivers
    }

    pub(crate) fn connector(&self, name: &str) -> Option<&Arc<dyn Connector>> {
        self.0.connectors.get(name)
    }

    /// The connectors that payment methods can be made from as they are, by name.
    pub(crate) fn builtin_names(&self) -> Vec<&'static str> {
        let connectors = self.0.connectors.iter();
        let offered = connectors.filter(|(_, connector)| connector.settings_schema().is_some());
        let mut names: Vec<&str> = offered.map(|(name, _)| *name).collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn format(&self, name: &str) -> Option<&Arc<dyn CallbackFormat>> {
        self.0.formats.get(name)
    }

    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    pub(crate) fn callback_places(&self) -> &Receivers {
        &self.0.callback_places
    }

    pub(crate) fn handover(&self) -> &Handover {
        &self.0.handover
    }

    pub(crate) fn asked(&self) -> &Asked {
        &self.0.asked
    }

    pub(crate) fn trail(&self) -> &TrailWriter {
        &self.0.trail
    }

    pub(crate) fn looked(&self) -> &Looked {
        &self.0.looked
    }

    /// Where passwords are checked, a few at a time.
    pub(crate) fn password_desk(&self) -> &PasswordDesk {
        &self.0.password_desk
    }

    /// The end of the way by which the writer hands callbacks over; only the first caller gets it.
    pub(crate) fn take_handed(&self) -> Option<mpsc::UnboundedReceiver<Handed>> {
        let mut handed = self.0.handed.lock().unwrap_or_else(PoisonError::into_inner);
        handed.take()
    }

    /// A place among the exchanges that nobody waits for.
    pub(crate) fn background_place(&self) -> Result<OwnedSemaphorePermit, EngineError> {
        let place = self.0.background.clone().try_acquire_owned();
        place.map_err(|_| EngineError::Busy)
    }

    /// Settings as they are known now.
    pub(crate) fn directory(&self) -> Arc<Directory> {
        self.0
            .directory
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .clone()
    }

    /// A project as it is known now.
    pub fn project(&self, id: altyn_domain::ProjectId) -> Option<Arc<altyn_domain::Project>> {
        self.directory().projects.get(&id).cloned()
    }

    /// The project with this short name.
    pub fn project_by_slug(&self, slug: &str) -> Option<Arc<altyn_domain::Project>> {
        let directory = self.directory();
        let mut projects = directory.projects.values();
        projects.find(|project| project.slug == slug).cloned()
    }

    /// Reads the settings again.
    ///
    /// # Errors
    /// If the database cannot be read or the settings cannot be opened.
    pub async fn reload_settings(&self) -> Result<(), EngineError> {
        let records = self.storage().settings().await?;
        let fresh = Arc::new(Directory::open(records, self.vault())?);
        let mut directory = self
            .0
            .directory
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if fresh.version >= directory.version {
            *directory = fresh;
        }
        Ok(())
    }

    /// Reads the settings again if they changed.
    ///
    /// # Errors
    /// If the database cannot be read or the settings cannot be opened.
    pub async fn refresh_settings(&self) -> Result<(), EngineError> {
        if self.storage().settings_version().await? == self.directory().version {
            return Ok(());
        }
        self.reload_settings().await
    }

    pub(crate) fn new_operation_id(&self, owner: &Owner) -> OperationId {
        OperationId::new(self.now(), owner.project.bucket, self.entropy().random())
    }

    /// Gives a command to the writer. If the settings changed since the caller was let in, the caller is
    /// looked up again once: a revoked credential acts no more.
    pub(crate) async fn execute(
        &self,
        owner: &Owner,
        command: Command,
        lease: Option<Lease>,
    ) -> Result<Answer, EngineError> {
        let request = |owner: &Owner, command| Request {
            project: owner.project.clone(),
            settings_version: owner.settings_version,
            lease,
            command,
        };
        match self.0.writer.execute(request(owner, command.clone())).await {
            Err(EngineError::Refused(Refusal::SettingsChanged)) => {
                self.reload_settings().await?;
                let renewed = self.renew(owner)?;
                self.0.writer.execute(request(&renewed, command)).await
            }
            answer => answer,
        }
    }

    fn renew(&self, owner: &Owner) -> Result<Owner, AuthenticationError> {
        let directory = self.directory();
        if let Some(id) = owner.credential
            && !directory
                .credentials
                .values()
                .any(|credential| credential.id == id)
        {
            return Err(AuthenticationError::Denied);
        }
        let mut renewed = self
            .owner_of(owner.project_id())
            .ok_or(AuthenticationError::Denied)?;
        renewed.credential = owner.credential;
        renewed.only_payment = owner.only_payment;
        Ok(renewed)
    }

    /// Runs a use case to its end even if the caller goes away meanwhile.
    pub(crate) async fn detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        match self.0.tasks.spawn(work).await {
            Ok(result) => result,
            Err(_) => Err(EngineError::StateUnknown),
        }
    }

    /// A payment of the owner.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn payment(
        &self,
        owner: &Owner,
        id: altyn_domain::PaymentId,
    ) -> Result<Option<Payment>, EngineError> {
        if owner.only_payment.is_some_and(|only| only != id) {
            return Ok(None);
        }
        Ok(self.storage().payment(owner.project_id(), id).await?)
    }

    /// Stops taking timers, waits for what is under way.
    pub async fn stop(&self) {
        self.0.handover.set_open(false);
        self.0.stopping.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}
