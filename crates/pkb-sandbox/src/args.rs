//! What can be asked of `pkb-sandbox` on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;
use pkb_stand_ins::mail_company::args::MailCompany;
use pkb_stand_ins::mesh::args::Mesh;

const LISTEN: &str = "127.0.0.1:8180";

/// A local PKB with invented patients, for the demo, the tests and rehearsals.
#[derive(Debug, Parser)]
#[command(name = "pkb-sandbox", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Answer requests until interrupted
    Serve(Serve),
    /// Print shell exports that point the other commands at a sandbox: eval "$(pkb-sandbox env)"
    Env(Env),
    /// Make up a patient file
    Patients(Patients),
    /// Make a world in which PKB knows the patients of a patient file already, for `serve --world`
    World(WorldOf),
    /// Answer request files as PDS does through MESH
    Mesh(Mesh),
    /// Take a folder of letters as a mail company does, and report what became of them
    MailCompany(MailCompany),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// A loopback address and a port; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = LISTEN, value_parser = loopback)]
    pub(crate) listen: SocketAddr,

    /// Exceptions among the patients (JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) world: Option<PathBuf>,

    /// What PKB ids and codes are derived from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// What goes wrong, to whom and when (JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,

    /// Answer every call for a patient's codes with the same pair (a rehearsal aid; PKB makes new ones)
    #[arg(long)]
    pub(crate) same_codes: bool,

    /// How long PKB works on each uploaded file, in milliseconds; files are processed one after the other. 0 answers an upload with its
    /// report at once
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) processing_ms: u32,

    /// Make and check codes as if it were always this moment, such as 2026-11-22T09:00:00Z
    #[arg(long, value_name = "RFC3339", env = "PKB_SANDBOX_FIXED_TIME")]
    pub(crate) fixed_time: Option<Timestamp>,

    /// The organisation that the FHIR operations and messages are for, a UUID
    #[arg(long, value_name = "UUID", default_value = crate::ORG_ID, value_parser = uuid)]
    pub(crate) org_id: String,

    /// Aliases of the organisation's teams for messages, that of the default team first
    #[arg(long, value_name = "NAME", default_values = crate::TEAM_ALIASES)]
    pub(crate) team_alias: Vec<String>,

    /// Spell the expiry of codes valueDateTime, as FHIR does, not valueDatetime, as PKB's example does
    #[arg(long)]
    pub(crate) value_date_time: bool,

    /// Have the REST calls below /json, as PKB's example of JSON has it; the guide's own paths then lead nowhere
    #[arg(long)]
    pub(crate) json_mounts: bool,

    /// Refuse every call that comes while another is in hand (503), and note it in the ledger
    #[arg(long)]
    pub(crate) one_at_a_time: bool,

    /// A FHIR endpoint that is not switched on for the client
    #[arg(long, value_name = "NAME", value_parser = ["status_query", "generate_tokens", "patient_search"])]
    pub(crate) not_enabled: Vec<String>,

    /// The most patients of one $status-query
    #[arg(long, value_name = "N", default_value_t = crate::MAX_STATUS_QUERY)]
    pub(crate) max_status_query: usize,

    /// The most patients of one $generate-invitation-tokens
    #[arg(long, value_name = "N", default_value_t = crate::MAX_INVITATION_TOKENS)]
    pub(crate) max_invitation_tokens: usize,

    /// A further template for text messages at Notify: its id, a UUID, and a file with its text
    #[arg(long, value_name = "UUID=FILE", value_parser = notify_template)]
    pub(crate) notify_template: Vec<(String, PathBuf)>,

    /// Public keys of the application that NHS Notify knows (a JSON Web Key Set), instead of the built-in one
    #[arg(long, value_name = "FILE")]
    pub(crate) nhs_jwks: Option<PathBuf>,

    /// Write the address to this file once requests are answered
    #[arg(long, value_name = "FILE")]
    pub(crate) port_file: Option<PathBuf>,

    /// No line for each request
    #[arg(long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Env {
    /// Where the sandbox listens
    #[arg(long, value_name = "ADDR", default_value = LISTEN, value_parser = loopback)]
    pub(crate) listen: SocketAddr,

    /// Use a tethered token instead: write the first refresh token of a new sandbox to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) tethered: Option<PathBuf>,

    /// Folder for files with the sandbox's own secret and key, so that no file with a real one is read; one in the folder for
    /// temporary files if absent
    #[arg(long, value_name = "DIR")]
    pub(crate) secrets: Option<PathBuf>,

    /// The organisation that the FHIR operations and messages are for, a UUID
    #[arg(long, value_name = "UUID", default_value = crate::ORG_ID, value_parser = uuid)]
    pub(crate) org_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Patients {
    /// How many rows
    #[arg(long, value_name = "N")]
    pub(crate) count: usize,

    /// The same seed makes the same patients
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Write what PKB should know about them to this file, for `serve --world`
    #[arg(long, value_name = "FILE")]
    pub(crate) world: Option<PathBuf>,

    /// Write the patients to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Go on with CHI-like numbers of an impossible month when the NHS test range (999) is used up
    #[arg(long)]
    pub(crate) beyond_test_range: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WorldOf {
    /// Patient file with the columns that `patients` writes
    #[arg(value_name = "FILE")]
    pub(crate) patients: PathBuf,

    /// Write the world to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Write the patients of the file to standard output even if it is a terminal
    #[arg(long)]
    pub(crate) show_patients: bool,
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "not an address with a port, such as 127.0.0.1:8180".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("not a loopback address: a sandbox listens on this machine only".to_owned())
    }
}

fn uuid(text: &str) -> Result<String, String> {
    let groups = text.split('-').map(str::len);
    let is_uuid = groups.eq([8, 4, 4, 4, 12])
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    if is_uuid {
        Ok(text.to_owned())
    } else {
        Err("not a UUID, such as 00000000-0000-4000-8000-05a4db0c0999".to_owned())
    }
}

fn notify_template(text: &str) -> Result<(String, PathBuf), String> {
    let (id, file) = text
        .split_once('=')
        .ok_or_else(|| "not a UUID, = and a file".to_owned())?;
    Ok((uuid(id)?, file.into()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn only_loopback_addresses_are_taken() {
        assert!(loopback("127.0.0.1:0").is_ok());
        assert!(loopback("[::1]:8180").is_ok());
        assert!(loopback("0.0.0.0:8180").is_err());
        assert!(loopback("192.168.0.4:8180").is_err());
        assert!(loopback("localhost").is_err());
    }
}
