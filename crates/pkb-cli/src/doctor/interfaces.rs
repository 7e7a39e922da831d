//! What this client may use of PKB: REST, FHIR, the upload, messages; and how long that takes. All questions are about a number that no
//! patient has, or change nothing.

use std::time::{Duration, Instant};

use super::{DoctorArgs, findings::Findings, remote::call_failed};
use crate::{args::PkbArgs, progress::seconds};
use pkb_client::{
    CallError, Client,
    fhir::{Definition, Operation, definition},
    network::Network,
    rest::{PathTemplate, TOKEN_PATH, USER_PATH},
    whereabouts::{Found, JSON_MOUNT, UserPath},
};
use pkb_core::{
    ExitCode,
    figures::{grouped, in_words},
    rows::counted,
};
use pkb_values::{NationalId, NationalIdType, NhsNumber};

/// A number of the range that is for tests: no patient has it.
const TEST_NUMBER: &str = "9990000018";
/// From so many patients on, one call for each takes too long.
const MANY_PATIENTS: u64 = 5_000;

/// What PKB describes of its operations.
pub(super) struct Described {
    status_query: Definition,
    invitation_tokens: Definition,
}

impl Described {
    fn of(&self, operation: Operation) -> Definition {
        match operation {
            Operation::StatusQuery => self.status_query,
            Operation::InvitationTokens => self.invitation_tokens,
        }
    }
}

/// The operation as the guide and PKB call it.
fn name(operation: Operation) -> &'static str {
    match operation {
        Operation::StatusQuery => "$status-query",
        Operation::InvitationTokens => "$generate-invitation-tokens",
    }
}

/// Reads what PKB describes of its operations, for which nobody needs a token. `None` where FHIR is not set up.
pub(super) async fn described(
    args: &PkbArgs,
    network: &Network,
    findings: &mut Findings,
) -> Option<Described> {
    let url = args.fhir_url()?;
    let ask = |operation| definition(url, operation, network);
    // A setting that is wrong has been said already.
    let described = Described {
        status_query: ask(Operation::StatusQuery).await.ok()?,
        invitation_tokens: ask(Operation::InvitationTokens).await.ok()?,
    };
    match described.status_query {
        Definition::Found(_) => findings.ok(
            "FHIR",
            "PKB_FHIR_URL is right: PKB describes its operations there",
        ),
        Definition::Absent | Definition::Unreadable => findings.warn(
            "FHIR",
            "PKB describes no operation at PKB_FHIR_URL. What to do: check the address, such as https://my.patientsknowbest.com/fhir",
        ),
    }
    for operation in [Operation::StatusQuery, Operation::InvitationTokens] {
        let usual = operation.usual_limit();
        let (name, usual_words) = (name(operation), grouped(usual as u64));
        match described.of(operation) {
            Definition::Found(Some(most)) if most < usual => findings.ok(
                "FHIR",
                format!(
                    "{name} takes {} a call, fewer than the usual {usual_words}. Larger batches are divided",
                    counted(most as u64, "patient", "patients")
                ),
            ),
            Definition::Found(Some(most)) if most > usual => findings.ok(
                "FHIR",
                format!(
                    "{name} takes {} a call, more than the usual {usual_words}. This program sends {usual_words}",
                    counted(most as u64, "patient", "patients")
                ),
            ),
            _ => {}
        }
    }
    Some(described)
}

/// Asks each interface.
pub(super) async fn ask(
    client: &Client,
    args: &DoctorArgs,
    described: Option<Described>,
    findings: &mut Findings,
) {
    let Ok(value) = NhsNumber::parse(TEST_NUMBER) else {
        return;
    };
    let patient = NationalId {
        scheme: NationalIdType::NhsNumber,
        value,
    };
    let each = match PathTemplate::of_user(&args.user_path) {
        Ok(path) => rest(client, &path, &patient, findings).await,
        Err(fatal) => {
            findings.fatal("REST", &fatal);
            None
        }
    };
    let has_fhir = match described {
        Some(described) => fhir(client, &described, &patient, findings).await,
        None => {
            findings.warn(
                "FHIR",
                "not set up, so pkb-resolve cannot tell who has registered, and those patients get a letter. What to do: set \
                 PKB_FHIR_URL and PKB_ORG_ID",
            );
            false
        }
    };
    upload(client, &args.upload_path, findings).await;
    messaging(client, &args.pkb, findings).await;
    pace(args.patients, each, has_fhir, findings);
}

