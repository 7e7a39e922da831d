//! Why a server cannot be spoken to in confidence. Waiting changes nothing about these reasons, so that they end a stage at once
//! instead of looking like an outage.
//!
//! No advice here teaches to trust a certificate because it is shown: who opens encrypted traffic reads NHS numbers and codes.

use std::{error::Error, io};

use reqwest::Url;
use rustls::{AlertDescription as Alert, CertificateError, Error as TlsError};

use super::proxies::Proxies;
use pkb_core::Fatal;

/// A page that web servers (nginx) answer where a client certificate is missing or refused: with HTTP's status 400.
const CLIENT_CERTIFICATE_PAGES: [&[u8]; 2] = [
    b"No required SSL certificate was sent",
    b"The SSL certificate error",
];

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NetworkFault {
    kind: Kind,
    /// Name and port.
    server: String,
    /// The variable that names the proxy, if there is one between.
    proxy: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    UnknownAuthority,
    Expired,
    NotYetValid,
    WrongName,
    Revoked,
    OtherCertificate,
    OldProtocol,
    NotTls,
    ClientCertificate,
    ProxyCredentials,
}

impl NetworkFault {
    /// The fault behind `error`; `None` if trying again may help.
    pub(super) fn of(error: &reqwest::Error, proxies: &Proxies) -> Option<Self> {
        let kind = causes(error).find_map(|cause| Kind::of(cause, error.is_connect()))?;
        Some(Self::at(kind, error.url(), proxies))
    }

    /// The server at `url` wants to see a client certificate, if that is what its answer of status 400 says.
    pub(super) fn of_bad_request(body: &[u8], url: &Url, proxies: &Proxies) -> Option<Self> {
        let says = |text: &&[u8]| body.windows(text.len()).any(|part| part == *text);
        let said = CLIENT_CERTIFICATE_PAGES.iter().any(says);
        said.then(|| Self::at(Kind::ClientCertificate, Some(url), proxies))
    }

    fn at(kind: Kind, url: Option<&Url>, proxies: &Proxies) -> Self {
        Self {
            kind,
            server: url.map_or_else(|| "the server".to_owned(), server),
            proxy: url
                .and_then(|url| proxies.of(url))
                .map(|proxy| proxy.variable),
        }
    }

    /// As the stage ends with it.
    pub(super) fn into_fatal(self) -> Fatal {
        let text = self.text();
        match self.kind {
            Kind::ClientCertificate | Kind::ProxyCredentials => Fatal::Credentials(text),
            _ => Fatal::NotUnderstood(text),
        }
    }

    fn text(&self) -> String {
        let through = match (self.proxy, self.kind) {
            (None, _) | (_, Kind::ProxyCredentials) => String::new(),
            (Some(variable), _) => format!(" (through the proxy that {variable} names)"),
        };
        let what = self.what();
        match self.kind {
            Kind::ProxyCredentials => what,
            _ => format!("{}{through} {what}", self.server),
        }
    }

    fn what(&self) -> String {
        match self.kind {
            Kind::UnknownAuthority => UNKNOWN_AUTHORITY.into(),
            Kind::Expired => of_time("has expired"),
            Kind::NotYetValid => of_time("is not valid yet"),
            Kind::WrongName => WRONG_NAME.into(),
            Kind::Revoked => REVOKED.into(),
            Kind::OtherCertificate => OTHER_CERTIFICATE.into(),
            Kind::OldProtocol => OLD_PROTOCOL.into(),
            Kind::NotTls => NOT_TLS.into(),
            Kind::ClientCertificate => CLIENT_CERTIFICATE.into(),
            Kind::ProxyCredentials => {
                let variable = self.proxy.unwrap_or("HTTPS_PROXY");
                format!(
                    "the proxy that {variable} names wants a user name and password, or does not accept those in \
                     {variable}. Nothing was sent to \
                     {}. What to do: ask your network team for an account, and set {variable} to http://USER:PASSWORD@HOST:PORT. Write \
                     %40 for @, %3A for : and %2F for /. Keep that line in a file of mode 0600, not in the shell's history",
                    self.server
                )
            }
        }
    }
}

