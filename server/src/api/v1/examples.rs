//! One example of every body in the OpenAPI document. Each is written by the type that it shows, so none can fall out of step.

use super::keys::{Jwk, JwkSet};
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use types::analytics::{FeatureUse, TrackRequest, TrackResponse};
use types::auth::{
    DeviceAuthorizationRequest, DeviceAuthorizationResponse, DeviceError, DeviceErrorResponse, DeviceTokenRequest, LoginRequest,
    MeResponse, MeTenant, MeUser, RefreshRequest, RegisterRequest, RegisterResponse, TokenResponse,
};
use types::licenses::{
    AcquireRequest, AcquireResponse, AcquiredLicense, FingerprintTolerance, HeartbeatRequest, HeartbeatResponse, HeartbeatState, Holder,
    License, LicenseList, LicenseStatus, LiveSession, OwnSession, SessionList, Tier, ValidateCode, ValidateRequest, ValidateResponse,
};
use types::organizations::{
    AuditEntry, AuditList, ChangeRoleRequest, Invitation, InviteRequest, Member, MemberList, Organization, OrganizationList, TenantStatus,
};
use types::{Code, FieldError, LicenseId, Problem, Role, SessionId, TenantId, UserId};
use utoipa::openapi::content::Content;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::{OpenApi, Ref, RefOr};
use uuid::{Uuid, uuid};

const TENANT: TenantId = TenantId(uuid!("0199d3a0-52c1-7c44-9a53-6f6ac37d2a10"));
const USER: UserId = UserId(uuid!("0199d3a0-52c2-7d01-8c11-94d1f0a7e3b2"));
const LICENSE: LicenseId = LicenseId(uuid!("0199d3a0-52c3-7a5e-b0fe-1d2f5a6c7e88"));
const SESSION: SessionId = SessionId(uuid!("019a4390-1f28-7f3a-9a37-2f8a4c1d9e60"));
const INVITATION: Uuid = uuid!("0199d3a1-0c11-7b5a-8e2d-3a9b1c7d5e44");
const START: OffsetDateTime = datetime!(2026-11-02 08:14:05 UTC);
const NOW: OffsetDateTime = datetime!(2026-11-02 09:30:00 UTC);
const NAME: &str = "Ingrid Solberg";
const EMAIL: &str = "ingrid@fjordline.example";
const KEY: &str = "CODITECT-7KQ4-M2XW-9RTC";
const HARDWARE: &str = "9c1f6f0e5a1b4d0f8e2a7c3b6d5e4f1a";
const TOKEN: &str = "eyJhbGciOiJFZERTQSIsInR5cCI6ImxpY2Vuc2Urand0Iiwia2lkIjoi….….…";
const ACCESS: &str = "eyJhbGciOiJIUzI1NiJ9.….…";
const REFRESH: &str = "oT3cF0mCq4Yx…";

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn license() -> License {
    License {
        id: LICENSE,
        key: KEY.into(),
        product_sku: "coditect".into(),
        tier: Tier::Pro,
        status: LicenseStatus::Active,
        features: vec!["core".into(), "pro".into()],
        max_seats: 25,
        active: Some(19),
        expires_at: None,
        hard_stop: true,
        overage_percent: 0,
        show_holders: true,
        lease_seconds: 360,
        heartbeat_seconds: 300,
        offline_hours: 72,
        offline_cap: None,
        fingerprint_tolerance: FingerprintTolerance::Most,
        created_at: START,
    }
}

fn organization() -> Organization {
    Organization {
        id: TENANT,
        slug: "fjordline-studio".into(),
        name: "Fjordline Studio".into(),
        status: TenantStatus::Active,
        role: Role::Owner,
        created_at: START,
    }
}

fn member() -> Member {
    Member { user_id: USER, name: NAME.into(), email: EMAIL.into(), role: Role::Owner, joined_at: START, last_seen_at: Some(NOW) }
}

