//! A local PKB over real HTTP, for the demo, the tests and rehearsals: OAuth, the upload of the "Add many patients" file, the two REST
//! calls of the guide, the two FHIR operations about many patients, the join page, and GOV.UK Notify. It follows what PKB publishes; where PKB publishes nothing, the item says so.
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

mod admin;
mod alarm;
mod args;
mod built_in;
mod clock;
mod config;
mod connection;
mod derive;
mod faults;
mod fhir;
pub mod generate;
mod join;
mod known_record;
mod ledger;
mod names;
mod national_id;
pub mod nhs_number;
mod notify;
mod oauth;
mod private_file;
mod processing;
mod reply;
mod rest;
pub mod run;
mod sandbox;
mod server;
mod state;
mod tokens;
mod upload;
mod world;
mod world_of_file;

pub use built_in::{
    CLIENT_ID, CLIENT_SECRET, NOTIFY_API_KEY, NOTIFY_TEMPLATES, ORG_ID, REFRESH_TOKEN,
};
pub use clock::Clock;
pub use config::Config;
pub use faults::{Faults, FaultsError};
pub use fhir::{MAX_INVITATION_TOKENS, MAX_STATUS_QUERY};
pub use known_record::KnownRecord;
pub use ledger::{LedgerEntry, UploadCommit};
pub use national_id::Scheme;
pub use notify::{Notified, NotifyConfig, NotifyTemplate};
pub use sandbox::{Sandbox, StartError};
pub use state::{Invitation, PatientView};
pub use upload::{COLUMNS as UPLOAD_COLUMNS, MAX_ROWS as UPLOAD_MAX_ROWS};
pub use world::{BirthAtPkb, OddAnswer, World, WorldError, WorldPatient};
