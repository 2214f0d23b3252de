//! Access tokens: one key, one algorithm, one audience, ten minutes.

use crate::people::nobody;
use crate::world::{ACCESS_KEY, BASE_URL, World, code};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::identity;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use time::Duration;
use types::Code;

/// Header and claims of a token, unverified.
fn parts(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut next = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (next(), next())
}

fn signed(claims: &Value, algorithm: Algorithm, key: &[u8]) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(key)).unwrap()
}

async fn refused(world: &World, what: &str, token: &str) {
    assert_eq!(
        identity::device(&nobody(), &world.svc, token).map(drop).map_err(|e| e.into_problem().code),
        Err(Code::Unauthenticated),
        "{what}"
    );
    assert_eq!(code(identity::bearer(&nobody(), &world.svc, token).await), Code::Unauthenticated, "{what}");
}

#[tokio::test]
async fn only_our_own_tokens_are_accepted() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let good = world.login(&org, &org.owner).await.access_token;
    let (header, claims) = parts(&good);
    assert_eq!(header["alg"], "HS256");
    let accepted = |token: &str| identity::device(&nobody(), &world.svc, token).is_ok();
    assert!(accepted(&good));
    assert!(accepted(&signed(&claims, Algorithm::HS256, ACCESS_KEY)), "the forgeries below differ in one thing each");

    refused(&world, "another key", &signed(&claims, Algorithm::HS256, b"another key of thirty-two bytes!!")).await;
    refused(&world, "an empty key", &signed(&claims, Algorithm::HS256, b"")).await;
    refused(&world, "another algorithm", &signed(&claims, Algorithm::HS512, ACCESS_KEY)).await;
    for (field, wrong) in [
        ("aud", json!("coditect-license")),
        ("aud", json!([])),
        ("aud", Value::Null),
        ("iss", json!("https://evil.example")),
        ("iss", json!(format!("{BASE_URL}/"))),
        ("iss", Value::Null),
        ("exp", json!(world.now().unix_timestamp())),
        ("exp", json!("4102444800")),
        ("exp", json!(-1)),
        ("exp", Value::Null),
        ("sub", json!("somebody")),
        ("sub", Value::Null),
        ("tenant", Value::Null),
        ("epoch", Value::Null),
    ] {
        let mut forged = claims.clone();
        if wrong.is_null() {
            forged.as_object_mut().unwrap().remove(field);
        } else {
            forged[field] = wrong.clone();
        }
        refused(&world, &format!("{field} = {wrong}"), &signed(&forged, Algorithm::HS256, ACCESS_KEY)).await;
    }
    let (_, payload) = good.split_once('.').unwrap();
    let (payload, signature) = payload.split_once('.').unwrap();
    for algorithm in ["none", "None", "nOnE", "HS256"] {
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": algorithm, "typ": "JWT" }).to_string());
        refused(&world, algorithm, &format!("{header}.{payload}.")).await;
        refused(&world, algorithm, &format!("{header}.{payload}")).await;
        if algorithm != "HS256" {
            refused(&world, algorithm, &format!("{header}.{payload}.{signature}")).await;
        }
    }
    for broken in ["", ".", "..", "a.b.c", &format!("{good}."), &format!(" {good}"), &good[1..]] {
        refused(&world, broken, broken).await;
    }
}

#[tokio::test]
async fn no_bit_can_be_changed() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let good = world.login(&org, &org.owner).await.access_token;
    for place in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        // Another letter of the alphabet, so that it is the signature that fails. The last letter has bits that mean nothing.
        bytes[place] = if bytes[place] == b'A' { b'Q' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(identity::device(&nobody(), &world.svc, &changed).is_err(), "letter {place}");
    }
}

#[tokio::test]
async fn a_token_ends_after_ten_minutes() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let login = world.login(&org, &org.owner).await;
    world.clock.advance(Duration::seconds(599));
    identity::bearer(&nobody(), &world.svc, &login.access_token).await.unwrap();
    world.clock.advance(Duration::SECOND);
    refused(&world, "ten minutes later", &login.access_token).await;
}

#[tokio::test]
async fn a_licence_token_opens_nothing() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let held = world.seat(&world.device(&org, &org.owner).await, "laptop").await;
    refused(&world, "a licence token", &held.token).await;
    let (header, claims) = parts(&held.token);
    assert_eq!((header["typ"].as_str(), claims["aud"].as_str()), (Some("license+jwt"), Some("coditect-license")));
}

#[tokio::test]
async fn a_token_speaks_for_the_member_as_he_is_now() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let login = world.login(&org, &org.owner).await;
    let ctx = identity::bearer(&nobody(), &world.svc, &login.access_token).await.unwrap();
    let me = identity::me(&ctx, &world.svc).await.unwrap();
    assert_eq!((me.user.id, me.tenant.slug.as_str(), me.role), (org.owner.id, "firm", types::Role::Owner));
    assert_eq!(me.permissions.len(), types::Action::ALL.len());
    world.run("UPDATE memberships SET epoch = nextval('membership_epoch')").await;
    assert_eq!(code(identity::bearer(&nobody(), &world.svc, &login.access_token).await), Code::Unauthenticated);
    // The seat calls compare the epoch in Redis instead, where the login has put the one of then.
    world.forget_key("*:u:*").await;
    let device = identity::device(&nobody(), &world.svc, &login.access_token).unwrap();
    let stale = domain::sessions::acquire(&device, &world.svc, &crate::people::acquire("laptop")).await;
    assert_eq!(code(stale), Code::Unauthenticated);
}
