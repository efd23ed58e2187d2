//! The gateway as a merchant sees it: form calls with a login and a password, JSON answers.

use reqwest::StatusCode;
use serde_json::Value;

use super::http::{GatewayError, Http};

/// What a registered order got.
pub struct Registered {
    /// The gateway's name of the order.
    pub order_id: String,
    /// Where the payer pays.
    pub form_url: String,
}

/// What the status request tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// `orderStatus`.
    pub order_status: i64,
    /// `orderNumber`.
    pub order_number: String,
    /// Minor units, as registered.
    pub amount: i64,
    /// Three digits.
    pub currency: String,
    /// Held or taken.
    pub approved: i64,
    /// Taken and not given back.
    pub deposited: i64,
    /// Given back.
    pub refunded: i64,
    /// Why the last try failed, in the payer's language.
    pub reason: String,
    /// `411111**1111`.
    pub masked_pan: String,
}

/// The shop's account at the gateway.
pub struct Gateway {
    http: Http,
    base_url: String,
    user_name: String,
    password: String,
}

impl Gateway {
    /// Prepares the account; nothing is called yet.
    pub fn open(base_url: String, user_name: String, password: String) -> anyhow::Result<Gateway> {
        Ok(Gateway {
            http: Http::open(&base_url)?,
            base_url,
            user_name,
            password,
        })
    }

    /// `register.do`, or `registerPreAuth.do` for an order that is only held first.
    pub async fn register(
        &self,
        hold: bool,
        parameters: &[(&str, &str)],
    ) -> Result<Registered, GatewayError> {
        let method = if hold {
            "registerPreAuth.do"
        } else {
            "register.do"
        };
        let answer = self.call(method, parameters).await?;
        match (answer["orderId"].as_str(), answer["formUrl"].as_str()) {
            (Some(order_id), Some(form_url)) => Ok(Registered {
                order_id: order_id.to_owned(),
                form_url: form_url.to_owned(),
            }),
            _ => Err(GatewayError::Strange(StatusCode::OK)),
        }
    }

    /// `getOrderStatusExtended.do`.
    pub async fn status(&self, parameters: &[(&str, &str)]) -> Result<Report, GatewayError> {
        let answer = self.call("getOrderStatusExtended.do", parameters).await?;
        let order_status = answer["orderStatus"].as_i64();
        let sums = &answer["paymentAmountInfo"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(Report {
            order_status: order_status.ok_or(GatewayError::Strange(StatusCode::OK))?,
            order_number: text(&answer["orderNumber"]),
            amount: answer["amount"].as_i64().unwrap_or(-1),
            currency: text(&answer["currency"]),
            approved: sums["approvedAmount"].as_i64().unwrap_or(0),
            deposited: sums["depositedAmount"].as_i64().unwrap_or(0),
            refunded: sums["refundedAmount"].as_i64().unwrap_or(0),
            reason: text(&answer["actionCodeDescription"]),
            masked_pan: text(&answer["cardAuthInfo"]["maskedPan"]),
        })
    }

    /// `deposit.do`, `reverse.do` or `refund.do`.
    pub async fn manage(
        &self,
        method: &str,
        parameters: &[(&str, &str)],
    ) -> Result<(), GatewayError> {
        self.call(method, parameters).await.map(|_| ())
    }

    async fn call(&self, method: &str, parameters: &[(&str, &str)]) -> Result<Value, GatewayError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("userName", &self.user_name)
            .append_pair("password", &self.password)
            .extend_pairs(parameters)
            .finish();
        let url = format!("{}{method}", self.base_url);
        let kind = "application/x-www-form-urlencoded";
        let (status, text) = self.http.post(&url, kind, body).await?;
        let answer = serde_json::from_slice(&text)
            .ok()
            .filter(|_| status == StatusCode::OK);
        understood(answer.ok_or(GatewayError::Strange(status))?)
    }
}

/// Success is an absent `errorCode` or `0`, written as text or as a number.
fn understood(answer: Value) -> Result<Value, GatewayError> {
    let code = match &answer["errorCode"] {
        Value::Null => return Ok(answer),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if code == "0" {
        return Ok(answer);
    }
    let message = answer["errorMessage"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    Err(GatewayError::Refused { code, message })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn success_is_zero_or_nothing() {
        assert!(understood(json!({"orderId": "1"})).is_ok());
        assert!(understood(json!({"errorCode": "0"})).is_ok());
        assert!(understood(json!({"errorCode": 0})).is_ok());
        let refused = understood(json!({"errorCode": "5", "errorMessage": "Access denied"}));
        assert_eq!(
            refused.expect_err("refused").to_string(),
            "code 5: Access denied"
        );
    }
}
