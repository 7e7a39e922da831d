//! What a sandbox is made of.

use std::net::{Ipv4Addr, SocketAddr};

use jiff::Timestamp;
use pkb_synthetic::World;

use crate::built_in::{CLIENT_ID, CLIENT_SECRET, ORG_ID, REFRESH_TOKEN, TEAM_ALIASES};
use crate::clock::Clock;
use crate::faults::rules::Faults;
use crate::fhir::{MAX_INVITATION_TOKENS, MAX_STATUS_QUERY};
use crate::nhs_notify::NhsNotifyConfig;
use crate::notify::memory::NotifyConfig;

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
    /// Aliases of the organisation's teams, that of its default team first.
    pub team_aliases: Vec<String>,
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
    /// The REST calls are below `/json`, as PKB's example of JSON has it, and the guide's own paths lead nowhere.
    pub json_mounts: bool,
    /// A call that comes while another is in hand is refused (503), and the ledger notes it as `at_the_same_time`.
    pub one_at_a_time: bool,
    /// FHIR endpoints that are not switched on for the client, by their names in the ledger: `status_query`, `generate_tokens`,
    /// `patient_search`.
    pub not_enabled: Vec<String>,
    /// The most patients of one `$status-query`.
    pub max_status_query: usize,
    /// The most patients of one `$generate-invitation-tokens`.
    pub max_invitation_tokens: usize,
    /// GOV.UK Notify.
    pub notify: NotifyConfig,
    /// NHS Notify.
    pub nhs_notify: NhsNotifyConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            refresh_token: REFRESH_TOKEN.to_owned(),
            org_id: ORG_ID.to_owned(),
            team_aliases: TEAM_ALIASES.map(str::to_owned).to_vec(),
            world: World::default(),
            clock: Clock::system(),
            seed: 1,
            faults: Faults::default(),
            same_codes: false,
            processing_ms: 0,
            fixed_time: None,
            value_date_time: false,
            json_mounts: false,
            one_at_a_time: false,
            not_enabled: Vec::new(),
            max_status_query: MAX_STATUS_QUERY,
            max_invitation_tokens: MAX_INVITATION_TOKENS,
            notify: NotifyConfig::default(),
            nhs_notify: NhsNotifyConfig::default(),
        }
    }
}
