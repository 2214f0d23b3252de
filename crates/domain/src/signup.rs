//! Registration: nothing exists before the address is confirmed.

use crate::billing::plans;
use crate::error::{Error, Fields, Result};
use crate::idempotency::{self, Begin};
use crate::services::Services;
use crate::{keys, mails, tokens};
use serde_json::json;
use store::audit::{self, NewEntry};
use store::signups::Signup;
use store::tenants::Tenant;
use store::users::User;
use store::{Actor, OpCtx, SystemTx, licenses, mail, members, signups, tenants, users};
use time::{Duration, OffsetDateTime};
use types::auth::{RegisterRequest, RegisterResponse};
use types::licenses::{LicenseSource, LicenseStatus, Tier};
use types::organizations::TenantStatus;
use types::{Code, Problem, Role, TenantId, UserId, check};

/// Notes a registration and mails the link. The answer is the same for a known address, whose owner gets another mail.
pub async fn register(ctx: &OpCtx, svc: &Services, request: &RegisterRequest) -> Result<RegisterResponse> {
    let mut fields = Fields::default();
    let organization = fields.take(check::organization_name(&request.organization_name));
    let name = fields.take(check::person_name(&request.name));
    let email = fields.take(check::email(&request.email));
    fields.take(check::new_password(&request.password, &[&request.organization_name, &request.name, &request.email]));
    fields.finish()?;
    let (Some(organization_name), Some(name), Some(email)) = (organization, name, email) else {
        return Err(Error::Internal("checked fields are missing".into()));
    };
    svc.limits.hash(ctx.client_ip)?;

    // The same work whether or not the address is known.
    let password_hash = svc.passwords.hash(svc.random.as_ref(), &request.password).await?;
    let (secret, token_hash) = tokens::new_secret(svc);
    let now = svc.now();
    let signup = Signup {
        id: svc.new_id(),
        email,
        name,
        organization_name,
        password_hash,
        user_id: svc.new_id(),
        tenant_id: svc.new_id(),
        created_at: now,
        expires_at: now + Duration::hours(24),
        confirmed_at: None,
    };
    let answer = RegisterResponse { tenant_id: signup.tenant_id, user_id: signup.user_id };

    // No tenant exists yet.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    // Nobody is known yet, so the address stands for who asks.
    let kind = format!("auth.register {}", signup.email);
    let slot = match idempotency::begin(&mut tx, svc, &kind, request).await? {
        Begin::Repeat(answer) => return Ok(answer),
        Begin::New(slot) => slot,
    };
    let (product, base) = (&svc.settings.product_name, &svc.settings.base_url);
    let message = match users::by_email(&mut tx, &signup.email).await? {
        Some(known) => mails::already_registered(product, &known.email, &known.name, &format!("{base}/login")),
        None => {
            signups::insert(&mut tx, &signup, &token_hash).await?;
            mails::confirm(product, &signup.email, &signup.name, &signup.organization_name, &format!("{base}/verify-email?token={secret}"))
        }
    };
    if svc.limits.mail(&signup.email) {
        mail::enqueue(&mut tx, None, &message, now).await?;
    }
    idempotency::finish(&mut tx, slot, &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Mails a new link, if there is a registration to confirm. Says nothing about whether there is.
pub async fn resend(ctx: &OpCtx, svc: &Services, email: &str) -> Result<()> {
    let email = check::email(email)?;
    let now = svc.now();
    let (secret, token_hash) = tokens::new_secret(svc);
    // No tenant exists yet.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    if let Some(signup) = signups::latest_open(&mut tx, &email, now).await?
        && svc.limits.mail(&email)
    {
        signups::replace_token(&mut tx, signup.id, &token_hash, now + Duration::hours(24)).await?;
        let link = format!("{}/verify-email?token={secret}", svc.settings.base_url);
        let message = mails::confirm(&svc.settings.product_name, &signup.email, &signup.name, &signup.organization_name, &link);
        mail::enqueue(&mut tx, None, &message, now).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// What a confirmed registration became.
#[derive(Clone, Debug)]
pub struct Confirmed {
    pub email: String,
    pub organization_name: String,
}

/// Follows the link: makes user, organisation, ownership and the free licence, all or nothing. Following it again says the same.
pub async fn confirm(ctx: &OpCtx, svc: &Services, token: &str) -> Result<Confirmed> {
    let invalid = || Problem::new(Code::LinkInvalid, "This confirmation link is not valid any longer. Sign up again to get a new one.");
    let now = svc.now();
    // The tenant is made here.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let signup = signups::lock_by_token(&mut tx, &tokens::hash_secret(token)).await?.ok_or_else(invalid)?;
    let confirmed = Confirmed { email: signup.email.clone(), organization_name: signup.organization_name.clone() };
    if signup.confirmed_at.is_some() {
        return Ok(confirmed);
    }
    if signup.expires_at <= now {
        return Err(invalid().into());
    }
    let user = User {
        id: signup.user_id,
        email: signup.email.clone(),
        name: signup.name.clone(),
        password_hash: Some(signup.password_hash.clone()),
        created_at: now,
    };
    users::insert(&mut tx, &user).await.map_err(|e| match e {
        // Another registration or an invitation of the same address was faster.
        store::Error::Conflict(_) => Error::from(invalid()),
        other => other.into(),
    })?;
    found(&mut tx, svc, &user, signup.tenant_id, &signup.organization_name, now).await?;
    signups::confirm(&mut tx, signup.id, &signup.email, now).await?;
    tx.commit().await?;
    Ok(confirmed)
}

/// A further organisation for somebody who is signed in. Returns its address.
pub async fn create_organization(ctx: &OpCtx, svc: &Services, name: &str) -> Result<String> {
    let name = check::organization_name(name)?;
    let user = ctx.user_id().ok_or_else(crate::access::not_found)?;
    // The tenant is made here.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let user = users::by_id(&mut tx, user).await?.ok_or_else(crate::access::not_found)?;
    if tenants::of_user(&mut tx, user.id).await?.iter().filter(|o| o.role == Role::Owner).count() >= 20 {
        return Err(Problem::new(Code::Conflict, "You own 20 organizations already. Ask support if you need more.").into());
    }
    let slug = found(&mut tx, svc, &user, svc.new_id(), &name, svc.now()).await?;
    tx.commit().await?;
    Ok(slug)
}

/// Founds an organisation with its owner and its free licence. Returns its address.
async fn found(tx: &mut SystemTx, svc: &Services, owner: &User, tenant: TenantId, name: &str, now: OffsetDateTime) -> Result<String> {
    let mut t = Tenant {
        id: tenant,
        slug: String::new(),
        name: name.to_owned(),
        status: TenantStatus::Active,
        entitlement_version: 1,
        admins_may_buy: true,
        analytics: false,
        created_at: now,
    };
    // Somebody who founds one of the same name at the same time may take the address in between; then the next one is looked for.
    loop {
        t.slug = free_slug(tx, name).await?;
        match tenants::insert(tx, &t).await {
            Ok(()) => break,
            Err(store::Error::Conflict(_)) => {}
            Err(other) => return Err(other.into()),
        }
    }
    let slug = t.slug;
    members::insert(tx, tenant, owner.id, Role::Owner, &owner.name, &owner.email, now).await?;
    let free = plans::plan(Tier::Free);
    licenses::insert(
        tx,
        &licenses::License {
            tenant_id: tenant,
            id: svc.new_id(),
            key: keys::new_key(svc),
            product_sku: free.product_sku.clone(),
            tier: Tier::Free,
            status: LicenseStatus::Active,
            features: free.features.clone(),
            max_seats: free.seats,
            hard_stop: free.overage_percent == 0,
            overage_percent: free.overage_percent,
            expiry: None,
            lease_seconds: free.lease_seconds,
            heartbeat_seconds: free.heartbeat_seconds,
            offline_hours: free.offline_hours,
            offline_cap: free.offline_cap,
            fingerprint_tolerance: free.fingerprint_tolerance,
            source: LicenseSource::Free,
            show_holders: free.show_holders,
            created_at: now,
        },
    )
    .await?;
    let details = json!({ "slug": slug });
    append_as(tx, owner.id, &owner.name, tenant, now, NewEntry { action: "organization.created", subject: name, reason: None, details })
        .await?;
    Ok(slug)
}

/// The confirming request comes from a link; the audit log names the person that it makes.
async fn append_as(tx: &mut SystemTx, user: UserId, name: &str, tenant: TenantId, now: OffsetDateTime, entry: NewEntry<'_>) -> Result<()> {
    tx.act_as(Actor::User { id: user, name: name.to_owned() });
    Ok(audit::append(tx, tenant, now, entry).await?)
}

/// The name in lower-case letters, digits and hyphens, with a number where it is taken.
async fn free_slug(tx: &mut SystemTx, name: &str) -> Result<String> {
    let base = slug_of(name);
    let taken = tenants::slugs_like(tx, &base).await?;
    let candidates = std::iter::once(base.clone()).chain((2..).map(|n| format!("{base}-{n}")));
    // There are more numbers than tenants.
    Ok(candidates.into_iter().find(|c| check::slug(c).is_ok() && !taken.contains(c)).unwrap_or(base))
}

fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        let plain = match c {
            'a'..='z' | '0'..='9' => Some(c),
            'à'..='å' | 'ą' | 'ă' => Some('a'),
            'ç' | 'ć' | 'č' => Some('c'),
            'è'..='ë' | 'ę' | 'ě' => Some('e'),
            'ì'..='ï' => Some('i'),
            'ñ' | 'ń' | 'ň' => Some('n'),
            'ò'..='ö' | 'ø' | 'ő' => Some('o'),
            'ù'..='ü' | 'ű' | 'ů' => Some('u'),
            'ý' | 'ÿ' => Some('y'),
            'ł' => Some('l'),
            'ś' | 'š' => Some('s'),
            'ź' | 'ż' | 'ž' => Some('z'),
            'ř' => Some('r'),
            'ß' => Some('s'),
            _ => None,
        };
        match plain {
            Some(c) => slug.push(c),
            None if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            None => {}
        }
        if slug.len() >= 40 {
            break;
        }
    }
    let slug = slug.trim_matches('-');
    // Names in other scripts, and names too short for an address.
    if slug.len() < 2 { "org".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_readable_and_valid() {
        for (name, slug) in [
            ("Fjordline Studio", "fjordline-studio"),
            ("  Müller & Söhne GmbH  ", "muller-sohne-gmbh"),
            ("株式会社", "org"),
            ("X", "org"),
            ("--a--b--", "a-b"),
        ] {
            assert_eq!(slug_of(name), slug, "{name}");
            assert!(check::slug(&slug_of(name)).is_ok());
        }
        assert!(check::slug(&slug_of(&"ab ".repeat(40))).is_ok());
        assert!(check::slug(&slug_of("new")).is_err(), "reserved; gets a number");
    }
}
