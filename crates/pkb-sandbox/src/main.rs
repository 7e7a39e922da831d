//! The `pkb-sandbox` command: see [`pkb_sandbox::run`].

use std::process::ExitCode;

fn main() -> ExitCode {
    pkb_sandbox::run::main()
}
