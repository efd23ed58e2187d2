//! How a shop is told to lead the payer on: to the gateway's own page, through 3-D Secure, or to our
//! page that carries 3-D Secure out.

use std::collections::BTreeMap;

use altyn_domain::{Endpoint, HttpMethod, Operation, PayerAction, Payment, RenderError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::view::View;

/// Where the shop is to send the payer, and what with.
#[derive(Serialize)]
struct RedirectData<'a> {
    body: BTreeMap<&'a str, &'a str>,
    method: HttpMethod,
    url: String,
    encrypted: [(); 0],
}

/// A step of 3-D Secure that the shop carries out.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ThreeDs2<'a> {
    /// The hidden frame.
    Iframe {
        url: &'a str,
        params: MethodParams<'a>,
    },
    /// The challenge.
    Redirect {
        url: &'a str,
        params: ChallengeParams<'a>,
    },
}

#[derive(Serialize)]
struct MethodParams<'a> {
    #[serde(rename = "threeDSMethodData")]
    data: &'a str,
    /// The same under its older name.
    #[serde(rename = "3DSMethodData")]
    older: &'a str,
}

#[derive(Serialize)]
struct ChallengeParams<'a> {
    creq: &'a str,
    /// The issuer's page gives it back unchanged.
    #[serde(rename = "threeDSSessionData")]
    session: String,
}

/// What leads the payer on: members at the root of a callback.
#[derive(Default, Serialize)]
pub(super) struct Lead<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_data: Option<RedirectData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threeds2: Option<ThreeDs2<'a>>,
}

impl<'a> Lead<'a> {
    /// What this operation asks of the payer, if it asks for anything.
    ///
    /// # Errors
    /// If the payer is to come to our page, and the endpoint does not tell where that is.
    pub(super) fn of(
        view: &View<'a>,
        operation: &'a Operation,
        endpoint: &Endpoint,
    ) -> Result<Self, RenderError> {
        let Some(action) = &operation.action else {
            return Ok(Self::default());
        };
        Ok(match action {
            PayerAction::Redirect {
                url,
                method,
                fields,
            } => {
                let fields = fields
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()));
                Self::to(url.clone(), *method, fields.collect())
            }
            PayerAction::DeviceCheck { .. } | PayerAction::Challenge { .. }
                if view.is_led_to_our_page(operation) =>
            {
                let page = our_page(view.payment, endpoint)?;
                Self::to(page, HttpMethod::Get, BTreeMap::new())
            }
            PayerAction::DeviceCheck { url, data, .. } => {
                let params = MethodParams { data, older: data };
                Self::through(ThreeDs2::Iframe { url, params })
            }
            PayerAction::Challenge {
                transaction_id,
                acs_url,
                creq,
            } => {
                let session = URL_SAFE_NO_PAD.encode(transaction_id);
                let params = ChallengeParams { creq, session };
                Self::through(ThreeDs2::Redirect {
                    url: acs_url,
                    params,
                })
            }
        })
    }

    fn to(url: String, method: HttpMethod, body: BTreeMap<&'a str, &'a str>) -> Self {
        let redirect_data = RedirectData {
            body,
            method,
            url,
            encrypted: [],
        };
        Self {
            redirect_data: Some(redirect_data),
            threeds2: None,
        }
    }

    fn through(step: ThreeDs2<'a>) -> Self {
        Self {
            redirect_data: None,
            threeds2: Some(step),
        }
    }
}

/// Our own page that carries 3-D Secure out.
fn our_page(payment: &Payment, endpoint: &Endpoint) -> Result<String, RenderError> {
    let mut parameters = endpoint.parameters.iter();
    let public_url = parameters.find_map(|parameter| parameter.strip_prefix("public_url="));
    let public_url = public_url
        .ok_or_else(|| RenderError("the endpoint does not tell its public_url".to_owned()))?;
    let public_url = public_url.trim_end_matches('/');
    Ok(format!("{public_url}/checkout/{}/3ds", payment.id.uuid()))
}
