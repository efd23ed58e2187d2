//! The gateway as a merchant in India sees it: signed JSON to the Gate, signed parameters of the
//! Payment Page.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::order::{CURRENCY, Order, Refund, Way};
use super::sign;
use super::told::Told;
use crate::shop::http::{GatewayError, Http};
use crate::web::Language;

/// The shop's account at the gateway.
pub struct Gate {
    http: Http,
    gate_url: String,
    payment_page_url: String,
    project_id: u32,
    key: String,
}

/// Where the gateway finds the shop, for one order.
pub struct Addresses {
    /// For callbacks.
    pub callback: String,
    /// The page of the order, where the payer comes back to.
    pub order: String,
}

impl Gate {
    /// Prepares the account; nothing is called yet.
    pub fn open(
        gate_url: &str,
        payment_page_url: &str,
        project_id: u32,
        key: String,
    ) -> anyhow::Result<Gate> {
        Ok(Gate {
            http: Http::open(gate_url)?,
            gate_url: gate_url.trim_end_matches('/').to_owned(),
            payment_page_url: payment_page_url.to_owned(),
            project_id,
            key,
        })
    }

    /// Whether a message is signed with the shop's key and about the shop's project.
    pub fn is_genuine(&self, message: &Value) -> bool {
        let project = match &message["project_id"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        sign::is_genuine(message, &self.key) && project == self.project_id.to_string()
    }

    /// `wallet-partner/sale`: the gateway's name of the request.
    pub async fn sale(
        &self,
        order: &Order,
        description: &str,
        addresses: &Addresses,
    ) -> Result<String, GatewayError> {
        let payer = &order.payer;
        let body = json!({
            "general": { "merchant_callback_url": addresses.callback },
            "payment": {
                "amount": order.amount, "currency": CURRENCY, "description": description,
            },
            "customer": {
                "id": payer.id(), "ip_address": payer.ip_address,
                "first_name": payer.first_name, "last_name": payer.last_name,
                "phone": payer.phone, "email": payer.email,
                "language": locale(order.language),
            },
            "return_url": {
                "success": addresses.order, "decline": addresses.order,
                "return": addresses.order,
            },
        });
        let answer = self
            .call("wallet-partner/sale", &order.number, body)
            .await?;
        request_id(&answer)
    }

    /// Gives everything back, by the way on which it was paid: the gateway's name of the request.
    pub async fn refund(
        &self,
        order: &Order,
        refund: &Refund,
        description: &str,
    ) -> Result<String, GatewayError> {
        let body = json!({
            "payment": { "description": description, "merchant_refund_id": refund.id },
        });
        let path = match order.method.as_str() {
            "card" => "card/refund",
            _ => "wallet-partner/refund",
        };
        let answer = self.call(path, &order.number, body).await?;
        request_id(&answer)
    }

    /// `status`: what the gateway knows of a payment.
    pub async fn status(&self, number: &str) -> Result<Told, GatewayError> {
        let answer = self.call("status", number, json!({})).await?;
        let told = Told::read(&answer).filter(|_| self.is_genuine(&answer));
        told.ok_or(GatewayError::Strange(StatusCode::OK))
    }

    /// Signs and sends; an answer other than 200 is a refusal.
    async fn call(&self, path: &str, number: &str, mut body: Value) -> Result<Value, GatewayError> {
        body["general"]["project_id"] = json!(self.project_id);
        body["general"]["payment_id"] = json!(number);
        body["general"]["signature"] = json!(sign::sign(&body, &self.key));
        let url = format!("{}/v2/payment/{path}", self.gate_url);
        let answered = self
            .http
            .post(&url, "application/json", body.to_string())
            .await?;
        let (status, text) = answered;
        let answer: Value =
            serde_json::from_slice(&text).map_err(|_| GatewayError::Strange(status))?;
        if status == StatusCode::OK && answer["status"] != "error" {
            return Ok(answer);
        }
        let text = |name: &str| match &answer[name] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        match answer["status"].as_str() {
            Some("error") => Err(GatewayError::Refused {
                code: text("code"),
                message: text("message"),
            }),
            Some(_) | None => Err(GatewayError::Strange(status)),
        }
    }

    /// The parameters of the Payment Page for an order, signed.
    pub fn page_parameters(
        &self,
        order: &Order,
        description: &str,
        addresses: &Addresses,
    ) -> Vec<(&'static str, String)> {
        let payer = &order.payer;
        let mut parameters = vec![
            ("project_id", self.project_id.to_string()),
            ("payment_id", order.number.clone()),
            ("payment_amount", order.amount.to_string()),
            ("payment_currency", CURRENCY.to_owned()),
            ("payment_description", description.to_owned()),
            ("customer_id", payer.id()),
            ("customer_first_name", payer.first_name.clone()),
            ("customer_last_name", payer.last_name.clone()),
            ("customer_phone", payer.phone.clone()),
            ("customer_email", payer.email.clone()),
            ("language_code", order.language.code().to_owned()),
            ("merchant_callback_url", addresses.callback.clone()),
            ("merchant_success_url", addresses.order.clone()),
            ("merchant_fail_url", addresses.order.clone()),
            ("merchant_return_url", addresses.order.clone()),
        ];
        if order.way == Way::Widget {
            // The way back leads out of the frame, into the window of the shop.
            let modes = [
                "merchant_success_url_redirect_mode",
                "merchant_fail_url_redirect_mode",
                "merchant_return_url_redirect_mode",
            ];
            parameters.extend(modes.map(|name| (name, "parent_page".to_owned())));
        }
        let members = parameters.iter();
        let message: Value = members
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        parameters.push(("signature", sign::sign(&message, &self.key)));
        parameters
    }

    /// The address of the Payment Page with these parameters.
    pub fn page_url(&self, parameters: &[(&'static str, String)]) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        format!("{}?{query}", self.payment_page_url)
    }
}

/// The Gate wants a country beside the language.
fn locale(language: Language) -> &'static str {
    match language {
        Language::Kk => "kk_KZ",
        Language::Ru => "ru_RU",
        Language::En => "en_US",
    }
}

fn request_id(answer: &Value) -> Result<String, GatewayError> {
    let request_id = answer["request_id"].as_str().filter(|id| !id.is_empty());
    let request_id = request_id.ok_or(GatewayError::Strange(StatusCode::OK))?;
    Ok(request_id.to_owned())
}
