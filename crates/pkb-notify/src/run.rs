//! From arguments to work.

use pkb_core::{ExitCode, Fatal};

use crate::{
    args::{Args, Command, PostCommand, RowsCommand, SmsCommand},
    nhs, post, rows, sms, statuses,
};

/// Does what the arguments ask.
///
/// # Errors
/// What stopped it.
pub(crate) async fn run(args: Args) -> Result<ExitCode, Fatal> {
    match args.command {
        Command::Sms(SmsCommand::Send(args)) => sms::send(*args).await,
        Command::Sms(SmsCommand::Status(args)) => statuses::of_texts(&args).await,
        Command::Post(PostCommand::Send(args)) => post::send(*args).await,
        Command::Post(PostCommand::Status(args)) => statuses::of_letters(&args).await,
        Command::Rows(RowsCommand::Send(args)) => rows::send(*args).await,
        Command::Rows(RowsCommand::Status(args)) => statuses::of_rows(&args).await,
        Command::Nhs(command) => nhs::run(command).await,
    }
}
