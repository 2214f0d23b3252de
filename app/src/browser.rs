//! What the pages keep in the browser's session, read from its address, and where they send it next.

use crate::PageError;
use crate::problem::PASSING;
use crate::visit::{Visit, told};
use domain::identity::Person;
use leptos::prelude::use_context;
use std::collections::HashMap;
use store::web_sessions::USER_KEY;
use types::UserId;
use url::Url;

/// Key under which a signed-in session says when it began, in Unix seconds; the server ends it some time after that.
pub const STARTED_KEY: &str = "started_at";
/// Key under which a signed-in session keeps [`Person::proof`].
pub const PROOF_KEY: &str = "proof";
/// Key under which the session keeps the address that a mail has just gone to, so that it need not stand in the page's address.
const ADDRESS_KEY: &str = "mail_address";

/// Begins a signed-in session: a new id, nothing of what was there before, and the old id is dead.
pub async fn sign_in(visit: &Visit, user: UserId, proof: &str) -> Result<(), PageError> {
    let session = &visit.session;
    session.clear().await;
    let begun = async {
        // Not `flush`, which would make the new session under the old id.
        session.cycle_id().await?;
        session.insert(USER_KEY, user.to_string()).await?;
        session.insert(PROOF_KEY, proof).await?;
        session.insert(STARTED_KEY, visit.services.now().unix_timestamp()).await
    };
    begun.await.map_err(|e| broken(&e))
}

/// Ends this browser's session.
pub async fn sign_out(visit: &Visit) -> Result<(), PageError> {
    visit.session.flush().await.map_err(|e| broken(&e))
}

/// Notes where a mail has gone.
pub async fn remember_address(visit: &Visit, email: &str) -> Result<(), PageError> {
    visit.session.insert(ADDRESS_KEY, email.trim()).await.map_err(|e| broken(&e))
}

/// Where the last mail of this browser has gone, if that is known.
pub async fn remembered_address(visit: &Visit) -> Option<String> {
    visit.session.get(ADDRESS_KEY).await.ok().flatten()
}

fn broken(error: &tower_sessions::session::Error) -> PageError {
    told(domain::Error::Internal(format!("browser session: {error}")))
}

/// A parameter of the page's address; the last one where there are several.
pub fn query(name: &str) -> Option<String> {
    let parts = use_context::<http::request::Parts>()?;
    let axum::extract::Query(mut all) = axum::extract::Query::<HashMap<String, String>>::try_from_uri(&parts.uri).ok()?;
    all.remove(name)
}

/// Where to go after signing in: `next` if it is an address of this portal, else where the person works.
pub fn after_sign_in(next: &str, slug: Option<&str>, is_staff: bool) -> String {
    match local_path(next) {
        Some(next) => next.to_owned(),
        None => start(slug, is_staff),
    }
}

/// Where a person works: the organisation used last, the support console, or else the founding of an organisation.
pub fn start(slug: Option<&str>, is_staff: bool) -> String {
    match slug {
        Some(slug) => format!("/orgs/{slug}"),
        None if is_staff => "/support".to_owned(),
        None => "/orgs/new".to_owned(),
    }
}

/// [`start`] of somebody who is signed in.
pub fn start_of(person: &Person) -> String {
    start(person.organizations.first().map(|o| o.slug.as_str()), person.is_staff)
}

/// Only a path of this site. Browsers take `//host` and `/\host` for another one, and drop control characters before they look.
fn local_path(next: &str) -> Option<&str> {
    let local = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') && next.bytes().all(|b| b.is_ascii_graphic());
    local.then_some(next)
}

/// The page that a form was on, without what its address said of the time before.
pub fn without_passing(page: &str) -> Option<Url> {
    let mut url = Url::parse(page).ok()?;
    let kept: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(name, _)| !PASSING.contains(&name.as_str())).collect();
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    Some(url)
}

/// Answers a page with a redirect. (`leptos_axum::redirect` does so only for clients that ask for HTML by name.)
pub fn go(to: &str) {
    let Some(response) = use_context::<leptos_axum::ResponseOptions>() else { return };
    if let Ok(location) = http::HeaderValue::from_str(to) {
        response.insert_header(http::header::LOCATION, location);
        response.set_status(http::StatusCode::SEE_OTHER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_followed() {
        for ok in ["/", "/orgs/fjordline", "/orgs/a/audit?q=a%20b&from=2026", "/device?user_code=WDJB-MJHT", "/a//b"] {
            assert_eq!(local_path(ok), Some(ok));
        }
        for wrong in [
            "",
            "orgs/a",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/a\\b",
            "https://evil.example/",
            "javascript:alert(1)",
            " /orgs/a",
            "/\t/evil.example",
            "/\r\nLocation: //evil.example",
            "/orgs/\u{e9}",
            "/\u{2028}",
        ] {
            assert_eq!(local_path(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn errors_and_toasts_are_said_once() {
        let clean = |page: &str| without_passing(page).map(String::from);
        assert_eq!(
            clean("https://p.example/login?next=%2Forgs%2Fa&__path=%2F_fn%2Flogin&__err=x&toast=joined").as_deref(),
            Some("https://p.example/login?next=%2Forgs%2Fa")
        );
        assert_eq!(clean("https://p.example/account?toast=name").as_deref(), Some("https://p.example/account"));
        assert_eq!(clean("https://p.example/a?q=x+y").as_deref(), Some("https://p.example/a?q=x+y"));
        assert_eq!(clean("/account"), None, "the header holds whole addresses");
    }

    #[test]
    fn everybody_lands_where_he_works() {
        assert_eq!(after_sign_in("/device", Some("fjordline"), false), "/device");
        assert_eq!(after_sign_in("//evil.example", Some("fjordline"), false), "/orgs/fjordline");
        assert_eq!(after_sign_in("", Some("fjordline"), true), "/orgs/fjordline");
        assert_eq!(after_sign_in("", None, true), "/support");
        assert_eq!(after_sign_in("", None, false), "/orgs/new");
    }
}
