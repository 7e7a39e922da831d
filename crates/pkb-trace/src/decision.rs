//! What an answer means for a patient. The order is that of the facts: what comes first is the outcome, and all else is named
//! with it.

use pkb_core::record::{Patient, TraceResult};

use crate::{addresses::is_same_address, answer::Answer, profile::Meaning};

/// What the answers about a patient come to.
#[derive(Debug)]
pub struct Decision {
    /// All that is true, the most serious first; one at least.
    pub results: Vec<(TraceResult, Option<&'static str>)>,
    /// A row that was not understood, or does not belong here: what is wrong with it.
    pub fault: Option<String>,
}

impl Decision {
    /// What is decided.
    #[must_use]
    pub fn result(&self) -> TraceResult {
        self.results
            .first()
            .map_or(TraceResult::NoAnswer, |(result, _)| *result)
    }

    /// What the answers say of a patient.
    #[must_use]
    pub fn of(answers: &[Answer], patient: &Patient) -> Self {
        let mut decision = Self {
            results: Vec::new(),
            fault: None,
        };
        for answer in answers {
            decision.add(answer, patient);
        }
        if answers.len() > 1 {
            decision.note(
                TraceResult::NoAnswer,
                Some("the response has more than one answer about this patient"),
            );
        }
        decision.results.sort_by_key(|(result, _)| *result);
        decision.results.dedup_by_key(|(result, _)| *result);
        // Whoever is to be hidden is hidden: nothing else of the answer is kept.
        if decision.result() == TraceResult::Sensitive {
            decision.results.truncate(1);
        }
        let is_objection = |(result, _): &(TraceResult, _)| result.reason().is_some();
        if decision.results.iter().any(is_objection) {
            decision.results.retain(is_objection);
        }
        decision
    }

    /// Nobody answered.
    #[must_use]
    pub fn no_answer() -> Self {
        Self {
            results: vec![(
                TraceResult::NoAnswer,
                Some("the response has no answer about the patient"),
            )],
            fault: None,
        }
    }

    fn note(&mut self, result: TraceResult, detail: Option<&'static str>) {
        self.results.push((result, detail));
    }

    fn add(&mut self, answer: &Answer, patient: &Patient) {
        // These two count whatever else the row says.
        if answer.is_sensitive || answer.meaning == Meaning::Sensitive {
            self.note(TraceResult::Sensitive, None);
        }
        if answer.is_dead {
            self.note(
                TraceResult::Deceased,
                Some("the register has a date of death"),
            );
        }
        let own = patient.national_id.value;
        let asked = answer.asked.as_deref().map(pkb_values::NhsNumber::parse);
        if asked.is_some_and(|asked| asked != Ok(own)) {
            self.note(
                TraceResult::NoAnswer,
                Some("the answer is about a different number"),
            );
            self.fault = Some("the answer is about a different number than the question".into());
            return;
        }
        match &answer.meaning {
            Meaning::Fault(words) => {
                self.note(
                    TraceResult::NoAnswer,
                    Some("the register did not understand the question"),
                );
                self.fault = Some(format!("code {}, {words}", answer.code));
            }
            Meaning::Sensitive => {}
            Meaning::Invalid => self.note(TraceResult::InvalidNumber, None),
            Meaning::Superseded => self.note(TraceResult::Superseded, None),
            Meaning::Several => self.note(TraceResult::SeveralMatches, None),
            Meaning::NotFound => self.note(TraceResult::NotTraced, None),
            Meaning::ByOtherDetails => {
                self.note(TraceResult::IdentityMismatch, Some(BY_OTHER_DETAILS))
            }
            Meaning::Success | Meaning::CrossChecked => self.add_found(answer, patient),
        }
    }

    /// Somebody was found.
    fn add_found(&mut self, answer: &Answer, patient: &Patient) {
        if answer.found_nobody() {
            return self.note(TraceResult::NotTraced, None);
        }
        if answer.found_several() {
            return self.note(TraceResult::SeveralMatches, None);
        }
        if answer.matched_number() != Some(patient.national_id.value) {
            return self.note(
                TraceResult::IdentityMismatch,
                Some("the register found a different number"),
            );
        }
        if !answer.is_certain() {
            return self.note(TraceResult::IdentityMismatch, Some(BY_OTHER_DETAILS));
        }
        if !is_same_date(answer, patient) {
            return self.note(
                TraceResult::IdentityMismatch,
                Some("the date of birth in the register is different or not complete"),
            );
        }
        match is_same_address(answer, patient) {
            true => self.note(TraceResult::Verified, None),
            false => self.note(TraceResult::NewerAddress, None),
        }
    }
}

const BY_OTHER_DETAILS: &str = "the patient was found by other details than number and date of birth. Look up the patient by hand";

/// Whether the whole date of birth is the same. A cross-check has compared it even if the row leaves it out.
fn is_same_date(answer: &Answer, patient: &Patient) -> bool {
    let own = patient.date_of_birth.expose_iso().replace('-', "");
    // A time may stand behind it.
    answer.date_of_birth.is_empty()
        || answer.date_of_birth.len() >= 8 && answer.date_of_birth.starts_with(&own)
}
