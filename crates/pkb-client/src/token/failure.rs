//! Why there is no access token, and what to do about it.

use std::time::Duration;

use oauth2::basic::BasicErrorResponseType;

use crate::network_fault::NetworkFault;
use pkb_core::Fatal;

/// Why the token address gave no token.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum Failure {
    /// Client or refresh token: which of them is not said.
    #[error("refused")]
    Refused,
    /// One of OAuth's words for what is wrong.
    #[error("refused for a reason")]
    RefusedFor(Refused),
    /// By one of PKB's response codes, for all that this client asks; what to do about it.
    #[error("refused with a code")]
    RefusedClient(&'static str),
    /// There can be no connection in confidence.
    #[error("no connection in confidence")]
    Network(NetworkFault),
    #[error("{cause}")]
    Unavailable {
        cause: &'static str,
        /// How long the server asks to wait.
        pause: Option<Duration>,
    },
    #[error("not understood")]
    NotUnderstood,
    /// It is a sandbox's where the rest is not, or the other way round.
    #[error("mixed")]
    Mixed(String),
}

/// What the token address refuses (RFC 6749, 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// `invalid_client`: the client, or how it shows its secret.
    Client,
    /// `invalid_grant`: what was shown beside the client, which is the refresh token.
    Grant,
    /// `unauthorized_client`: this client may not ask in this way. Some servers say so of a wrong secret.
    WayForClient,
    /// `unsupported_grant_type`: nobody may ask in this way.
    Way,
    /// `invalid_scope`: what was asked for.
    Scope,
    /// `invalid_request`: the form of the request, such as a secret in a place where the server does not look for it.
    Form,
}

impl Failure {
    /// For now, and nobody says for how long.
    pub(super) fn unavailable(cause: &'static str) -> Self {
        Self::Unavailable { cause, pause: None }
    }

    /// What one of OAuth's error codes means (RFC 6749, 5.2; `temporarily_unavailable` and `server_error` are from 4.1.2.1, and servers
    /// send them here, too).
    pub(super) fn of_code(code: &BasicErrorResponseType) -> Self {
        use BasicErrorResponseType as Code;
        Self::RefusedFor(match code {
            Code::InvalidClient => Refused::Client,
            Code::InvalidGrant => Refused::Grant,
            Code::UnauthorizedClient => Refused::WayForClient,
            Code::UnsupportedGrantType => Refused::Way,
            Code::InvalidScope => Refused::Scope,
            Code::InvalidRequest => Refused::Form,
            Code::Extension(code)
                if code == "temporarily_unavailable" || code == "server_error" =>
            {
                return Self::unavailable(
                    "the server at the token address says that it is unavailable for now",
                );
            }
            Code::Extension(_) => return Self::Refused,
        })
    }

    /// A 401 is about who asks, whatever the body is: some servers say `unauthorized_client` of a wrong secret. Only OAuth's own word for that,
    /// `invalid_client`, tells the client from its refresh token.
    pub(super) fn of_401(body: &[u8]) -> Self {
        let body: Option<serde_json::Value> = serde_json::from_slice(body).ok();
        match body {
            Some(body) if body["error"] == "invalid_client" => Self::RefusedFor(Refused::Client),
            _ => Self::Refused,
        }
    }

    /// Why the stage stops. `tethered` says whether a refresh token was shown, and no secret.
    pub(super) fn into_fatal(self, tethered: bool) -> Fatal {
        match self {
            Self::Unavailable { cause, .. } => {
                Fatal::TryLater(format!("no access token: {cause}. What to do: run the same command again later. To check \
                 the server and its address: pkb doctor"))
            }
            Self::Refused if tethered => Refused::Grant.into_fatal(tethered),
            Self::Refused => Refused::Client.into_fatal(tethered),
            Self::RefusedFor(what) => what.into_fatal(tethered),
            Self::RefusedClient(what) => Fatal::Credentials(what.into()),
            Self::Network(fault) => fault.into_fatal(),
            Self::Mixed(words) => Fatal::Usage(words),
            Self::NotUnderstood => Fatal::NotUnderstood(
                "the token address answered something that is not an access token. What to do: check PKB_TOKEN_URL and proxies".into(),
            ),
        }
    }
}

impl Refused {
    /// How the stage ends: 77 where the client or what it shows is refused, 2 where a setting asks for what the server does not have.
    fn into_fatal(self, tethered: bool) -> Fatal {
        let words = match self {
            Self::Client if tethered => {
                "PKB does not know this client (invalid_client). What to do: check PKB_CLIENT_ID and PKB_TOKEN_URL"
            }
            Self::Client => {
                "PKB refused the client's credentials. What to do: check PKB_CLIENT_ID, the secret and --auth-style"
            }
            Self::Grant if tethered => {
                "PKB refused the refresh token. Each token works only once. What to do: ask a coordinator to make a new \
                 one in PKB's web interface. Put the new token into the file of --refresh-token-file. Then run the same \
                 command again"
            }
            Self::Grant => {
                "the token address refused the grant (invalid_grant). What to do: check PKB_TOKEN_URL. If it is right, ask the server's \
                 operator why this client gets no access token"
            }
            Self::WayForClient => {
                "the token address does not let this client ask in this way (unauthorized_client). What to do: check PKB_CLIENT_ID and \
                 the secret. If they are right, ask the server's operator for a client with client credentials, or for a refresh token \
                 (--refresh-token-file)"
            }
            Self::Way if tethered => {
                "the token address takes no refresh tokens (unsupported_grant_type). What to do: set PKB_TOKEN_URL to \
                 PKB's address for refresh tokens, or leave out --refresh-token-file and set a client secret"
            }
            Self::Way => {
                "the token address knows no client credentials (unsupported_grant_type). What to do: check PKB_TOKEN_URL, or use a \
                 refresh token (--refresh-token-file)"
            }
            Self::Scope => {
                "the token address does not give this client the scope that it was asked for (invalid_scope). What to do: ask the \
                 server's operator which scopes PKB_CLIENT_ID may ask for, and set --scope"
            }
            Self::Form => {
                "the token address does not take the request as it is (invalid_request). What to do: try another --auth-style (body for \
                 a secret in the form), and check --scope and PKB_TOKEN_URL. If they are right, ask the server's operator whether \
                 PKB_CLIENT_ID may use client credentials"
            }
        };
        match self {
            Self::Client | Self::Grant | Self::WayForClient => Fatal::Credentials(words.into()),
            Self::Way | Self::Scope | Self::Form => Fatal::Usage(words.into()),
        }
    }
}
