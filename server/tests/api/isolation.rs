//! Every call of the API for everybody who may not make it. A call that this file does not know fails the test.

use crate::support::{Login, Portal};
use axum::http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Calls that need no login: each of them makes one, or is for whoever meets a token. May only shrink.
const OPEN: &[&str] = &[
    "GET /.well-known/jwks.json",
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/device/authorize",
    "POST /api/v1/device/token",
];

fn operations() -> BTreeSet<String> {
    let document = serde_json::to_value(server::api::v1::document()).unwrap();
    let mut all = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            all.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    all
}

/// A body that is right in itself.
fn body(operation: &str) -> Option<Value> {
    Some(match operation {
        "POST /api/v1/auth/logout" => json!({ "refresh_token": "x" }),
        "POST /api/v1/licenses/acquire" => json!({ "hardware_id": "h" }),
        "PUT /api/v1/licenses/heartbeat" => json!({ "session_id": "0191d0b8-0000-7000-8000-000000000000" }),
        "POST /api/v1/licenses/validate" => json!({}),
        "POST /api/v1/members/invitations" => json!({ "email": "x@y.example", "role": "MEMBER" }),
        "PATCH /api/v1/members/{user_id}" => json!({ "role": "GUEST" }),
        "POST /api/v1/analytics/track" => json!({ "events": [{ "feature": "export.pdf" }] }),
        _ => return None,
    })
}

async fn call(portal: &Portal, operation: &str, id: &str, token: Option<&str>) -> crate::support::Answer {
    let (method, path) = operation.split_once(' ').unwrap();
    let start = path.find('{');
    let path = start.map_or(path.to_owned(), |s| format!("{}{id}{}", &path[..s], &path[path.find('}').unwrap() + 1..]));
    portal.call(method.parse::<Method>().unwrap(), &path, token, body(operation)).await
}

#[tokio::test]
async fn nobody_calls_without_a_token_that_counts() {
    let portal = Portal::start().await;
    let owner = portal.founder("Meridian").await;
    let id = uuid::Uuid::nil().to_string();
    for operation in operations().iter().filter(|o| !OPEN.contains(&o.as_str())) {
        for token in [None, Some("nonsense"), Some("eyJhbGciOiJub25lIn0.e30."), Some(owner.refresh.as_str())] {
            let answer = call(&portal, operation, &id, token).await;
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "unauthenticated"), "{operation} {token:?}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
    }
}

/// Answers without what differs in any case.
fn same(answer: &crate::support::Answer) -> (u16, Value) {
    let mut json = answer.json();
    json["request_id"] = Value::Null;
    (answer.status.as_u16(), json)
}

#[tokio::test]
async fn a_foreign_id_answers_like_one_that_never_was() {
    let portal = Portal::start().await;
    let (a, b) = (portal.founder("Alpha").await, portal.founder("Beta").await);
    let b_member = portal.member(&b, "ADMIN").await;
    let invited =
        portal.post("/api/v1/members/invitations", Some(&b.access), json!({ "email": "open@beta.example", "role": "MEMBER" })).await;
    let invitation = invited.json()["id"].as_str().unwrap().to_owned();
    let license = portal.get("/api/v1/licenses", &b.access).await.json()["licenses"][0]["id"].as_str().unwrap().to_owned();
    let session = portal.acquire(&b, "dev").await.json()["session_id"].as_str().unwrap().to_owned();
    let random = uuid::Uuid::from_u128(0x0191_d0b8_1234_7000_8000_0000_dead_beef).to_string();
    let foreign = |operation: &str| -> Option<String> {
        Some(match operation {
            "DELETE /api/v1/licenses/release/{session_id}" | "DELETE /api/v1/sessions/{session_id}" => session.clone(),
            "GET /api/v1/licenses/{id}" | "GET /api/v1/licenses/{id}/sessions" => license.clone(),
            "DELETE /api/v1/members/invitations/{id}" => invitation.clone(),
            "PATCH /api/v1/members/{user_id}" | "DELETE /api/v1/members/{user_id}" => b_member.user.clone(),
            _ => return None,
        })
    };
    for operation in operations() {
        if !operation.contains('{') {
            continue;
        }
        let id = foreign(&operation).unwrap_or_else(|| panic!("{operation} is new: say which id of another tenant it must not reach"));
        let (theirs, never) =
            (call(&portal, &operation, &id, Some(&a.access)).await, call(&portal, &operation, &random, Some(&a.access)).await);
        assert_eq!(theirs.status, 404, "{operation}: {}", theirs.text);
        assert_eq!(same(&theirs), same(&never), "{operation}");
        let nonsense = call(&portal, &operation, "..%2f'--", Some(&a.access)).await;
        assert_eq!(nonsense.status, 404, "{operation}: {}", nonsense.text);
    }
    // By id in a body, too.
    let other = |id: &str| json!({ "hardware_id": "h", "license_id": id });
    let theirs = portal.post("/api/v1/licenses/acquire", Some(&a.access), other(&license)).await;
    let never = portal.post("/api/v1/licenses/acquire", Some(&a.access), other(&random)).await;
    assert_eq!(same(&theirs), same(&never));
    assert_eq!(theirs.code(), "license_not_found");
    let beat = |id: &str| json!({ "session_id": id });
    let theirs = portal.call(Method::PUT, "/api/v1/licenses/heartbeat", Some(&a.access), Some(beat(&session))).await;
    let never = portal.call(Method::PUT, "/api/v1/licenses/heartbeat", Some(&a.access), Some(beat(&random))).await;
    assert_eq!(same(&theirs), same(&never));
    // And nothing happened to them.
    let holders = portal.get(&format!("/api/v1/licenses/{license}/sessions"), &b.access).await.json();
    assert_eq!(holders["sessions"][0]["id"].as_str(), Some(session.as_str()));
    let members = portal.get("/api/v1/members", &b.access).await.json();
    assert_eq!((members["members"].as_array().unwrap().len(), members["invitations"].as_array().unwrap().len()), (2, 1));
}

