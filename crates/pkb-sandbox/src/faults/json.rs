//! Faults as they are asked for in JSON.

use std::collections::HashSet;
use std::time::Duration;

use axum::http::StatusCode;
use serde::Deserialize;

use super::extra::ExtraFault;
use super::message::MessageFault;
use super::parts::PartsFault;
use super::person::PersonFault;
use super::upload::UploadFault;
use crate::nhs_notify::errors::NhsError;
use crate::notify::errors::NotifyError;
use crate::response_code::ResponseCode;

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct FaultsFile {
    pub(super) seed: u64,
    pub(super) rules: Vec<Rule>,
    pub(super) token_seconds: Option<u32>,
    pub(super) omit_expires_in: bool,
    pub(super) textual_expires_in: bool,
    pub(super) one_live_token: bool,
    pub(super) clock_off_seconds: i32,
}

impl Default for FaultsFile {
    fn default() -> Self {
        Self {
            seed: 1,
            rules: Vec::new(),
            token_seconds: None,
            omit_expires_in: false,
            textual_expires_in: false,
            one_live_token: false,
            clock_off_seconds: 0,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) endpoint: Endpoint,
    pub(super) when: When,
    pub(super) patients: Option<HashSet<String>>,
    pub(super) effect: Effect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Endpoint {
    Token,
    Upload,
    UploadStatus,
    ByNationalId,
    RecordAccessToken,
    StatusQuery,
    GenerateTokens,
    ProcessMessage,
    PatientSearch,
    OperationDefinition,
    JoinPage,
    Join,
    NotifySms,
    NotifyLetter,
    NotifyFind,
    NotifyStatus,
    NotifyTemplate,
    NhsToken,
    NhsBatches,
    NhsMessage,
    Any,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum When {
    Always,
    Probability(f64),
    Requests(Vec<u64>),
    Span {
        from: u64,
        to: u64,
    },
    Window {
        opens: Duration,
        closes: Option<Duration>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Effect {
    Latency(Latency),
    Fault(Fault),
}

/// In milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Latency {
    Fixed(u64),
    Uniform(u64, u64),
    Rare { mostly: u64, rarely: u64, rate: f64 },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    Status(StatusFault),
    Parts(PartsFault),
    Person(PersonFault),
    Message(MessageFault),
    Upload(UploadFault),
    ExtraAnswer(ExtraFault),
    Notify(NotifyError),
    Nhs(NhsError),
    NamedFault(NamedFault),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NamedFault {
    Refuse,
    ResetBefore,
    ResetAfter,
    Truncate,
    WrongContentType,
    Html,
    Redirect,
    Garbage,
    Hang,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct StatusFault {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<RetryAfter>,
    pub(super) body: ErrorBody,
    /// In an OperationOutcome, whatever the status is.
    pub(super) code: Option<ResponseCode>,
    pub(super) run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum RetryAfter {
    Seconds(u32),
    /// As an HTTP date, this many seconds ahead.
    Date(u32),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ErrorBody {
    #[default]
    Json,
    Html,
    Empty,
    /// For 401: that it is the access token that is refused.
    InvalidToken,
}

impl Endpoint {
    /// Whether requests of the endpoint that the ledger calls `name` are meant.
    pub(super) fn covers(self, name: &str) -> bool {
        match self {
            Self::Token => name == "token",
            Self::Upload => name == "upload",
            Self::UploadStatus => name == "upload_status",
            Self::ByNationalId => name == "by_national_id",
            Self::RecordAccessToken => name == "record_access_token",
            Self::StatusQuery => name == "status_query",
            Self::GenerateTokens => name == "generate_tokens",
            Self::ProcessMessage => name == "process_message",
            Self::PatientSearch => name == "patient_search",
            Self::OperationDefinition => name == "operation_definition",
            Self::JoinPage => name == "join_page",
            Self::Join => name == "join",
            Self::NotifySms => name == "notify_sms",
            Self::NotifyLetter => name == "notify_letter",
            Self::NotifyFind => name == "notify_find",
            Self::NotifyStatus => name == "notify_status",
            Self::NotifyTemplate => name == "notify_template",
            Self::NhsToken => name == "nhs_token",
            Self::NhsBatches => name == "nhs_batches",
            Self::NhsMessage => name == "nhs_message",
            Self::Any => true,
        }
    }
}

impl Fault {
    /// The name that the ledger uses.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Parts(_) => "parts",
            Self::Person(_) => "person",
            Self::Message(_) => "message",
            Self::Upload(_) => "upload",
            Self::ExtraAnswer(_) => "extra_answer",
            Self::Notify(_) => "notify",
            Self::Nhs(_) => "nhs",
            Self::NamedFault(NamedFault::Refuse) => "refuse",
            Self::NamedFault(NamedFault::ResetBefore) => "reset_before",
            Self::NamedFault(NamedFault::ResetAfter) => "reset_after",
            Self::NamedFault(NamedFault::Truncate) => "truncate",
            Self::NamedFault(NamedFault::WrongContentType) => "wrong_content_type",
            Self::NamedFault(NamedFault::Html) => "html",
            Self::NamedFault(NamedFault::Redirect) => "redirect",
            Self::NamedFault(NamedFault::Garbage) => "garbage",
            Self::NamedFault(NamedFault::Hang) => "hang",
        }
    }
}
