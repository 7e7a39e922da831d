//! What earlier runs have sent, according to the journal.
//!
//! Before a batch is sent its name, SHA-256 and the keys of its rows are noted, in the order of its
//! lines; when PKB has accepted it and works on it, the id that PKB gave it. If the run breaks off
//! before the report is in the journal, nobody knows what PKB has taken: the rows are unsettled
//! until the next run has asked.

use std::{collections::HashMap, sync::Arc};

use pkb_client::upload::UploadId;
use pkb_core::{Fatal, journal::Key};
use serde_json::{Value, json};

/// A batch that was about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunBatch {
    /// Its file name.
    pub name: String,
    /// Whether e-mail addresses were in it: PKB sends invitations to those.
    pub emails: bool,
    /// What PKB calls it, once it has accepted it.
    pub accepted: Option<UploadId>,
}

/// A row that may or may not have been sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsettledRow {
    /// Its batch.
    pub batch: Arc<BegunBatch>,
    /// Its line in that, the header being 1.
    pub line: u64,
}

/// What earlier runs have sent.
#[derive(Debug)]
pub struct SentBefore {
    /// What the names of batches begin with.
    campaign: String,
    begun: Vec<Begun>,
    /// The last batch that each row was in (its place in `begun`), and its line there.
    unsettled: HashMap<Key, (usize, u64)>,
    /// Number of the last batch.
    last: u64,
}

#[derive(Debug)]
struct Begun {
    batch: Arc<BegunBatch>,
    /// Line of the last row that was noted.
    last_line: u64,
}

/// Keys in one line of the journal: a line has at most 1 MiB.
const KEYS_A_LINE: usize = 10_000;

/// What to note before a batch is sent.
pub fn intents(batch: &BegunBatch, sha256: &str, keys: &[Key]) -> impl Iterator<Item = Value> {
    keys.chunks(KEYS_A_LINE).map(move |keys| {
        let keys: Vec<String> = keys.iter().map(|key| key.expose_hex()).collect();
        json!({ "batch": batch.name, "sha256": sha256, "emails": batch.emails, "rows": keys })
    })
}

/// What to note when PKB has accepted a batch and works on it.
pub fn acceptance(batch: &BegunBatch, id: &UploadId) -> Value {
    json!({ "batch": batch.name, "accepted": id.as_str() })
}

/// What to note when a batch that was about to be sent certainly was not taken.
pub fn withdrawal(batch: &BegunBatch) -> Value {
    json!({ "batch": batch.name, "withdrawn": true })
}

impl SentBefore {
    /// Nothing yet. The names of batches begin with `campaign`.
    pub fn new(campaign: String) -> Self {
        Self {
            campaign,
            begun: Vec::new(),
            unsettled: HashMap::new(),
            last: 0,
        }
    }

    /// Reads an intent, an acceptance or a withdrawal.
    ///
    /// # Errors
    /// It is malformed.
    pub fn begun(&mut self, intent: &Value) -> Result<(), Fatal> {
        let malformed = || Fatal::Input("an intent is malformed".into());
        let name = intent["batch"].as_str().ok_or_else(malformed)?;
        self.count(name);
        let at = self.begun.iter().rposition(|at| at.batch.name == name);
        if intent["withdrawn"] == true {
            self.unsettled.retain(|_, (batch, _)| Some(*batch) != at);
            return Ok(());
        }
        if let Some(id) = intent.get("accepted") {
            let id = id
                .as_str()
                .and_then(UploadId::parse)
                .ok_or_else(malformed)?;
            let begun = &mut self.begun[at.ok_or_else(malformed)?];
            Arc::make_mut(&mut begun.batch).accepted = Some(id);
            return Ok(());
        }
        let at = at.unwrap_or_else(|| {
            self.begun.push(Begun {
                batch: Arc::new(BegunBatch {
                    name: name.to_owned(),
                    emails: intent["emails"].as_bool().unwrap_or(true),
                    accepted: None,
                }),
                last_line: 1,
            });
            self.begun.len() - 1
        });
        for key in intent["rows"].as_array().ok_or_else(malformed)? {
            let key = key.as_str().and_then(Key::from_hex).ok_or_else(malformed)?;
            self.begun[at].last_line += 1;
            self.unsettled.insert(key, (at, self.begun[at].last_line));
        }
        Ok(())
    }

    /// A row whose batch was answered, or that needed none.
    pub fn settled(&mut self, key: Key, batch: Option<&str>) {
        self.unsettled.remove(&key);
        if let Some(batch) = batch {
            self.count(batch);
        }
    }

