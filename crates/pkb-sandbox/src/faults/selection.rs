//! Which request is hit. Draws hang on the seed and on what the request is about, so that concurrency does not change who is hit.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use pkb_synthetic::derive;
use serde_json::Value;

use super::json::{Effect, Fault, FaultsFile, Latency, When};
use super::rules::Faults;

/// What is to be done to one request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Plan {
    pub(super) latency: Duration,
    pub(super) fault: Option<Fault>,
}

/// What the token endpoint says about the life of a token.
#[derive(Clone, Copy)]
pub(crate) struct TokenSettings {
    pub(crate) seconds: Option<u32>,
    pub(crate) omit: bool,
    pub(crate) textual: bool,
    /// Each new token ends those before.
    pub(crate) one_live: bool,
}

/// The faults that are set, and what was counted since then.
pub(crate) struct ActiveFaults(Mutex<FaultsInForce>);

struct FaultsInForce {
    faults: Faults,
    since: Instant,
    /// For each rule, how many requests it counted, by patient where it names patients.
    counted: Vec<HashMap<String, u64>>,
    /// How often a patient was asked for at an endpoint.
    asked: HashMap<(&'static str, String), u64>,
}

impl ActiveFaults {
    pub(crate) fn new(faults: Faults) -> Self {
        Self(Mutex::new(FaultsInForce::new(faults)))
    }

    fn in_force(&self) -> MutexGuard<'_, FaultsInForce> {
        self.0.lock()
    }

    /// Puts `faults` in the place of those before; counts begin again.
    pub(crate) fn replace(&self, faults: Faults) {
        *self.in_force() = FaultsInForce::new(faults);
    }

    /// The JSON that the faults were set with.
    pub(crate) fn source(&self) -> Value {
        self.in_force().faults.source.clone()
    }

    /// What draws are worked out from.
    pub(super) fn seed(&self) -> u64 {
        self.in_force().faults.form.seed
    }

    pub(crate) fn token_settings(&self) -> TokenSettings {
        let form = &self.in_force().faults.form;
        TokenSettings {
            seconds: form.token_seconds,
            omit: form.omit_expires_in,
            textual: form.textual_expires_in,
            one_live: form.one_live_token,
        }
    }

    /// How far ahead of the time (or behind it) the server says it is.
    pub(super) fn clock_off_seconds(&self) -> i32 {
        self.in_force().faults.form.clock_off_seconds
    }

    /// Counts a request and says what is to be done to it.
    pub(super) fn plan(&self, endpoint: &'static str, patient: Option<&str>) -> Plan {
        self.in_force().plan(endpoint, patient)
    }
}

impl FaultsInForce {
    fn new(faults: Faults) -> Self {
        Self {
            counted: vec![HashMap::new(); faults.form.rules.len()],
            faults,
            since: Instant::now(),
            asked: HashMap::new(),
        }
    }

    fn plan(&mut self, endpoint: &'static str, patient: Option<&str>) -> Plan {
        let FaultsFile { seed, rules, .. } = &self.faults.form;
        let mut plan = Plan::default();
        if rules.is_empty() {
            return plan;
        }
        let subject = patient.unwrap_or_default();
        let attempt = next(&mut self.asked, (endpoint, subject.to_owned())).to_string();
        let elapsed = self.since.elapsed();
        for (index, rule) in rules.iter().enumerate() {
            let counted_for = match &rule.patients {
                None => "",
                Some(patients) if patients.contains(subject) => subject,
                Some(_) => continue,
            };
            if !rule.endpoint.covers(endpoint) {
                continue;
            }
            let number = next(&mut self.counted[index], counted_for.to_owned());
            let place = index.to_string();
            let draw = |what| derive::fraction(*seed, &[what, &place, endpoint, subject, &attempt]);
            let applies = match &rule.when {
                When::Always => true,
                When::Probability(chance) => draw("whether") < *chance,
                When::Requests(numbers) => numbers.contains(&number),
                When::Span { from, to } => (*from..=*to).contains(&number),
                When::Window { opens, closes } => {
                    elapsed >= *opens && closes.is_none_or(|closes| elapsed < closes)
                }
            };
            match rule.effect {
                _ if !applies => {}
                Effect::Latency(latency) => plan.latency += wait(latency, draw("how long")),
                Effect::Fault(fault) => plan.fault = plan.fault.or(Some(fault)),
            }
        }
        plan
    }
}

