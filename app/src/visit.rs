//! What every page and server function knows about its request: the services, who is there, and the browser session. The server puts
//! one [`Visit`] into the request's extensions before anything is rendered; there is no other context to provide.

use crate::PageError;
use crate::layout::{MenuLink, User};
use crate::ui::icon;
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
    /// The signed-in person as the layouts show him.
    pub fn user(&self) -> Option<User> {
        self.person.as_ref().map(|person| {
            let mut links = vec![MenuLink { label: "Account", href: "/account".to_owned(), icon: icon::USER_ROUND }];
            if person.is_staff {
                links.push(MenuLink { label: "Support console", href: "/support".to_owned(), icon: icon::HEADSET });
            }
            links.push(MenuLink { label: "Get the client", href: "/download".to_owned(), icon: icon::DOWNLOAD });
            User { name: person.name.clone(), email: person.email.clone(), links }
        })
    }

    /// Enters the organisation behind the address as the signed-in person; 404 for everybody else.
    pub async fn enter(&self, slug: &str) -> Result<(OpCtx, Tenant), PageError> {
        identity::enter(&self.ctx, &self.services, slug).await.map_err(told)
    }

    /// The context of a member of the vendor's staff; 404 for everybody else.
    pub async fn as_staff(&self) -> Result<OpCtx, PageError> {
        identity::as_staff(&self.ctx, &self.services).await.map_err(told)
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
        if !is_plain_form() {
            set_status(&response, problem.status);
        }
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

/// Whether a form was sent without JavaScript. Its problem goes back to the form by a redirect, whose status must stay.
fn is_plain_form() -> bool {
    use_context::<http::request::Parts>().is_some_and(|parts| {
        let accept = parts.headers.get(http::header::ACCEPT).and_then(|v| v.to_str().ok());
        parts.method == http::Method::POST && accept.is_some_and(|v| v.contains("text/html"))
    })
}

fn set_status(response: &ResponseOptions, status: u16) {
    if let Ok(status) = http::StatusCode::from_u16(status) {
        response.set_status(status);
    }
}
