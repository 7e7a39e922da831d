//! Those who work with files: the tracing service, the mail company.

use std::io::{self, Write};

use pkb_stand_ins::mail_company::{self, args::MailCompany};
use pkb_stand_ins::mesh::{self, args::Mesh};

use super::failure::Failure;

/// Answers request files.
pub(super) fn mesh(args: &Mesh) -> Result<(), Failure> {
    let answered = mesh::answer(args)?;
    let _ = writeln!(
        io::stderr(),
        "answered {}, had a response already: {}",
        counted(answered.now, "request"),
        answered.before
    );
    Ok(())
}

/// Takes a delivery.
pub(super) fn mail_company(args: &MailCompany) -> Result<(), Failure> {
    let letters = mail_company::post(args)?;
    let _ = writeln!(io::stderr(), "took {}", counted(letters, "letter"));
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
