//! `pkb-upload`: from a hospital's patient file to records at PKB.

fn main() -> std::process::ExitCode {
    pkb_upload::main()
}
