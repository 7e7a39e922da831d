//! The tokens that the sandbox has handed out: bearer tokens and the one refresh token that is good. No HTTP in here.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use parking_lot::{Mutex, MutexGuard};

use crate::clock::{Clock, later};
use crate::derive;

/// How long a bearer token lives, in seconds, unless the faults say otherwise.
pub(crate) const BEARER_SECONDS: u32 = 600;

pub(crate) struct Tokens {
    seed: u64,
    clock: Clock,
    memory: Mutex<IssuedTokens>,
}

struct IssuedTokens {
    bearers: HashMap<String, Timestamp>,
    bearers_issued: u64,
    refresh: String,
    refreshes: u64,
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
            }),
        }
    }

    fn memory(&self) -> MutexGuard<'_, IssuedTokens> {
        self.memory.lock()
    }

    /// A new bearer token that lives for so many seconds.
    pub(crate) fn issue(&self, seconds: u32) -> Bearer {
        self.issue_from(&mut self.memory(), seconds)
    }

    /// Ends all bearer tokens.
    pub(crate) fn end_all(&self) {
        self.memory().bearers.clear();
    }

    /// Takes the refresh token for a bearer token and the next refresh token; `None` if it is not the one that is good.
    pub(crate) fn refresh(&self, refresh: &str, seconds: u32) -> Option<(Bearer, String)> {
        let mut memory = self.memory();
        if memory.refresh != refresh {
            return None;
        }
        memory.refreshes += 1;
        let count = memory.refreshes.to_string();
        let unguessable = derive::text(self.seed, &["refresh", &count], 20);
        memory.refresh = format!("sandbox-refresh-{count}-{unguessable}");
        let next = memory.refresh.clone();
        Some((self.issue_from(&mut memory, seconds), next))
    }

    fn issue_from(&self, memory: &mut IssuedTokens, seconds: u32) -> Bearer {
        let now = self.clock.now();
        let count = memory.bearers_issued.to_string();
        memory.bearers_issued += 1;
        memory.bearers.retain(|_, expires_at| *expires_at > now);
        let bearer = Bearer {
            token: derive::text(self.seed, &["bearer", &count], 20),
            jti: derive::text(self.seed, &["jti", &count], 20),
        };
        let expires_at = later(now, SignedDuration::from_secs(seconds.into()));
        memory.bearers.insert(bearer.token.clone(), expires_at);
        bearer
    }

    pub(crate) fn is_good(&self, bearer: &str) -> bool {
        self.memory()
            .bearers
            .get(bearer)
            .is_some_and(|expires_at| *expires_at > self.clock.now())
    }
}
