//! The network as settings describe it: which authorities are trusted, with which certificate we show who we are, and through which
//! proxy addresses are called.

use std::path::{Path, PathBuf};

use reqwest::{Certificate, ClientBuilder, Identity};

use super::proxies::Proxies;
use pkb_core::Fatal;
use pkb_files::{
    exposure,
    trusted_file::{self, Purpose},
};

/// The variable that names a file of trusted authorities instead of this machine's own, as other programs have it, too.
pub const SYSTEM_CA_VARIABLE: &str = "SSL_CERT_FILE";

/// How servers are reached.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// File with certificates of authorities (PEM) that are trusted besides this machine's.
    pub ca_file: Option<PathBuf>,
    /// File with our certificate and its key (PEM), for servers that want to see one.
    pub client_cert: Option<PathBuf>,
    /// The proxy.
    pub proxies: Proxies,
}

impl Network {
    /// Puts it into the settings of the HTTP library.
    ///
    /// # Errors
    /// A file cannot be read, or holds something else.
    pub(super) fn applied_to(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, Fatal> {
        if let Some(path) = std::env::var_os(SYSTEM_CA_VARIABLE) {
            // What is wrong with it is not said by the library, which goes on with fewer authorities.
            authorities(Path::new(&path), SYSTEM_CA_VARIABLE)?;
        }
        if let Some(path) = &self.ca_file {
            builder = builder.tls_certs_merge(authorities(path, "--ca-file (PKB_CA_FILE)")?);
        }
        if let Some(path) = &self.client_cert {
            builder = builder.identity(identity(path)?);
        }
        let proxies = self.proxies.clone();
        let proxy_of = move |url: &reqwest::Url| proxies.of(url).map(|proxy| proxy.url.clone());
        // The library's own reading of the variables does not know our two rules.
        Ok(builder.no_proxy().proxy(reqwest::Proxy::custom(proxy_of)))
    }
}

/// The authorities in the file that `setting` names.
fn authorities(path: &Path, setting: &str) -> Result<Vec<Certificate>, Fatal> {
    let pem = trusted_file::read(path, Purpose::CREDENTIALS);
    let pem = pem.map_err(|unread| unread.or(|error| {
        Fatal::Usage(format!(
            "{} of {setting} cannot be read ({}). What to do: name a file with certificates in PEM form",
            path.display(),
            error.kind()
        ))
    }))?;
    let found = Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if found.is_empty() {
        return Err(Fatal::Usage(format!(
            "{} of {setting} has no certificate in PEM form. What to do: if it is a DER file, convert it with: openssl x509 \
             -inform der -in FILE -out FILE.pem",
            path.display()
        )));
    }
    Ok(found)
}

/// Our certificate with its key.
fn identity(path: &Path) -> Result<Identity, Fatal> {
    exposure::warn_of_file(path);
    let pem = trusted_file::read(path, Purpose::CREDENTIALS);
    let pem = pem.map_err(|unread| {
        unread.or(|error| {
            Fatal::Usage(format!(
                "{} of --client-cert (PKB_CLIENT_CERT) cannot be read ({}). Name a file with your certificate and its key",
                path.display(),
                error.kind()
            ))
        })
    })?;
    // The library's words may hold parts of the file.
    Identity::from_pem(&pem).map_err(|_| {
        Fatal::Usage(format!(
            "{} of --client-cert (PKB_CLIENT_CERT) does not have a certificate and its key. What to do: put both into one \
             file in PEM form, the key without a passphrase: cat cert.pem key.pem > FILE && chmod 600 FILE",
            path.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(network: &Network) -> String {
        crate::tls::use_ring();
        let error = network.applied_to(reqwest::Client::builder()).unwrap_err();
        assert_eq!(error.exit_code(), pkb_core::ExitCode::Usage);
        error.to_string()
    }

    #[test]
    fn a_file_that_is_missing_or_holds_something_else_is_named_with_its_setting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.pem");
        let with_ca = Network {
            ca_file: Some(path.clone()),
            ..Network::default()
        };
        let with_cert = Network {
            client_cert: Some(path.clone()),
            ..Network::default()
        };
        for content in [
            None,
            Some("Canary"),
            Some("-----BEGIN CERTIFICATE-----\nCanary"),
        ] {
            if let Some(content) = content {
                std::fs::write(&path, content).unwrap();
            }
            for (network, setting) in [(&with_ca, "--ca-file"), (&with_cert, "--client-cert")] {
                let text = problem(network);
                assert!(text.contains(setting) && text.contains("x.pem"), "{text}");
                assert!(!text.contains("Canary"), "{text}");
            }
        }
    }
}
