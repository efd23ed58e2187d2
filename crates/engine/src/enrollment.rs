//! Whether a card takes part in 3-D Secure. A question to the gateway; no payment, nothing is kept.

use altyn_domain::{CardNumber, ConnectorError, MethodKind, Refusal};
use tracing::warn;

use crate::{Engine, EngineError, Owner};

impl Engine {
    /// Whether the card takes part (`Y`, `N` or `U`), its issuer and the issuer's country; `None` if the
    /// gateway cannot tell or does not answer.
    ///
    /// # Errors
    /// If the project has no payment method.
    pub async fn card_enrollment(
        &self,
        owner: &Owner,
        card: &CardNumber,
    ) -> Result<Option<(char, String, String)>, EngineError> {
        let method = owner.project().method_of(MethodKind::Card);
        let method = method.ok_or(Refusal::MethodUnavailable)?;
        let connector = self
            .connector(&method.connector)
            .ok_or(Refusal::MethodUnavailable)?;
        let request = match connector.enrollment_request(&method.settings, card) {
            Ok(request) => request,
            Err(ConnectorError::Unsupported) => return Ok(None),
            Err(error) => {
                warn!(%error, "no question about a card could be made");
                return Ok(None);
            }
        };
        match self
            .gateways()
            .send(request, None, connector.wanted_headers())
            .await
        {
            Ok(response) => Ok(connector.enrollment(&response)),
            Err(error) => {
                warn!(?error, "the gateway did not tell whether a card takes part");
                Ok(None)
            }
        }
    }
}
