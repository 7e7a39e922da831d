//! PKB and GOV.UK Notify: reached, on time, and willing.

use super::{DoctorArgs, findings::Findings, interfaces, local::key_file};
use crate::args::{NotifyKeyArgs, PkbArgs};
use pkb_client::{
    CallError,
    network::{Network, SYSTEM_CA_VARIABLE},
    notify::{NotifyApi as _, TemplateId},
    probe::{Reached, Unreached, reach},
};
use pkb_core::ExitCode;

/// How far clocks may be apart, in seconds: GOV.UK Notify takes no more.
const CLOCK_TOLERANCE: u64 = 30;

/// PKB, from its name to its answers. What can be asked without credentials comes first.
pub(super) async fn pkb(args: &DoctorArgs, findings: &mut Findings) {
    let mut asked = Vec::new();
    let mut clock = None;
    let mut all_reached = true;
    let Some(network) = network(&args.pkb, findings) else {
        return;
    };
    for (name, address) in args.pkb.addresses() {
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
                "this machine's clock is {} seconds {} PKB's. Set the clock (NTP). Dates on letters, and GOV.UK Notify, \
                 depend on it",
                ahead.unsigned_abs(),
                if ahead > 0 { "behind" } else { "ahead of" }
            ),
        ),
        Some(_) => findings.ok("clock", "agrees with PKB's"),
        None => {}
    }
    let described = interfaces::described(&args.pkb, &network, findings).await;
    if !all_reached || !args.pkb.missing().is_empty() {
        return;
    }
    // A setting that is wrong has been said already.
    let Ok(client) = args.pkb.client_for_a_look() else {
        return;
    };
    match client.sign_in().await {
        Ok(()) => findings.ok("credentials", "PKB gave an access token for them"),
        Err(error) => return call_failed("credentials", error, findings),
    }
    interfaces::ask(&client, args, described, findings).await;
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
            format!("those of this machine, and those in {file}. Anybody who has their keys can read along"),
        );
    }
    if std::env::var_os(SYSTEM_CA_VARIABLE).is_some() {
        findings.ok(
            "authorities",
            format!(
                "those in the file that {SYSTEM_CA_VARIABLE} names, instead of those of this machine"
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

pub(super) fn call_failed(about: &'static str, error: CallError, findings: &mut Findings) {
    let code = match &error {
        CallError::Fatal(fatal) => fatal.exit_code(),
        CallError::NotUnderstood(_) | CallError::NotFound | CallError::Refused { .. } => {
            ExitCode::NotUnderstood
        }
        CallError::NoAccess | CallError::Withheld(_) => ExitCode::Credentials,
        CallError::RefusedByNotify(_) | CallError::RowRefused(_) => ExitCode::NotUnderstood,
        CallError::Unavailable { .. } | CallError::Unanswered => ExitCode::TryLater,
    };
    let advice = match &error {
        CallError::NotUnderstood(_) | CallError::Refused { .. } => {
            ". What to do: check the addresses in your settings, and ask your network team whether a proxy answers in PKB's place"
        }
        CallError::Unavailable { .. } | CallError::Unanswered => ". What to do: try again later",
        // These say it themselves.
        _ => "",
    };
    findings.problem(about, code, format!("{error}{advice}"));
}
