//! The calls over real connections, to a server that breaks HTTP's rules.

mod answers;
mod bounds;
mod certificates;
mod connections;
mod messages;
mod networks;
mod oauth;
mod refusals;
mod server;
mod uploads;

use std::{sync::Arc, time::Duration};

use crate::{
    AuthStyle, Client, Credentials, Settings, fhir::FhirSettings, network::Network,
    rest::PathTemplate,
};
use pkb_core::monitor::Monitor;
use pkb_values::{NationalId, NationalIdType, NhsNumber};

const ORG: &str = "00000000-0000-4000-8000-05a4db0c0999";

/// Ten digits of a patient of the test range: the first, the second, and so on.
fn number(count: usize) -> String {
    (9_990_000_000_u64..)
        .map(|number| number.to_string())
        .filter(|digits| NhsNumber::parse(digits).is_ok())
        .nth(count)
        .unwrap()
}

fn patient(count: usize) -> NationalId {
    NationalId {
        scheme: NationalIdType::NhsNumber,
        value: NhsNumber::parse(&number(count)).unwrap(),
    }
}

fn user_path() -> PathTemplate {
    PathTemplate::of_user("/users/{number}/{type}").unwrap()
}

fn token_path() -> PathTemplate {
    PathTemplate::of_token("/tokens/{id}").unwrap()
}

/// A client of the server at `url`, and where it notes what it waits for.
fn client(url: &str) -> (Client, Arc<Monitor>) {
    client_with_tokens(url, url)
}

/// The same with access tokens from the server at `token_url`.
fn client_with_tokens(url: &str, token_url: &str) -> (Client, Arc<Monitor>) {
    client_on(url, token_url, Network::default())
}

/// The same on a network.
fn client_on(url: &str, token_url: &str, network: Network) -> (Client, Arc<Monitor>) {
    let settings = Settings {
        network,
        ..settings(url, token_url)
    };
    let monitor = Arc::clone(&settings.monitor);
    (Client::new(settings).unwrap(), monitor)
}

fn settings(url: &str, token_url: &str) -> Settings {
    Settings {
        base_url: url.into(),
        fhir: None,
        messaging: Some(FhirSettings {
            base_url: format!("{url}/phr-fhir"),
            org_id: ORG.into(),
        }),
        token_url: format!("{token_url}/token"),
        client_id: "client".into(),
        credentials: Credentials::Secret("sandbox-secret".to_owned().into()),
        auth_style: AuthStyle::Basic,
        scope: None,
        network: Network::default(),
        timeout: Duration::from_secs(20),
        attempts: 3,
        give_up_after: Duration::from_secs(60),
        rate: 0,
        at_a_time: 8,
        calls: Arc::default(),
        random: fastrand::Rng::with_seed(1),
        monitor: Arc::default(),
    }
}