/// How long a call takes that says that there is no such patient. The question is about a number that no patient has, so that is the answer.
async fn rest(
    client: &Client,
    path: &PathTemplate,
    patient: &NationalId,
    findings: &mut Findings,
) -> Option<Duration> {
    let began = Instant::now();
    let asked = client.find_patient(path, patient).await;
    let each = began.elapsed();
    let took = seconds(each);
    match asked {
        Ok(_) => findings.ok(
            "REST",
            format!("answers about the test number {TEST_NUMBER}, in {took} s"),
        ),
        Err(CallError::NotFound) => not_found(client, path, patient, findings, &took).await,
        Err(CallError::NoAccess | CallError::Withheld(_)) => {
            findings.problem(
                "REST",
                ExitCode::Credentials,
                format!(
                    "does not let this client ask for the test number {TEST_NUMBER}. What to do: ask PKB what the client may do"
                ),
            );
            return None;
        }
        Err(error) => {
            call_failed("REST", error, findings);
            return None;
        }
    }
    Some(each)
}

/// A 404 is PKB's word on the number, or on the address.
async fn not_found(
    client: &Client,
    path: &PathTemplate,
    patient: &NationalId,
    findings: &mut Findings,
    took: &str,
) {
    match client.user_path_found(path, patient).await {
        Ok(UserPath::AsSet) => findings.ok(
            "REST",
            format!("answered in {took} s. As expected, PKB has no patient with the test number {TEST_NUMBER}"),
        ),
        Ok(UserPath::Json) => findings.problem(
            "REST",
            ExitCode::NotUnderstood,
            format!(
                "has nothing at --user-path, and answers below {JSON_MOUNT}. What to do: --user-path {JSON_MOUNT}{USER_PATH} for \
                 pkb-upload and pkb-resolve, and --token-path {JSON_MOUNT}{TOKEN_PATH} for pkb-tokens"
            ),
        ),
        Ok(UserPath::Unknown) => findings.warn(
            "REST",
            format!(
                "answers 404 to the test number {TEST_NUMBER} as to any address. What to do: ask PKB for the path of byNationalId \
                 (--user-path). It may begin with {JSON_MOUNT}"
            ),
        ),
        Err(error) => call_failed("REST", error, findings),
    }
}

/// Asks both operations, and says which are switched on. Whether both are.
async fn fhir(
    client: &Client,
    described: &Described,
    patient: &NationalId,
    findings: &mut Findings,
) -> bool {
    let mut all = true;
    for operation in [Operation::StatusQuery, Operation::InvitationTokens] {
        let began = Instant::now();
        let asked = client.try_operation(operation, std::slice::from_ref(patient));
        let asked = asked.await;
        let took = seconds(began.elapsed());
        let name = name(operation);
        all &= asked.is_ok();
        let is_described = matches!(described.status_query, Definition::Found(_));
        match asked {
            Ok(()) => findings.ok(
                "FHIR",
                format!("{name} answers about the test number {TEST_NUMBER}, in {took} s"),
            ),
            Err(CallError::NotFound) if !is_described => {
                findings.problem(
                    "FHIR",
                    ExitCode::NotUnderstood,
                    "PKB has nothing at the address of the FHIR operation. What to do: check PKB_FHIR_URL",
                );
                return false;
            }
            Err(
                CallError::NoAccess
                | CallError::NotFound
                | CallError::Withheld(_)
                | CallError::Refused { .. },
            ) => findings.problem(
                "FHIR",
                ExitCode::Credentials,
                format!(
                    "PKB refuses {name} to this client. What to do: check PKB_ORG_ID. If it is right, ask PKB to switch on {name} for \
                     PKB_CLIENT_ID"
                ),
            ),
            Err(error) => call_failed("FHIR", error, findings),
        }
    }
    all
}

