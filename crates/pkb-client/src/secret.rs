//! Secrets from the environment and from files.

use std::path::Path;

use pkb_core::Fatal;
use pkb_files::{
    nearest::nearest_path,
    trusted_file::{self, Purpose, Unread},
};
use secrecy::SecretString;

/// Reads the OAuth client's secret from `PKB_CLIENT_SECRET` or from a file.
///
/// # Errors
/// Neither is set, or the file cannot be read.
pub fn read_secret(file: Option<&Path>) -> Result<SecretString, Fatal> {
    let secret = match file {
        Some(path) => read_secret_file(path, "PKB_CLIENT_SECRET_FILE")?,
        None => std::env::var("PKB_CLIENT_SECRET").unwrap_or_default(),
    };
    let secret = secret.trim();
    if secret.is_empty() {
        return Err(Fatal::Usage(
            "no client secret. What to do: set PKB_CLIENT_SECRET, or set PKB_CLIENT_SECRET_FILE to a file that holds the \
             secret".into(),
        ));
    }
    Ok(SecretString::from(secret))
}

/// The content of the file that `setting` names. It may be the secret itself that was put there: it is shown only if there is
/// such a file.
pub(crate) fn read_secret_file(path: &Path, setting: &str) -> Result<String, Fatal> {
    pkb_files::exposure::warn_of_file(path);
    match trusted_file::read_to_string(path, Purpose::CREDENTIALS) {
        Err(Unread::Doubtful(fatal)) => Err(fatal),
        Ok(text) if text.trim().is_empty() => Err(Fatal::Usage(format!(
            "{} has no secret in it ({setting}). What to do: write the secret into the file",
            path.display()
        ))),
        Ok(text) => Ok(text),
        Err(Unread::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            let near = nearest_path(path).map_or_else(String::new, |near| {
                format!(". Did you mean {}?", near.display())
            });
            Err(Fatal::Usage(format!(
                "{setting} names a file that does not exist. It must be the path of a file, not the secret{near}"
            )))
        }
        Err(Unread::Io(error)) if path.exists() => Err(Fatal::cannot_read(path, error)),
        Err(Unread::Io(error)) => Err(Fatal::Usage(format!(
            "the file that {setting} names cannot be read ({}). {setting} must be the path of a file, not the secret",
            error.kind()
        ))),
    }
}
