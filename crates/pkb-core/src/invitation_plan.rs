//! By which channels a patient is invited, one after the other: `sms 72h letter`.
//!
//! Who cannot be reached by a channel is invited by the next at once. Between two channels there may be a time: who did not
//! get or did not use the invitation in that time is invited by the next channel, with the same codes while these are valid for
//! long enough.

use std::{fmt, iter, str::FromStr, time::Duration};

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use crate::{
    Record,
    clock::start_of_day,
    record::{Channel, Delivery, GoesTo},
};

/// Channels in their order, and how long each has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationPlan {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step {
    channel: Channel,
    /// How long it has before the next channel takes its place. Without it the next is only for those whom it cannot reach.
    wait: Option<Duration>,
}

/// What a plan says of a patient who was invited and has not registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// The invitation failed, or had its time: the next channel is due.
    Due,
    /// It is due then.
    From(Timestamp),
    /// There is no next channel.
    Nothing,
}

impl InvitationPlan {
    /// All its channels, in their order.
    pub fn channels(&self) -> impl Iterator<Item = Channel> {
        self.steps.iter().map(|step| step.channel)
    }

    /// The channels that are left for a patient: those behind the last by which this invitation went out already.
    pub fn channels_left(&self, record: &Record) -> impl Iterator<Item = Channel> {
        let used = record.continued_deliveries();
        let behind = used.filter_map(|own| self.place(own.channel)).max();
        let from = behind.map_or(0, |place| place + 1);
        self.channels().skip(from)
    }

    /// What comes next for a patient who was invited and has not registered.
    #[must_use]
    pub fn next_step(&self, record: &Record, now: Timestamp) -> NextStep {
        let present = record.deliveries.iter();
        let placed = present.filter_map(|own| Some((self.place(own.channel)?, own)));
        let Some((place, delivery)) = placed.max_by_key(|(place, _)| *place) else {
            return NextStep::Nothing;
        };
        let Some(wait) = self.steps[place].wait else {
            return NextStep::Nothing;
        };
        if delivery
            .dispatches
            .iter()
            .any(|sent| sent.status.is_failure())
        {
            return NextStep::Due;
        }
        let due = sent_at(delivery).and_then(|sent| sent.checked_add(wait).ok());
        match due {
            Some(due) if due <= now => NextStep::Due,
            Some(due) => NextStep::From(due),
            None => NextStep::Nothing,
        }
    }

    fn place(&self, channel: Channel) -> Option<usize> {
        self.steps.iter().position(|step| step.channel == channel)
    }
}

/// When the last part of a delivery was given to the service that sends it, or the end of the day that the delivery bears, if
/// nobody has noted that it was given to one.
fn sent_at(delivery: &Delivery) -> Option<Timestamp> {
    let given = delivery.dispatches.iter().map(|sent| sent.at).max();
    given.or_else(|| delivery.date?.tomorrow().ok().map(start_of_day))
}

impl FromStr for InvitationPlan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let channel = |word: &str| {
            let mut all = Channel::ALL.iter().copied();
            all.find(|channel| channel.as_str() == word)
        };
        let mut steps: Vec<Step> = Vec::new();
        for word in text.split_whitespace() {
            if let Some(channel) = channel(word) {
                if steps.iter().any(|step| step.channel == channel) {
                    return Err(format!("must have each channel once ({word} comes twice)"));
                }
                steps.push(Step {
                    channel,
                    wait: None,
                });
                continue;
            }
            match steps.last_mut() {
                Some(step) if step.wait.is_none() => step.wait = Some(time(word)?),
                _ => return Err(unknown(word)),
            }
        }
        match steps.split_last() {
            None => {
                return Err("must name a channel, such as \"sms 72h letter\"".into());
            }
            Some((last, _)) if last.wait.is_some() => {
                return Err(
                    "must end with a channel. Add the channel that follows the last time".into(),
                );
            }
            Some((_, before)) => {
                // On paper it cannot be taken back, and its place is in the manifests: what follows a letter is a reminder.
                let on_paper = before
                    .iter()
                    .find(|step| step.channel.goes_to() == GoesTo::Address);
                if let Some(step) = on_paper {
                    let name = step.channel.as_str();
                    return Err(format!(
                        "must have {name} as its last channel. After a letter, use a reminder"
                    ));
                }
            }
        }
        Ok(Self { steps })
    }
}

fn time(word: &str) -> Result<Duration, String> {
    let span = word.parse::<Span>().map_err(|_| unknown(word))?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let length = length.map_err(|_| unknown(word))?;
    if length < SignedDuration::from_hours(1) {
        return Err(format!("must have times of 1h or more ({word} is shorter)"));
    }
    Duration::try_from(length).map_err(|_| unknown(word))
}

fn unknown(word: &str) -> String {
    let names: Vec<&str> = Channel::ALL
        .iter()
        .map(|channel| channel.as_str())
        .collect();
    format!(
        "must be channels ({}) with times between them, such as \"sms 72h letter\" (\"{word}\" does not fit)",
        names.join(", ")
    )
}

