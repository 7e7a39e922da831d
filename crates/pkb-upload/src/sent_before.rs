//! What earlier runs have sent, according to the journal.
//!
//! Before a batch is sent its name, SHA-256 and the keys of its rows are noted. If the run breaks
//! off before the answer is in the journal, nobody knows whether PKB has taken the batch: its rows
//! are unsettled until the next run has asked.

use std::{collections::HashMap, sync::Arc};

use pkb_core::{Fatal, journal::Key};
use serde_json::{Value, json};

/// A batch that was about to be sent.
#[derive(Debug, PartialEq, Eq)]
pub struct BegunBatch {
    /// Its file name.
    pub name: String,
    /// Whether e-mail addresses were in it: PKB sends invitations to those.
    pub emails: bool,
}

/// What earlier runs have sent.
#[derive(Debug, Default)]
pub struct SentBefore {
    unsettled: HashMap<Key, Arc<BegunBatch>>,
    /// Number of the last batch.
    last: u64,
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

/// What to note when a batch that was about to be sent certainly was not taken.
pub fn withdrawal(batch: &BegunBatch) -> Value {
    json!({ "batch": batch.name, "withdrawn": true })
}

impl SentBefore {
    /// Reads an intent or a withdrawal.
    ///
    /// # Errors
    /// It is malformed.
    pub fn begun(&mut self, intent: &Value) -> Result<(), Fatal> {
        let malformed = || Fatal::Input("an intent is malformed".into());
        let name = intent["batch"].as_str().ok_or_else(malformed)?.to_owned();
        self.count(&name);
        if intent["withdrawn"] == true {
            self.unsettled.retain(|_, batch| batch.name != name);
            return Ok(());
        }
        let batch = Arc::new(BegunBatch {
            name,
            emails: intent["emails"].as_bool().unwrap_or(true),
        });
        for key in intent["rows"].as_array().ok_or_else(malformed)? {
            let key = key.as_str().and_then(Key::from_hex).ok_or_else(malformed)?;
            self.unsettled.insert(key, Arc::clone(&batch));
        }
        Ok(())
    }

    /// A row whose batch was answered.
    pub fn settled(&mut self, key: Key, batch: &str) {
        self.unsettled.remove(&key);
        self.count(batch);
    }

    /// The batch in which a row may or may not have been sent.
    pub fn unsettled(&self, key: Key) -> Option<&Arc<BegunBatch>> {
        self.unsettled.get(&key)
    }

    /// A name that no batch has had.
    pub fn new_name(&mut self) -> String {
        self.last += 1;
        format!("batch-{:04}.csv", self.last)
    }

    fn count(&mut self, name: &str) {
        let number = name
            .strip_prefix("batch-")
            .and_then(|rest| rest.strip_suffix(".csv"));
        self.last = self.last.max(
            number
                .and_then(|number| number.parse().ok())
                .unwrap_or_default(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_batch_are_unsettled_until_it_is_answered_or_withdrawn() {
        let (one, two) = (Key::of(&[b"1"]), Key::of(&[b"2"]));
        let batch = BegunBatch {
            name: "batch-0007.csv".into(),
            emails: true,
        };
        let mut before = SentBefore::default();
        for intent in intents(&batch, "00", &[one, two]) {
            before.begun(&intent).unwrap();
        }
        assert_eq!(before.unsettled(one).map(|b| &**b), Some(&batch));
        before.settled(one, "batch-0007.csv");
        assert!(before.unsettled(one).is_none() && before.unsettled(two).is_some());
        before.begun(&withdrawal(&batch)).unwrap();
        assert!(before.unsettled(two).is_none());
        assert_eq!(before.new_name(), "batch-0008.csv");
    }
}
