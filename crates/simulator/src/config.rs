//! The configuration: one line of JSON that the parent process writes to standard input.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use url::Url;

/// The longest delay that a card or a fault may be given.
pub const DELAY_MS_MAX: u64 = 600_000;
/// The longest time in which an order of the wallet partner may be paid: 30 days.
const ORDER_MINUTES_MAX: u64 = 43_200;

/// Everything the simulator can be told. Unknown keys are refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address of the bank and its ACS; only loopback. Default `127.0.0.1:0`, any free port.
    #[serde(default = "any_port")]
    pub bank_listen: String,
    /// The key a terminal shows in `Authorization: Bearer`.
    pub terminal_key: String,
    /// How long, in milliseconds, the `timeout_*` cards hold the answer. Default 20000.
    #[serde(default = "default_late_ms")]
    pub late_ms: u64,
    /// File that keeps the bank's operations across restarts; the shop's orders go beside it,
    /// with `.shop` added to the name. Default: nothing is kept.
    #[serde(default)]
    pub journal: Option<PathBuf>,
    /// The demo shop. Default: no shop.
    #[serde(default)]
    pub shop: Option<ShopConfig>,
    /// The wallet partner. Default: no partner.
    #[serde(default)]
    pub partner: Option<PartnerConfig>,
}

/// Where the demo shop listens, and its account at the gateway.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShopConfig {
    /// Address of the shop; only loopback. Default `127.0.0.1:0`, any free port.
    #[serde(default = "any_port")]
    pub listen: String,
    /// Base address of the gateway's API; ends with `/payment/rest/`.
    pub gateway_base_url: String,
    /// API login of the shop.
    pub user_name: String,
    /// Password of the API login.
    pub password: String,
    /// Shared secret of the callbacks' checksum.
    pub callback_secret: String,
    /// Address under which payer and gateway reach the shop. Default: the listen address.
    #[serde(default)]
    pub public_url: Option<String>,
    /// The shop's second cashier, which sells for rupees. Default: there is none.
    #[serde(default)]
    pub ecommpay: Option<EcommpayConfig>,
}

/// The shop's account at a gateway that speaks ECommPay's API.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EcommpayConfig {
    /// Base address of the Gate; `/v2/payment/…` is added.
    pub gate_url: String,
    /// Address of the Payment Page; the widget comes from `/shared/` of the same host.
    pub payment_page_url: String,
    /// Number of the project.
    pub project_id: u32,
    /// Key of every signature.
    pub secret: String,
}

/// The wallet partner, and the merchant's account there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerConfig {
    /// Address of both APIs and of the payer's page; only loopback. Default `127.0.0.1:0`.
    #[serde(default = "any_port")]
    pub listen: String,
    /// `appId` of generation 1, `x-client-id` of generation 2.
    pub app_id: String,
    /// `secretKey` of generation 1, `x-client-secret` of generation 2; signs everything.
    pub secret: String,
    /// File that keeps orders, payments, refunds and notices across restarts. Default: nothing
    /// is kept.
    #[serde(default)]
    pub journal: Option<PathBuf>,
    /// Minutes after which an order can no longer be paid, unless it says so itself. Default 10.
    #[serde(default = "default_order_minutes")]
    pub order_minutes: u64,
    /// Milliseconds between the first and the second try of a notice; the third comes after five
    /// times as long, the fourth and last after fifteen times. Default 2000.
    #[serde(default = "default_notice_pause_ms")]
    pub notice_pause_ms: u64,
    /// Milliseconds after which a refund with the note `ACTIVE` succeeds. Default 3000.
    #[serde(default = "default_refund_ms")]
    pub refund_ms: u64,
    /// Name of the merchant on the payer's page. Default `Demo shop`.
    #[serde(default = "default_merchant")]
    pub merchant: String,
    /// Address under which payer and gateway reach the partner. Default: the listen address.
    #[serde(default)]
    pub public_url: Option<String>,
}

fn default_order_minutes() -> u64 {
    10
}

fn default_notice_pause_ms() -> u64 {
    2000
}

fn default_refund_ms() -> u64 {
    3000
}

fn default_merchant() -> String {
    "Demo shop".to_owned()
}

fn any_port() -> String {
    "127.0.0.1:0".to_owned()
}

fn default_late_ms() -> u64 {
    20_000
}

impl Config {
    /// Reads and checks one line of JSON.
    pub fn parse(line: &str) -> anyhow::Result<Config> {
        ensure!(
            !line.trim().is_empty(),
            "no configuration: one line of JSON is expected on stdin"
        );
        let config: Config = serde_json::from_str(line).context("configuration")?;
        ensure!(
            !config.terminal_key.is_empty(),
            "terminal_key must not be empty"
        );
        ensure!(
            config.late_ms <= DELAY_MS_MAX,
            "late_ms must not exceed {DELAY_MS_MAX}"
        );
        loopback(&config.bank_listen).context("bank_listen")?;
        if let Some(shop) = &config.shop {
            shop.check().context("shop")?;
        }
        if let Some(partner) = &config.partner {
            partner.check().context("partner")?;
        }
        Ok(config)
    }
}

