//! The tables: what is done wrong where and when, and how the stage ends.

/// Where it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum At {
    Token,
    Upload,
    ProcessMessage,
    ByNationalId,
    RecordAccessToken,
    StatusQuery,
    GenerateTokens,
}

impl At {
    pub(super) const ALL: [Self; 7] = [
        Self::Token,
        Self::Upload,
        Self::ProcessMessage,
        Self::ByNationalId,
        Self::RecordAccessToken,
        Self::StatusQuery,
        Self::GenerateTokens,
    ];

    /// Whether it is one of the FHIR operations, about many patients at once.
    pub(super) fn is_fhir(self) -> bool {
        matches!(self, Self::StatusQuery | Self::GenerateTokens)
    }

    pub(super) fn endpoint(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Upload => "upload",
            Self::ProcessMessage => "process_message",
            Self::ByNationalId => "by_national_id",
            Self::RecordAccessToken => "record_access_token",
            Self::StatusQuery => "status_query",
            Self::GenerateTokens => "generate_tokens",
        }
    }

    /// The stage that meets it.
    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Upload | Self::ProcessMessage => "pkb-upload",
            Self::Token | Self::ByNationalId | Self::StatusQuery => "pkb-resolve",
            Self::RecordAccessToken | Self::GenerateTokens => "pkb-tokens",
        }
    }

    /// What that stage adds to a record.
    pub(super) fn section(self) -> &'static str {
        match self {
            Self::Upload | Self::ProcessMessage => "upload",
            Self::Token | Self::ByNationalId | Self::StatusQuery => "pkb",
            Self::RecordAccessToken | Self::GenerateTokens => "invitation",
        }
    }
}

/// When it goes wrong, as the sandbox takes it.
pub(super) const ALWAYS: &str = r#"{"always":true}"#;
pub(super) const ONCE: &str = r#"{"first":1}"#;
pub(super) const A_MOMENT: &str = r#"{"for_seconds":0.6}"#;

/// A row of a table.
pub(super) struct Row {
    pub(super) when: &'static str,
    /// The name of a fault or its JSON.
    pub(super) fault: &'static str,
    pub(super) ends: Ends,
    pub(super) args: &'static [&'static str],
}

/// How the stage ends.
pub(super) enum Ends {
    /// With 0 and the records of a run in which nothing went wrong.
    Unharmed,
    /// With this code, this outcome in every record, and these words about it.
    Outcome(i32, &'static str, &'static str),
    /// With this code and these words, before any record is settled.
    Stopped(i32, &'static str),
}
pub(super) use Ends::{Outcome, Stopped, Unharmed};

/// One retry.
pub(super) const ONE_RETRY: &[&str] = &["--attempts", "2"];
/// One retry, and a second for each answer.
pub(super) const HASTY: &[&str] = &["--attempts", "2", "--timeout", "1"];

const fn row(when: &'static str, fault: &'static str, ends: Ends) -> Row {
    row_with(when, fault, ends, ONE_RETRY)
}

/// A row for a stage that does not wait long for an answer.
const fn hasty(when: &'static str, fault: &'static str, ends: Ends) -> Row {
    row_with(when, fault, ends, HASTY)
}

/// A row for a stage that waits until the trouble is over.
const fn patient(when: &'static str, fault: &'static str, ends: Ends) -> Row {
    row_with(when, fault, ends, &["--attempts", "30"])
}

/// A row for a stage that soon notices an outage.
const fn giving_up(when: &'static str, fault: &'static str, ends: Ends) -> Row {
    let args = &["--attempts", "100", "--give-up-after", "1"];
    row_with(when, fault, ends, args)
}

const fn row_with(
    when: &'static str,
    fault: &'static str,
    ends: Ends,
    args: &'static [&'static str],
) -> Row {
    Row {
        when,
        fault,
        ends,
        args,
    }
}

const fn unavailable(words: &'static str) -> Ends {
    Outcome(75, "failed: unavailable", words)
}

const fn refused(words: &'static str) -> Ends {
    Outcome(65, "failed: refused_by_pkb", words)
}

const fn not_understood(words: &'static str) -> Ends {
    Outcome(76, "failed: not_understood", words)
}

const fn no_access() -> Ends {
    let advice = "ask PKB for access, if your organisation is entitled to it";
    Outcome(65, "excluded: no_access", advice)
}

