//! What every page and server function knows about its request: the services, who is there, and the browser session. The server puts
//! one [`Visit`] into the request's extensions before anything is rendered; there is no other context to provide.

use crate::PageError;
use domain::identity::{self, Person};
use domain::{Error, Services};
use leptos::prelude::{expect_context, use_context};
use leptos_axum::ResponseOptions;
use store::OpCtx;
use store::tenants::Tenant;
use tower_sessions::Session;
use types::{Code, Problem};

/// One request of a browser.
#[derive(Clone, Debug)]
pub struct Visit {
    pub services: Services,
    /// As the signed-in person, or anonymous; in no tenant yet.
    pub ctx: OpCtx,
    /// Who is signed in.
    pub person: Option<Person>,
    pub session: Session,
    /// `make run` without a mail server: pages may point to `/dev/mailbox`.
    pub dev_mailbox: bool,
}

/// The visit of the request that is being answered.
pub fn visit() -> Visit {
    // The server's `identify` layer stands in front of every page and server function.
    #[allow(clippy::expect_used, reason = "a missing layer is a programming error that every test would show")]
    expect_context::<http::request::Parts>().extensions.get::<Visit>().cloned().expect("the identify layer puts a Visit into every request")
}

impl Visit {
    /// Enters the organisation behind the address as the signed-in person; 404 for everybody else.
    pub async fn enter(&self, slug: &str) -> Result<(OpCtx, Tenant), PageError> {
        Ok(identity::enter(&self.ctx, &self.services, slug).await.map_err(told)?)
    }

    /// The context of a member of the vendor's staff; 404 for everybody else.
    pub async fn as_staff(&self) -> Result<OpCtx, PageError> {
        Ok(identity::as_staff(&self.ctx, &self.services).await.map_err(told)?)
    }
}

/// A use-case's error as the page shows it; also sets the status of the answer.
pub fn told(error: Error) -> PageError {
    let mut problem = error.into_problem();
    if let Some(parts) = use_context::<http::request::Parts>()
        && let Some(visit) = parts.extensions.get::<Visit>()
    {
        problem.request_id.clone_from(&visit.ctx.request_id);
    }
    if let Some(response) = use_context::<ResponseOptions>() {
        set_status(&response, problem.status);
        if let Some(seconds) = problem.retry_after {
            response.insert_header(http::header::RETRY_AFTER, http::HeaderValue::from(seconds));
        }
    }
    problem.into()
}

/// 404 as a page error, with the status set.
pub fn not_found() -> PageError {
    told(Problem::new(Code::NotFound, "There is nothing here, or it is not yours to see.").into())
}

fn set_status(response: &ResponseOptions, status: u16) {
    if let Ok(status) = http::StatusCode::from_u16(status) {
        response.set_status(status);
    }
}
