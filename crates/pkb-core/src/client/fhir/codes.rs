//! The answer of `$generate-invitation-tokens`.

use std::collections::{HashMap, HashSet};

use jiff::{Timestamp, civil, tz::TimeZone};

use super::parameters::{Answer, Part, Unreadable};
use crate::{
    client::{CallError, rest::RecordAccess},
    value::{AccessCode, InvitationCode, NationalId},
};

/// The codes that an answer has for each of `ids`; `None` for who is not in it.
///
/// Two pairs for one patient are both that patient's: the one that ends last is taken. A code that stands in the parts of two
/// patients, or of one and of somebody that nobody asked for, is nobody's.
pub(super) fn read(
    ids: &[NationalId],
    body: &[u8],
) -> Result<Vec<Option<RecordAccess>>, CallError> {
    let mut answer = Answer::read(ids, body, "patientTokens")?;
    let shared = shared_codes(&answer);
    let mut found = vec![None; answer.patients()];
    let mut spare = 0_usize;
    for (place, part) in &answer.parts {
        let Some(slot) = place.and_then(|place| found.get_mut(place)) else {
            continue;
        };
        match pair(part) {
            Err(Unreadable) => answer.left_aside.unreadable += 1,
            Ok(pair) if shared.contains(pair.code.expose_code()) => answer.left_aside.shared += 1,
            Ok(pair) => {
                spare += usize::from(slot.as_ref().is_some_and(|before| *before != pair));
                if slot
                    .as_ref()
                    .is_none_or(|before: &RecordAccess| before.expires_at < pair.expires_at)
                {
                    *slot = Some(pair);
                }
            }
        }
    }
    if spare > 0 {
        tracing::debug!(
            "{spare} pairs of codes besides the one of the same patient that ends last"
        );
    }
    answer.left_aside.warn();
    Ok(answer.in_order(ids, &found))
}

fn shared_codes(answer: &Answer) -> HashSet<String> {
    let mut owners = HashMap::with_capacity(answer.parts.len());
    let mut shared = HashSet::new();
    for (owner, part) in &answer.parts {
        if let Ok(Some(code)) = part.text("code")
            && *owners.entry(code).or_insert(*owner) != *owner
        {
            shared.insert(code.to_owned());
        }
    }
    shared
}

fn pair(part: &Part) -> Result<RecordAccess, Unreadable> {
    let code = part.text("code")?.ok_or(Unreadable)?;
    let token = part.text("token")?.ok_or(Unreadable)?;
    let expiry = part.moment("expiry")?;
    Ok(RecordAccess {
        code: InvitationCode::parse(code).map_err(|_| Unreadable)?,
        token: AccessCode::parse(token).map_err(|_| Unreadable)?,
        expires_at: expiry
            .map(|text| moment(text).ok_or(Unreadable))
            .transpose()?,
    })
}

/// A FHIR dateTime as a moment. Without an offset, which FHIR does not allow beside a time, and as a bare date it is read in the
/// zone that makes it the earlier moment: in summer, the United Kingdom is ahead of UTC.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    let local: civil::DateTime = text.parse().ok()?;
    let zone = TimeZone::get("Europe/London").ok()?;
    Some(local.to_zoned(zone).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_with_and_without_offset_seconds_and_time() {
        for (text, expected) in [
            ("2021-01-01T09:29:23.356+00:00", "2021-01-01T09:29:23.356Z"),
            ("2021-07-01T09:29:23+01:00", "2021-07-01T08:29:23Z"),
            ("2021-07-01T09:29:23+0100", "2021-07-01T08:29:23Z"),
            ("2021-07-01T09:29Z", "2021-07-01T09:29:00Z"),
            ("2021-07-01T09:29+01:00", "2021-07-01T08:29:00Z"),
            (" 2021-07-01T09:29:23 ", "2021-07-01T08:29:23Z"),
            ("2021-01-01T09:29:23", "2021-01-01T09:29:23Z"),
            ("2021-07-01", "2021-06-30T23:00:00Z"),
        ] {
            let moment = moment(text).map(|moment| moment.to_string());
            assert_eq!(moment.as_deref(), Some(expected), "{text}");
        }
        for text in ["", "soon", "2021-07", "2021-02-30T00:00:00Z", "1625127563"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
