//! A local PKB over real HTTP, for the demo, the tests and rehearsals: OAuth, the upload of the "Add many patients" file, the two REST
//! calls of the guide, the two FHIR operations about many patients and the search for one, the messaging endpoint, the join page,
//! GOV.UK Notify and NHS Notify. It follows what they publish; where PKB publishes nothing, the item says so.
//!
//! It shares no code with the client. Tests start one in their own process:
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use pkb_sandbox::{Config, Sandbox};
//!
//! let sandbox = Sandbox::start(Config::default()).await?;
//! assert!(sandbox.base_url().starts_with("http://127.0.0.1:"));
//! sandbox.stop().await;
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It can also go wrong on demand: see [`Faults`].
//!
//! Two further services work with files, and are commands of the program only: `pkb-sandbox mesh` and `pkb-sandbox mail-company`. They
//! are in [`pkb_stand_ins`]. Patients and worlds are in [`pkb_synthetic`].

mod admin;
mod alarm;
mod args;
mod built_in;
mod clock;
mod config;
mod connection;
mod faults;
mod fhir;
mod join;
mod ledger;
mod messaging;
mod national_id;
mod nhs_notify;
mod notify;
mod oauth;
mod one_at_a_time;
mod processing;
mod reply;
mod response_code;
mod rest;
pub mod run;
mod sandbox;
mod server;
mod state;
mod tokens;
mod upload;

pub use built_in::{
    CLIENT_ID, CLIENT_SECRET, NHS_NOTIFY_API_KEY, NHS_NOTIFY_JWKS, NHS_NOTIFY_KEY_ID,
    NHS_NOTIFY_PRIVATE_KEY, NHS_NOTIFY_ROUTING_PLANS, NOTIFY_API_KEY, NOTIFY_LETTER_TEMPLATE,
    NOTIFY_TEMPLATES, ORG_ID, REFRESH_TOKEN, TEAM_ALIASES,
};
pub use clock::Clock;
pub use config::Config;
pub use faults::{Faults, FaultsError};
pub use fhir::{MAX_INVITATION_TOKENS, MAX_STATUS_QUERY};
pub use ledger::{LedgerEntry, UploadCommit};
pub use nhs_notify::{NhsMessage, NhsNotifyConfig};
pub use notify::{Notified, NotifyConfig, NotifyTemplate};
pub use pkb_synthetic::{
    BirthAtPkb, Gender, KnownRecord, NhsFate, OddAnswer, Scheme, World, WorldError, WorldPatient,
};
pub use sandbox::{Sandbox, StartError};
pub use state::{Invitation, PatientView};
pub use upload::{COLUMNS as UPLOAD_COLUMNS, MAX_ROWS as UPLOAD_MAX_ROWS};
