//! From a proven identity to the context that every use-case takes first.

use crate::access::not_found;
use crate::error::Result;
use crate::services::Services;
use crate::tokens;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use store::tenants::Tenant;
use store::{Actor, OpCtx, SystemTx, members, refresh, staff, tenants, users};
use types::auth::{AccessClaims, MeResponse, MeTenant, MeUser};
use types::organizations::Organization;
use types::{Code, Problem, UserId};

/// A signed-in person as every page needs him.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: UserId,
    pub name: String,
    pub email: String,
    pub is_staff: bool,
    /// Last used first.
    pub organizations: Vec<Organization>,
    /// Kept by each browser session, and changed with the password: a sign-in with an older one that was under way when the password was
    /// changed has another.
    pub proof: String,
}

/// [`Person::proof`] of somebody with that password hash. Tells nothing of the password.
pub(crate) fn proof(password_hash: Option<&str>) -> String {
    URL_SAFE_NO_PAD.encode(tokens::hash_secret(password_hash.unwrap_or_default()))
}

/// The person of a browser session, or nobody when the account is gone.
pub async fn person(ctx: &OpCtx, svc: &Services, user: UserId) -> Result<Option<Person>> {
    // A browser session belongs to a person, not to a tenant.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let Some(user) = users::by_id(&mut tx, user).await? else { return Ok(None) };
    let is_staff = staff::role_of(&mut tx, user.id).await?.is_some();
    let proof = proof(user.password_hash.as_deref());
    let organizations = tenants::of_user(&mut tx, user.id).await?;
    Ok(Some(Person { id: user.id, name: user.name, email: user.email, is_staff, organizations, proof }))
}

/// The context of a person in front of a browser, in no tenant yet.
pub fn as_user(ctx: &OpCtx, person: &Person) -> OpCtx {
    OpCtx { actor: Actor::User { id: person.id, name: person.name.clone() }, ..ctx.clone() }
}

/// Enters the organisation behind an address of the portal, or with that id, as links from the application have it. Whoever is no member
/// gets the same answer as for one that never existed.
pub async fn enter(ctx: &OpCtx, svc: &Services, slug: &str) -> Result<(OpCtx, Tenant)> {
    let user = ctx.user_id().ok_or_else(not_found)?;
    // The tenant is not known before its address is looked up.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let by_id = match slug.parse() {
        Ok(id) => members::get(&mut tx, id, user).await?,
        Err(_) => None,
    };
    let member = match by_id {
        Some(member) => member,
        None => members::by_slug(&mut tx, slug, user).await?.ok_or_else(not_found)?,
    };
    let tenant = tenants::get(&mut tx, member.tenant_id).await?.ok_or_else(not_found)?;
    Ok((OpCtx { tenant: Some(tenant.id), role: Some(member.role), ..ctx.clone() }, tenant))
}

/// The context of a member of the vendor's staff; for everybody else the support console does not exist.
pub async fn as_staff(ctx: &OpCtx, svc: &Services) -> Result<OpCtx> {
    let Actor::User { id, name } = &ctx.actor else { return Err(not_found()) };
    // Staff belong to no tenant.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let role = staff::role_of(&mut tx, *id).await?.ok_or_else(not_found)?;
    Ok(OpCtx { actor: Actor::Staff { id: *id, name: name.clone(), role }, tenant: None, role: None, ..ctx.clone() })
}

/// The context of the installed application by its access token alone: for the seat calls, where the live store compares the epoch itself.
pub fn device(ctx: &OpCtx, svc: &Services, token: &str) -> Result<OpCtx> {
    let claims = tokens::verify_access(svc, token)?;
    Ok(OpCtx { actor: Actor::Device { user: claims.sub, epoch: claims.epoch }, tenant: Some(claims.tenant), role: None, ..ctx.clone() })
}

/// The context of a person behind an access token, checked against the database: membership, epoch and login are as they were when
/// the token was made.
pub async fn bearer(ctx: &OpCtx, svc: &Services, token: &str) -> Result<OpCtx> {
    let claims = tokens::verify_access(svc, token)?;
    // The login is a global row; the membership is read in the same transaction.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let stale =
        || Problem::new(Code::Unauthenticated, "This login has ended or your role has changed. Refresh the access token or log in again.");
    let member = members::get(&mut tx, claims.tenant, claims.sub).await?.ok_or_else(stale)?;
    if member.epoch != claims.epoch || !refresh::is_live(&mut tx, claims.family, svc.now()).await? {
        return Err(stale().into());
    }
    Ok(OpCtx {
        actor: Actor::User { id: claims.sub, name: member.name },
        tenant: Some(claims.tenant),
        role: Some(member.role),
        ..ctx.clone()
    })
}

/// Who the context speaks for.
pub async fn me(ctx: &OpCtx, svc: &Services) -> Result<MeResponse> {
    let (Some(user), Some(tenant), Some(role)) = (ctx.user_id(), ctx.tenant, ctx.role) else { return Err(not_found()) };
    let mut tx = store::TenantTx::begin(ctx, &svc.store).await?;
    let member = members::get(&mut tx, tenant, user).await?.ok_or_else(not_found)?;
    let tenant = tenants::get(&mut tx, tenant).await?.ok_or_else(not_found)?;
    Ok(MeResponse {
        user: MeUser { id: user, name: member.name, email: member.email },
        tenant: MeTenant { id: tenant.id, name: tenant.name, slug: tenant.slug },
        role,
        permissions: crate::access::allowed(role).into_iter().map(|a| a.to_string()).collect(),
    })
}

/// Claims for a member's access token.
pub(crate) fn access_claims(svc: &Services, member: &members::Membership, family: types::FamilyId) -> AccessClaims {
    let now = svc.now().unix_timestamp();
    let (iss, aud) = tokens::access_issuer(svc);
    AccessClaims {
        iss,
        aud,
        sub: member.user_id,
        tenant: member.tenant_id,
        family,
        epoch: member.epoch,
        iat: now,
        exp: now + tokens::ACCESS_SECONDS,
    }
}
