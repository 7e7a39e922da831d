//! How a fault is done over HTTP, and the ledger's note of what was done.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde_json::json;

use super::json::{ErrorBody, Fault, NamedFault, RetryAfter, StatusFault};
use super::selection::Plan;
use crate::connection::{Cut, Cutter};
use crate::fhir::altered_parts::AlteredParts;
use crate::ledger::{Asked, LedgerEntry, Processed, UploadCommit};
use crate::reply::{self, BODY_LIMIT_BYTES};
use crate::state::State;

/// Where a redirect leads.
pub(crate) const LOGIN: &str = "/sandbox/login";
/// How long a client is left hanging.
const HANG: Duration = Duration::from_secs(600);
/// Long enough for the first half of a truncated body to leave before the connection does.
const BEFORE_THE_CUT: Duration = Duration::from_millis(20);

/// One request on its way.
struct FaultyRequest {
    state: Arc<State>,
    cutter: Cutter,
    endpoint: &'static str,
    patient: Option<String>,
    plan: Plan,
    started: Instant,
}

/// What the handler did.
struct HandledRequest {
    response: Response,
    upload: Option<UploadCommit>,
    asked: Option<Asked>,
    processed: Option<Processed>,
}

/// Lets a request through, or does to it what the rules say, and writes the ledger either way.
pub(crate) async fn through(
    state: Arc<State>,
    cutter: Cutter,
    endpoint: &'static str,
    patient: Option<String>,
    request: Request,
    next: Next,
) -> Response {
    let plan = state.faults.plan(endpoint, patient.as_deref());
    let request_in_hand = FaultyRequest {
        state,
        cutter,
        endpoint,
        patient,
        plan,
        started: Instant::now(),
    };
    if plan.fault == Some(Fault::NamedFault(NamedFault::Hang)) {
        return request_in_hand.hang().await;
    }
    // A task of its own ends its work even if the client goes away, as a server behind a proxy would. So the ledger is right about uploads.
    let cutter = request_in_hand.cutter.clone();
    let clock_off = request_in_hand.state.faults.clock_off_seconds();
    match tokio::spawn(request_in_hand.answer(request, next)).await {
        Ok(response) => dated(response, clock_off),
        Err(_) => dropped(&cutter, Cut::Close),
    }
}

impl FaultyRequest {
    async fn hang(self) -> Response {
        self.note(None, false, None);
        let stopped = self.state.stopping.notified();
        let _ = tokio::time::timeout(HANG, stopped).await;
        dropped(&self.cutter, Cut::Close)
    }

    async fn answer(self, request: Request, next: Next) -> Response {
        let Plan { latency, fault } = self.plan;
        if fault == Some(Fault::NamedFault(NamedFault::Refuse)) {
            return self.drop_unrun(Cut::Close);
        }
        // A slow server has the request before it begins to be slow.
        let request = if fault.is_some() || !latency.is_zero() {
            match read(request).await {
                Ok(request) => request,
                Err(_) => return self.drop_unrun(Cut::Close),
            }
        } else {
            request
        };
        self.state.alarm.wait_until(self.started + latency).await;
        match fault {
            None => {
                let done = run(request, next).await;
                self.note_done(&done, done.response.status());
                done.response
            }
            Some(Fault::Status(fault)) => {
                if fault.run {
                    let done = run(request, next).await;
                    self.note_done(&done, fault.status);
                } else {
                    self.note(Some(fault.status), false, None);
                }
                error(fault)
            }
            Some(Fault::Notify(error)) => self.instead(error.into_response()),
            Some(Fault::Nhs(error)) => {
                let wait = self.state.nhs_notify.wait_after(error);
                self.instead(error.answer(wait))
            }
            Some(Fault::Parts(fault)) => {
                let seed = self.state.faults.seed();
                let mut request = request;
                request
                    .extensions_mut()
                    .insert(AlteredParts { fault, seed });
                let done = run(request, next).await;
                self.note_done(&done, done.response.status());
                done.response
            }
            Some(Fault::Person(fault)) => {
                let mut request = request;
                request.extensions_mut().insert(fault);
                let done = run(request, next).await;
                self.note_done(&done, done.response.status());
                done.response
            }
            Some(Fault::Message(fault)) => {
                let mut request = request;
                request.extensions_mut().insert(fault);
                let done = run(request, next).await;
                self.note_done(&done, done.response.status());
                done.response
            }
            Some(Fault::Upload(fault)) => {
                let mut request = request;
                request.extensions_mut().insert(fault);
                let done = run(request, next).await;
                if fault.lose {
                    return self.lose(&done);
                }
                self.note_done(&done, done.response.status());
                done.response
            }
            Some(Fault::ExtraAnswer(fault)) => {
                let done = run(request, next).await;
                self.note_done(&done, done.response.status());
                fault.arm(&self.cutter, done.response).await
            }
            Some(Fault::NamedFault(name)) => self.named(name, request, next).await,
        }
    }

