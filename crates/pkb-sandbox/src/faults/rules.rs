//! What can be asked for.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::json::FaultsFile;

/// What a sandbox does wrong, to whom and when. The default is nothing.
///
/// Read from JSON, in which unknown keys are errors:
///
/// ```
/// # use pkb_sandbox::Faults;
/// let faults = Faults::from_json(r#"{
///   "seed": 7,
///   "token_seconds": 1,
///   "rules": [
///     {"endpoint": "any", "when": {"always": true}, "fault": {"latency_ms": {"mostly": 20, "rarely": 1000, "rate": 0.01}}},
///     {"endpoint": "by_national_id", "when": {"first": 1}, "patients": ["9990000018"], "fault": {"status": 401}},
///     {"endpoint": "by_national_id", "when": {"probability": 0.05}, "fault": {"status": 503, "retry_after": "3", "body": "html"}},
///     {"endpoint": "upload", "when": {"requests": [2]}, "fault": "reset_after"},
///     {"endpoint": "any", "when": {"after_seconds": 2, "for_seconds": 5}, "fault": "refuse"}
///   ]
/// }"#)?;
/// # Ok::<(), pkb_sandbox::FaultsError>(())
/// ```
///
/// # Rules
///
/// `endpoint` is a name that the ledger uses (`token`, `upload`, `upload_status`, `by_national_id`, `record_access_token`, `status_query`, `generate_tokens`, `patient_search`,
/// `process_message`, `operation_definition`, `join_page`, `join`, `notify_sms`, `notify_letter`, `notify_find`, `notify_status`, `notify_template`, `nhs_token`, `nhs_batches`, `nhs_message`) or `any`, which is every address but the sandbox's own (`/sandbox/…` never suffers). `patients` are national ids, for endpoints that have one in the path.
///
/// `when` is one of
///
/// | | |
/// |---|---|
/// | `{"always": true}` | every request |
/// | `{"probability": 0.05}` | drawn for each request |
/// | `{"requests": [3, 7]}`, `{"first": 5}`, `{"from": 10, "to": 20}` | by number, from 1 since the rules were set; without `to` there is no end |
/// | `{"after_seconds": 2, "for_seconds": 5}` | an outage by the machine's own clock, since the rules were set; either may be left out |
///
/// Each rule counts the requests of its endpoint, also those that an earlier rule answered. A rule with `patients` counts for each of
/// them by itself, so that `{"first": 1}` is the first request about each.
///
/// Draws are worked out from `seed`, the rule's place, the endpoint, the patient and how often that patient was asked for since the rules were
/// set, never from the order in which requests arrive. Requests about nobody (tokens, uploads, the join page) are counted as they come.
///
/// All latencies that apply are added up; of the other faults, the first in the list applies.
///
/// # What a client sees
///
/// Measured with reqwest 0.13 over HTTP/1.1; `tests/all/faults.rs` holds it to that. "Run" means that the request was carried out before.
///
/// | `fault` | run | reqwest |
/// |---|---|---|
/// | `{"latency_ms": {"fixed": 20}}`, `{"uniform": [5, 50]}`, `{"mostly": 20, "rarely": 1000, "rate": 0.01}` | yes | the answer, later; the request is carried out even if the client did not wait for it |
/// | `{"status": 503, "retry_after": "3", "body": "json"}` | no | the status; `retry_after` may be `"date+3"` (an HTTP date at least three seconds ahead), `body` also `html` or `empty`; with `"run": true` the request is carried out and the status is a lie; with `"code": "NO_CONSENT"` the body is an OperationOutcome with that response code of PKB's, and the status may also be 200 |
/// | `"refuse"` | no | an error with `is_request()`, not `is_connect()`; below it "connection closed before message completed", or "connection reset by peer" where a large upload was on its way |
/// | `"reset_before"` | no | an error with `is_request()`, not `is_connect()`; below it "connection reset by peer" |
/// | `"reset_after"` | yes | exactly the same |
/// | `"truncate"` | yes | status and headers, then an error with `is_decode()` while reading; below it "end of file before message length reached": half of the announced bytes came |
/// | `{"notify": "rate_limit"}` | no | an error as GOV.UK Notify documents it: see below |
/// | `{"nhs": "quota"}` | no | an error as NHS Notify documents it: see below |
/// | `{"parts": {"shuffle": true, "repeat": 0.1, …}}` | yes | a FHIR answer of the right form that is not what was asked for: see below |
/// | `{"person": "another_number"}` | yes | an answer about somebody else, or with somebody else's codes: see below |
/// | `{"message": "no_content"}` | yes, but for `error` | a success of another form, or one with an error in it: see below |
/// | `{"upload": {"take": 0.5, "report": "short", "lose": true}}` | as far as `take` says | a report that is wrong, or nothing: see below |
/// | `{"extra_answer": {"after_ms": 20, "half": true}}` | yes | the answer, and then the same answer once more on the same connection, at once or `after_ms` later, whole or its first `half` |
/// | `"wrong_content_type"` | yes | the right body as `text/html` |
/// | `"html"` | no | 200 with a login page |
/// | `"redirect"` | no | 302 to `/sandbox/login` on the same host; who follows gets the login page |
/// | `"garbage"` | no | 200 with JSON of another shape |
/// | `"hang"` | no | nothing, until its own timeout (`is_timeout()`), or the end of the connection after ten minutes |
///
/// None of them makes reqwest send a request again by itself, on new connections or on used ones. `refuse` reads the head of the request,
/// since only that tells which rule applies, and leaves the body unread. So there is no fault here with `is_connect()`: stop the sandbox for that.
///
/// # Parts of FHIR answers
///
/// `parts`, for `status_query` and `generate_tokens` only, takes any of
///
/// | | |
/// |---|---|
/// | `"shuffle": true` | another order than was asked for |
/// | `"repeat": 0.1` | this share of the parts comes twice |
/// | `"omit": 0.1` | this share is left out, whoever they are; their codes are made all the same |
/// | `"strangers": 2` | so many parts about patients whom nobody asked for |
/// | `"other_systems": 0.1` | in this share the identifier's system ends in a slash, or a local identifier stands before it |
/// | `"moved": 0.1` | this share is under the number of the patient of the next part, who then has two parts |
/// | `"renamed": 0.1` | this share is under the number of a patient who was not asked for |
/// | `"two_names": 0.1` | this share is under the patient's number and the next one's |
/// | `"unnamed": 0.1` | this share has no identifier |
/// | `"shared_codes": 0.1`, `"shared_code": 0.1`, `"shared_token": 0.1` | this share has both codes, the invitation code or the access code of the part before (`generate_tokens`) |
/// | `"earlier_codes": 0.1`, `"earlier_token": 0.1` | this share has both codes, or the access code, that an earlier answer told last (`generate_tokens`) |
///
/// Who is hit hangs on `seed` and the patient only: the same patients each time, in whichever request. Where one of two neighbours gets the
/// other's codes and the other nothing (`moved`), the neighbour has a pair of its own besides.
///
/// # Answers about somebody else
///
/// `person`, for `by_national_id`, is one of `another_person` (another's whole user object), `another_person_unnamed` (the same without
/// `nationalIds`), `another_id` (the right object with another's PKB id), `another_number` (with another's number) and `unnamed` (the right
/// object without `nationalIds`). For `record_access_token` it is one of `another_person` (codes made for another, which no client can
/// tell), `repeated_codes`, `repeated_code` and `repeated_token` (both codes, the invitation code or the access code that were told last, to
/// whomever). For `patient_search` it is `another_person`. "Another" is the record that was made next; after the last comes the first.
///
/// # Answers to messages
///
/// `message`, for `process_message` only, is one of `patient` (200 with the patient), `outcome` (200 with an OperationOutcome that says
/// nothing), `warnings` (the same with two warnings), `created` (201), `accepted` (202) and `no_content` (204), the three without a body,
/// `another_patient` (200 with a patient whom the message is not about) and `error` (200 with an OperationOutcome of an error; the message is
/// not carried out). Without it a new record is 201 without a body, and an update 200 with an OperationOutcome that says so.
///
/// # Half an upload
///
/// `upload`, for `upload` and `upload_status` only, takes any of `"take": 0.5` (the first half of the rows is taken, and the report is about
/// these; for `upload` only), `"lose": true` (the connection is reset in place of the answer, exactly as by `reset_after`) and `"report"`. That is
/// one of `short` and `long` (it counts a row too few or too many), `unknown_row` and `header_row` (it names a failed row that is none, in place
/// of one that was taken) and `repeated_row` (it names one failed row twice, in place of two).
///
/// # Errors of Notify
///
/// `notify`, for the endpoints that begin with `notify_`, is one of `phone_number`, `international`, `template_not_found`, `unknown_sender`,
/// `trial_mode`, `team_only`, `not_a_pdf` (400), `no_token` (401), `clock`, `unknown_key`, `team_key_letter` (403), `rate_limit`, `daily_limit`
/// (429) and `exception` (500).
///
/// # Errors of NHS Notify
///
/// `nhs`, for `nhs_batches` and `nhs_message`, is NHS Notify's code without `CM_` in small letters, such as `denied`, `service_ban`,
/// `no_such_routing_plan`, `duplicate_request`, `retry_too_early` or `internal_server_error`; `timeout` is 408, and `gateway_timeout` 504.
/// An error about a message names the first of its batch.
///
/// # Tokens
///
/// `token_seconds` is how long access tokens live that are handed out from then on; `omit_expires_in` leaves that out of the answer and
/// `textual_expires_in` writes it as text. With `one_live_token` each new access token ends all that were handed out before. A `status` of 401
/// with the `body` `invalid_token` says that the token is refused, in the header `WWW-Authenticate`, too.
///
/// # Time
///
/// `clock_off_seconds` is how far ahead of this machine's clock (or behind it) the `Date` of each answer is, as where the machine's clock is wrong.
#[derive(Clone, Debug)]
pub struct Faults {
    pub(super) form: FaultsFile,
    pub(super) source: Value,
}

