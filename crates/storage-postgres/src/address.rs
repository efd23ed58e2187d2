//! Where the database is, and how a connection to it is opened: URL, encryption, time limits.
//!
//! Encryption is decided by `sslmode` in the URL:
//! - `disable`: none. The default when the host is this machine.
//! - `prefer`: encrypted if the server can.
//! - `require` and `verify-full`: encrypted or not at all. The default for any other host.
//!
//! A certificate is always verified, name included, against the system's authorities or those in the file
//! that `sslrootcert` names.

use std::net::IpAddr;
use std::sync::Arc;

use altyn_storage::StorageError;
use percent_encoding::percent_decode_str;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::PostgresOptions;
use crate::failure::describe;

/// A parsed URL with everything needed to open connections.
#[derive(Clone)]
pub(crate) struct Address {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl Address {
    /// Reads a URL such as `postgres://user:password@host:5432/database?sslmode=require`.
    pub(crate) fn parse(url: &str, options: &PostgresOptions) -> Result<Self, StorageError> {
        let parts = Parts::split(url)?;
        let mut config: Config = parts.plain.parse().map_err(|e| unusable(&describe(&e)))?;
        config.connect_timeout(options.connect_timeout);
        config.tcp_user_timeout(options.answer_timeout());
        if config.get_application_name().is_none() {
            config.application_name("altyn");
        }
        let mode = match parts.mode {
            Some(mode) => mode,
            None if config.get_hosts().iter().all(is_local) => SslMode::Disable,
            None => SslMode::Require,
        };
        config.ssl_mode(mode);
        let tls = match mode {
            SslMode::Disable => None,
            _ => Some(connector(parts.authorities.as_deref())?),
        };
        Ok(Self { config, tls })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Opens a connection and drives it on a task of its own until the client is dropped.
    pub(crate) async fn open(&self) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                Ok((client, tokio::spawn(drive(connection))))
            }
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                Ok((client, tokio::spawn(drive(connection))))
            }
        }
    }
}

async fn drive(connection: impl Future<Output = Result<(), tokio_postgres::Error>>) {
    if let Err(error) = connection.await {
        tracing::warn!(error = describe(&error), "a connection to PostgreSQL broke");
    }
}

fn unusable(why: &str) -> StorageError {
    StorageError::Unusable(why.to_owned())
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

/// A URL taken apart: what the client library reads, and what only we understand.
struct Parts {
    plain: String,
    mode: Option<SslMode>,
    authorities: Option<String>,
}

impl Parts {
    fn split(url: &str) -> Result<Self, StorageError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(unusable(
                "the URL of a PostgreSQL database begins with postgres://",
            ));
        }
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut authorities, mut others) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", word)) => mode = Some(ssl_mode(word)?),
                Some(("sslrootcert", path)) => {
                    authorities = Some(percent_decode_str(path).decode_utf8_lossy().into_owned());
                }
                _ => others.push(pair),
            }
        }
        let plain = match others.is_empty() {
            true => base.to_owned(),
            false => format!("{base}?{}", others.join("&")),
        };
        Ok(Self {
            plain,
            mode,
            authorities,
        })
    }
}

fn ssl_mode(word: &str) -> Result<SslMode, StorageError> {
    match word {
        "disable" => Ok(SslMode::Disable),
        "prefer" => Ok(SslMode::Prefer),
        "require" | "verify-full" => Ok(SslMode::Require),
        _ => Err(unusable(
            "sslmode must be disable, prefer, require or verify-full",
        )),
    }
}

fn connector(authorities: Option<&str>) -> Result<MakeRustlsConnect, StorageError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(path) => {
            let bad = |e| unusable(&format!("sslrootcert {path} cannot be read: {e}"));
            for certificate in CertificateDer::pem_file_iter(path).map_err(bad)? {
                let added = roots.add(certificate.map_err(bad)?);
                added.map_err(|e| unusable(&format!("sslrootcert {path}: {e}")))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| unusable(&e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        let address = Address::parse(url, &PostgresOptions::default()).expect("a good URL");
        assert_eq!(
            address.tls.is_some(),
            address.config.get_ssl_mode() != SslMode::Disable
        );
        address.config.get_ssl_mode()
    }

    #[test]
    fn encryption_is_the_default_except_on_this_machine() {
        assert_eq!(
            mode("postgres://altyn@127.0.0.1:5432/altyn"),
            SslMode::Disable
        );
        assert_eq!(mode("postgresql://altyn@localhost/altyn"), SslMode::Disable);
        assert_eq!(mode("postgres://altyn@[::1]/altyn"), SslMode::Disable);
        assert_eq!(
            mode("postgres:///altyn?host=/run/postgresql"),
            SslMode::Disable
        );
        assert_eq!(mode("postgres://db.example/altyn"), SslMode::Require);
        assert_eq!(
            mode("postgres://localhost,db.example/altyn"),
            SslMode::Require
        );
        assert_eq!(
            mode("postgres://db.example/altyn?sslmode=disable"),
            SslMode::Disable
        );
        assert_eq!(
            mode("postgres://db.example/altyn?connect_timeout=3&sslmode=verify-full"),
            SslMode::Require
        );
    }

    #[test]
    fn a_wrong_url_is_refused_without_showing_its_password() {
        let urls = [
            "mysql://db/altyn",
            "postgres://u:secret@db/altyn?sslmode=allow",
            "postgres://u:secret@db/altyn?colour=red",
            "postgres://u:secret@db/altyn?sslrootcert=/nowhere/ca.pem&sslmode=require",
        ];
        for url in urls {
            let error = Address::parse(url, &PostgresOptions::default())
                .err()
                .expect("refused");
            let StorageError::Unusable(text) = error else {
                panic!("{url}: {error:?}");
            };
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
