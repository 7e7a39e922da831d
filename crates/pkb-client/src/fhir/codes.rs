//! The answer of `$generate-invitation-tokens`.

use std::collections::{HashMap, HashSet};

use jiff::{Timestamp, civil, tz::TimeZone};

use super::parameters::{Answer, Part, Unreadable};
use crate::{CallError, rest::RecordAccess};
use pkb_values::{AccessCode, InvitationCode, NationalId};

/// What an answer of `$generate-invitation-tokens` has for a patient.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Codes {
    /// A new pair.
    Made(RecordAccess),
    /// Nothing: PKB left the patient out.
    #[default]
    LeftOut,
    /// Codes that may be a different patient's: why.
    Doubtful(&'static str),
}

const SHARED: &str = "PKB gave the same code to two patients";
const TWO_PAIRS: &str = "PKB gave two pairs of codes for one patient and none for a different patient. No codes of that answer are used";
const HALF_ANOTHER: &str = "PKB gave the patient two pairs of codes with one code in common";
const UNREADABLE: &str = "PKB's codes for the patient are not understood";

/// The codes that an answer has for each of `ids`.
///
/// No codes are used that may have been made for a different patient:
///
/// * from an answer with a part that may be about any patient, no codes are used;
/// * a code that two patients have belongs to nobody;
/// * if one patient has two different pairs and one has none, parts may be under the wrong numbers, so no codes are used;
/// * otherwise, of two pairs for one patient, the pair that expires last is used.
///
/// # Errors
/// See [`Answer::read`]; [`CallError::NotUnderstood`] for an answer of which nothing is taken.
pub(super) fn read(ids: &[NationalId], body: &[u8]) -> Result<Vec<Codes>, CallError> {
    let answer = Answer::read(ids, body, "patientTokens")?;
    answer.left_aside.warn();
    if answer.unplaced > 0 {
        return Err(CallError::NotUnderstood(
            "PKB's answer has codes that may belong to a different patient. No codes of that answer are used",
        ));
    }
    let shared = shared_codes(&answer);
    let mut found: Vec<Vec<Result<RecordAccess, &'static str>>> =
        vec![Vec::new(); answer.patients()];
    for (place, part) in &answer.parts {
        let Some(pairs) = found.get_mut(*place) else {
            continue;
        };
        pairs.push(match pair(part) {
            Ok(pair) if is_shared(&shared, &pair) => Err(SHARED),
            Ok(pair) => Ok(pair),
            Err(Unreadable) => Err(UNREADABLE),
        });
    }
    let has_none = |pairs: &Vec<Result<_, _>>| pairs.iter().all(Result::is_err);
    if found.iter().any(has_none) && found.iter().any(|pairs| have_two(pairs)) {
        return Err(CallError::NotUnderstood(TWO_PAIRS));
    }
    let found: Vec<Codes> = found.into_iter().map(choose).collect();
    Ok(answer.in_order(ids, &found))
}

/// Whether a patient has different pairs.
fn have_two(pairs: &[Result<RecordAccess, &'static str>]) -> bool {
    let codes = |pair: &Result<RecordAccess, &'static str>| {
        let pair = pair.as_ref().ok()?;
        Some((pair.code.clone(), pair.token.clone()))
    };
    pairs.windows(2).any(|two| codes(&two[0]) != codes(&two[1]))
}

/// The pair that is taken of those that an answer has for one patient.
fn choose(pairs: Vec<Result<RecordAccess, &'static str>>) -> Codes {
    if pairs.contains(&Err(SHARED)) {
        return Codes::Doubtful(SHARED);
    }
    let mut different: Vec<RecordAccess> = Vec::with_capacity(1);
    let mut doubt = None;
    for pair in pairs {
        match pair {
            Err(what) => doubt = Some(what),
            Ok(pair) => {
                let same_code = different.iter().position(|it| it.code == pair.code);
                let same_token = different.iter().position(|it| it.token == pair.token);
                if same_code != same_token {
                    return Codes::Doubtful(HALF_ANOTHER);
                }
                match same_code.and_then(|at| different.get_mut(at)) {
                    // Said twice: of two ends the earlier is certain.
                    Some(before) => {
                        let ends = before.expires_at.into_iter().chain(pair.expires_at);
                        before.expires_at = ends.min();
                    }
                    None => different.push(pair),
                }
            }
        }
    }
    match (
        different.into_iter().max_by_key(|pair| pair.expires_at),
        doubt,
    ) {
        (Some(pair), _) => Codes::Made(pair),
        (None, Some(what)) => Codes::Doubtful(what),
        (None, None) => Codes::LeftOut,
    }
}

/// Codes of either kind that are in the parts of two patients.
fn shared_codes(answer: &Answer) -> HashSet<String> {
    let mut owners = HashMap::with_capacity(answer.parts.len() * 2);
    let mut shared = HashSet::new();
    for (owner, part) in &answer.parts {
        for name in ["code", "token"] {
            if let Ok(Some(code)) = part.text(name)
                && *owners.entry(code).or_insert(*owner) != *owner
            {
                shared.insert(code.to_owned());
            }
        }
    }
    shared
}

fn is_shared(shared: &HashSet<String>, pair: &RecordAccess) -> bool {
    shared.contains(pair.code.expose_code()) || shared.contains(pair.token.expose_code())
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