impl ShopConfig {
    fn check(&self) -> anyhow::Result<()> {
        loopback(&self.listen).context("listen")?;
        web_address(&self.gateway_base_url).context("gateway_base_url")?;
        ensure!(
            self.gateway_base_url.ends_with("/payment/rest/"),
            "gateway_base_url must end with /payment/rest/"
        );
        ensure!(!self.user_name.is_empty(), "user_name must not be empty");
        ensure!(
            !self.callback_secret.is_empty(),
            "callback_secret must not be empty"
        );
        if let Some(address) = &self.public_url {
            web_address(address).context("public_url")?;
        }
        if let Some(ecommpay) = &self.ecommpay {
            ecommpay.check().context("ecommpay")?;
        }
        Ok(())
    }
}

impl EcommpayConfig {
    fn check(&self) -> anyhow::Result<()> {
        web_address(&self.gate_url).context("gate_url")?;
        let page = web_address(&self.payment_page_url).context("payment_page_url")?;
        ensure!(
            page.query().is_none() && page.fragment().is_none(),
            "payment_page_url must end with its path"
        );
        ensure!(self.project_id > 0, "project_id must not be 0");
        ensure!(!self.secret.is_empty(), "secret must not be empty");
        Ok(())
    }
}

impl PartnerConfig {
    fn check(&self) -> anyhow::Result<()> {
        loopback(&self.listen).context("listen")?;
        ensure!(!self.app_id.is_empty(), "app_id must not be empty");
        ensure!(!self.secret.is_empty(), "secret must not be empty");
        ensure!(
            (1..=ORDER_MINUTES_MAX).contains(&self.order_minutes),
            "order_minutes must be 1 to {ORDER_MINUTES_MAX}"
        );
        ensure!(
            self.notice_pause_ms <= DELAY_MS_MAX && self.refund_ms <= DELAY_MS_MAX,
            "notice_pause_ms and refund_ms must not exceed {DELAY_MS_MAX}"
        );
        if let Some(address) = &self.public_url {
            web_address(address).context("public_url")?;
        }
        Ok(())
    }
}

/// Reads a listen address and refuses everything that another machine could reach.
pub fn loopback(address: &str) -> anyhow::Result<SocketAddr> {
    let parsed: SocketAddr = address
        .parse()
        .with_context(|| format!("`{address}` is not an address such as 127.0.0.1:8080"))?;
    ensure!(
        parsed.ip().is_loopback(),
        "`{address}` is not a loopback address"
    );
    Ok(parsed)
}

fn web_address(address: &str) -> anyhow::Result<Url> {
    let parsed = Url::parse(address).with_context(|| format!("`{address}` is not a URL"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        bail!("`{address}` must begin with http:// or https://");
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(line: &str) -> String {
        match Config::parse(line) {
            Ok(_) => panic!("accepted: {line}"),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn short_configuration_has_defaults() {
        let config = Config::parse(r#"{"terminal_key":"k"}"#).expect("valid");

        assert_eq!(config.bank_listen, "127.0.0.1:0");
        assert_eq!(config.late_ms, 20_000);
        assert!(config.shop.is_none() && config.journal.is_none());

        let line = r#"{"terminal_key":"k","partner":{"app_id":"a","secret":"s"}}"#;
        let partner = Config::parse(line).expect("valid").partner;
        let partner = partner.expect("a partner");
        assert_eq!((partner.order_minutes, partner.notice_pause_ms), (10, 2000));
    }

    #[test]
    fn refusals_name_the_key() {
        assert!(refusal(r#"{"terminal_key":"k","colour":"red"}"#).contains("colour"));
        assert!(refusal(r#"{"terminal_key":""}"#).contains("terminal_key"));
        assert!(refusal("{}").contains("terminal_key"));
        let line = r#"{"terminal_key":"k","partner":{"app_id":"","secret":"s"}}"#;
        assert!(refusal(line).contains("app_id"));
        let line = line.replace(r#":"","#, r#":"a","order_minutes":0,"#);
        assert!(refusal(&line).contains("order_minutes"));
        let account = r#"{"gate_url":"http://g","payment_page_url":"http://g/p?","project_id":1,"secret":"s"}"#;
        let shop = r#"{"gateway_base_url":"http://g/payment/rest/","user_name":"u","password":"p","callback_secret":"c","ecommpay":ACCOUNT}"#;
        let line = r#"{"terminal_key":"k","shop":SHOP}"#.replace("SHOP", shop);
        let line = line.replace("ACCOUNT", account);
        assert!(refusal(&line).contains("payment_page_url"));
        let line = line.replace("/p?", "/p");
        assert!(
            refusal(&line.replace("\"project_id\":1", "\"project_id\":0")).contains("project_id")
        );
        assert!(Config::parse(&line).is_ok());
        assert!(refusal("").contains("stdin"));
        let open = refusal(r#"{"terminal_key":"k","bank_listen":"0.0.0.0:80"}"#);
        assert!(
            open.contains("bank_listen") && open.contains("loopback"),
            "{open}"
        );
    }
}
