//! One attempt: a request is sent once, and what comes is read.

use std::time::{Duration, SystemTime};

use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header};

use super::{
    Pass, Transport,
    again::RetryDecision,
    answer::Answer,
    explain::{AnswerMeaning, Unsuccessful},
    refused,
    repeat::Repeat,
};
use crate::{
    clock_check::clock_off_by,
    error::CallError,
    http::{BodyError, Longest, note_origin, plain_cause, read_body},
    messaging::Elements,
    refusal::Refusal,
    retry,
};
use pkb_core::Fatal;

/// A 2xx answer, or one that the caller reads itself ([`AnswerMeaning::Answer`]).
pub(crate) struct Success {
    pub(crate) status: StatusCode,
    /// How long the server asks to wait. It may be long, and the caller decides whether to.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

/// What came of sending a request.
pub(super) enum Attempt {
    Answered(Success),
    /// PKB's refusal of it, and the status that came with it.
    Refused(Refusal, StatusCode),
    RetryDecision(RetryDecision),
}

impl Transport {
    /// Sends a request once.
    ///
    /// # Errors
    /// Our clock is wrong, or there can be no connection in confidence.
    pub(super) async fn send(
        &self,
        request: RequestBuilder,
        repeat: Repeat<'_>,
        longest: Longest,
        is_whole: impl Fn(&[u8]) -> bool,
    ) -> Result<Attempt, Fatal> {
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                return match self.http.fault(&error) {
                    Some(fault) => Err(fault.into_fatal()),
                    None => Ok(Attempt::RetryDecision(RetryDecision::after_error(
                        &error, repeat,
                    ))),
                };
            }
        };
        // What may have been carried out is settled, whatever the time is.
        if let (Pass::Tokens(_, clock), true) = (&self.pass, repeat.is_safe()) {
            clock.check(response.headers(), SystemTime::now())?;
        }
        self.note_origin(&response)?;
        let status = response.status();
        if !status.is_success() {
            let answer = Answer::read(response).await;
            if let Some(AnswerMeaning::Answer) = self.meaning(&answer) {
                return Ok(Attempt::Answered(Success {
                    status,
                    retry_after: retry::uncapped_retry_after(&answer.headers, SystemTime::now()),
                    body: answer.body,
                }));
            }
            return Ok(match self.refusal(&answer) {
                Some(refusal) => Attempt::Refused(refusal, status),
                None => Attempt::RetryDecision(self.again_after(&answer, repeat)),
            });
        }
        Ok(match read_body(response, longest).await {
            Ok(body) if is_whole(&body) => match self.refusal_in_success(&body) {
                Refusal::Unsaid => Attempt::Answered(Success {
                    status,
                    retry_after: None,
                    body,
                }),
                refusal => Attempt::Refused(refusal, status),
            },
            Ok(_) | Err(BodyError::BrokeOff) => {
                Attempt::RetryDecision(RetryDecision::after_broken_answer(repeat))
            }
            // What may have been carried out is looked up, whatever came back.
            Err(BodyError::TooLong) if !repeat.is_safe() => {
                Attempt::RetryDecision(RetryDecision::Give(CallError::Unanswered))
            }
            Err(BodyError::TooLong) => return Err(longest.exceeded(self.server)),
        })
    }

    /// Asks once what is at `url`: the status and the body, whatever they are.
    ///
    /// # Errors
    /// There is no access token, or no answer.
    pub(crate) async fn look(&self, url: Url) -> Result<(StatusCode, Vec<u8>), CallError> {
        let _turn = self.turn().await;
        let request = self.http.request(Method::GET, url);
        let request = request.header(header::ACCEPT, "application/json");
        let (request, _) = self.show_pass(request, None).await?;
        let answer = request
            .send()
            .await
            .map_err(|error| CallError::Unavailable {
                cause: plain_cause(&error).into(),
                attempts: 1,
            })?;
        let status = answer.status();
        let body = read_body(answer, Longest::One).await.unwrap_or_default();
        match Refusal::of_code(&body) {
            Refusal::Client(what) => Err(CallError::Fatal(Fatal::Credentials(what.into()))),
            _ => Ok((status, body)),
        }
    }

    /// PKB's refusal in an answer that is no success.
    fn refusal(&self, answer: &Answer) -> Option<Refusal> {
        match self.pass {
            Pass::Tokens(..) => refused::refusal(answer),
            // A 401 is tried once with a new token.
            Pass::Signed(_) if answer.status == StatusCode::UNAUTHORIZED => Some(Refusal::Unsaid),
            Pass::Signed(_) | Pass::Key(_) => None,
        }
    }

    /// PKB's refusal in an answer with a status of success.
    fn refusal_in_success(&self, body: &[u8]) -> Refusal {
        match self.pass {
            Pass::Tokens(..) => Refusal::of_code(body),
            Pass::Signed(_) | Pass::Key(_) => Refusal::Unsaid,
        }
    }

    /// Hears whether a sandbox answered.
    ///
    /// # Errors
    /// Something else has told the opposite.
    fn note_origin(&self, response: &Response) -> Result<(), Fatal> {
        note_origin(
            self.monitor.origins(),
            self.server,
            (response.url(), response.status(), response.headers()),
        )
    }

    /// What the server means by an answer, if that is something of its own.
    fn meaning(&self, answer: &Answer) -> Option<AnswerMeaning> {
        let explain = self.explain.as_ref()?;
        explain(&Unsuccessful {
            status: answer.status,
            retry_after: retry::retry_after(&answer.headers, SystemTime::now()),
            clock_off_by: clock_off_by(&answer.headers, SystemTime::now()),
            body: &answer.body,
        })
    }

    /// What is to be done after an answer whose meaning is the server's own.
    fn explained(&self, answer: &Answer) -> Option<RetryDecision> {
        Some(match self.meaning(answer)? {
            AnswerMeaning::Answer => return None,
            AnswerMeaning::Give(error) => RetryDecision::Give(error),
            AnswerMeaning::Pause(pause) => {
                self.pause.extend(pause);
                RetryDecision::After {
                    cause: format!("{} asks for a pause", self.server),
                    pause: Some(pause),
                }
            }
        })
    }

    /// A 400 or 422 is the server's word on what was asked, or the web server's in front of it on our certificate.
    fn after_bad_request(&self, answer: &Answer) -> CallError {
        match self.http.fault_in_answer(&answer.url, &answer.body) {
            Some(fault) => CallError::Fatal(fault.into_fatal()),
            None => CallError::Refused {
                status: answer.status.as_u16(),
                elements: Elements::read(&answer.body),
            },
        }
    }

    fn again_after(&self, answer: &Answer, repeat: Repeat<'_>) -> RetryDecision {
        let status = answer.status;
        let asked = retry::retry_after(&answer.headers, SystemTime::now());
        let is_about_the_request = matches!(
            status,
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY
        );
        if is_about_the_request && self.explain.is_none() {
            return RetryDecision::Give(self.after_bad_request(answer));
        }
        if let Some(again) = self.explained(answer) {
            return again;
        }
        // The explanation of a server has left this one to the rules that are common to all.
        let is_timeout = status == StatusCode::REQUEST_TIMEOUT && self.explain.is_some();
        if retry::is_busy(status) || is_timeout {
            if let Some(pause) = asked {
                self.pause.extend(pause);
            }
            if repeat.may_be_done(status) {
                return RetryDecision::Give(CallError::Unanswered);
            }
            return RetryDecision::After {
                cause: format!("{} answered {}", self.server, status.as_u16()),
                pause: asked,
            };
        }
        RetryDecision::Give(match status {
            StatusCode::NOT_FOUND => CallError::NotFound,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => CallError::NoAccess,
            status if status.is_redirection() => CallError::NotUnderstood(
                "PKB answered with a redirect: check the base URL and proxies",
            ),
            status => CallError::Refused {
                status: status.as_u16(),
                elements: Elements::default(),
            },
        })
    }
}
