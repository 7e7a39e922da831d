//! The page on which a patient registers with both codes and a date of birth. Plain HTML that works without scripts and with a screen reader.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State as AxumState};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use pkb_synthetic::date_of_parts;
use url::form_urlencoded;

use crate::state::{Joined, State};

/// `GET /join/?t1=…&t2=…`: the form, with the codes of the link filled in.
pub(crate) async fn page(RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    respond(
        StatusCode::OK,
        "Register with the sandbox",
        &form(&Fields::parse(query.as_bytes()), None),
    )
}

/// `POST /join/`: registers, or says that the details do not match, but never which of them.
pub(crate) async fn register(AxumState(state): AxumState<Arc<State>>, body: Bytes) -> Response {
    let fields = Fields::parse(&body);
    let date_of_birth = date_of_parts(&fields.day, &fields.month, &fields.year);
    match state.join(&fields.code, &fields.token, date_of_birth) {
        Joined::Registered => respond(
            StatusCode::OK,
            "You are registered",
            "<h1>You are registered</h1>\n<p>You can now see your record. (This is a sandbox: there is nothing to see.)</p>",
        ),
        Joined::AlreadyRegistered => respond(
            StatusCode::CONFLICT,
            "You have registered already",
            "<h1>You have registered already</h1>\n<p>There is nothing more to do: sign in as usual.</p>",
        ),
        Joined::NoMatch => respond(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Error: the details do not match",
            &form(
                &fields,
                Some("The details do not match. Check both codes and your date of birth."),
            ),
        ),
    }
}

#[derive(Default)]
struct Fields {
    code: String,
    token: String,
    day: String,
    month: String,
    year: String,
}

impl Fields {
    fn parse(encoded: &[u8]) -> Self {
        let mut fields = Self::default();
        for (name, value) in form_urlencoded::parse(encoded) {
            let field = match &*name {
                "t1" => &mut fields.code,
                "t2" => &mut fields.token,
                "day" => &mut fields.day,
                "month" => &mut fields.month,
                "year" => &mut fields.year,
                _ => continue,
            };
            value.trim().clone_into(field);
        }
        fields
    }
}

/// The date of birth is never filled in again: the page might be left open on a shared screen.
fn form(fields: &Fields, problem: Option<&str>) -> String {
    let problem =
        problem.map(|text| format!("<p class=\"problem\" role=\"alert\">{}</p>\n", escape(text)));
    format!(
        r#"<h1>Register with your codes</h1>
{problem}<p>The codes are in your letter or text message. Capital and small letters matter.</p>
<form method="post" action="/join/" autocomplete="off">
<p><label for="t1">Invitation code</label>
<input id="t1" name="t1" value="{code}" required autocapitalize="none" spellcheck="false"></p>
<p><label for="t2">Access code</label>
<input id="t2" name="t2" value="{token}" required autocapitalize="none" spellcheck="false"></p>
<fieldset>
<legend>Your date of birth</legend>
<p><label for="day">Day</label>
<input id="day" name="day" required inputmode="numeric" size="2" maxlength="2"></p>
<p><label for="month">Month</label>
<input id="month" name="month" required inputmode="numeric" size="2" maxlength="2"></p>
<p><label for="year">Year</label>
<input id="year" name="year" required inputmode="numeric" size="4" maxlength="4"></p>
</fieldset>
<p><button type="submit">Register</button></p>
</form>"#,
        problem = problem.unwrap_or_default(),
        code = escape(&fields.code),
        token = escape(&fields.token),
    )
}

fn respond(status: StatusCode, title: &str, main: &str) -> Response {
    let html = format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1.2rem/1.5 sans-serif; max-width: 34rem; margin: 2rem auto; padding: 0 1rem; color: #111; background: #fff }}
label {{ display: block }}
input, button {{ font: inherit; padding: .3rem .6rem; border: 2px solid #111 }}
.problem {{ border-left: .4rem solid #a00; padding-left: .8rem }}
.sandbox {{ border-top: 1px solid #555; color: #444 }}
</style>
</head>
<body>
<main>
{main}
</main>
<p class="sandbox">A sandbox with invented patients. Not Patients Know Best.</p>
</body>
</html>
"#,
        title = escape(title),
    );
    let headers = [
        // The address of the page holds both codes.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
        ),
    ];
    (status, headers, Html(html)).into_response()
}

/// Text that is safe between tags and in quoted attributes.
fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    Cow::Owned(safe)
}
