//! Problems on the wire (RFC 9457).

use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use types::{Code, Problem};

/// What a handler returns when it refuses.
#[derive(Debug)]
pub struct ApiError(Box<Problem>);

impl From<domain::Error> for ApiError {
    fn from(error: domain::Error) -> Self {
        error.into_problem().into()
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl IntoResponse for ApiError {
    /// The body is written by [`documented`], which knows the request's id.
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(Refusal(self.0));
        response
    }
}

#[derive(Clone)]
struct Refusal(Box<Problem>);

/// Who reads a refusal.
#[derive(Clone, Copy)]
pub struct Reader {
    /// A program, by the address that it called.
    machine: bool,
    wants_page: bool,
}

impl Reader {
    pub fn of(request: &Request) -> Self {
        let path = request.uri().path();
        let machine = path == "/api" || path.starts_with("/api/") || path.starts_with("/.well-known/") || path.starts_with("/webhooks/");
        let wants_page = request.headers().get(ACCEPT).and_then(|a| a.to_str().ok()).is_some_and(|a| a.contains("text/html"));
        Self { machine, wants_page }
    }
}

/// Writes problem documents, also for what no handler of ours refused: unknown paths, wrong methods, bodies that are too large.
pub fn documented(mut response: Response, request_id: &str, reader: Reader) -> Response {
    if response.status().is_success() {
        return response;
    }
    let problem = match response.extensions_mut().remove::<Refusal>() {
        Some(Refusal(problem)) => *problem,
        None => match response.status() {
            StatusCode::NOT_FOUND if reader.machine => Problem::new(Code::NotFound, "There is nothing at this address."),
            // Ours has a body of its own (RFC 8628).
            StatusCode::BAD_REQUEST if reader.machine && is_plain(&response) => {
                Problem::new(Code::InvalidRequest, "The request's address cannot be read.")
            }
            StatusCode::METHOD_NOT_ALLOWED => Problem::new(Code::MethodNotAllowed, "This address does not take that method."),
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Code::PayloadTooLarge, "The request is larger than 64 KiB."),
            StatusCode::REQUEST_TIMEOUT => Problem::new(Code::Unavailable, "The answer took too long. Try again.").retry_after(5),
            _ => return response,
        },
    };
    let mut answer = document(problem, request_id.to_owned(), reader.wants_page && !reader.machine);
    // Allow, for one.
    for (name, value) in response.headers() {
        if name != CONTENT_TYPE && name != http::header::CONTENT_LENGTH {
            answer.headers_mut().entry(name).or_insert(value.clone());
        }
    }
    answer
}

fn is_plain(response: &Response) -> bool {
    response.headers().get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

fn document(mut problem: Problem, request_id: String, for_person: bool) -> Response {
    problem.request_id = request_id;
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = if for_person {
        let text = format!("{}\n{}\n", problem.title, problem.detail);
        (status, [(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], text).into_response()
    } else {
        // One with holders has two or three thousand bytes.
        let mut body = Vec::with_capacity(if problem.holders.is_some() { 3_072 } else { 512 });
        // A problem is plain data; it always serialises.
        let _ = serde_json::to_writer(&mut body, &problem);
        (status, [(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))], body).into_response()
    };
    if let Some(seconds) = problem.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
