//! Answers that are well-formed and not what was asked for: what a client of a batch interface must not stumble over.

use jiff::{SignedDuration, Timestamp};
use pkb_synthetic::{Scheme, derive, nhs_number};

use super::parameters::{Identifier, Parameter, Part};
use crate::clock::later;
use crate::faults::parts::PartsFault;
use crate::national_id::NationalId;
use crate::state::records::Invitation;

/// What is done to the parts of one answer. Draws hang on the seed and the patient, so that neither the other patients of a
/// request nor a repeated request change who is hit.
#[derive(Clone, Copy)]
pub(crate) struct AlteredParts {
    pub(crate) fault: PartsFault,
    pub(crate) seed: u64,
}

impl AlteredParts {
    /// Changes the parts of an answer. `facts` are what is said of a stranger.
    pub(super) fn work(
        &self,
        asked: &[NationalId],
        parts: &mut Vec<Part>,
        facts: impl Fn(&str) -> Vec<Parameter>,
    ) {
        let key = |part: &Part| {
            let first = part.about.first();
            first.map_or(String::new(), |id| id.value.clone())
        };
        let hit = |what, part: &Part, rate| derive::fraction(self.seed, &[what, &key(part)]) < rate;
        let fault = self.fault;
        parts.retain(|part| !hit("omit", part, fault.omit));
        for index in 0..parts.len() {
            if hit("repeat", &parts[index], fault.repeat) {
                parts.push(parts[index].clone());
            }
        }
        let strangers = (0_u32..)
            .filter_map(|number| self.stranger(number))
            .filter(|number| asked.iter().all(|id| id.number != *number));
        parts.extend(strangers.take(fault.strangers).map(|number| {
            let id = NationalId {
                scheme: Scheme::NhsNumber,
                number,
            };
            Part::about(&id, facts(&id.number))
        }));
        self.rename(asked, parts);
        if fault.shuffle {
            let mut place = 0_u64;
            parts.sort_by_cached_key(|part| {
                place += 1;
                let parts = ["shuffle", &key(part), &place.to_string()];
                (derive::fraction(self.seed, &parts) * 1e15) as u64
            });
        }
        for part in parts.iter_mut() {
            if hit("other system", part, fault.other_systems) {
                self.change_systems(part);
            }
        }
    }

    /// Puts parts under other numbers than their own.
    fn rename(&self, asked: &[NationalId], parts: &mut [Part]) {
        let names: Vec<_> = parts.iter().map(|part| part.about.clone()).collect();
        let fault = self.fault;
        for (index, part) in parts.iter_mut().enumerate() {
            let next = &names[(index + 1) % names.len()];
            let key = names[index].first().map_or("", |id| &id.value);
            let hit = |what, rate| derive::fraction(self.seed, &[what, key]) < rate;
            if hit("moved", fault.moved) {
                part.about.clone_from(next);
            }
            if hit("two names", fault.two_names) {
                part.about.extend(next.iter().cloned());
            }
            if hit("renamed", fault.renamed) {
                let mut strangers = (0_u32..).filter_map(|more| self.stranger(1_000_000 + more));
                let stranger = strangers.find(|number| asked.iter().all(|id| id.number != *number));
                for (id, stranger) in part.about.iter_mut().zip(stranger) {
                    id.value = stranger;
                }
            }
            if hit("unnamed", fault.unnamed) {
                part.about.clear();
            }
        }
    }

    /// Puts codes of other parts, or of an earlier answer, into parts.
    pub(super) fn mix_codes(&self, parts: &mut [Part], earlier: Option<(String, String)>) {
        let fault = self.fault;
        let mut before: Option<(String, String)> = None;
        for part in parts {
            let key = part.about.first().map_or("", |id| &id.value).to_owned();
            let hit = |what, rate| derive::fraction(self.seed, &[what, &key]) < rate;
            if let Some((code, token)) = &before {
                if hit("shared codes", fault.shared_codes) || hit("shared code", fault.shared_code)
                {
                    part.put("code", code);
                }
                if hit("shared codes", fault.shared_codes)
                    || hit("shared token", fault.shared_token)
                {
                    part.put("token", token);
                }
            }
            if let Some((code, token)) = &earlier {
                if hit("earlier codes", fault.earlier_codes) {
                    part.put("code", code);
                }
                if hit("earlier codes", fault.earlier_codes)
                    || hit("earlier token", fault.earlier_token)
                {
                    part.put("token", token);
                }
            }
            before = part.codes().or(before);
        }
    }

    /// Codes that open nothing, for somebody whom nobody asked for.
    pub(super) fn invented_codes(&self, number: &str, now: Timestamp) -> Invitation {
        Invitation {
            code: derive::text(self.seed, &["stranger's code", number], 10),
            token: derive::text(self.seed, &["stranger's token", number], 10),
            expires_at: later(now, SignedDuration::from_hours(24)),
        }
    }

    /// A number of the test range.
    fn stranger(&self, count: u32) -> Option<String> {
        let place = derive::fraction(self.seed, &["stranger", &count.to_string()]);
        nhs_number::complete(999_000_000 + (place * 1e6) as u32)
    }

    /// An identifier of the hospital's comes first, or the system has a slash more than it should.
    fn change_systems(&self, part: &mut Part) {
        let Some(id) = part.about.first_mut() else {
            return;
        };
        if derive::fraction(self.seed, &["which", &id.value]) < 0.5 {
            id.system.push('/');
        } else {
            let local = Identifier {
                system: "https://hospital.example/id".to_owned(),
                value: derive::text(self.seed, &["local id", &id.value], 8),
            };
            part.about.insert(0, local);
        }
    }
}
