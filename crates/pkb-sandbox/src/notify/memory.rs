//! What was sent, and how it fared. No HTTP in here.

use std::collections::HashSet;

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use pkb_synthetic::derive;
use serde_json::{Value, json};

use super::bill;
use super::errors::NotifyError;
use super::template::NotifyTemplate;
use crate::built_in::NOTIFY_API_KEY;

/// Most that one page of the list has.
const PAGE: usize = 250;

/// The Notify of a sandbox.
#[derive(Clone, Debug)]
pub struct NotifyConfig {
    /// The only key that is known: `{name}-{service}-{secret}`.
    pub api_key: String,
    /// The templates that it has.
    pub templates: Vec<NotifyTemplate>,
    /// Texts and letters a second that are taken for long; each that is sent costs a token, also one that is refused.
    pub per_second: u32,
    /// Tokens that can be saved up.
    pub burst: u32,
    /// Texts and letters that are taken in all, as if it were one day.
    pub daily_limit: usize,
    /// The service's name, which Notify puts before each text unless that is switched off.
    pub service_name: Option<String>,
    /// Whether the service may text abroad, which the Crown dependencies are.
    pub international: bool,
}

impl Default for NotifyConfig {
    /// Fifty a second and a burst of a thousand, 250,000 a day, as Notify has it.
    fn default() -> Self {
        Self {
            api_key: NOTIFY_API_KEY.to_owned(),
            templates: NotifyTemplate::defaults(),
            per_second: 50,
            burst: 1000,
            daily_limit: 250_000,
            service_name: None,
            international: false,
        }
    }
}

/// A text message or a letter that was taken.
#[derive(Clone, PartialEq, Eq)]
pub struct Notified {
    /// `sms` or `letter`.
    pub kind: &'static str,
    /// Notify's id of it.
    pub id: String,
    /// The client's name for it.
    pub reference: Option<String>,
    /// To whom, as digits from 44 on.
    pub phone_number: Option<String>,
    /// From which template.
    pub template_id: Option<String>,
    /// The words of a text message.
    pub body: Option<String>,
    /// How quickly a letter goes.
    pub postage: Option<&'static str>,
    /// The SHA-256 of a letter's PDF in small hexadecimal digits.
    pub pdf_sha256: Option<String>,
    /// How far it is.
    pub status: &'static str,
}

/// What is to be taken.
pub(super) struct NewNotification {
    pub(super) kind: &'static str,
    pub(super) reference: Option<String>,
    pub(super) phone_number: Option<String>,
    pub(super) template_id: Option<String>,
    pub(super) body: Option<String>,
    pub(super) postage: Option<&'static str>,
    pub(super) pdf: Option<Vec<u8>>,
    pub(super) at: Timestamp,
}

struct NotifyEntry {
    piece: NewNotification,
    id: String,
    /// How often it was looked at.
    looked_at: usize,
    /// Billed fragments of a text, sheets of a letter.
    parts: u64,
}

/// What Notify remembers, and the settings.
pub(crate) struct Service {
    config: NotifyConfig,
    seed: u64,
    memory: Mutex<NotifyMemory>,
}

#[derive(Default)]
struct NotifyMemory {
    entries: Vec<NotifyEntry>,
    /// Tokens, in thousandths, and when they were counted.
    tokens: Option<(i64, Timestamp)>,
}

impl Service {
    pub(crate) fn new(config: NotifyConfig, seed: u64) -> Self {
        Self {
            config,
            seed,
            memory: Mutex::default(),
        }
    }

