//! Messages and batches as NHS Notify takes them (its OpenAPI description, `POST /v1/message-batches`), and where a batch is cut.

use std::{fmt, ops::Range};

use bytes::Bytes;
use pkb_core::record::NotificationId;
use pkb_values::NhsNumber;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// Most messages of one batch.
pub const MAX_MESSAGES: usize = 45_000;
/// Most bytes of one batch: 5.2 MB.
pub const MAX_BYTES: usize = 5_200_000;

/// What all messages of a run have in common.
#[derive(Debug, Clone)]
pub struct BatchForm {
    /// The routing plan: which templates, and by which channels. A UUID.
    pub routing_plan: NotificationId,
    /// The organisation that writes, where the account may say so.
    pub ods_code: Option<String>,
    /// What stands on the bill.
    pub billing_reference: Option<String>,
}

/// A message, as it stands in a batch.
pub struct WrittenMessage {
    reference: String,
    json: Vec<u8>,
}

/// A batch, ready to be sent.
pub struct MessageBatch {
    pub(super) reference: String,
    /// The references of its messages, in their order.
    pub(super) references: Vec<String>,
    pub(super) body: Bytes,
}

/// The values of the templates' own fields, by the fields' names.
pub type Personalisation = Vec<(String, String)>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageForm<'a> {
    message_reference: &'a str,
    recipient: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    originator: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_reference: Option<&'a str>,
    personalisation: Map<String, Value>,
}

impl BatchForm {
    /// A message to a patient.
    #[must_use]
    pub fn message(
        &self,
        reference: &str,
        to: NhsNumber,
        personalisation: Personalisation,
    ) -> WrittenMessage {
        let fields = personalisation.into_iter();
        let form = MessageForm {
            message_reference: reference,
            recipient: json!({"nhsNumber": to.expose_digits()}),
            originator: self.ods_code.as_ref().map(|code| json!({"odsCode": code})),
            billing_reference: self.billing_reference.as_deref(),
            personalisation: fields.map(|(name, value)| (name, value.into())).collect(),
        };
        WrittenMessage {
            reference: reference.to_owned(),
            // Texts and maps of texts can always be written.
            json: serde_json::to_vec(&form).unwrap_or_default(),
        }
    }

    /// A batch of messages under a reference of ours.
    #[must_use]
    pub fn batch(&self, reference: &str, messages: &[&WrittenMessage]) -> MessageBatch {
        let (before, after) = self.frame(reference);
        let inner: usize = messages.iter().map(|message| message.bytes()).sum();
        let mut body = Vec::with_capacity(before.len() + inner + after.len());
        body.extend_from_slice(before.as_bytes());
        for (place, message) in messages.iter().enumerate() {
            if place > 0 {
                body.push(b',');
            }
            body.extend_from_slice(&message.json);
        }
        body.extend_from_slice(after.as_bytes());
        MessageBatch {
            reference: reference.to_owned(),
            references: messages
                .iter()
                .map(|message| message.reference.clone())
                .collect(),
            body: body.into(),
        }
    }

    /// What is before and after the messages of a batch.
    fn frame(&self, reference: &str) -> (String, &'static str) {
        let plan = json!(self.routing_plan.as_str());
        let reference = json!(reference);
        let before = format!(
            r#"{{"data":{{"type":"MessageBatch","attributes":{{"routingPlanId":{plan},"messageBatchReference":{reference},"messages":["#
        );
        (before, "]}}}")
    }

    /// Where messages of these sizes ([`WrittenMessage::bytes`]) are cut into batches, whose references have so many characters.
    #[must_use]
    pub fn cut(&self, sizes: &[usize], reference_length: usize, most: usize) -> Vec<Range<usize>> {
        let (before, after) = self.frame(&"x".repeat(reference_length));
        cut(
            sizes,
            MAX_BYTES.saturating_sub(before.len() + after.len()),
            most.min(MAX_MESSAGES),
        )
    }
}