async fn upload(client: &Client, path: &str, findings: &mut Findings) {
    // There is no upload of this name: the question is only whether uploads can be asked for.
    let path = format!("{}/doctor", path.trim_end_matches('/'));
    match client.what_is_at(&path).await {
        Ok(Found::Call) => findings.ok("upload", "PKB takes patient files at --upload-path"),
        Ok(Found::Forbidden) => findings.warn(
            "upload",
            "PKB does not let this client upload patient files. What to do: ask PKB for permission, or write files for \
             PKB's web page: pkb-upload --batches DIR",
        ),
        Ok(Found::Nothing) => findings.warn(
            "upload",
            "PKB takes no patient files at --upload-path. What to do: write files for PKB's web page: pkb-upload --batches DIR",
        ),
        Err(error) => call_failed("upload", error, findings),
    }
}

/// Whether there is anything at the address of the messaging endpoint, or else where it should be: beside the FHIR interface. It reads nothing
/// back, and every message creates or updates a record, so none is sent.
async fn messaging(client: &Client, args: &PkbArgs, findings: &mut Findings) {
    let set = (args.addresses().into_iter()).find(|(name, _)| *name == "PKB_MESSAGING_URL");
    if set.is_some() && !client.has_messaging() {
        return findings.problem(
            "messaging",
            ExitCode::Usage,
            "PKB_MESSAGING_URL is set and PKB_ORG_ID is not. What to do: set PKB_ORG_ID, which pkb-upload --via messaging needs",
        );
    }
    let beside_fhir = || {
        let host = args
            .fhir_url()?
            .trim_end_matches('/')
            .strip_suffix("/fhir")?;
        Some(format!("{host}/phr-fhir"))
    };
    let own = set.map(|(_, url)| url.trim_end_matches('/').to_owned());
    let is_set = own.is_some();
    let Some(url) = own.or_else(beside_fhir) else {
        return;
    };
    match client.messaging_found(&url).await {
        Ok(Found::Call) if is_set => findings.ok(
            "messaging",
            "PKB takes messages at PKB_MESSAGING_URL. Whether it takes them from this client is known after the first message",
        ),
        Ok(Found::Call) => findings.ok(
            "messaging",
            format!("PKB takes messages at {url}. For pkb-upload --via messaging, set PKB_MESSAGING_URL to this address"),
        ),
        Ok(Found::Forbidden) => findings.ok("messaging", "PKB does not let this client send messages"),
        Ok(Found::Nothing) if is_set => findings.problem(
            "messaging",
            ExitCode::NotUnderstood,
            "PKB has nothing at PKB_MESSAGING_URL. What to do: check the address, such as https://my.patientsknowbest.com/phr-fhir",
        ),
        Ok(Found::Nothing) => findings.ok("messaging", format!("PKB has nothing at {url}")),
        Err(error) => call_failed("messaging", error, findings),
    }
}

/// How long a campaign takes one by one, and what is quicker.
fn pace(patients: Option<u64>, each: Option<Duration>, has_fhir: bool, findings: &mut Findings) {
    let one_by_one = patients.zip(each).map(|(patients, each)| {
        let all = each.saturating_mul(u32::try_from(patients).unwrap_or(u32::MAX));
        format!(
            "asking PKB about {} one by one takes about {} for each of pkb-resolve and pkb-tokens, at {} s for each call",
            counted(patients, "patient", "patients"),
            in_words(all),
            seconds(each)
        )
    });
    let by_fhir = patients.map(|patients| {
        let calls =
            |operation: Operation| grouped(patients.div_ceil(operation.usual_limit() as u64));
        format!(
            "{} and {} calls",
            calls(Operation::StatusQuery),
            calls(Operation::InvitationTokens)
        )
    });
    let is_large = patients.is_some_and(|patients| patients > MANY_PATIENTS);
    let mut words: Vec<String> = one_by_one.into_iter().collect();
    match (has_fhir, by_fhir) {
        (true, Some(calls)) => words.push(format!("Recommended: --api fhir, {calls}")),
        (true, None) => {
            words.push("Recommended: --api fhir, 5,000 patients a call (--patients N says how long REST takes)".into());
        }
        (false, Some(calls)) if is_large => words.push(format!(
            "Recommended: ask PKB for its FHIR operations for hybrid mail, which take {calls}"
        )),
        (false, _) => {}
    }
    if words.is_empty() {
        return;
    }
    let words = words.join(". ");
    match is_large && !has_fhir {
        true => findings.warn("pace", words),
        false => findings.ok("pace", words),
    }
}
