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
//! Two further services work with files, and are commands of the program only. `pkb-sandbox mesh` answers request files as the
//! Personal Demographics Service does through MESH: for each request a response with a row for each row of it, and patients of a
//! patient file who have died, moved, have another number or must not be found. `pkb-sandbox mail-company` takes a folder of letters
//! by its manifest, and writes a status file and the letters that came back. Both choose their exceptions by seed, write them to the
//! file of `--truth` for tests, and go wrong with `--fault`.

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
mod mail_company;
mod mesh;
mod messaging;
mod names;
mod national_id;
mod nhs_notify;
pub mod nhs_number;
mod notify;
mod oauth;
mod one_at_a_time;
mod private_file;
mod processing;
mod reply;
mod response_code;
mod rest;
pub mod run;
mod sandbox;
mod server;
mod state;
mod tokens;
mod torn;
mod upload;
mod world;
mod world_of_file;

pub use built_in::{
    CLIENT_ID, CLIENT_SECRET, NHS_NOTIFY_API_KEY, NHS_NOTIFY_JWKS, NHS_NOTIFY_KEY_ID,
    NHS_NOTIFY_PRIVATE_KEY, NHS_NOTIFY_ROUTING_PLANS, NOTIFY_API_KEY, NOTIFY_LETTER_TEMPLATE,
    NOTIFY_TEMPLATES, ORG_ID, REFRESH_TOKEN, TEAM_ALIASES,
};
pub use clock::Clock;
pub use config::Config;
pub use faults::{Faults, FaultsError};
pub use fhir::{MAX_INVITATION_TOKENS, MAX_STATUS_QUERY};
pub use known_record::KnownRecord;
pub use ledger::{LedgerEntry, UploadCommit};
pub use national_id::Scheme;
pub use nhs_notify::{NhsMessage, NhsNotifyConfig};
pub use notify::{Notified, NotifyConfig, NotifyTemplate};
pub use sandbox::{Sandbox, StartError};
pub use state::{Invitation, PatientView};
pub use upload::{COLUMNS as UPLOAD_COLUMNS, MAX_ROWS as UPLOAD_MAX_ROWS};
pub use world::{BirthAtPkb, Gender, NhsFate, OddAnswer, World, WorldError, WorldPatient};