/// Why faults were not taken.
#[derive(Debug, thiserror::Error)]
pub enum FaultsError {
    /// The file could not be read.
    #[error("cannot read the faults file {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text does not describe faults: an unknown key, a number out of its range, broken JSON.
    #[error("the faults are wrong: {what}")]
    Invalid {
        /// Where and what.
        what: String,
    },
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            form: FaultsFile::default(),
            source: json!({"rules": []}),
        }
    }
}

impl Faults {
    /// Reads a faults file.
    ///
    /// # Errors
    /// Where the file cannot be read, or [`Faults::from_json`] refuses it.
    pub fn read(path: &Path) -> Result<Self, FaultsError> {
        let text = std::fs::read(path).map_err(|source| FaultsError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::from_json(text)
    }

    /// Reads the JSON of faults.
    ///
    /// # Errors
    /// For keys that are not known, values of the wrong kind or out of range, and conditions that contradict each other.
    pub fn from_json(text: impl AsRef<[u8]>) -> Result<Self, FaultsError> {
        let text = text.as_ref();
        let source: Value = serde_json::from_slice(text).map_err(|error| FaultsError::Invalid {
            what: format!("not JSON: {error}"),
        })?;
        let mut reader = serde_json::Deserializer::from_slice(text);
        let form = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            // serde repeats values, and these might be patients'.
            let what = if path.contains("patients") {
                format!("{path}: must be a list of national ids as texts")
            } else if path == "." {
                error.into_inner().to_string()
            } else {
                format!("{path}: {}", error.into_inner())
            };
            FaultsError::Invalid { what }
        })?;
        Ok(Self { form, source })
    }
}