const UNKNOWN_AUTHORITY: &str = "shows a certificate from an authority that this machine does not know. Nothing was sent. What to do: \
     do not trust the certificate because it is shown. Ask your network team whether a proxy of theirs opens encrypted traffic. If so, \
     have them exempt this server, or fetch their authority's certificate from them, not from the connection, and name its file with \
     --ca-file. If there is no such proxy, somebody may be listening: tell your security team";
const WRONG_NAME: &str = "shows a certificate for a different name. Nothing was sent. What to do: check the address in your settings, and DNS. If \
 both are right, a different server has answered: tell your network team";
const REVOKED: &str = "shows a certificate that its authority has revoked. Nothing was sent. What to do: tell the server's operator, and \
     wait until it is replaced";
const OTHER_CERTIFICATE: &str = "shows a certificate that is not one for a server: it is malformed, for another use, or signed by itself. \
     Nothing was sent. What to do: check the address in your settings. If it is right, tell the server's operator and your network team";
const OLD_PROTOCOL: &str = "has no way to encrypt in common with this program, which speaks TLS 1.2 and 1.3. Nothing was sent. What to \
     do: check the address in your settings. If it is right, the server or a proxy is too old: tell your network team";
const NOT_TLS: &str = "does not speak TLS. Nothing was sent. What to do: check the address and its port in your settings, and ask your \
     network team whether a proxy or firewall answers in its place";
const CLIENT_CERTIFICATE: &str = "wants to see a client certificate (mutual TLS), or does not take the one it was shown. What to do: set \
     --client-cert to the file with the certificate and key that the server's operator has given you. If it is set, check whether it \
     has expired: openssl x509 -in FILE -noout -dates";

fn of_time(what: &str) -> String {
    format!(
        "shows a certificate that {what} by this machine's clock. Nothing was sent. What to do: check the clock with: date -u. If it is \
         right, tell the server's operator, and wait until the certificate is replaced"
    )
}

impl Kind {
    fn of(cause: &(dyn Error + 'static), while_connecting: bool) -> Option<Self> {
        if let Some(error) = cause.downcast_ref::<TlsError>() {
            return Self::of_tls(error, while_connecting);
        }
        // The library does not show the type of this error.
        let is_407 = cause.to_string() == "tunnel error: proxy authorization required";
        is_407.then_some(Self::ProxyCredentials)
    }

    /// What happens once a connection is up may be chance, but for the server's word on our certificate: in TLS 1.3 it comes late.
    fn of_tls(error: &TlsError, while_connecting: bool) -> Option<Self> {
        use CertificateError as Is;
        Some(match error {
            TlsError::AlertReceived(
                Alert::CertificateRequired
                | Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::AccessDenied
                | Alert::DecryptError,
            ) => Self::ClientCertificate,
            _ if !while_connecting => return None,
            TlsError::InvalidCertificate(reason) => match reason {
                // A bad signature: the name of a known authority, and not its key.
                Is::UnknownIssuer | Is::BadSignature => Self::UnknownAuthority,
                Is::Expired | Is::ExpiredContext { .. } => Self::Expired,
                Is::NotValidYet | Is::NotValidYetContext { .. } => Self::NotYetValid,
                Is::NotValidForName | Is::NotValidForNameContext { .. } => Self::WrongName,
                Is::Revoked => Self::Revoked,
                _ => Self::OtherCertificate,
            },
            TlsError::AlertReceived(Alert::UnrecognisedName) => Self::WrongName,
            TlsError::PeerIncompatible(_)
            | TlsError::AlertReceived(
                Alert::ProtocolVersion | Alert::HandshakeFailure | Alert::InsufficientSecurity,
            ) => Self::OldProtocol,
            TlsError::InvalidMessage(_) => Self::NotTls,
            _ => return None,
        })
    }
}

/// Name and port.
pub(super) fn server(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    format!("{host}:{}", url.port_or_known_default().unwrap_or(443))
}

/// The causes of an error, from the outside in. Input and output errors do not show what they hold as their source.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| behind(*cause))
}

fn behind<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let held = cause
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match held {
        Some(inner) => Some(inner),
        None => cause.source(),
    }
}

/// Whether a proxy answered that it does not connect to the server, for another reason than who asks.
pub(super) fn is_refused_by_proxy(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| cause.to_string() == "tunnel error: unsuccessful")
}