#[tokio::test]
async fn each_role_gets_what_the_table_says() {
    let portal = Portal::start().await;
    let owner = portal.founder("Alpha").await;
    portal.set_seats("alpha", 10).await;
    let mut people: Vec<(&str, Login)> = Vec::new();
    for role in ["ADMIN", "BILLING", "MEMBER", "GUEST"] {
        people.push((role, portal.member(&owner, role).await));
    }
    let expected = |role: &str, operation: &str| -> u16 {
        match (operation, role) {
            ("POST /api/v1/licenses/acquire", "BILLING" | "GUEST") => 403,
            ("POST /api/v1/licenses/acquire", _) => 201,
            ("GET /api/v1/licenses" | "GET /api/v1/members", "GUEST") => 403,
            ("GET /api/v1/audit", "BILLING" | "MEMBER" | "GUEST") => 403,
            ("POST /api/v1/members/invitations", "BILLING" | "MEMBER" | "GUEST") => 403,
            ("POST /api/v1/members/invitations", _) => 201,
            _ => 200,
        }
    };
    for (role, login) in &people {
        for operation in [
            "POST /api/v1/licenses/acquire",
            "GET /api/v1/licenses",
            "GET /api/v1/members",
            "GET /api/v1/audit",
            "GET /api/v1/organizations/current",
            "GET /api/v1/auth/me",
            "POST /api/v1/members/invitations",
            "POST /api/v1/analytics/track",
        ] {
            let answer = call(&portal, operation, "", Some(&login.access)).await;
            assert_eq!(answer.status.as_u16(), expected(role, operation), "{role} {operation}: {}", answer.text);
        }
    }
    // Only an owner makes owners; nobody below manages members.
    let admin = &people[0].1;
    let promote =
        portal.call(Method::PATCH, &format!("/api/v1/members/{}", admin.user), Some(&admin.access), Some(json!({ "role": "OWNER" }))).await;
    assert_eq!(promote.code(), "forbidden");
    let demote =
        portal.call(Method::PATCH, &format!("/api/v1/members/{}", owner.user), Some(&admin.access), Some(json!({ "role": "GUEST" }))).await;
    assert_eq!(demote.code(), "forbidden");
    let member = &people[2].1;
    let remove = portal.call(Method::DELETE, &format!("/api/v1/members/{}", admin.user), Some(&member.access), None).await;
    assert_eq!(remove.code(), "forbidden");
    // A member ends his own session and no other.
    let own = portal.acquire(member, "mine").await.json()["session_id"].as_str().unwrap().to_owned();
    let others = portal.acquire(admin, "theirs").await.json()["session_id"].as_str().unwrap().to_owned();
    let path = |id: &str| format!("/api/v1/sessions/{id}");
    assert_eq!(portal.call(Method::DELETE, &path(&others), Some(&member.access), None).await.code(), "session_not_found");
    assert_eq!(portal.call(Method::DELETE, &path(&own), Some(&member.access), None).await.status, 204);
    assert_eq!(portal.call(Method::DELETE, &path(&others), Some(&owner.access), None).await.status, 204);
}

#[tokio::test]
async fn removal_ends_everything_now() {
    let portal = Portal::start().await;
    let owner = portal.founder("Alpha").await;
    let member = portal.member(&owner, "MEMBER").await;
    let held = portal.acquire(&member, "dev").await.json();
    let removed = portal.call(Method::DELETE, &format!("/api/v1/members/{}", member.user), Some(&owner.access), None).await;
    assert_eq!(removed.status, 204);
    assert_eq!(portal.get("/api/v1/auth/me", &member.access).await.status, 401);
    assert_eq!(portal.post("/api/v1/auth/refresh", None, json!({ "refresh_token": member.refresh })).await.status, 401);
    let body = json!({ "session_id": held["session_id"], "token": held["token"] });
    let beat = portal.call(Method::PUT, "/api/v1/licenses/heartbeat", Some(&member.access), Some(body)).await;
    assert_eq!(beat.code(), "session_revoked");
    assert_eq!(portal.acquire(&member, "dev").await.status, 401, "the access token is stale");
    assert_eq!(portal.acquire(&owner, "own").await.status, 201, "and the only seat is free at once");
    let last = portal.call(Method::DELETE, &format!("/api/v1/members/{}", owner.user), Some(&owner.access), None).await;
    assert_eq!((last.status.as_u16(), last.code().as_str()), (409, "last_owner"));
}
