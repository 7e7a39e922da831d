//! A sandbox on a free port with a clock that stands still, and a client that knows its way.

use jiff::Timestamp;
use pkb_sandbox::{
    CLIENT_ID, CLIENT_SECRET, Clock, Config, Faults, Sandbox, UPLOAD_COLUMNS, World,
};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

pub const GUIDE: &str = "5760678914";
pub const GUIDE_ROW: &str = "Mr,Read,Richards,5760678914,,,,15,09,2000,1 Main Street,,Newcastle,,NE1 1XC,07700 900123,,,,,,";

pub struct Rig {
    pub sandbox: Sandbox,
    pub clock: Clock,
    pub http: Client,
}

impl Rig {
    pub async fn start() -> Self {
        Self::with_world(World::default()).await
    }

    pub async fn with_world(world: World) -> Self {
        Self::with(Config {
            world,
            ..Config::default()
        })
        .await
    }

    /// With the clock set to stand still.
    pub async fn with(config: Config) -> Self {
        let now: Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
        let clock = Clock::fixed(now);
        let config = Config {
            clock: clock.clone(),
            ..config
        };
        Self {
            sandbox: Sandbox::start(config).await.unwrap(),
            clock,
            http: client().build().unwrap(),
        }
    }

    /// One that already holds the guide's patient, with rules that count from now.
    pub async fn with_rules(rules: &str) -> Self {
        let rig = Self::start().await;
        rig.upload(&[GUIDE_ROW]).await;
        rig.sandbox.reset_ledger();
        rig.set_rules(rules);
        rig
    }

    pub fn set_rules(&self, rules: &str) {
        let faults = Faults::from_json(format!(r#"{{"seed":7,"rules":[{rules}]}}"#)).unwrap();
        self.sandbox.set_faults(faults);
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.base_url())
    }

    pub fn token_request(&self) -> RequestBuilder {
        self.http.post(self.url("/api/oauth/token"))
    }

    pub async fn bearer(&self) -> String {
        let form = [("grant_type", "client_credentials")];
        let request = self
            .token_request()
            .basic_auth(CLIENT_ID, Some(CLIENT_SECRET))
            .form(&form);
        let reply: Value = request.send().await.unwrap().json().await.unwrap();
        reply["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn get(&self, path: &str) -> Response {
        self.http
            .get(self.url(path))
            .bearer_auth(self.bearer().await)
            .send()
            .await
            .unwrap()
    }

    pub async fn upload_bytes(&self, file: impl Into<Vec<u8>>) -> Response {
        let part = reqwest::multipart::Part::bytes(file.into()).file_name("batch.csv");
        let form = reqwest::multipart::Form::new().part("file", part);
        let request = self.http.post(self.url("/upload/patients"));
        request
            .bearer_auth(self.bearer().await)
            .multipart(form)
            .send()
            .await
            .unwrap()
    }

    /// Uploads rows below the right header; the report.
    pub async fn upload(&self, rows: &[&str]) -> Value {
        let response = self.upload_bytes(file(rows)).await;
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    pub async fn user(&self, national_id: &str) -> Response {
        self.get(&format!(
            "/beta/users/byNationalId/{national_id}/NHS_NUMBER"
        ))
        .await
    }

    pub async fn codes(&self, pkb_id: &str) -> (String, String) {
        let reply: Value = self
            .get(&format!("/v1/users/{pkb_id}/recordAccessToken"))
            .await
            .json()
            .await
            .unwrap();
        let text = |name: &str| reply[name].as_str().unwrap().to_owned();
        (text("invitationCode"), text("token"))
    }
}

/// A file with the right header.
pub fn file(rows: &[&str]) -> String {
    format!("{}\n{}\n", UPLOAD_COLUMNS.join(","), rows.join("\n"))
}

/// A row with names and a national id only.
pub fn short_row(national_id: &str) -> String {
    format!(",Ann,Example,{national_id},,,,,,,,,,,,,,,,,,")
}

/// A client of HTTP. Its library wants to know the cryptography even where there is none.
pub fn client() -> reqwest::ClientBuilder {
    // It fails if it was set already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
}