impl fmt::Display for InvitationPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.steps.iter().flat_map(|step| {
            let wait = step.wait.map(|wait| format!("{}h", wait.as_secs() / 3600));
            iter::once(step.channel.as_str().to_owned()).chain(wait)
        });
        f.write_str(&words.collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn plan(text: &str) -> InvitationPlan {
        text.parse().unwrap()
    }

    fn record(deliveries: &Value, earlier: &Value) -> Record {
        let row = json!({"file": "a.csv", "number": 7, "of": 9});
        let record = json!({"schema": "pkb-record/1", "row": row, "deliveries": deliveries, "earlier": earlier});
        serde_json::from_value(record).unwrap()
    }

    fn texted(status: &str) -> Value {
        let sent = json!([
            {"reference": "a", "status": "delivered", "at": "2026-11-22T09:00:00Z"},
            {"reference": "b", "status": status, "at": "2026-11-22T10:00:00Z"},
        ]);
        json!([{"channel": "sms", "file": "sms-0001.csv", "date": "2026-11-21", "dispatches": sent}])
    }

    fn next(plan_text: &str, deliveries: &Value, now: &str) -> NextStep {
        plan(plan_text).next_step(&record(deliveries, &json!([])), now.parse().unwrap())
    }

    #[test]
    fn a_plan_is_written_as_it_was_read() {
        for text in [
            "letter",
            "sms letter",
            "sms 72h letter",
            "nhs_notify 168h sms 24h letter",
            "sms 72h data",
        ] {
            assert_eq!(plan(text).to_string(), text);
        }
        assert_eq!(plan("  sms   3d letter ").to_string(), "sms 72h letter");
    }

    #[test]
    fn what_is_no_plan_is_refused_with_an_example() {
        for (text, words) in [
            ("", "must name a channel"),
            ("sms 72h", "must end with a channel"),
            ("72h letter", "does not fit"),
            ("sms 72h 3h letter", "does not fit"),
            ("sms pigeon letter", "does not fit"),
            ("sms 72 letter", "does not fit"),
            ("sms -72h letter", "times of 1h or more"),
            ("sms 0h letter", "times of 1h or more"),
            ("sms letter sms", "sms comes twice"),
            ("letter 72h sms", "letter as its last channel"),
        ] {
            let error = text.parse::<InvitationPlan>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn the_letter_is_due_when_the_last_text_had_its_time_and_not_before() {
        let own = texted("delivered");
        let due = "2026-11-25T10:00:00Z";
        assert_eq!(
            next("sms 72h letter", &own, "2026-11-25T09:59:59Z"),
            NextStep::From(due.parse().unwrap())
        );
        assert_eq!(next("sms 72h letter", &own, due), NextStep::Due);
    }

    #[test]
    fn a_text_that_failed_does_not_wait() {
        for status in [
            "permanent-failure",
            "temporary-failure",
            "technical-failure",
            "refused",
        ] {
            let now = "2026-11-22T11:00:00Z";
            assert_eq!(next("sms 72h letter", &texted(status), now), NextStep::Due);
        }
        let only_if_out_of_reach = next("sms letter", &texted("refused"), "2027-11-22T11:00:00Z");
        assert_eq!(only_if_out_of_reach, NextStep::Nothing);
    }

    #[test]
    fn a_text_in_a_spreadsheet_has_its_time_from_the_end_of_its_day() {
        let own = json!([{"channel": "sms", "file": "sms-0001.csv", "date": "2026-07-21"}]);
        assert_eq!(
            next("sms 24h letter", &own, "2026-07-22T10:00:00Z"),
            NextStep::From("2026-07-22T23:00:00Z".parse().unwrap())
        );
        let undated = json!([{"channel": "sms", "file": "sms-0001.csv"}]);
        assert_eq!(
            next("sms 24h letter", &undated, "2027-07-22T10:00:00Z"),
            NextStep::Nothing
        );
    }

    #[test]
    fn nothing_follows_the_last_channel_or_one_that_is_not_in_the_plan() {
        let letter =
            json!([{"channel": "letter", "file": "letters-0001.pdf", "date": "2026-07-21"}]);
        for text in ["sms 24h letter", "nhs_notify 24h sms"] {
            assert_eq!(
                next(text, &letter, "2027-07-22T10:00:00Z"),
                NextStep::Nothing
            );
        }
        assert_eq!(
            next("sms 24h letter", &json!([]), "2027-07-22T10:00:00Z"),
            NextStep::Nothing
        );
    }

    #[test]
    fn the_channels_left_are_those_behind_the_last_one_that_was_used() {
        let left = |record: &Record| {
            let plan = plan("nhs_notify 72h sms 72h letter");
            plan.channels_left(record)
                .map(Channel::as_str)
                .collect::<Vec<_>>()
        };
        let earlier =
            |continued: bool| json!([{"deliveries": texted("delivered"), "continued": continued}]);
        assert_eq!(
            left(&record(&json!([]), &json!([]))),
            ["nhs_notify", "sms", "letter"]
        );
        assert_eq!(left(&record(&json!([]), &earlier(true))), ["letter"]);
        // A reminder begins from the first.
        assert_eq!(
            left(&record(&json!([]), &earlier(false))),
            ["nhs_notify", "sms", "letter"]
        );
    }
}
