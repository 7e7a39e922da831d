//! `pkb-letters`: from codes to letters, SMS sheets and the manifest.

fn main() -> std::process::ExitCode {
    pkb_core::app::main("pkb-letters", pkb_letters::run::run)
}
