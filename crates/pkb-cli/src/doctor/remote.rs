//! PKB and GOV.UK Notify: reached, on time, and willing.

use super::{findings::Findings, local::key_file};
use crate::args::{NotifyKeyArgs, PkbArgs};
use pkb_client::{
    CallError, Client,
    fhir::BatchError,
    network::{Network, SYSTEM_CA_VARIABLE},
    notify::{NotifyApi as _, TemplateId},
    probe::{Reached, Unreached, reach},
    rest::PathTemplate,
};
use pkb_core::{ExitCode, Fatal};
use pkb_values::{NationalId, NationalIdType, NhsNumber};

/// A number of the range that is for tests: no patient has it.
const TEST_NUMBER: &str = "9990000018";
/// How far clocks may be apart, in seconds: GOV.UK Notify takes no more.
const CLOCK_TOLERANCE: u64 = 30;

/// PKB, from its name to its answers.
pub(super) async fn pkb(
    args: &PkbArgs,
    user_path: Result<PathTemplate, Fatal>,
    findings: &mut Findings,
) {
    let mut asked = Vec::new();
    let mut clock = None;
    let mut all_reached = true;
    let Some(network) = network(args, findings) else {
        return;
    };
    for (name, address) in args.addresses() {
        match reach(name, address, &network).await {
            Ok(reached) => {
                clock = clock.or(reached.clock_ahead_seconds);
                if !asked.contains(&reached.server) {
                    findings.ok("network", how(&reached));
                    asked.push(reached.server);
                }
            }
            Err(unreached) => {
                all_reached = false;
                findings.problem("network", code(&unreached), format!("{name}: {unreached}"));
            }
        }
    }
    match clock {
        Some(ahead) if ahead.unsigned_abs() > CLOCK_TOLERANCE => findings.problem(
            "clock",
            ExitCode::Usage,
            format!(
                "this machine's clock is {} seconds {} PKB's: set it (NTP). Dates on letters, and GOV.UK Notify, depend on it",
                ahead.unsigned_abs(),
                if ahead > 0 { "behind" } else { "ahead of" }
            ),
        ),
        Some(_) => findings.ok("clock", "agrees with PKB's"),
        None => {}
    }
    if !all_reached || !args.missing().is_empty() {
        return;
    }
    // A setting that is wrong has been said already.
    let Ok(client) = args.client_for_a_look() else {
        return;
    };
    match client.sign_in().await {
        Ok(()) => findings.ok("credentials", "PKB gave an access token for them"),
        Err(error) => return call_failed("credentials", error, findings),
    }
    match user_path {
        Ok(path) => rest(&client, &path, findings).await,
        Err(fatal) => findings.fatal("REST", &fatal),
    }
    fhir(&client, findings).await;
}

/// How servers are reached, if that is in order.
fn network(args: &PkbArgs, findings: &mut Findings) -> Option<Network> {
    let network = match args.network() {
        Ok(network) => network,
        Err(fatal) => {
            findings.fatal("network", &fatal);
            return None;
        }
    };
    if let Some(file) = &network.ca_file {
        let file = file.display();
        findings.ok(
            "authorities",
            format!("this machine's, and those in {file}: whoever holds their keys can read along"),
        );
    }
    if std::env::var_os(SYSTEM_CA_VARIABLE).is_some() {
        findings.ok(
            "authorities",
            format!(
                "those in the file that {SYSTEM_CA_VARIABLE} names, in place of this machine's"
            ),
        );
    }
    if let Some(file) = &network.client_cert {
        key_file(file, "certificate", findings);
    }
    Some(network)
}

fn how(reached: &Reached) -> String {
    let certificate =
        match reached.server.starts_with("127.") || reached.server.starts_with("localhost") {
            true => "reached, on this machine",
            false => "reached, and its certificate is trusted",
        };
    match reached.proxy {
        Some(variable) => format!(
            "{}: {certificate}, through the proxy that {variable} names",
            reached.server
        ),
        None => format!("{}: {certificate}", reached.server),
    }
}

fn code(unreached: &Unreached) -> ExitCode {
    match unreached {
        Unreached::Setting(fatal) => fatal.exit_code(),
        Unreached::NotInConfidence(fatal) => fatal.exit_code(),
        Unreached::Name(_) | Unreached::Connection { .. } | Unreached::Answer { .. } => {
            ExitCode::TryLater
        }
    }
}

fn test_patient() -> Option<NationalId> {
    Some(NationalId {
        scheme: NationalIdType::NhsNumber,
        value: NhsNumber::parse(TEST_NUMBER).ok()?,
    })
}

/// The question is about a number that no patient has, so the answer is that there is none.
async fn rest(client: &Client, path: &PathTemplate, findings: &mut Findings) {
    let Some(patient) = test_patient() else {
        return;
    };
    match client.find_patient(path, &patient).await {
        Ok(_) => findings.ok("REST", format!("answers about the test number {TEST_NUMBER}")),
        Err(CallError::NotFound) => findings.ok(
            "REST",
            format!("says that it does not know the test number {TEST_NUMBER}, as it should (a wrong --user-path looks the same: if nobody is found, ask PKB for the path)"),
        ),
        Err(CallError::NoAccess) => findings.problem(
            "REST",
            ExitCode::Credentials,
            format!("does not let this client ask for the test number {TEST_NUMBER}: ask PKB what the client may do"),
        ),
        Err(error) => call_failed("REST", error, findings),
    }
}

async fn fhir(client: &Client, findings: &mut Findings) {
    if !client.has_fhir() {
        return findings.warn(
            "FHIR",
            "not set up (PKB_FHIR_URL, PKB_ORG_ID): registered patients cannot be told, and get letters, too",
        );
    }
    let Some(patient) = test_patient() else {
        return;
    };
    match client.status_query(&[patient]).await {
        Ok(_) => findings.ok("FHIR", format!("answers about the test number {TEST_NUMBER}")),
        Err(BatchError::Refused(refusal)) => findings.problem(
            "FHIR",
            ExitCode::NotUnderstood,
            format!("{refusal} to a question about the test number {TEST_NUMBER}: check PKB_FHIR_URL and PKB_ORG_ID"),
        ),
        Err(BatchError::Call(error)) => call_failed("FHIR", error, findings),
    }
}

/// Whether Notify takes the key: it is asked for a template that there is not.
pub(super) async fn notify(args: &NotifyKeyArgs, pkb: &PkbArgs, findings: &mut Findings) {
    let Ok(notify) = pkb.network().and_then(|network| args.client(network)) else {
        return;
    };
    let Some(nobody) = TemplateId::parse("00000000-0000-4000-8000-000000000000") else {
        return;
    };
    match notify.template(&nobody).await {
        Ok(_) => findings.ok("Notify key", "GOV.UK Notify takes it"),
        Err(error) => call_failed("Notify key", error, findings),
    }
}

fn call_failed(about: &'static str, error: CallError, findings: &mut Findings) {
    let code = match &error {
        CallError::Fatal(fatal) => fatal.exit_code(),
        CallError::NotUnderstood(_) | CallError::NotFound | CallError::Refused { .. } => {
            ExitCode::NotUnderstood
        }
        CallError::NoAccess => ExitCode::Credentials,
        CallError::RefusedByNotify(_) => ExitCode::NotUnderstood,
        CallError::Unavailable { .. } | CallError::Unanswered => ExitCode::TryLater,
    };
    findings.problem(about, code, error.to_string());
}