    async fn named(self, name: NamedFault, request: Request, next: Next) -> Response {
        match name {
            NamedFault::Refuse | NamedFault::Hang => self.drop_unrun(Cut::Close),
            NamedFault::ResetBefore => self.drop_unrun(Cut::Reset),
            NamedFault::ResetAfter => {
                let done = run(request, next).await;
                self.lose(&done)
            }
            NamedFault::Truncate => {
                let done = run(request, next).await;
                self.note_done(&done, done.response.status());
                truncated(done.response).await
            }
            NamedFault::WrongContentType => {
                let mut done = run(request, next).await;
                self.note_done(&done, done.response.status());
                let wrong = HeaderValue::from_static("text/html; charset=utf-8");
                done.response
                    .headers_mut()
                    .insert(header::CONTENT_TYPE, wrong);
                done.response
            }
            NamedFault::Html => self.instead(login_page().await),
            NamedFault::Redirect => {
                self.instead((StatusCode::FOUND, [(header::LOCATION, LOGIN)]).into_response())
            }
            NamedFault::Garbage => self.instead(
                Json(json!({"page": {"of": 1}, "items": [[true, 7], "seven"]})).into_response(),
            ),
        }
    }

    /// Resets the connection in place of the answer.
    fn lose(self, done: &HandledRequest) -> Response {
        let committed = done.response.status().is_success();
        self.note(None, committed, Some(done));
        dropped(&self.cutter, Cut::Reset)
    }

    fn instead(self, response: Response) -> Response {
        self.note(Some(response.status()), false, None);
        response
    }

    fn drop_unrun(self, cut: Cut) -> Response {
        self.note(None, false, None);
        dropped(&self.cutter, cut)
    }

    fn note_done(&self, done: &HandledRequest, told: StatusCode) {
        let committed = done.response.status().is_success();
        self.note(Some(told), committed, Some(done));
    }

    /// Writes the ledger and the log. The log gets the name of the endpoint, never the address: numbers and codes stand in it.
    fn note(&self, status: Option<StatusCode>, committed: bool, done: Option<&HandledRequest>) {
        let slow = (!self.plan.latency.is_zero()).then_some("latency");
        let fault = self.plan.fault.map(Fault::name).or(slow);
        let status = status.map(|status| status.as_u16());
        let processed = done.and_then(|done| done.processed.as_ref());
        self.state.ledger.note(LedgerEntry {
            endpoint: self.endpoint,
            patient: processed
                .map(|message| message.patient.clone())
                .or_else(|| self.patient.clone()),
            status,
            fault,
            latency_ms: u64::try_from(self.plan.latency.as_millis()).unwrap_or(u64::MAX),
            committed,
            identifiers: done.and_then(|done| done.asked).map(|Asked(count)| count),
            invited_by_email: processed.is_some_and(|message| message.invites),
            upload: done.and_then(|done| done.upload.clone()),
        });
        tracing::info!(
            endpoint = self.endpoint,
            status,
            fault,
            milliseconds = self.started.elapsed().as_millis() as u64,
            "handled"
        );
    }
}

