//! A sandbox that runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::alarm::Alarm;
use crate::config::Config;
use crate::connection::{CuttableListener, Cutter};
use crate::faults::rules::Faults;
use crate::ledger::LedgerEntry;
use crate::nhs_notify::NhsMessage;
use crate::notify::memory::Notified;
use crate::one_at_a_time::OFFENCE;
use crate::server;
use crate::state::State;
use crate::state::records::{Invitation, PatientView};

/// How long open connections may finish what they are doing when the sandbox stops.
const GRACE: Duration = Duration::from_secs(2);

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Without TLS and with a known secret, it may be reached from this machine only.
    #[error("{0} is not a loopback address: a sandbox listens on this machine only")]
    NotLoopback(SocketAddr),
    /// The address is taken, or not this machine's.
    #[error(
        "cannot listen on {address}: {cause}. What to do: stop the program that uses it, or take a free address: --listen 127.0.0.1:0"
    )]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The system has no timer for latencies.
    #[error("cannot have a timer: {0}")]
    Timer(std::io::Error),
}

/// A running sandbox. Dropping it stops it too, without waiting.
pub struct Sandbox {
    address: SocketAddr,
    state: Arc<State>,
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
        let failed = |cause| StartError::Bind {
            address: listen,
            cause,
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let alarm = Alarm::start().map_err(StartError::Timer)?;
        let state = Arc::new(State::new(config, alarm));
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

    /// Where messages go: `http://127.0.0.1:41234/phr-fhir`.
    #[must_use]
    pub fn messaging_url(&self) -> String {
        format!("{}/phr-fhir", self.base_url())
    }

    /// Every request that was handled or suffered a fault so far, in the order of the answers.
    #[must_use]
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.state.ledger.entries()
    }

    /// How many calls in the ledger came while another was in hand, where that is an offence ([`Config::one_at_a_time`]).
    #[must_use]
    pub fn offences(&self) -> usize {
        let ledger = self.state.ledger.entries();
        let offences = ledger.iter().filter(|entry| entry.fault == Some(OFFENCE));
        offences.count()
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

    /// What GOV.UK Notify bills for them, in tenths of a penny without VAT.
    #[must_use]
    pub fn notify_bill(&self) -> u64 {
        self.state.notify.bill()
    }

    /// Every message that NHS Notify took, the first first.
    #[must_use]
    pub fn nhs_messages(&self) -> Vec<NhsMessage> {
        self.state.nhs_notify.taken()
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
