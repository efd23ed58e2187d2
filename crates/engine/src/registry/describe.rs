//! The test button: a gateway is asked what it can do, with a method's settings or without any.

use altyn_domain::{
    ConnectorError, ConnectorId, ConnectorSettings, Description, MethodId, Permission,
};
use serde_json::{Map, json};

use super::check_tag;
use super::connector::{live, no_remote};
use super::offer::{REMOTE, builtin_settings, remote_settings};
use super::record::{MethodConnector, Registered};
use crate::directory::Directory;
use crate::http::NoResponse;
use crate::settings::Edit;
use crate::trail::{Act, hex};
use crate::{Caller, Engine, EngineError, OfficeError};

impl Engine {
    /// Asks a connector of the registry what it can do. What it promises about "not found" holds from then
    /// on for all its payment methods, if it is still as the caller saw it.
    ///
    /// # Errors
    /// See [`OfficeError`]; `Conflict` with `not_described` and the reason if it does not answer as the
    /// protocol wants.
    pub async fn describe_connector(
        &self,
        caller: &Caller,
        id: ConnectorId,
        expected_tag: Option<&str>,
    ) -> Result<Description, OfficeError> {
        self.require_registry(caller)?;
        let registered = live(&self.directory(), id)?.clone();
        check_tag(expected_tag, &registered.tag)?;
        let settings = remote_settings(&registered, &Map::new());
        let description = self.ask_description(REMOTE, &settings).await?;
        let promised = description.not_found_final_after_ms;
        if promised != registered.body.not_found_final_after_ms {
            self.edit(|directory| {
                check_tag(expected_tag, &live(directory, id)?.tag)?;
                self.promise(caller, directory, &registered, promised)
            })
            .await?;
        }
        Ok(description)
    }

    /// Asks the gateway of a payment method what it can do, with the method's settings.
    ///
    /// # Errors
    /// As [`describe_connector`](Self::describe_connector); `not_supported` if the gateway has no such
    /// question.
    pub async fn describe_method(
        &self,
        caller: &Caller,
        id: MethodId,
    ) -> Result<Description, OfficeError> {
        caller.require(Permission::MethodsManage)?;
        let directory = self.directory();
        let method = self.own_method(caller, &directory, id)?;
        let (connector, settings) = match &method.body.connector {
            MethodConnector::Builtin(name) => {
                (name.as_str(), builtin_settings(&method.body.settings))
            }
            MethodConnector::Registered(id) => {
                let registered = live(&directory, *id)?;
                (REMOTE, remote_settings(registered, &method.body.settings))
            }
        };
        self.ask_description(connector, &settings).await
    }

    fn promise(
        &self,
        caller: &Caller,
        directory: &Directory,
        asked: &Registered,
        promised: Option<i64>,
    ) -> Result<(Edit, ()), OfficeError> {
        let mut registered = live(directory, asked.id)?.clone();
        if registered.body.url != asked.body.url {
            return Err(OfficeError::Stale);
        }
        registered.body.not_found_final_after_ms = promised;
        let detail = json!({
            "name": registered.body.name,
            "not_found_final_after_ms": promised,
        });
        let act = Act::by(caller, None, "connector.described", asked.id, detail);
        self.connector_edit(&registered, act)
    }

    async fn ask_description(
        &self,
        name: &str,
        settings: &ConnectorSettings,
    ) -> Result<Description, OfficeError> {
        let connector = self.connector(name).ok_or_else(no_remote)?;
        let mut random = [0; 16];
        self.entropy().fill(&mut random);
        let id = format!("msg_describe_{}", hex(&random));
        let request = match connector.describe(settings, &id, self.now()) {
            Ok(request) => request,
            Err(ConnectorError::Unsupported) => {
                let message = "this gateway cannot be asked".to_owned();
                return Err(OfficeError::Conflict("not_supported", message));
            }
            Err(error) => return Err(EngineError::Fault(error.to_string()).into()),
        };
        let wanted = connector.wanted_headers();
        let sent = self.gateways().send(request, None, wanted).await;
        let failed = |why: String| OfficeError::Conflict("not_described", why);
        let response = sent.map_err(|none| match none {
            NoResponse::NotSent(why) => failed(format!("the gateway cannot be reached: {why}")),
            NoResponse::Lost(why) => failed(format!("the gateway does not answer: {why}")),
        })?;
        connector
            .description(settings, &id, self.now(), &response)
            .map_err(|why| failed(why.to_string()))
    }
}
