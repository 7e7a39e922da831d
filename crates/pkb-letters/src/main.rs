//! `pkb-letters`: from codes to letters, SMS sheets and the manifest.

fn main() -> std::process::ExitCode {
    pkb_cli::app::main("pkb-letters", pkb_letters::run::run)
}