fn invitation() -> Invitation {
    Invitation {
        id: INVITATION.into(),
        email: "ola@fjordline.example".into(),
        role: Role::Member,
        invited_by: NAME.into(),
        created_at: NOW,
        expires_at: datetime!(2026-11-09 09:30 UTC),
    }
}

/// The example of a schema, by its name.
#[allow(clippy::too_many_lines, reason = "a table")]
fn example(schema: &str) -> Option<Value> {
    // What cannot be written would be an example that is missing, which the test below finds.
    fn written(value: impl Serialize) -> Option<Value> {
        serde_json::to_value(value).ok()
    }
    match schema {
        "RegisterRequest" => written(RegisterRequest {
            organization_name: "Fjordline Studio".into(),
            name: NAME.into(),
            email: EMAIL.into(),
            password: "the ferry leaves at nine".into(),
        }),
        "RegisterResponse" => written(RegisterResponse { tenant_id: TENANT, user_id: USER }),
        "LoginRequest" => written(LoginRequest {
            email: EMAIL.into(),
            password: "the ferry leaves at nine".into(),
            hardware_id: some(HARDWARE),
            tenant: some("fjordline-studio"),
            totp: None,
        }),
        "TokenResponse" => written(TokenResponse {
            access_token: ACCESS.into(),
            token_type: "Bearer".into(),
            expires_in: 600,
            refresh_token: REFRESH.into(),
            tenant_id: TENANT,
            user_id: USER,
        }),
        "RefreshRequest" => written(RefreshRequest { refresh_token: REFRESH.into() }),
        "MeResponse" => written(MeResponse {
            user: MeUser { id: USER, name: NAME.into(), email: EMAIL.into() },
            tenant: MeTenant { id: TENANT, name: "Fjordline Studio".into(), slug: "fjordline-studio".into() },
            role: Role::Member,
            permissions: domain::access::allowed(Role::Member).into_iter().map(|a| a.to_string()).collect(),
        }),
        "DeviceAuthorizationRequest" => written(DeviceAuthorizationRequest {
            client_id: some("coditect-license"),
            hardware_id: some(HARDWARE),
            hostname: some("oslo-7"),
        }),
        "DeviceAuthorizationResponse" => written(DeviceAuthorizationResponse {
            device_code: "Zr8…".into(),
            user_code: "WDJB-MJHT".into(),
            verification_uri: "https://portal.example/device".into(),
            verification_uri_complete: "https://portal.example/device?user_code=WDJB-MJHT".into(),
            expires_in: 900,
            interval: 5,
        }),
        "DeviceTokenRequest" => {
            written(DeviceTokenRequest { grant_type: some(domain::device_login::GRANT_TYPE), device_code: some("Zr8…") })
        }
        "DeviceErrorResponse" => {
            let error = DeviceError::AuthorizationPending;
            written(DeviceErrorResponse { error, error_description: domain::device_login::describe(error).into() })
        }
        "AcquireRequest" => written(AcquireRequest {
            hardware_id: HARDWARE.into(),
            license_key: some(KEY),
            instance_id: some("default"),
            nonce: some("f3b1c8d2a94e4c7f"),
            client_version: some("coditect/4.2.0"),
            hostname: some("oslo-7"),
            ..AcquireRequest::default()
        }),
        "AcquireResponse" => written(AcquireResponse {
            session_id: SESSION,
            token: TOKEN.into(),
            valid_until: datetime!(2026-11-05 09:30 UTC),
            expires_in: 360,
            heartbeat_interval_seconds: 300,
            license: AcquiredLicense {
                id: LICENSE,
                tier: Tier::Pro,
                features: license().features,
                max_seats: 25,
                active: 20,
                fingerprint_tolerance: FingerprintTolerance::Most,
            },
        }),
        "HeartbeatRequest" => written(HeartbeatRequest { session_id: SESSION.to_string(), token: some(TOKEN), nonce: None }),
        "HeartbeatResponse" => {
            written(HeartbeatResponse { state: HeartbeatState::Active, expires_in: 360, heartbeat_interval_seconds: 300 })
        }
        "ValidateRequest" => written(ValidateRequest { license_key: some(KEY), hardware_id: some(HARDWARE) }),
        "ValidateResponse" => written(ValidateResponse {
            valid: true,
            code: ValidateCode::Valid,
            detail: "The license is valid.".into(),
            license: Some(license()),
        }),
        "License" => written(license()),
        "LicenseList" => written(LicenseList { licenses: vec![license()] }),
        "SessionList" => written(SessionList {
            sessions: vec![LiveSession {
                id: SESSION,
                license_id: LICENSE,
                user_id: USER,
                user_name: NAME.into(),
                user_email: EMAIL.into(),
                hardware_id: HARDWARE.into(),
                instance_id: "default".into(),
                hostname: some("oslo-7"),
                client_version: some("coditect/4.2.0"),
                started_at: START,
                last_heartbeat_at: datetime!(2026-11-02 09:29 UTC),
                expires_at: datetime!(2026-11-02 09:35 UTC),
            }],
        }),
        "Organization" => written(organization()),
        "OrganizationList" => written(OrganizationList { organizations: vec![organization()] }),
        "Member" => written(member()),
        "MemberList" => written(MemberList { members: vec![member()], invitations: vec![invitation()] }),
        "InviteRequest" => written(InviteRequest { email: "ola@fjordline.example".into(), role: "MEMBER".into() }),
        "Invitation" => written(invitation()),
        "ChangeRoleRequest" => written(ChangeRoleRequest { role: "ADMIN".into() }),
        "AuditList" => written(AuditList {
            entries: vec![AuditEntry {
                id: 41,
                at: NOW,
                actor_kind: "user".into(),
                actor_name: NAME.into(),
                action: "member.invited".into(),
                subject: "ola@fjordline.example".into(),
                reason: None,
                details: json!({ "role": "MEMBER" }),
            }],
            next: None,
        }),
        "TrackRequest" => written(TrackRequest {
            events: vec![
                FeatureUse { feature: "export.pdf".into(), count: 3, at: None },
                FeatureUse { feature: "ai_assist".into(), count: 1, at: Some(START) },
            ],
        }),
        "TrackResponse" => written(TrackResponse { enabled: true, recorded: 2 }),
        // The key of RFC 8037, appendix A.
        "JwkSet" => written(JwkSet {
            keys: vec![Jwk {
                kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".into(),
                kty: "OKP".into(),
                alg: "EdDSA".into(),
                usage: "sig".into(),
                crv: some("Ed25519"),
                x: some("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
                n: None,
                e: None,
            }],
        }),
        _ => None,
    }
}

/// The problem with this code, with the facts that go with it.
fn problem(code: Code) -> Problem {
    let mut problem = match code {
        Code::InvalidRequest => Problem::from(FieldError::new("hardware_id", "`hardware_id` is missing.")),
        Code::SeatsExhausted => Problem {
            holders: Some(vec![Holder { name: "Ola Nordmann".into(), device: "oslo-9".into(), since: START, last_heartbeat_at: NOW }]),
            own_sessions: Some(vec![OwnSession {
                session_id: SESSION,
                device: "oslo-7".into(),
                since: START,
                end_url: format!("https://portal.example/orgs/{TENANT}/sessions?revoke={SESSION}"),
            }]),
            ..Problem::new(
                code,
                "25 of 25 seats are in use. The next one is free in 212 seconds at the latest, unless its holder keeps it.",
            )
            .retry_after(212)
            .with("active", 25)
            .with("max_seats", 25)
            .with("license_id", LICENSE.to_string())
            .with("next_free_at", "2026-11-02T09:33:32Z")
            .with("buy_url", format!("https://portal.example/orgs/{TENANT}/billing"))
        },
        Code::SessionRevoked => Problem::new(code, "This session was ended: moved to another team").with("reason", "moved to another team"),
        Code::TenantRequired => {
            let tenants = [json!({ "id": TENANT, "slug": "fjordline-studio", "name": "Fjordline Studio" })];
            Problem::new(code, "You belong to several organizations. Say which one.").with("tenants", tenants.to_vec())
        }
        Code::RateLimited => Problem::new(code, "Too many attempts. Try again in 12 seconds.").retry_after(12),
        Code::SeatsUnavailable => Problem::new(code, "The seat service does not answer at the moment.").retry_after(5),
        Code::Unavailable => Problem::new(code, "The portal's database does not answer at the moment.").retry_after(5),
        _ => Problem::new(code, format!("{}.", code.title())),
    };
    "0f6c1d2e3b4a59687786950413223140".clone_into(&mut problem.request_id);
    problem
}

/// The codes that a response names in its description, or the one that its status stands for.
fn codes(status: &str, description: &str) -> Vec<Code> {
    let named: Vec<Code> = description.split('`').filter_map(|word| word.parse().ok()).collect();
    if !named.is_empty() {
        return named;
    }
    let usual = [
        Code::Unauthenticated,
        Code::Forbidden,
        Code::NotFound,
        Code::Conflict,
        Code::InvalidRequest,
        Code::RateLimited,
        Code::SeatsUnavailable,
    ];
    usual.into_iter().filter(|code| code.status().to_string() == status).collect()
}

fn schema_name(content: &Content) -> Option<&str> {
    match &content.schema {
        Some(RefOr::Ref(Ref { ref_location, .. })) => ref_location.rsplit('/').next(),
        _ => None,
    }
}

/// Gives every body of the document its example, and problem documents their media type.
pub(super) fn add(document: &mut OpenApi) {
    for (_, operation) in super::operations(document) {
        for content in operation.request_body.iter_mut().flat_map(|body| body.content.values_mut()) {
            content.example = schema_name(content).and_then(example);
        }
        for (status, response) in &mut operation.responses.responses {
            let RefOr::T(response) = response else { continue };
            for (_, mut content) in std::mem::take(&mut response.content) {
                let mut media = "application/json";
                if schema_name(&content) == Some("Problem") {
                    media = "application/problem+json";
                    for code in codes(status, &response.description) {
                        let mut shown = problem(code);
                        // A heartbeat's 410 says what is a 403 elsewhere.
                        shown.status = status.parse().unwrap_or(shown.status);
                        let value = serde_json::to_value(shown).ok();
                        content.examples.insert(code.to_string(), ExampleBuilder::new().value(value).build().into());
                    }
                } else {
                    content.example = schema_name(&content).and_then(example);
                }
                response.content.insert(media.to_owned(), content);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn every_body_has_an_example() {
        let document = serde_json::to_value(crate::api::v1::document()).unwrap();
        let mut bodies = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let has = |status: &str| operation["responses"].get(status).is_some();
                if path.starts_with("/api/v1/") {
                    assert!(has("500") && has("503"), "{method} {path}");
                    assert_eq!(has("413"), operation.get("requestBody").is_some(), "{method} {path}");
                }
                let request = operation.get("requestBody").into_iter();
                let responses = operation["responses"].as_object().unwrap().iter();
                let all = request.map(|body| ("request", body)).chain(responses.map(|(status, response)| (status.as_str(), response)));
                for (what, body) in all {
                    for (media, content) in body.get("content").and_then(Value::as_object).into_iter().flatten() {
                        bodies += 1;
                        let shown = content.get("example").is_some_and(|e| !e.is_null());
                        let problems = content
                            .get("examples")
                            .and_then(Value::as_object)
                            .is_some_and(|all| !all.is_empty() && all.values().all(|e| e["value"]["status"].as_u64() == what.parse().ok()));
                        assert!(shown || problems, "{method} {path} {what} {media}: no example, or one of another status");
                        assert_eq!(media == "application/problem+json", problems, "{method} {path} {what} {media}");
                    }
                }
            }
        }
        assert!(bodies > 60, "{bodies}");
    }
}