/// Cuts into runs of at most `most` and of at most so many bytes. One that is larger on its own stands alone.
fn cut(sizes: &[usize], bytes: usize, most: usize) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut start, mut sum) = (0, 0_usize);
    for (place, size) in sizes.iter().enumerate() {
        let is_full = sum + size > bytes || place - start >= most.max(1);
        if is_full && place > start {
            ranges.push(start..place);
            (start, sum) = (place, 0);
        }
        sum += size;
    }
    if start < sizes.len() {
        ranges.push(start..sizes.len());
    }
    ranges
}

impl WrittenMessage {
    /// How many bytes it takes in a batch, with the comma between two of them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.json.len() + 1
    }

    /// Our name for it.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }
}

impl MessageBatch {
    /// Our name for it.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// The body, as it is sent. It has the patients' numbers and codes.
    #[must_use]
    pub fn expose_body(&self) -> &[u8] {
        &self.body
    }

    /// A mark of the request, by which the same one is known again. Nobody can guess what it is made of: codes are in it.
    #[must_use]
    pub fn mark(&self) -> String {
        let digest = Sha256::digest(&self.body);
        digest[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// Shows nothing of the patient.
impl fmt::Debug for WrittenMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrittenMessage(…)")
    }
}

/// Shows nothing of the patients.
impl fmt::Debug for MessageBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageBatch(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form() -> BatchForm {
        BatchForm {
            routing_plan: NotificationId::uuid("b838b13c-f98c-4def-93f0-515d4e4f4ee1").unwrap(),
            ods_code: Some("X26".into()),
            billing_reference: None,
        }
    }

    #[test]
    fn a_batch_is_what_the_description_says() {
        let to = NhsNumber::parse("9990000018").unwrap();
        let fields = vec![("invitation_code".to_owned(), "NKc\"Yi".to_owned())];
        let form = form();
        let messages = [
            form.message("A", to, fields.clone()),
            form.message("B", to, fields),
        ];
        let batch = form.batch("R1", &messages.iter().collect::<Vec<_>>());
        let message = |reference: &str| {
            json!({
                "messageReference": reference, "recipient": {"nhsNumber": "9990000018"}, "originator": {"odsCode": "X26"},
                "personalisation": {"invitation_code": "NKc\"Yi"},
            })
        };
        let body: Value = serde_json::from_slice(batch.expose_body()).unwrap();
        assert_eq!(
            body,
            json!({"data": {"type": "MessageBatch", "attributes": {
                "routingPlanId": "b838b13c-f98c-4def-93f0-515d4e4f4ee1", "messageBatchReference": "R1",
                "messages": [message("A"), message("B")],
            }}})
        );
        assert_eq!(format!("{batch:?}"), "MessageBatch(…)");
        assert_ne!(batch.mark(), form.batch("R1", &[&messages[0]]).mark());
    }

    proptest! {
        #[test]
        fn no_batch_is_larger_than_may_be_and_nobody_is_lost(
            sizes in proptest::collection::vec(1_usize..2_000_000, 0..60), most in 1_usize..20,
        ) {
            let ranges = form().cut(&sizes, 26, most);
            let mut next = 0;
            for range in ranges {
                prop_assert_eq!(range.start, next);
                prop_assert!(!range.is_empty() && range.len() <= most);
                let bytes: usize = sizes[range.clone()].iter().sum();
                prop_assert!(bytes + 200 <= MAX_BYTES + 400);
                next = range.end;
            }
            prop_assert_eq!(next, sizes.len());
        }

        #[test]
        fn a_cut_batch_has_no_more_bytes_than_nhs_notify_takes(lengths in proptest::collection::vec(1_usize..400_000, 1..40)) {
            let form = form();
            let to = NhsNumber::parse("9990000018").unwrap();
            let message = |length: &usize| form.message("A", to, vec![("x".into(), "y".repeat(*length))]);
            let messages: Vec<WrittenMessage> = lengths.iter().map(message).collect();
            let sizes: Vec<usize> = messages.iter().map(WrittenMessage::bytes).collect();
            for range in form.cut(&sizes, 2, MAX_MESSAGES) {
                let own: Vec<&WrittenMessage> = messages[range].iter().collect();
                prop_assert!(form.batch("R1", &own).expose_body().len() <= MAX_BYTES);
            }
        }
    }
}