    fn memory(&self) -> MutexGuard<'_, NotifyMemory> {
        self.memory.lock()
    }

    pub(super) fn key(&self) -> &str {
        &self.config.api_key
    }

    pub(super) fn template(&self, id: &str) -> Option<&NotifyTemplate> {
        self.config
            .templates
            .iter()
            .find(|template| template.id == id)
    }

    pub(super) fn is_international(&self) -> bool {
        self.config.international
    }

    /// Takes a token. Who has none left pays all the same, down to an empty bucket's depth.
    pub(super) fn spend(&self, now: Timestamp) -> Result<(), NotifyError> {
        let full = i64::from(self.config.burst) * 1000;
        let mut memory = self.memory();
        let (saved, then) = memory.tokens.unwrap_or((full, now));
        let passed = now
            .as_millisecond()
            .saturating_sub(then.as_millisecond())
            .max(0);
        let earned = passed.saturating_mul(i64::from(self.config.per_second));
        let left = saved.saturating_add(earned).min(full) - 1000;
        memory.tokens = Some((left.max(-full), now));
        if left < 0 {
            return Err(NotifyError::RateLimit);
        }
        Ok(())
    }

    /// Takes a text message or a letter, whether it has been here before or not; its id.
    pub(super) fn take(&self, piece: NewNotification) -> Result<String, NotifyError> {
        let mut memory = self.memory();
        if memory.entries.len() >= self.config.daily_limit {
            return Err(NotifyError::DailyLimit);
        }
        let place = memory.entries.len().to_string();
        let name = piece.reference.as_deref().unwrap_or_default();
        let digest = derive::sha256_hex(format!("{} {place} {name}", self.seed).as_bytes());
        let id = format!(
            "{}-{}-4{}-8{}-{}",
            &digest[..8],
            &digest[8..12],
            &digest[13..16],
            &digest[17..20],
            &digest[20..32]
        );
        let name = self.config.service_name.as_deref();
        let parts = match (&piece.phone_number, &piece.body) {
            (Some(_), Some(body)) => bill::fragments(name, body),
            // A letter of a template has one sheet here.
            _ => piece.pdf.as_deref().map_or(1, |pdf| pages(pdf).div_ceil(2)),
        };
        memory.entries.push(NotifyEntry {
            piece,
            id: id.clone(),
            looked_at: 0,
            parts,
        });
        Ok(id)
    }

    /// A page of what was sent with a reference.
    pub(super) fn find(&self, reference: Option<&str>) -> Vec<Value> {
        let memory = self.memory();
        let newest_first = memory.entries.iter().rev();
        newest_first
            .filter(|entry| reference.is_none() || entry.piece.reference.as_deref() == reference)
            .take(PAGE)
            .map(NotifyEntry::answer)
            .collect()
    }

    /// What was sent with an id, which moves on by that.
    pub(super) fn look_at(&self, id: &str) -> Option<Value> {
        let mut memory = self.memory();
        let entry = memory.entries.iter_mut().find(|entry| entry.id == id)?;
        entry.looked_at += 1;
        Some(entry.answer())
    }

    /// Everything that was taken, the first first.
    pub(crate) fn taken(&self) -> Vec<Notified> {
        self.memory()
            .entries
            .iter()
            .map(NotifyEntry::view)
            .collect()
    }

    /// The bill of everything that was sent, in tenths of a penny.
    pub(crate) fn bill(&self) -> u64 {
        self.memory().entries.iter().map(NotifyEntry::cost).sum()
    }

    /// Counts; nothing about patients.
    pub(super) fn summary(&self) -> Value {
        let taken = self.taken();
        let (mut seen, mut repeated) = (HashSet::new(), 0_u64);
        for piece in &taken {
            // Two letters of a template differ in their words.
            let words = piece.body.as_ref().filter(|_| piece.kind == "letter");
            let what = (
                &piece.phone_number,
                &piece.template_id,
                &piece.pdf_sha256,
                words,
            );
            repeated += u64::from(!seen.insert(what));
        }
        let count = |kind: &str| taken.iter().filter(|piece| piece.kind == kind).count();
        json!({"texts": count("sms"), "letters": count("letter"), "repeated": repeated})
    }
}

