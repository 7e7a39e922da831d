//! The connection to PKB.

use pkb_core::{
    Fatal,
    rehearsal::{self, Evidence, Origin},
};
use reqwest::Url;
use secrecy::ExposeSecret as _;

use crate::{
    address::{checked_url, is_loopback, not_a_sandbox_secret, under},
    error::CallError,
    fhir::{
        RequestLimits,
        endpoint::{FhirEndpoint, FhirSettings},
    },
    settings::{Credentials, Settings},
    transport::Transport,
};

/// A connection to PKB, shared by all calls of a stage.
pub struct Client {
    pub(crate) transport: Transport,
    base: Url,
    pub(crate) fhir: Option<FhirEndpoint>,
    pub(crate) messaging: Option<FhirEndpoint>,
    pub(crate) request_limits: RequestLimits,
}

impl Client {
    /// Whether FHIR is set up.
    pub fn has_fhir(&self) -> bool {
        self.fhir.is_some()
    }

    /// Checks the settings. Nothing is sent yet.
    ///
    /// # Errors
    /// An address is malformed, or would send secrets over plain HTTP.
    pub fn new(settings: Settings) -> Result<Self, Fatal> {
        let base = checked_url(&settings.base_url, "PKB_BASE_URL")?;
        let token_url = checked_url(&settings.token_url, "PKB_TOKEN_URL")?;
        let endpoint = |settings: &Option<FhirSettings>, name| {
            let endpoint = |settings| FhirEndpoint::new(settings, name);
            settings.as_ref().map(endpoint).transpose()
        };
        let fhir = endpoint(&settings.fhir, "PKB_FHIR_URL")?;
        let messaging = endpoint(&settings.messaging, "PKB_MESSAGING_URL")?;
        let mut addresses = vec![("PKB_BASE_URL", &base), ("PKB_TOKEN_URL", &token_url)];
        addresses.extend(fhir.as_ref().map(|fhir| ("PKB_FHIR_URL", fhir.base())));
        let messages = messaging.as_ref();
        addresses.extend(messages.map(|messaging| ("PKB_MESSAGING_URL", messaging.base())));
        check_addresses(&addresses, &settings)?;
        let transport = Transport::new(&settings, &base, token_url)?;
        Ok(Self {
            transport,
            base,
            fhir,
            messaging,
            request_limits: RequestLimits::default(),
        })
    }

    /// Fetches an access token, to see whether the credentials are good.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn sign_in(&self) -> Result<(), CallError> {
        self.transport.sign_in().await
    }

    /// The address of `path` under the base address, with its `{…}` filled in.
    pub(crate) fn url(&self, path: &str) -> Result<Url, CallError> {
        under(&self.base, path)
    }
}

/// Addresses are all on this machine, for a rehearsal, or none; and a rehearsal shows no real secret to whoever listens there.
fn check_addresses(addresses: &[(&'static str, &Url)], settings: &Settings) -> Result<(), Fatal> {
    let here = addresses.iter().find(|(_, url)| is_loopback(url));
    let away = addresses.iter().find(|(_, url)| !is_loopback(url));
    let Some((here, _)) = here else {
        return Ok(());
    };
    if let Some((away, _)) = away {
        return Err(Fatal::Usage(format!(
            "{here} is an address on this machine, which is for rehearsals, and {away} is not. What to do: run pkb config to see \
             where each address is set. For a rehearsal set all to this machine (eval \"$(pkb-sandbox env)\"). Otherwise set none"
        )));
    }
    if let Credentials::Secret(secret) = &settings.credentials
        && let Some((name, _)) = addresses.iter().find(|(_, url)| url.scheme() == "http")
        && !rehearsal::is_sandbox_secret(secret.expose_secret())
    {
        return Err(Fatal::Usage(not_a_sandbox_secret(
            "the client secret",
            name,
        )));
    }
    let origins = settings.monitor.origins();
    origins.note(Origin::Rehearsal, || Evidence::Address(here))
}