    /// The batch in which a row may or may not have been sent.
    pub fn unsettled(&self, key: Key) -> Option<UnsettledRow> {
        let (at, line) = *self.unsettled.get(&key)?;
        let batch = Arc::clone(&self.begun[at].batch);
        Some(UnsettledRow { batch, line })
    }

    /// A name that no batch has had.
    pub fn new_name(&mut self) -> String {
        self.last += 1;
        format!("{}-{:04}.csv", self.campaign, self.last)
    }

    /// Numbers go on whatever the names began with in earlier runs.
    fn count(&mut self, name: &str) {
        let number = name
            .strip_suffix(".csv")
            .and_then(|stem| stem.rsplit_once('-'))
            .and_then(|(_, number)| number.parse::<u32>().ok());
        self.last = self.last.max(number.map_or(0, u64::from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(name: &str) -> BegunBatch {
        BegunBatch {
            name: name.into(),
            emails: true,
            accepted: None,
        }
    }

    fn keys(count: u32) -> Vec<Key> {
        (0..count)
            .map(|number| Key::of(&[&number.to_le_bytes()]))
            .collect()
    }

    fn before(batch: &BegunBatch, keys: &[Key]) -> SentBefore {
        let mut before = SentBefore::new("batch".into());
        for intent in intents(batch, "00", keys) {
            before.begun(&intent).unwrap();
        }
        before
    }

    #[test]
    fn rows_of_a_batch_are_unsettled_until_it_is_answered_or_withdrawn() {
        let keys = keys(2);
        let batch = batch("batch-0007.csv");
        let mut before = before(&batch, &keys);
        assert_eq!(before.unsettled(keys[0]).map(|row| row.line), Some(2));
        before.settled(keys[0], Some("batch-0007.csv"));
        let second = before.unsettled(keys[1]).unwrap();
        assert_eq!((&*second.batch, second.line), (&batch, 3));
        assert!(before.unsettled(keys[0]).is_none());
        before.begun(&withdrawal(&batch)).unwrap();
        assert!(before.unsettled(keys[1]).is_none());
        assert_eq!(before.new_name(), "batch-0008.csv");
    }

    #[test]
    fn an_accepted_batch_is_known_by_its_id_and_its_rows_by_their_lines() {
        let keys = keys(KEYS_A_LINE as u32 * 2 + 5);
        let batch = batch("batch-0001.csv");
        let mut before = before(&batch, &keys);
        let id = UploadId::parse("Xy-1_0").unwrap();
        before.begun(&acceptance(&batch, &id)).unwrap();
        for (line, key) in (2..).zip(&keys) {
            let row = before.unsettled(*key).unwrap();
            assert_eq!((row.line, row.batch.accepted.as_ref()), (line, Some(&id)));
        }
    }

    #[test]
    fn a_row_that_was_sent_again_is_unsettled_in_the_later_batch_only() {
        let keys = keys(3);
        let mut before = before(&batch("batch-0001.csv"), &keys);
        let later = batch("batch-0002.csv");
        for intent in intents(&later, "00", &keys[1..]) {
            before.begun(&intent).unwrap();
        }
        let id = UploadId::parse("2").unwrap();
        before.begun(&acceptance(&later, &id)).unwrap();
        before.begun(&withdrawal(&batch("batch-0001.csv"))).unwrap();
        assert!(before.unsettled(keys[0]).is_none());
        let row = before.unsettled(keys[2]).unwrap();
        assert_eq!((row.line, row.batch.accepted.as_ref()), (3, Some(&id)));
    }

    #[test]
    fn a_malformed_acceptance_is_refused() {
        let mut before = before(&batch("batch-0001.csv"), &keys(1));
        for (name, id) in [
            ("batch-0001.csv", json!("../users")),
            ("batch-0001.csv", json!(7)),
            ("batch-0002.csv", json!("7")),
        ] {
            let line = json!({ "batch": name, "accepted": id });
            assert!(before.begun(&line).is_err(), "{line}");
        }
    }

    #[test]
    fn numbers_go_on_whatever_a_campaign_is_called() {
        let mut before = SentBefore::new("spring-2027".into());
        for name in [
            "batch-0003.csv",
            "autumn-2026-0012.csv",
            "notes.csv",
            "x-9.txt",
            "x-99999999999999999999.csv",
        ] {
            before.settled(keys(1)[0], Some(name));
        }
        assert_eq!(before.new_name(), "spring-2027-0013.csv");
        assert_eq!(before.new_name(), "spring-2027-0014.csv");
    }
}
