//! The tokens that the sandbox has handed out: bearer tokens and the one refresh token that is good. No HTTP in here.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use parking_lot::{Mutex, MutexGuard};
use pkb_synthetic::derive;

use crate::clock::{Clock, later};

/// How long a bearer token lives, in seconds, unless the faults say otherwise.
pub(crate) const BEARER_SECONDS: u32 = 600;

pub(crate) struct Tokens {
    seed: u64,
    clock: Clock,
    memory: Mutex<IssuedTokens>,
}

struct IssuedTokens {
    bearers: HashMap<String, IssuedBearer>,
    bearers_issued: u64,
    refresh: String,
    refreshes: u64,
    /// Refresh tokens that were used.
    spent: HashSet<String>,
    /// A refresh token was used twice.
    is_session_over: bool,
}

struct IssuedBearer {
    expires_at: Timestamp,
    /// It came for a refresh token, and ends with that session.
    is_of_session: bool,
}

/// What a token is worth.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    Unknown,
    /// Of a session in which a refresh token was used twice.
    SessionOver,
}

/// A bearer token and its id.
pub(crate) struct Bearer {
    pub(crate) token: String,
    pub(crate) jti: String,
}

impl Tokens {
    pub(crate) fn new(seed: u64, clock: Clock, first_refresh: String) -> Self {
        Self {
            seed,
            clock,
            memory: Mutex::new(IssuedTokens {
                bearers: HashMap::new(),
                bearers_issued: 0,
                refresh: first_refresh,
                refreshes: 0,
                spent: HashSet::new(),
                is_session_over: false,
            }),
        }
    }

    fn memory(&self) -> MutexGuard<'_, IssuedTokens> {
        self.memory.lock()
    }

    /// A new bearer token that lives for so many seconds.
    pub(crate) fn issue(&self, seconds: u32) -> Bearer {
        self.issue_from(&mut self.memory(), seconds, false)
    }

    /// Ends all bearer tokens.
    pub(crate) fn end_all(&self) {
        self.memory().bearers.clear();
    }

    /// Takes the refresh token for a bearer token and the next refresh token. One that was used before ends the session.
    pub(crate) fn refresh(
        &self,
        refresh: &str,
        seconds: u32,
    ) -> Result<(Bearer, String), Standing> {
        let mut memory = self.memory();
        memory.is_session_over |= memory.spent.contains(refresh);
        let is_of_session = memory.refresh == refresh || memory.spent.contains(refresh);
        match (is_of_session, memory.is_session_over) {
            (false, _) => return Err(Standing::Unknown),
            (true, true) => return Err(Standing::SessionOver),
            (true, false) => {}
        }
        memory.spent.insert(refresh.to_owned());
        memory.refreshes += 1;
        let count = memory.refreshes.to_string();
        let unguessable = derive::text(self.seed, &["refresh", &count], 20);
        memory.refresh = format!("sandbox-refresh-{count}-{unguessable}");
        let next = memory.refresh.clone();
        Ok((self.issue_from(&mut memory, seconds, true), next))
    }

    fn issue_from(&self, memory: &mut IssuedTokens, seconds: u32, is_of_session: bool) -> Bearer {
        let now = self.clock.now();
        let count = memory.bearers_issued.to_string();
        memory.bearers_issued += 1;
        memory.bearers.retain(|_, bearer| bearer.expires_at > now);
        let bearer = Bearer {
            token: derive::text(self.seed, &["bearer", &count], 20),
            jti: derive::text(self.seed, &["jti", &count], 20),
        };
        let expires_at = later(now, SignedDuration::from_secs(seconds.into()));
        let issued = IssuedBearer {
            expires_at,
            is_of_session,
        };
        memory.bearers.insert(bearer.token.clone(), issued);
        bearer
    }

    pub(crate) fn standing(&self, bearer: &str) -> Standing {
        let memory = self.memory();
        match memory.bearers.get(bearer) {
            Some(bearer) if bearer.is_of_session && memory.is_session_over => Standing::SessionOver,
            Some(bearer) if bearer.expires_at > self.clock.now() => Standing::Good,
            _ => Standing::Unknown,
        }
    }
}
