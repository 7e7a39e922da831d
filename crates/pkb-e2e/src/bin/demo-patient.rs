//! The patient of the demo: reads her letter, opens the page and registers. Step 5 of PKB's guide.

use std::process::ExitCode;

use pkb_e2e::demo_patient::{Args, play};

fn main() -> ExitCode {
    pkb_cli::app::main("demo-patient", |args: Args| async move {
        play(&args)
            .await
            .map_err(|error| pkb_core::Fatal::Input(format!("{error:#}")))
    })
}