/// Counts up and says the new count.
fn next<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u64>, key: K) -> u64 {
    let count = counts.entry(key).or_insert(0);
    *count += 1;
    *count
}

fn wait(latency: Latency, draw: f64) -> Duration {
    match latency {
        Latency::Fixed(fixed) => Duration::from_millis(fixed),
        Latency::Uniform(low, high) => {
            Duration::from_millis(low) + Duration::from_millis(high - low).mul_f64(draw)
        }
        Latency::Rare {
            mostly,
            rarely,
            rate,
        } => Duration::from_millis(if draw < rate { rarely } else { mostly }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn book(rules: &str) -> ActiveFaults {
        ActiveFaults::new(Faults::from_json(format!(r#"{{"seed":7,"rules":[{rules}]}}"#)).unwrap())
    }

    fn hits(book: &ActiveFaults, endpoint: &'static str, patients: &[&str]) -> Vec<bool> {
        let plan = |patient: &&str| book.plan(endpoint, Some(patient)).fault.is_some();
        patients.iter().map(plan).collect()
    }

    #[test]
    fn requests_are_counted_by_endpoint_from_1() {
        let book = book(r#"{"endpoint":"join","when":{"requests":[2,4]},"fault":"html"}"#);
        assert!(book.plan("token", None).fault.is_none());
        let hit: Vec<bool> = (0..5)
            .map(|_| book.plan("join", None).fault.is_some())
            .collect();
        assert_eq!(hit, [false, true, false, true, false]);
    }

    #[test]
    fn a_rule_with_patients_counts_for_each_of_them() {
        let book = book(
            r#"{"endpoint":"any","patients":["a","b"],"when":{"from":2,"to":2},"fault":"html"}"#,
        );
        assert_eq!(
            hits(
                &book,
                "by_national_id",
                &["a", "b", "c", "c", "b", "a", "a"]
            ),
            [false, false, false, false, true, true, false]
        );
    }

    #[test]
    fn the_first_rule_answers_and_latencies_add_up() {
        let book = book(
            r#"{"endpoint":"any","when":{"always":true},"fault":{"latency_ms":{"fixed":20}}},
               {"endpoint":"any","when":{"first":1},"fault":"html"},
               {"endpoint":"any","when":{"first":2},"fault":"garbage"},
               {"endpoint":"any","when":{"always":true},"fault":{"latency_ms":{"fixed":3}}}"#,
        );
        let seen = [(); 3].map(|()| {
            let plan = book.plan("token", None);
            assert_eq!(plan.latency, Duration::from_millis(23));
            plan.fault.map(Fault::name)
        });
        assert_eq!(seen, [Some("html"), Some("garbage"), None]);
    }

    #[test]
    fn draws_hang_on_the_patient_and_the_attempt_and_not_on_the_order() {
        let rule = r#"{"endpoint":"any","when":{"probability":0.3},"fault":"html"}"#;
        let names: Vec<String> = (0..500).map(|number| number.to_string()).collect();
        let forwards: Vec<&str> = names.iter().map(String::as_str).collect();
        let backwards: Vec<&str> = forwards.iter().rev().copied().collect();
        let (one, other) = (book(rule), book(rule));
        let first = hits(&one, "by_national_id", &forwards);
        let mut same = hits(&other, "by_national_id", &backwards);
        same.reverse();
        assert_eq!(first, same);
        assert_ne!(first, hits(&one, "by_national_id", &forwards));
        let count = first.iter().filter(|hit| **hit).count();
        assert!((110..190).contains(&count), "{count} of 500");
    }

    #[test]
    fn latencies_keep_to_their_bounds() {
        let ms = |latency, draw| wait(latency, draw).as_secs_f64() * 1000.0;
        assert_eq!(ms(Latency::Uniform(5, 50), 0.0), 5.0);
        assert!(ms(Latency::Uniform(5, 50), 0.999) < 50.0);
        let rare = Latency::Rare {
            mostly: 20,
            rarely: 1000,
            rate: 0.01,
        };
        assert_eq!((ms(rare, 0.0099), ms(rare, 0.01)), (1000.0, 20.0));
    }
}
