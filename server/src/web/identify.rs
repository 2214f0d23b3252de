//! Who is there: turns the browser session into a [`Visit`], and sends strangers to sign in before anything is rendered.

use crate::state::AppState;
use crate::web::request::RequestInfo;
use app::browser::{PROOF_KEY, STARTED_KEY};
use app::visit::Visit;
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use domain::identity;
use store::web_sessions::USER_KEY;
use tower_sessions::Session;
use types::UserId;

/// A browser session ends after so long without a request, in seconds.
pub const IDLE_SECONDS: i64 = 3600;
/// A browser session ends after so long in any case, in seconds.
pub const ABSOLUTE_SECONDS: i64 = 12 * 3600;
/// Key under which the session says when it was last used, in seconds since 1970.
const SEEN_KEY: &str = "seen_at";

pub async fn layer(
    State(state): State<AppState>,
    Extension(info): Extension<RequestInfo>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let anonymous = info.anonymous();
    let person = match signed_in(&state, &session).await {
        Err(error) => {
            tracing::error!(%error, "browser sessions cannot be read");
            return crate::web::pages::unavailable(&state, &info);
        }
        Ok(None) => None,
        Ok(Some((user, proof))) => match identity::person(&anonymous, &state.services, user).await {
            Ok(person) => person.filter(|person| person.proof == proof),
            Err(error) => {
                tracing::error!(%error, "a person cannot be read");
                return crate::web::pages::unavailable(&state, &info);
            }
        },
    };
    let path = request.uri().path();
    if person.is_none() && request.method() == Method::GET && needs_sign_in(path) {
        let here = request.uri().path_and_query().map_or(path, |p| p.as_str());
        let next: String = url::form_urlencoded::byte_serialize(here.as_bytes()).collect();
        return Redirect::to(&format!("/login?next={next}")).into_response();
    }
    let ctx = person.as_ref().map_or(anonymous.clone(), |p| identity::as_user(&anonymous, p));
    request.extensions_mut().insert(Visit {
        services: state.services.clone(),
        ctx,
        person,
        session,
        dev_mailbox: state.web.dev_mailbox.is_some(),
    });
    next.run(request).await
}

/// Pages behind sign-in.
fn needs_sign_in(path: &str) -> bool {
    ["/orgs", "/account", "/device", "/support"]
        .iter()
        .any(|p| path == *p || path.strip_prefix(p).is_some_and(|rest| rest.starts_with('/')))
}

/// The user of the session and its proof, unless its time is over. Notes now and then that it is in use.
async fn signed_in(state: &AppState, session: &Session) -> Result<Option<(UserId, String)>, tower_sessions::session::Error> {
    let Some(user) = session.get::<String>(USER_KEY).await?.and_then(|u| u.parse().ok()) else { return Ok(None) };
    let now = state.services.now().unix_timestamp();
    let started: i64 = session.get(STARTED_KEY).await?.unwrap_or_default();
    let seen: i64 = session.get(SEEN_KEY).await?.unwrap_or(started);
    if now - started > ABSOLUTE_SECONDS || now - seen > IDLE_SECONDS {
        session.flush().await?;
        return Ok(None);
    }
    // Not at every request: each note is a write.
    if now - seen > 60 {
        session.insert(SEEN_KEY, now).await?;
    }
    Ok(Some((user, session.get(PROOF_KEY).await?.unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_belongs_to_somebody_needs_sign_in() {
        for path in ["/orgs", "/orgs/new", "/orgs/a/members", "/account", "/device", "/support/tenants/x"] {
            assert!(needs_sign_in(path), "{path}");
        }
        for path in ["/", "/login", "/signup", "/organs", "/supporting", "/devices", "/invitations/t", "/healthz"] {
            assert!(!needs_sign_in(path), "{path}");
        }
    }
}