impl NotifyEntry {
    /// How far it is after so many looks: 07700 900999, 998 and 997 never get a text, and a PDF without an end is no letter.
    fn status(&self) -> &'static str {
        let number = self.piece.phone_number.as_deref();
        let last = match (number, &self.piece.pdf) {
            (Some("447700900999"), _) => "permanent-failure",
            (Some("447700900998"), _) => "temporary-failure",
            (Some("447700900997"), _) => "technical-failure",
            (Some(_), _) => "delivered",
            (None, Some(pdf)) if !has_end(pdf) => "validation-failed",
            (None, _) => "received",
        };
        let way: &[&'static str] = match (number, last) {
            (Some(_), _) => &["created", "sending"],
            (None, _) if self.piece.pdf.is_none() => &["created", "accepted"],
            (None, "validation-failed") => &["pending-virus-check"],
            (None, _) => &["pending-virus-check", "created", "accepted"],
        };
        way.get(self.looked_at).copied().unwrap_or(last)
    }

    fn view(&self) -> Notified {
        let piece = &self.piece;
        Notified {
            kind: piece.kind,
            id: self.id.clone(),
            reference: piece.reference.clone(),
            phone_number: piece.phone_number.clone(),
            template_id: piece.template_id.clone(),
            body: piece.body.clone(),
            postage: piece.postage,
            pdf_sha256: piece.pdf.as_deref().map(derive::sha256_hex),
            status: self.status(),
        }
    }

    /// In tenths of a penny. What Notify could not send costs nothing.
    fn cost(&self) -> bill::Tenths {
        match (&self.piece.phone_number, self.status()) {
            (_, "technical-failure" | "validation-failed") => 0,
            (Some(phone_number), _) => bill::of_text(phone_number, self.parts),
            (None, _) => {
                let sheets = usize::try_from(self.parts).unwrap_or(usize::MAX);
                bill::of_letter(self.piece.postage.unwrap_or("second"), sheets)
            }
        }
    }

    fn answer(&self) -> Value {
        let mut answer = self.without_cost();
        let is_ready = !matches!(self.status(), "created" | "pending-virus-check");
        answer["is_cost_data_ready"] = is_ready.into();
        if is_ready {
            // A number with a point, as Notify's JSON has it.
            let pounds = format!("{}.{:03}", self.cost() / 1000, self.cost() % 1000);
            answer["cost_in_pounds"] = pounds.parse::<f64>().unwrap_or_default().into();
            answer["cost_details"] = match &self.piece.phone_number {
                Some(number) => json!({
                    "billable_sms_fragments": self.parts,
                    "international_rate_multiplier": bill::multiplier(number),
                    "sms_rate": 0.024,
                }),
                None => {
                    json!({"billable_sheets_of_paper": self.parts, "postage": self.piece.postage})
                }
            };
        }
        answer
    }

    fn without_cost(&self) -> Value {
        let piece = &self.piece;
        json!({
            "id": self.id,
            "reference": piece.reference,
            "type": piece.kind,
            "status": self.status(),
            "phone_number": piece.phone_number,
            "body": piece.body,
            "postage": piece.postage,
            "template": {"id": piece.template_id, "version": 1},
            "created_at": piece.at.to_string(),
            "sent_at": null,
            "completed_at": null,
        })
    }
}

/// Pages of a PDF as its page tree counts them, or one if that cannot be read without unpacking: the stand-in prints nothing.
fn pages(pdf: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(pdf);
    let count = text.split("/Count ").nth(1).and_then(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    count.unwrap_or(1).max(1)
}

fn has_end(pdf: &[u8]) -> bool {
    let tail = &pdf[pdf.len().saturating_sub(1024)..];
    tail.windows(5).any(|window| window == b"%%EOF")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_call_that_is_refused_costs_a_token_too() {
        let config = NotifyConfig {
            per_second: 1,
            burst: 2,
            ..NotifyConfig::default()
        };
        let service = Service::new(config, 1);
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let taken: Vec<bool> = (0..4).map(|_| service.spend(at(100)).is_ok()).collect();
        assert_eq!(taken, [true, true, false, false]);
        // Two tokens are owed; who goes on calling goes on owing.
        assert!(service.spend(at(102)).is_err());
        assert!(service.spend(at(104)).is_ok());
    }
}
