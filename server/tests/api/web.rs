//! The layers in front of the pages.

use crate::support::{BASE, PASSWORD, Portal};
use axum::body::Body;
use axum::http::{Method, Request};

fn form(path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

#[tokio::test]
async fn another_site_changes_nothing() {
    let portal = Portal::start().await;
    for headers in [
        vec![],
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site"), ("origin", BASE)],
        vec![("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
    ] {
        for path in ["/_fn/sign_in", "/logout", "/theme"] {
            let answer = portal.send(form(path, &headers, "theme=dark")).await;
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "cross_site_request"), "{path} {headers:?}");
        }
    }
    let own = portal.send(form("/theme", &[("origin", BASE)], "theme=dark")).await;
    assert_eq!(own.status, 303);
    assert!(own.headers["set-cookie"].to_str().unwrap().starts_with("theme=dark;"));
}

#[tokio::test]
async fn state_never_changes_by_get() {
    let portal = Portal::start().await;
    for path in ["/_fn/sign_in?email=a&password=b", "/logout", "/theme?theme=dark"] {
        let answer = portal.call(Method::GET, path, None, None).await;
        assert!(answer.status == 405 || answer.status == 404, "{path}: {}", answer.status);
        assert!(!answer.headers.contains_key("set-cookie"), "{path}");
    }
}

#[tokio::test]
async fn a_session_is_worth_no_more_than_the_password_that_it_began_with() {
    let portal = Portal::start().await;
    let owner = portal.founder("Alpha").await;
    let body = format!("email={}&password={}", owner.email.replace('@', "%40"), PASSWORD.replace(' ', "+"));
    let answer = portal.send(form("/_fn/login", &[("origin", BASE)], &body)).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = async || {
        let request = Request::get("/account").header("cookie", &cookie).header("accept", "text/html");
        portal.send(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(page().await.status, 200);
    // As if this session had been begun while the password was changed.
    portal.run("UPDATE users SET password_hash = 'another'").await;
    let answer = page().await;
    assert_eq!((answer.status.as_u16(), answer.headers["location"].to_str().unwrap()), (303, "/login?next=%2Faccount"));
}

#[tokio::test]
async fn every_answer_is_dressed() {
    let portal = Portal::start().await;
    for path in ["/login", "/nothing-here", "/healthz", "/api/v1/auth/me", "/api/v1/openapi.json"] {
        let answer = portal.call(Method::GET, path, None, None).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.headers[name], value, "{path}");
        }
        assert!(answer.headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.headers["x-request-id"].len(), 32, "{path}");
    }
    let page = portal.call(Method::GET, "/login", None, None).await;
    let policy = page.headers["content-security-policy"].to_str().unwrap().to_owned();
    assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(page.text.contains(nonce), "the page's scripts carry the nonce");
    assert!(!page.text.contains(" style="), "no inline style");
    let again = portal.call(Method::GET, "/login", None, None).await;
    assert!(!again.headers["content-security-policy"].to_str().unwrap().contains(nonce), "a nonce is used once");
}

#[tokio::test]
async fn strangers_are_sent_to_sign_in_and_unknown_pages_are_404() {
    let portal = Portal::start().await;
    portal.founder("Alpha").await;
    for path in ["/orgs/alpha", "/orgs/never-was/members?x=1", "/account", "/device?user_code=WDJB-MJHT", "/support"] {
        let answer = portal.call(Method::GET, path, None, None).await;
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.headers["location"].to_str().unwrap().starts_with("/login?next=%2F"), "{path}");
    }
    let nothing = portal.call(Method::GET, "/nothing-here", None, None).await;
    assert_eq!(nothing.status, 404);
    assert!(nothing.text.contains("<h1"), "a page, not a blank");
}
