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
mod clock;
mod connection;
mod derive;
mod faults;
mod fhir;
pub mod generate;
mod join;
mod known;
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
mod server;
mod state;
mod tokens;
mod upload;
mod world;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, civil::Date};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use clock::Clock;
use connection::{CuttableListener, Cutter};
pub use faults::{Faults, FaultsError};
pub use fhir::{MAX_INVITATION_TOKENS, MAX_STATUS_QUERY};
pub use known::KnownRecord;
pub use ledger::{LedgerEntry, UploadCommit};
pub use national_id::Scheme;
pub use notify::{Notified, NotifyConfig, NotifyTemplate};
pub use state::{Invitation, PatientView};
pub use upload::{COLUMNS as UPLOAD_COLUMNS, MAX_ROWS as UPLOAD_MAX_ROWS};
pub use world::{BirthAtPkb, OddAnswer, World, WorldError, WorldPatient};

/// The client id that a sandbox knows unless told otherwise.
pub const CLIENT_ID: &str = "sandbox-client";
/// The secret of that client. It opens nothing but sandboxes.
pub const CLIENT_SECRET: &str = "sandbox-secret";
/// The refresh token that a coordinator would have made in the web interface. Good for one use; each answer holds the next.
pub const REFRESH_TOKEN: &str = "sandbox-refresh-0";

/// The FHIR public id of the organisation that this PKB is for, unless told otherwise. No organisation has it.
pub const ORG_ID: &str = "00000000-0000-4000-8000-05a4db0c0999";

/// The key to Notify that a sandbox knows unless told otherwise. It opens nothing but sandboxes.
pub const NOTIFY_API_KEY: &str =
    "sandbox-00000000-0000-4000-8000-000000000001-00000000-0000-4000-8000-000000000002";
/// The templates for text messages that Notify has unless told otherwise: the two that go together, and the one that stands alone.
pub const NOTIFY_TEMPLATES: [&str; 3] = [
    "00000000-0000-4000-8000-0000000000a1",
    "00000000-0000-4000-8000-0000000000a2",
    "00000000-0000-4000-8000-0000000000a3",
];

/// How long open connections may finish what they are doing when the sandbox stops.
const GRACE: Duration = Duration::from_secs(2);

/// What a sandbox is made of. The default listens on a free port of this machine and has nothing out of the ordinary.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen: a loopback address; port 0 takes a free port.
    pub listen: SocketAddr,
    /// The only client that gets tokens.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Its first refresh token, for `POST /apiToken.action`.
    pub refresh_token: String,
    /// The only organisation that the FHIR operations take in `X-Org-Public-Id`: a UUID.
    pub org_id: String,
    /// The exceptions among the patients.
    pub world: World,
    /// The clock that tokens and codes expire by.
    pub clock: Clock,
    /// What PKB ids and codes are derived from.
    pub seed: u64,
    /// What goes wrong from the start.
    pub faults: Faults,
    /// Every call for a patient's codes answers the same pair, whose life begins again. Not what PKB does: an aid for rehearsals in which a
    /// client that was killed and started again must come to the same bytes, however often it asked.
    pub same_codes: bool,
    /// How long each upload is processed, in milliseconds by `clock`, one after the other; 0 answers an upload with its report at once.
    pub processing_ms: u32,
    /// Codes are made, and expire, as if it were always this moment; so a rehearsal of a given day joins on any day. Tokens go on by `clock`.
    pub fixed_time: Option<Timestamp>,
    /// The expiry of codes has FHIR's key `valueDateTime`, where PKB's published example has `valueDatetime`.
    pub value_date_time: bool,
    /// GOV.UK Notify.
    pub notify: NotifyConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            refresh_token: REFRESH_TOKEN.to_owned(),
            org_id: ORG_ID.to_owned(),
            world: World::default(),
            clock: Clock::system(),
            seed: 1,
            faults: Faults::default(),
            same_codes: false,
            processing_ms: 0,
            fixed_time: None,
            value_date_time: false,
            notify: NotifyConfig::default(),
        }
    }
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Without TLS and with a known secret, it may be reached from this machine only.
    #[error("{0} is not a loopback address: a sandbox listens on this machine only")]
    NotLoopback(SocketAddr),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system has no timer for latencies.
    #[error("cannot have a timer: {0}")]
    Timer(std::io::Error),
}

/// A running sandbox. Dropping it stops it too, without waiting.
pub struct Sandbox {
    address: SocketAddr,
    state: Arc<state::State>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Sandbox {
    /// Binds the address and answers requests from then on, in the background.
    ///
    /// # Errors
    /// If the address is not a loopback address or cannot be bound.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let listen = config.listen;
        if !listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(listen));
        }
        let failed = |source| StartError::Bind {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let alarm = alarm::Alarm::start().map_err(StartError::Timer)?;
        let state = Arc::new(state::State::new(config, alarm));
        let (stop, stopped) = oneshot::channel::<()>();
        let router = server::router(&state).into_make_service_with_connect_info::<Cutter>();
        let listener = CuttableListener(listener);
        let server = tokio::spawn(async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(async {
                // A dropped sandbox stops as well.
                let _ = stopped.await;
            });
            if served.await.is_err() {
                tracing::error!("the server broke off");
            }
        });
        Ok(Self {
            address,
            state,
            stop,
            server,
        })
    }

    /// The address that was bound.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:41234`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the FHIR operations are: `http://127.0.0.1:41234/fhir`.
    #[must_use]
    pub fn fhir_url(&self) -> String {
        format!("{}/fhir", self.base_url())
    }

    /// Every request that was handled or suffered a fault so far, in the order of the answers.
    #[must_use]
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.state.ledger.entries()
    }

    /// Empties the ledger.
    pub fn reset_ledger(&self) {
        self.state.ledger.reset();
    }

    /// Puts other faults in the place of all that were set, as `PUT /sandbox/faults` does. Counts and windows begin again.
    pub fn set_faults(&self, faults: Faults) {
        self.state.faults.replace(faults);
    }

    /// What became of a patient; `None` as long as there is no record.
    #[must_use]
    pub fn patient(&self, national_id: &str) -> Option<PatientView> {
        self.state.view(national_id)
    }

    /// PKB learns that a patient has died, as it does from the national service.
    pub fn record_death(&self, national_id: &str, day: Date) {
        self.state.record_death(national_id, day);
    }

    /// Every pair of codes that a patient was issued, the first first.
    #[must_use]
    pub fn invitations(&self, national_id: &str) -> Vec<Invitation> {
        self.state.invitations(national_id)
    }

    /// Every text message and letter that Notify took, the first first.
    #[must_use]
    pub fn notified(&self) -> Vec<Notified> {
        self.state.notify.taken()
    }

    /// How many records there are.
    #[must_use]
    pub fn count_patients(&self) -> usize {
        self.state.count_patients()
    }

    /// Stops listening and waits for what is under way, for two seconds at most.
    pub async fn stop(mut self) {
        let _ = self.stop.send(());
        self.state.stopping.notify_waiters();
        if tokio::time::timeout(GRACE, &mut self.server).await.is_err() {
            self.server.abort();
        }
    }
}