const fn not_found() -> Ends {
    let advice = "check that the upload has been processed";
    Outcome(65, "excluded: not_found", advice)
}

pub(super) const A_PAGE: &str = "PKB's answer is a web page";
/// How it goes on hangs on the call: "has no id", "has no such field".
pub(super) const GARBAGE: &str = "PKB's answer ";
pub(super) const REDIRECT: &str = "PKB answered with a redirect: check the base URL and proxies";
pub(super) const LATE: &str = "no answer in time";
pub(super) const BROKE: &str = "the connection broke";
pub(super) const OUTAGE: &str = "PKB has not answered properly for";

/// The two calls about one patient, which may be made again.
#[rustfmt::skip]
pub(super) const ASKING: &[Row] = &[
    row(ALWAYS, r#"{"latency_ms":{"fixed":150}}"#, Unharmed),
    row(ALWAYS, "wrong_content_type", Unharmed),
    hasty(ONCE, r#"{"latency_ms":{"fixed":1500}}"#, Unharmed),
    row(ONCE, r#"{"status":429,"retry_after":"1"}"#, Unharmed),
    row(ONCE, r#"{"status":429,"retry_after":"date+1"}"#, Unharmed),
    row(ONCE, r#"{"status":429}"#, Unharmed),
    row(ONCE, r#"{"status":500}"#, Unharmed),
    row(ONCE, r#"{"status":500,"run":true}"#, Unharmed),
    row(ONCE, r#"{"status":502,"body":"html"}"#, Unharmed),
    row(ONCE, r#"{"status":503,"body":"empty"}"#, Unharmed),
    row(ONCE, r#"{"status":504}"#, Unharmed),
    row(ONCE, "refuse", Unharmed),
    row(ONCE, "reset_before", Unharmed),
    row(ONCE, "reset_after", Unharmed),
    row(ONCE, "truncate", Unharmed),
    hasty(ONCE, "hang", Unharmed),
    patient(A_MOMENT, r#"{"status":503}"#, Unharmed),
    patient(A_MOMENT, "refuse", Unharmed),
    hasty(ALWAYS, r#"{"latency_ms":{"fixed":1500}}"#, unavailable(LATE)),
    row(ALWAYS, r#"{"status":429,"retry_after":"1"}"#, unavailable("PKB answered 429")),
    row(ALWAYS, r#"{"status":429,"retry_after":"date+0"}"#, unavailable("PKB answered 429")),
    row(ALWAYS, r#"{"status":500}"#, unavailable("PKB answered 500")),
    row(ALWAYS, r#"{"status":502,"body":"html"}"#, unavailable("PKB answered 502")),
    row(ALWAYS, r#"{"status":503,"body":"empty"}"#, unavailable("PKB answered 503")),
    row(ALWAYS, r#"{"status":504}"#, unavailable("PKB answered 504")),
    row(ALWAYS, "refuse", unavailable(BROKE)),
    row(ALWAYS, "reset_before", unavailable(BROKE)),
    row(ALWAYS, "reset_after", unavailable(BROKE)),
    row(ALWAYS, "truncate", unavailable("the answer was cut off")),
    hasty(ALWAYS, "hang", unavailable(LATE)),
    giving_up(ALWAYS, r#"{"status":503}"#, Stopped(75, OUTAGE)),
    giving_up(ALWAYS, "refuse", Stopped(75, OUTAGE)),
    row(ALWAYS, r#"{"status":400}"#, refused("PKB answered 400")),
    row(ALWAYS, r#"{"status":409}"#, refused("PKB answered 409")),
    row(ALWAYS, r#"{"status":422,"body":"html"}"#, refused("PKB answered 422")),
    row(ALWAYS, r#"{"status":401}"#, no_access()),
    row(ALWAYS, r#"{"status":403,"body":"html"}"#, no_access()),
    row(ALWAYS, r#"{"status":404}"#, not_found()),
    row(ALWAYS, "html", not_understood(A_PAGE)),
    row(ALWAYS, "garbage", not_understood(GARBAGE)),
    row(ALWAYS, "redirect", not_understood(REDIRECT)),
];

pub(super) const NO_ORGANISATION: &str =
    "PKB does not let this client ask for this organisation's patients";
pub(super) const NO_OPERATION: &str = "PKB has nothing at the address of the FHIR operation";

/// The two operations about many patients, which may be made again, too. What is refused as a whole is
/// asked in halves.
#[rustfmt::skip]
pub(super) const ASKING_TOGETHER: &[Row] = &[
    row(ALWAYS, r#"{"latency_ms":{"fixed":150}}"#, Unharmed),
    row(ALWAYS, "wrong_content_type", Unharmed),
    hasty(ONCE, r#"{"latency_ms":{"fixed":1500}}"#, Unharmed),
    row(ONCE, r#"{"status":429,"retry_after":"1"}"#, Unharmed),
    row(ONCE, r#"{"status":429,"retry_after":"date+1"}"#, Unharmed),
    row(ONCE, r#"{"status":429}"#, Unharmed),
    row(ONCE, r#"{"status":500}"#, Unharmed),
    row(ONCE, r#"{"status":500,"run":true}"#, Unharmed),
    row(ONCE, r#"{"status":502,"body":"html"}"#, Unharmed),
    row(ONCE, r#"{"status":503,"body":"empty"}"#, Unharmed),
    row(ONCE, r#"{"status":504}"#, Unharmed),
    row(ONCE, "refuse", Unharmed),
    row(ONCE, "reset_before", Unharmed),
    row(ONCE, "reset_after", Unharmed),
    row(ONCE, "truncate", Unharmed),
    hasty(ONCE, "hang", Unharmed),
    patient(A_MOMENT, r#"{"status":503}"#, Unharmed),
    patient(A_MOMENT, "refuse", Unharmed),
    hasty(ALWAYS, r#"{"latency_ms":{"fixed":1500}}"#, unavailable(LATE)),
    row(ALWAYS, r#"{"status":429,"retry_after":"1"}"#, unavailable("PKB answered 429")),
    row(ALWAYS, r#"{"status":429,"retry_after":"date+0"}"#, unavailable("PKB answered 429")),
    row(ALWAYS, r#"{"status":500}"#, unavailable("PKB answered 500")),
    row(ALWAYS, r#"{"status":502,"body":"html"}"#, unavailable("PKB answered 502")),
    row(ALWAYS, r#"{"status":503,"body":"empty"}"#, unavailable("PKB answered 503")),
    row(ALWAYS, r#"{"status":504}"#, unavailable("PKB answered 504")),
    row(ALWAYS, "refuse", unavailable(BROKE)),
    row(ALWAYS, "reset_before", unavailable(BROKE)),
    row(ALWAYS, "reset_after", unavailable(BROKE)),
    row(ALWAYS, "truncate", unavailable("the answer was cut off")),
    hasty(ALWAYS, "hang", unavailable(LATE)),
    giving_up(ALWAYS, r#"{"status":503}"#, Stopped(75, OUTAGE)),
    giving_up(ALWAYS, "refuse", Stopped(75, OUTAGE)),
    row(ALWAYS, r#"{"status":400}"#, refused("PKB answered 400")),
    row(ALWAYS, r#"{"status":409}"#, Stopped(76, "PKB refused the request for all patients (409)")),
    row(ALWAYS, r#"{"status":413,"body":"html"}"#, refused("PKB answered 413")),
    row(ALWAYS, r#"{"status":422}"#, refused("PKB answered 422")),
    row(ALWAYS, r#"{"status":422,"body":"html"}"#, refused("PKB answered 422")),
    row(ALWAYS, r#"{"status":401}"#, Stopped(77, NO_ORGANISATION)),
    row(ALWAYS, r#"{"status":403,"body":"html"}"#, Stopped(77, NO_ORGANISATION)),
    row(ALWAYS, r#"{"status":404}"#, Stopped(76, NO_OPERATION)),
    row(ALWAYS, "html", not_understood(A_PAGE)),
    row(ALWAYS, "garbage", not_understood(GARBAGE)),
    row(ALWAYS, "redirect", not_understood(REDIRECT)),
];

pub(super) const NO_UPLOADS: &str = "PKB does not let this client upload patient files";
pub(super) const UNANSWERED: &str = "batch-0001.csv was sent and not answered";
/// Whether PKB has taken the batch is not known then, either.
pub(super) const UNKNOWN_PAGE: &str = "batch-0001.csv was sent, and it is not known which of its rows PKB has taken: PKB's answer is a web page";
pub(super) const UNKNOWN_GARBAGE: &str = "batch-0001.csv was sent, and it is not known which of its rows PKB has taken: PKB's answer to the upload is not a report";
pub(super) const UNKNOWN_REDIRECT: &str = "batch-0001.csv was sent, and it is not known which of its rows PKB has taken: PKB answered with a redirect";
pub(super) const NO_ADDRESS: &str = "PKB has nothing at the address of the upload";

/// The upload, which must not be made again once it may have been carried out. While that is not
/// known the stage does not go on.
#[rustfmt::skip]
pub(super) const UPLOADING: &[Row] = &[
    row(ALWAYS, r#"{"latency_ms":{"fixed":150}}"#, Unharmed),
    row(ALWAYS, "wrong_content_type", Unharmed),
    // A busy server may have taken the file before.
    row(ONCE, r#"{"status":429,"retry_after":"1"}"#, Stopped(75, UNANSWERED)),
    row(ONCE, r#"{"status":503,"body":"html"}"#, Stopped(75, UNANSWERED)),
    row(ALWAYS, r#"{"status":429,"retry_after":"date+1"}"#, Stopped(75, UNANSWERED)),
    row(ALWAYS, r#"{"status":503}"#, Stopped(75, UNANSWERED)),
    giving_up(ALWAYS, r#"{"status":503}"#, Stopped(75, UNANSWERED)),
    row(ONCE, r#"{"status":500}"#, Stopped(75, UNANSWERED)),
    row(ONCE, r#"{"status":502,"body":"html"}"#, Stopped(75, UNANSWERED)),
    row(ALWAYS, r#"{"status":504,"body":"empty"}"#, Stopped(75, UNANSWERED)),
    row(ONCE, "refuse", Stopped(75, UNANSWERED)),
    row(ALWAYS, "refuse", Stopped(75, UNANSWERED)),
    row(ONCE, "reset_before", Stopped(75, UNANSWERED)),
    row(ALWAYS, "reset_before", Stopped(75, UNANSWERED)),
    hasty(ONCE, "hang", Stopped(75, UNANSWERED)),
    hasty(ALWAYS, "hang", Stopped(75, UNANSWERED)),
    // Whoever took it can be asked who has arrived.
    hasty(ONCE, r#"{"latency_ms":{"fixed":1500}}"#, Unharmed),
    row(ONCE, r#"{"status":429,"run":true}"#, Unharmed),
    row(ALWAYS, r#"{"status":500,"run":true}"#, Unharmed),
    row(ONCE, r#"{"status":502,"run":true}"#, Unharmed),
    row(ALWAYS, r#"{"status":503,"run":true}"#, Unharmed),
    row(ALWAYS, r#"{"status":504,"run":true}"#, Unharmed),
    row(ONCE, "reset_after", Unharmed),
    row(ALWAYS, "reset_after", Unharmed),
    row(ONCE, "truncate", Unharmed),
    row(ALWAYS, "truncate", Unharmed),
    row(ALWAYS, r#"{"status":400}"#, Stopped(65, "PKB answered 400 to batch-0001.csv")),
    row(ALWAYS, r#"{"status":413,"body":"html"}"#, Stopped(65, "PKB answered 413 to batch-0001.csv")),
    row(ALWAYS, r#"{"status":401}"#, Stopped(77, NO_UPLOADS)),
    row(ALWAYS, r#"{"status":403,"body":"html"}"#, Stopped(77, NO_UPLOADS)),
    row(ALWAYS, r#"{"status":404}"#, Stopped(76, NO_ADDRESS)),
    row(ALWAYS, "html", Stopped(76, UNKNOWN_PAGE)),
    row(ALWAYS, "garbage", Stopped(76, UNKNOWN_GARBAGE)),
    row(ALWAYS, "redirect", Stopped(76, UNKNOWN_REDIRECT)),
];

pub(super) const NO_MESSAGING: &str = "PKB has nothing at the address of the messaging endpoint";
pub(super) const SOMEBODY_ELSE: &str =
    "PKB answered about a different patient instead of the one in row 2";

const fn row_refused(words: &'static str) -> Ends {
    Outcome(65, "rejected: refused_by_import", words)
}

/// The message about one patient, which may be sent again: it creates a record or updates it. How a success looks is not published.
#[rustfmt::skip]
pub(super) const MESSAGING: &[Row] = &[
    row(ALWAYS, r#"{"latency_ms":{"fixed":150}}"#, Unharmed),
    row(ALWAYS, "wrong_content_type", Unharmed),
    row(ALWAYS, r#"{"message":"patient"}"#, Unharmed),
    row(ALWAYS, r#"{"message":"outcome"}"#, Unharmed),
    row(ALWAYS, r#"{"message":"warnings"}"#, Unharmed),
    row(ALWAYS, r#"{"message":"created"}"#, Unharmed),
    row(ALWAYS, r#"{"message":"accepted"}"#, Unharmed),
    row(ALWAYS, r#"{"message":"no_content"}"#, Unharmed),
    hasty(ONCE, r#"{"latency_ms":{"fixed":1500}}"#, Unharmed),
    row(ONCE, r#"{"status":429,"retry_after":"1"}"#, Unharmed),
    row(ONCE, r#"{"status":429}"#, Unharmed),
    row(ONCE, r#"{"status":500}"#, Unharmed),
    row(ONCE, r#"{"status":500,"run":true}"#, Unharmed),
    row(ONCE, r#"{"status":502,"body":"html"}"#, Unharmed),
    row(ONCE, r#"{"status":503,"body":"empty"}"#, Unharmed),
    row(ONCE, r#"{"status":504,"run":true}"#, Unharmed),
    row(ONCE, "refuse", Unharmed),
    row(ONCE, "reset_before", Unharmed),
    row(ONCE, "reset_after", Unharmed),
    row(ONCE, "truncate", Unharmed),
    hasty(ONCE, "hang", Unharmed),
    patient(A_MOMENT, r#"{"status":503}"#, Unharmed),
    patient(A_MOMENT, "refuse", Unharmed),
    hasty(ALWAYS, r#"{"latency_ms":{"fixed":1500}}"#, unavailable(LATE)),
    row(ALWAYS, r#"{"status":429,"retry_after":"1"}"#, unavailable("PKB answered 429")),
    row(ALWAYS, r#"{"status":500}"#, unavailable("PKB answered 500")),
    row(ALWAYS, r#"{"status":502,"body":"html"}"#, unavailable("PKB answered 502")),
    row(ALWAYS, r#"{"status":503,"body":"empty"}"#, unavailable("PKB answered 503")),
    row(ALWAYS, r#"{"status":504}"#, unavailable("PKB answered 504")),
    row(ALWAYS, "refuse", unavailable(BROKE)),
    row(ALWAYS, "reset_before", unavailable(BROKE)),
    row(ALWAYS, "reset_after", unavailable(BROKE)),
    row(ALWAYS, "truncate", unavailable("the answer was cut off")),
    hasty(ALWAYS, "hang", unavailable(LATE)),
    giving_up(ALWAYS, r#"{"status":503}"#, Stopped(75, OUTAGE)),
    giving_up(ALWAYS, "refuse", Stopped(75, OUTAGE)),
    row(ALWAYS, r#"{"status":400}"#, row_refused("PKB answered 400")),
    row(ALWAYS, r#"{"status":422,"body":"html"}"#, row_refused("PKB answered 422")),
    row(ALWAYS, r#"{"message":"error"}"#, row_refused("PKB answered 200 with an error: birthDate (business-rule)")),
    row(ALWAYS, r#"{"status":409}"#, refused("PKB answered 409")),
    row(ALWAYS, r#"{"status":401}"#, no_access()),
    row(ALWAYS, r#"{"status":403,"body":"html"}"#, no_access()),
    row(ALWAYS, r#"{"status":404}"#, Stopped(76, NO_MESSAGING)),
    row(ALWAYS, r#"{"message":"another_patient"}"#, Stopped(76, SOMEBODY_ELSE)),
    row(ALWAYS, "html", not_understood(A_PAGE)),
    row(ALWAYS, "garbage", not_understood(GARBAGE)),
    row(ALWAYS, "redirect", not_understood(REDIRECT)),
];

pub(super) const BAD_CREDENTIALS: &str = "PKB refused the client's credentials";
pub(super) const NO_TOKEN: &str =
    "the token address answered something that is not an access token";
pub(super) const BUSY: &str = "no access token: the server at the token address is busy or failing";
pub(super) const NO_TOKEN_BROKE: &str = "no access token: the connection broke";
pub(super) const NO_TOKEN_LATE: &str = "no access token: no answer in time";
pub(super) const NO_TOKEN_CUT: &str = "no access token: the answer was cut off";

/// The call for an access token, without which nothing goes.
#[rustfmt::skip]
pub(super) const SIGNING_IN: &[Row] = &[
    row(ALWAYS, r#"{"latency_ms":{"fixed":150}}"#, Unharmed),
    row(ALWAYS, "wrong_content_type", Unharmed),
    hasty(ONCE, r#"{"latency_ms":{"fixed":1500}}"#, Unharmed),
    row(ONCE, r#"{"status":429,"retry_after":"1"}"#, Unharmed),
    row(ONCE, r#"{"status":429,"retry_after":"date+1"}"#, Unharmed),
    row(ONCE, r#"{"status":429}"#, Unharmed),
    row(ONCE, r#"{"status":500}"#, Unharmed),
    row(ONCE, r#"{"status":502,"body":"html"}"#, Unharmed),
    row(ONCE, r#"{"status":503,"body":"empty"}"#, Unharmed),
    row(ONCE, r#"{"status":504}"#, Unharmed),
    row(ONCE, "refuse", Unharmed),
    row(ONCE, "reset_before", Unharmed),
    row(ONCE, "reset_after", Unharmed),
    row(ONCE, "truncate", Unharmed),
    hasty(ONCE, "hang", Unharmed),
    patient(A_MOMENT, r#"{"status":503}"#, Unharmed),
    patient(A_MOMENT, "refuse", Unharmed),
    row(ALWAYS, r#"{"status":429,"retry_after":"1"}"#, Stopped(75, BUSY)),
    row(ALWAYS, r#"{"status":500}"#, Stopped(75, BUSY)),
    row(ALWAYS, r#"{"status":502,"body":"html"}"#, Stopped(75, BUSY)),
    row(ALWAYS, r#"{"status":503,"body":"empty"}"#, Stopped(75, BUSY)),
    row(ALWAYS, r#"{"status":504}"#, Stopped(75, BUSY)),
    row(ALWAYS, "refuse", Stopped(75, NO_TOKEN_BROKE)),
    row(ALWAYS, "reset_before", Stopped(75, NO_TOKEN_BROKE)),
    row(ALWAYS, "reset_after", Stopped(75, NO_TOKEN_BROKE)),
    row(ALWAYS, "truncate", Stopped(75, NO_TOKEN_CUT)),
    hasty(ALWAYS, "hang", Stopped(75, NO_TOKEN_LATE)),
    hasty(ALWAYS, r#"{"latency_ms":{"fixed":1500}}"#, Stopped(75, NO_TOKEN_LATE)),
    giving_up(ALWAYS, r#"{"status":503}"#, Stopped(75, OUTAGE)),
    giving_up(ALWAYS, "refuse", Stopped(75, OUTAGE)),
    row(ALWAYS, r#"{"status":400}"#, Stopped(77, BAD_CREDENTIALS)),
    row(ALWAYS, r#"{"status":401}"#, Stopped(77, BAD_CREDENTIALS)),
    row(ALWAYS, r#"{"status":401,"body":"html"}"#, Stopped(77, BAD_CREDENTIALS)),
    row(ALWAYS, r#"{"status":401,"body":"empty"}"#, Stopped(77, BAD_CREDENTIALS)),
    row(ALWAYS, r#"{"status":403}"#, Stopped(77, BAD_CREDENTIALS)),
    // A proxy's word, not the token server's.
    row(ALWAYS, r#"{"status":400,"body":"html"}"#, Stopped(76, NO_TOKEN)),
    row(ALWAYS, r#"{"status":403,"body":"html"}"#, Stopped(76, NO_TOKEN)),
    row(ALWAYS, r#"{"status":404}"#, Stopped(76, NO_TOKEN)),
    row(ALWAYS, "html", Stopped(76, NO_TOKEN)),
    row(ALWAYS, "garbage", Stopped(76, NO_TOKEN)),
    row(ALWAYS, "redirect", Stopped(76, NO_TOKEN)),
];

pub(super) fn table(at: At) -> &'static [Row] {
    match at {
        At::Token => SIGNING_IN,
        At::Upload => UPLOADING,
        At::ProcessMessage => MESSAGING,
        At::ByNationalId | At::RecordAccessToken => ASKING,
        At::StatusQuery | At::GenerateTokens => ASKING_TOGETHER,
    }
}
