//! What becomes of each letter.

use std::collections::{BTreeMap, HashSet};

use pkb_synthetic::derive;
use serde::Serialize;

use super::MailError;
use super::args::{MailCompany, MailFault};
use super::delivery::{Letter, Standing};

/// How many letters a fault of single letters has.
const FAULTY: usize = 3;

/// R09 (deceased) once, and again for each further hundred returns.
const RETURNS_A_DEATH: usize = 100;
/// Fewer returns than this are not enough for a death among them.
const RETURNS_WITH_A_DEATH: usize = 5;

const DECEASED: &str = "R09";

/// Why letters are returned (NHS Notify Supplier API).
pub(super) const REASONS: [(&str, &str); 10] = [
    ("R01", "Addressee gone away"),
    ("R02", "Address incomplete"),
    ("R03", "Address inaccessible"),
    ("R04", "Addressee unknown"),
    ("R05", "Addressee gone away or refused"),
    ("R06", "Not called for"),
    ("R07", "No such address"),
    ("R08", "No reason given"),
    (DECEASED, "Addressee deceased"),
    ("R10", "Miscellaneous"),
];

/// Letters that do not go their usual way, by reference; the file of `--truth`.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Fates {
    pub(super) lost: Vec<String>,
    pub(super) doubled: Vec<String>,
    /// With the code of the reason.
    pub(super) returned: BTreeMap<String, &'static str>,
    pub(super) rejected: Vec<String>,
    /// Those that the customer stopped.
    pub(super) cancelled: Vec<String>,
    pub(super) dispatched_first: Vec<String>,
    /// Those of `returned` that never were dispatched.
    pub(super) returned_undispatched: Vec<String>,
    /// References of another campaign.
    pub(super) foreign: Vec<String>,
}

/// What a letter's rows in the status file depend on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Usual,
    Lost,
    Doubled,
    Rejected,
    Cancelled,
    DispatchedFirst,
}

impl Fates {
    /// Chooses letters by seed and reference, whatever their order.
    pub(super) fn choose(letters: &[Letter], args: &MailCompany) -> Result<Self, MailError> {
        let mishaps = &args.mishaps;
        let is_asked = |fault| args.fault.contains(&fault);
        let of = |wanted: fn(Standing) -> bool| -> Vec<&Letter> {
            letters
                .iter()
                .filter(|letter| wanted(letter.standing))
                .collect()
        };
        let sound = of(|standing| standing == Standing::Sound);
        let refused = of(|standing| matches!(standing, Standing::Refused(_)));
        let stopped = of(|standing| standing == Standing::Stopped);
        let early = if is_asked(MailFault::DispatchedFirst) {
            FAULTY.min(sound.len())
        } else {
            0
        };
        let wanted = [mishaps.lose, mishaps.double, mishaps.returned, early]
            .into_iter()
            .fold(mishaps.reject, usize::saturating_add);
        if wanted > sound.len() {
            return Err(MailError::TooMany {
                wanted,
                letters: sound.len(),
            });
        }
        if is_asked(MailFault::ReturnedUndispatched) && mishaps.returned == 0 {
            return Err(MailError::NoReturns);
        }
        let mut ranked = ranked(&sound, args.seed).into_iter();
        let mut take = |count| -> Vec<String> { ranked.by_ref().take(count).collect() };
        let mut fates = Self {
            rejected: take(mishaps.reject),
            lost: take(mishaps.lose),
            doubled: take(mishaps.double),
            ..Self::default()
        };
        let references = |letters: Vec<&Letter>| -> Vec<String> {
            letters
                .into_iter()
                .map(|letter| letter.reference.clone())
                .collect()
        };
        fates.rejected.extend(references(refused));
        fates.cancelled = references(stopped);
        let returned = take(mishaps.returned);
        fates.dispatched_first = take(early);
        if is_asked(MailFault::ReturnedUndispatched) {
            fates.returned_undispatched = returned.iter().take(FAULTY).cloned().collect();
        }
        if is_asked(MailFault::Foreign) {
            let first = &letters[0].reference;
            fates.foreign = vec![derive::text(args.seed, &["foreign", first], 12)];
        }
        fates.returned = with_reasons(returned, args.seed);
        fates.sort();
        Ok(fates)
    }

    fn sort(&mut self) {
        for list in [
            &mut self.rejected,
            &mut self.cancelled,
            &mut self.lost,
            &mut self.doubled,
            &mut self.dispatched_first,
            &mut self.returned_undispatched,
        ] {
            list.sort_unstable();
        }
    }

    /// For each letter in the status file.
    pub(super) fn ways(&self) -> impl Fn(&str) -> Way {
        let set = |list: &Vec<String>| -> HashSet<String> { list.iter().cloned().collect() };
        let rejected = set(&self.rejected);
        let (mut lost, doubled) = (set(&self.lost), set(&self.doubled));
        lost.extend(self.returned_undispatched.iter().cloned());
        let early = set(&self.dispatched_first);
        let cancelled = set(&self.cancelled);
        move |reference| {
            if rejected.contains(reference) {
                Way::Rejected
            } else if cancelled.contains(reference) {
                Way::Cancelled
            } else if lost.contains(reference) {
                Way::Lost
            } else if doubled.contains(reference) {
                Way::Doubled
            } else if early.contains(reference) {
                Way::DispatchedFirst
            } else {
                Way::Usual
            }
        }
    }
}

fn ranked(letters: &[&Letter], seed: u64) -> Vec<String> {
    let rank = |letter: &Letter| {
        let reference = &letter.reference;
        (
            derive::text(seed, &["letter", reference], 20),
            reference.clone(),
        )
    };
    let mut ranked: Vec<(String, String)> = letters.iter().copied().map(rank).collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, reference)| reference).collect()
}

/// Every reason but death comes about as often as any other.
fn with_reasons(returned: Vec<String>, seed: u64) -> BTreeMap<String, &'static str> {
    let deaths = match returned.len() {
        ..RETURNS_WITH_A_DEATH => 0,
        count => 1 + count / RETURNS_A_DEATH,
    };
    let codes = REASONS.iter().map(|(code, _)| *code);
    let mut others: Vec<&str> = codes.filter(|code| *code != DECEASED).collect();
    fastrand::Rng::with_seed(seed).shuffle(&mut others);
    let reasons = std::iter::repeat_n(DECEASED, deaths).chain(others.into_iter().cycle());
    returned.into_iter().zip(reasons).collect()
}