async fn run(request: Request, next: Next) -> HandledRequest {
    let mut response = next.run(request).await;
    let extensions = response.extensions_mut();
    let (upload, asked, processed) = (
        extensions.remove(),
        extensions.remove(),
        extensions.remove(),
    );
    HandledRequest {
        response,
        upload,
        asked,
        processed,
    }
}

async fn read(request: Request) -> Result<Request, axum::Error> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT_BYTES).await?;
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Cuts the connection; the response is for the type only and is not sent.
fn dropped(cutter: &Cutter, cut: Cut) -> Response {
    cutter.cut(cut);
    Response::new(Body::empty())
}

/// The response with half of its body, all of which is announced.
async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, BODY_LIMIT_BYTES).await.unwrap_or_default();
    // An empty body cannot be cut: it has a byte announced that never comes.
    let announced = HeaderValue::from(body.len().max(1));
    parts.headers.insert(header::CONTENT_LENGTH, announced);
    let half = stream::iter([Ok(body.slice(..body.len() / 2))]);
    let end = stream::once(async {
        tokio::time::sleep(BEFORE_THE_CUT).await;
        Err(io::Error::from(io::ErrorKind::UnexpectedEof))
    });
    Response::from_parts(parts, Body::from_stream(half.chain(end)))
}

fn error(fault: StatusFault) -> Response {
    let status = fault.status;
    let title = status.canonical_reason().unwrap_or("Error");
    let with_code = fault.code.map(|code| code.outcome(status));
    let mut response = with_code.unwrap_or_else(|| match fault.body {
        ErrorBody::Empty => status.into_response(),
        ErrorBody::Html => {
            let page = format!("<!doctype html><title>{title}</title><h1>{title}</h1>");
            (status, Html(page)).into_response()
        }
        ErrorBody::Json => {
            let word = title.to_lowercase().replace(' ', "_");
            reply::error(status, &word, "a fault that the sandbox was asked for")
        }
        ErrorBody::InvalidToken => {
            reply::error(status, "invalid_token", "the access token expired")
        }
    });
    add_headers(response.headers_mut(), fault);
    response
}

/// The response with a wrong time, if it is to be wrong; the HTTP library adds the right one.
fn dated(mut response: Response, off_seconds: i32) -> Response {
    let off = Duration::from_secs(off_seconds.unsigned_abs().into());
    let time = match off_seconds {
        0 => return response,
        1.. => SystemTime::now() + off,
        _ => SystemTime::now() - off,
    };
    if let Ok(value) = HeaderValue::try_from(httpdate::fmt_http_date(time)) {
        response.headers_mut().insert(header::DATE, value);
    }
    response
}

fn add_headers(headers: &mut HeaderMap, fault: StatusFault) {
    if fault.status == StatusCode::UNAUTHORIZED {
        let challenge = match fault.body {
            ErrorBody::InvalidToken => "Bearer error=\"invalid_token\"",
            _ => "Bearer",
        };
        let challenge = HeaderValue::from_static(challenge);
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    let text = match fault.retry_after {
        None => return,
        Some(RetryAfter::Seconds(seconds)) => seconds.to_string(),
        // HTTP dates have whole seconds: a second more, so that it is never less than was asked for.
        Some(RetryAfter::Date(seconds)) => {
            httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(u64::from(seconds) + 1))
        }
    };
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(header::RETRY_AFTER, value);
    }
}

/// `GET /sandbox/login`, and what stands in place of an answer: the page of a session that has ended, as a proxy sends it with status 200.
pub(crate) async fn login_page() -> Response {
    Html(
        "<!doctype html>\n<html lang=\"en\"><title>Sign in</title>\n<h1>Sign in</h1>\n<p>Your session has ended. (A sandbox: there is nothing to sign in to.)</p>\n</html>\n",
    )
    .into_response()
}
