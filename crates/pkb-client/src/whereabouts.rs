//! Where PKB has its calls: whether there is anything at an address. How PKB combines its path prefixes in production is not published.

use reqwest::{StatusCode, Url};

use crate::{
    address::{checked_url, under},
    client::Client,
    error::CallError,
    messaging::PROCESS_MESSAGE,
    rest::PathTemplate,
};
use pkb_values::NationalId;

/// What is at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A call.
    Call,
    /// A call that this client may not make.
    Forbidden,
    /// Nothing, as far as can be told.
    Nothing,
}

/// Where the JSON form of the REST interface begins: `/json/v1/measurements` is PKB's own example.
pub const JSON_MOUNT: &str = "/json";

/// Nothing of PKB's has this name.
const NOTHING: &str = "nothing-is-here";

impl Client {
    /// What is at `path`, by a question (GET) that changes nothing. An answer of 404 may be about what is asked for and not about the
    /// address: then it is another one than that of an address where certainly nothing is.
    ///
    /// # Errors
    /// There is no access token, or no answer.
    pub async fn what_is_at(&self, path: &str) -> Result<Found, CallError> {
        self.found(self.url(path)?, self.url(&format!("{path}/{NOTHING}"))?)
            .await
    }

    /// Whether the messaging endpoint is at `url`. It takes no such question, and says so (405): nothing is created.
    ///
    /// # Errors
    /// As [`Client::what_is_at`], and the address is not one that secrets may be sent to.
    pub async fn messaging_found(&self, url: &str) -> Result<Found, CallError> {
        let base = checked_url(url, "the address of the messaging endpoint");
        let base = base.map_err(CallError::Fatal)?;
        self.found(under(&base, PROCESS_MESSAGE)?, under(&base, NOTHING)?)
            .await
    }

    async fn found(&self, url: Url, nowhere: Url) -> Result<Found, CallError> {
        let (status, body) = self.transport.look(url).await?;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Ok(Found::Forbidden),
            StatusCode::NOT_FOUND => {
                let (_, nothing) = self.transport.look(nowhere).await?;
                Ok(match body == nothing {
                    true => Found::Nothing,
                    false => Found::Call,
                })
            }
            _ => Ok(Found::Call),
        }
    }

    /// Whether `byNationalId` is at `path`, or else in the JSON form of it.
    ///
    /// # Errors
    /// As [`Client::what_is_at`].
    pub async fn user_path_found(
        &self,
        path: &PathTemplate,
        id: &NationalId,
    ) -> Result<UserPath, CallError> {
        let path = path.of_patient(id);
        if self.what_is_at(&path).await? != Found::Nothing {
            return Ok(UserPath::AsSet);
        }
        let json = format!("{JSON_MOUNT}/{}", path.trim_start_matches('/'));
        Ok(match self.what_is_at(&json).await? {
            Found::Nothing => UserPath::Unknown,
            Found::Call | Found::Forbidden => UserPath::Json,
        })
    }
}

/// Where `byNationalId` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserPath {
    /// Where the settings say.
    AsSet,
    /// The same below `/json`.
    Json,
    /// Nobody knows.
    Unknown,
}
