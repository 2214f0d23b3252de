//! Members of an organisation, and invitations to become one.

use crate::access::{not_found, require};
use crate::error::{Error, Fields, Result};
use crate::idempotency::{self, Begin};
use crate::services::Services;
use crate::{copies, mails, tokens};
use serde_json::json;
use store::audit::{self, NewEntry};
use store::invitations::{NewInvitation, Offer};
use store::seat_outbox::{self, Change};
use store::users::User;
use store::{Actor, OpCtx, SystemTx, TenantTx, invitations, mail, members, refresh, tenants, users, web_sessions};
use time::Duration;
use types::organizations::{Invitation, Member, MemberList};
use types::{Action, Code, InvitationId, Problem, Role, TenantId, UserId, check};

/// How long an invitation can be accepted, in days.
const INVITATION_DAYS: i64 = 7;

fn tenant(ctx: &OpCtx) -> Result<TenantId> {
    ctx.tenant.ok_or_else(not_found)
}

/// Members by rank and name, and open invitations.
pub async fn list(ctx: &OpCtx, svc: &Services) -> Result<MemberList> {
    require(ctx, Action::MembersView)?;
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    let members = members::list(&mut tx).await?;
    let invitations = if require(ctx, Action::MembersManage).is_ok() { invitations::list(&mut tx, svc.now()).await? } else { Vec::new() };
    Ok(MemberList { members, invitations })
}

/// How many members there are.
pub async fn count(ctx: &OpCtx, svc: &Services) -> Result<i64> {
    require(ctx, Action::OverviewView)?;
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    Ok(members::count(&mut tx).await?)
}

/// Only an owner makes or unmakes an owner.
fn require_for(ctx: &OpCtx, role: Role) -> Result<()> {
    require(ctx, Action::MembersManage)?;
    if role == Role::Owner {
        require(ctx, Action::OwnersManage)?;
    }
    Ok(())
}

/// Mails an invitation. Inviting an address again replaces role and link.
pub async fn invite(ctx: &OpCtx, svc: &Services, email: &str, role: &str) -> Result<Invitation> {
    require(ctx, Action::MembersManage)?;
    let mut fields = Fields::default();
    let email = fields.take(check::email(email));
    let role = fields.take(check::role(role));
    fields.finish()?;
    let (Some(email), Some(role)) = (email, role) else { return Err(Error::Internal("checked fields are missing".into())) };
    require_for(ctx, role)?;
    let now = svc.now();
    let (secret, token_hash) = tokens::new_secret(svc);
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    let slot = match idempotency::begin(&mut tx, svc, "members.invite", &(&email, role)).await? {
        Begin::Repeat(answer) => return Ok(answer),
        Begin::New(slot) => slot,
    };
    let tenant = tenants::get(&mut tx, tenant(ctx)?).await?.ok_or_else(not_found)?;
    if members::list(&mut tx).await?.iter().any(|m| m.email == email) {
        let mut problem = Problem::from(types::FieldError::new("email", format!("{email} is a member already.")));
        problem.code = Code::AlreadyMember;
        problem.status = Code::AlreadyMember.status();
        problem.title = Code::AlreadyMember.title().to_owned();
        return Err(problem.into());
    }
    if !svc.limits.mail(&format!("invite {} {email}", tenant.id)) {
        return Err(Problem::new(Code::RateLimited, "This address was invited several times just now. Wait some minutes.")
            .retry_after(300)
            .into());
    }
    svc.limits.invite(tenant.id)?;
    // Replacing an invitation takes it back.
    if let Some(open) = invitations::list(&mut tx, now).await?.iter().find(|i| i.email == email) {
        require_for(ctx, open.role)?;
    }
    let inviter = match &ctx.actor {
        Actor::User { name, .. } => name.clone(),
        _ => tenant.name.clone(),
    };
    let new = NewInvitation {
        id: svc.new_id(),
        email: &email,
        role,
        token_hash: &token_hash,
        invited_by: ctx.user_id(),
        invited_by_name: &inviter,
        now,
        expires_at: now + Duration::days(INVITATION_DAYS),
    };
    invitations::put(&mut tx, &new).await?;
    let link = format!("{}/invitations/{secret}", svc.settings.base_url);
    let message = mails::invitation(&svc.settings.product_name, &email, &tenant.name, &inviter, role.label(), &link);
    mail::enqueue(&mut tx, Some(tenant.id), &message, now).await?;
    let details = json!({ "role": role });
    audit::append(&mut tx, tenant.id, now, NewEntry { action: "member.invited", subject: &email, reason: None, details }).await?;
    let made = invitations::list(&mut tx, now).await?.into_iter().find(|i| i.email == email);
    let made = made.ok_or_else(|| Error::Internal("the invitation is missing".into()))?;
    idempotency::finish(&mut tx, slot, &made).await?;
    tx.commit().await?;
    Ok(made)
}

/// Mails an invitation once more, with a new link; the old one is void at once.
pub async fn invite_again(ctx: &OpCtx, svc: &Services, id: InvitationId) -> Result<Invitation> {
    require(ctx, Action::MembersManage)?;
    let open = {
        let mut tx = TenantTx::begin(ctx, &svc.store).await?;
        invitations::list(&mut tx, svc.now()).await?
    };
    let found = open.into_iter().find(|i| i.id == id).ok_or_else(not_found)?;
    invite(ctx, svc, &found.email, found.role.as_str()).await
}

/// Takes an invitation back: its link is void at once.
pub async fn withdraw(ctx: &OpCtx, svc: &Services, id: InvitationId) -> Result<()> {
    require(ctx, Action::MembersManage)?;
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    let (email, role) = invitations::delete(&mut tx, id).await?.ok_or_else(not_found)?;
    require_for(ctx, role)?;
    let entry = NewEntry { action: "member.invitation_withdrawn", subject: &email, reason: None, details: json!({}) };
    audit::append(&mut tx, tenant(ctx)?, svc.now(), entry).await?;
    tx.commit().await?;
    Ok(())
}

fn dead_link() -> Error {
    Problem::new(Code::LinkInvalid, "This invitation is not valid any longer. Ask for a new one.").into()
}

/// What the holder of the link is offered, and whether the address has an account already.
pub async fn offer(ctx: &OpCtx, svc: &Services, token: &str) -> Result<(Offer, bool)> {
    // Who follows a link is not in the tenant yet.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let offer = invitations::by_token(&mut tx, &tokens::hash_secret(token), svc.now()).await?.ok_or_else(dead_link)?;
    let known = users::by_email(&mut tx, &offer.email).await?.is_some_and(|u| u.password_hash.is_some());
    Ok((offer, known))
}

/// Accepts an invitation. A new person gives name and a new password; one with an account proves it by the password, unless the
/// browser is signed in as him. The link proves the address.
pub async fn accept(ctx: &OpCtx, svc: &Services, token: &str, name: &str, password: &str) -> Result<Offer> {
    let now = svc.now();
    let token_hash = tokens::hash_secret(token);
    svc.limits.hash(ctx.client_ip)?;
    let (offer, known) = {
        // Who follows a link is not in the tenant yet.
        let mut tx = SystemTx::begin(ctx, &svc.store).await?;
        let offer = invitations::by_token(&mut tx, &token_hash, now).await?.ok_or_else(dead_link)?;
        let known = users::by_email(&mut tx, &offer.email).await?;
        (offer, known)
    };
    let has_account = known.as_ref().is_some_and(|u| u.password_hash.is_some());
    let mut new_hash = None;
    let mut new_name = None;
    match &known {
        Some(user) if has_account => {
            let signed_in = ctx.user_id() == Some(user.id);
            if !signed_in {
                svc.limits.sign_in(&user.email, ctx.client_ip)?;
                if !svc.passwords.verify(password, user.password_hash.as_deref()).await? {
                    return Err(types::FieldError::new("password", "This is not the password of your account.").into());
                }
            }
        }
        _ => {
            let mut fields = Fields::default();
            new_name = fields.take(check::person_name(name));
            fields.take(check::new_password(password, &[&offer.email, name, &offer.organization_name]));
            fields.finish()?;
            new_hash = Some(svc.passwords.hash(svc.random.as_ref(), password).await?);
        }
    }

    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    if !invitations::take(&mut tx, &token_hash, now).await? {
        return Err(dead_link());
    }
    let user = match (known, new_hash) {
        (Some(user), None) => user,
        (Some(user), Some(hash)) => {
            users::set_password(&mut tx, user.id, &hash).await?;
            user
        }
        (None, hash) => {
            let user = User {
                id: svc.new_id(),
                email: offer.email.clone(),
                name: new_name.unwrap_or_default(),
                password_hash: hash,
                created_at: now,
            };
            users::insert(&mut tx, &user).await.map_err(|e| match e {
                // The same person has just confirmed a registration, or accepted another invitation. This link is still good.
                store::Error::Conflict(_) => {
                    Problem::new(Code::Conflict, "This address has got an account just now. Open the link again.").into()
                }
                other => Error::from(other),
            })?;
            user
        }
    };
    match members::insert(&mut tx, offer.tenant_id, user.id, offer.role, &user.name, &user.email, now).await {
        Ok(()) => {}
        Err(store::Error::Conflict(_)) => {
            return Err(Problem::new(Code::AlreadyMember, "You are a member already. Sign in.").into());
        }
        Err(other) => return Err(other.into()),
    }
    seat_outbox::note(&mut tx, offer.tenant_id, Change::Member(user.id), now).await?;
    tx.act_as(Actor::User { id: user.id, name: user.name.clone() });
    let details = json!({ "role": offer.role, "email": user.email });
    audit::append(&mut tx, offer.tenant_id, now, NewEntry { action: "member.joined", subject: &user.name, reason: None, details }).await?;
    tx.commit().await?;
    copies::flush_soon(ctx, svc, offer.tenant_id).await;
    Ok(offer)
}

fn last_owner() -> Error {
    Problem::new(Code::LastOwner, "This is the only owner. Make somebody else an owner first.").into()
}

/// Gives a member another role. A lower one ends his sign-ins, and his seats if it holds none.
pub async fn change_role(ctx: &OpCtx, svc: &Services, user: UserId, role: &str) -> Result<Member> {
    require(ctx, Action::MembersManage)?;
    let role = check::role(role)?;
    require_for(ctx, role)?;
    let tenant = tenant(ctx)?;
    let now = svc.now();
    // Sign-ins are global rows and end in the same transaction.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let owners = members::lock_owners(&mut tx, tenant).await?;
    let member = members::get(&mut tx, tenant, user).await?.ok_or_else(not_found)?;
    require_for(ctx, member.role)?;
    if member.role == Role::Owner && role != Role::Owner && owners.len() < 2 {
        return Err(last_owner());
    }
    if member.role != role {
        members::set_role(&mut tx, tenant, user, role).await?;
        if role > member.role {
            web_sessions::end_all(&mut tx, user).await?;
            refresh::end_all(&mut tx, user, Some(tenant), now).await?;
        }
        seat_outbox::note(&mut tx, tenant, Change::Member(user), now).await?;
        let details = json!({ "from": member.role, "to": role });
        audit::append(&mut tx, tenant, now, NewEntry { action: "member.role_changed", subject: &member.name, reason: None, details })
            .await?;
    }
    tx.commit().await?;
    copies::flush_soon(ctx, svc, tenant).await;
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    members::list(&mut tx).await?.into_iter().find(|m| m.user_id == user).ok_or_else(not_found)
}

/// Ends a membership: sign-ins end in the same transaction, seats right after it. Everybody may leave by himself.
pub async fn remove(ctx: &OpCtx, svc: &Services, user: UserId) -> Result<()> {
    let own = ctx.user_id() == Some(user);
    if own {
        require(ctx, Action::OverviewView)?;
    } else {
        require(ctx, Action::MembersManage)?;
    }
    let tenant = tenant(ctx)?;
    let now = svc.now();
    // Sign-ins are global rows and end in the same transaction.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let owners = members::lock_owners(&mut tx, tenant).await?;
    let member = members::get(&mut tx, tenant, user).await?.ok_or_else(not_found)?;
    if !own {
        require_for(ctx, member.role)?;
    }
    if member.role == Role::Owner && owners.len() < 2 {
        return Err(last_owner());
    }
    let organization = tenants::get(&mut tx, tenant).await?.ok_or_else(not_found)?;
    members::delete(&mut tx, tenant, user).await?;
    web_sessions::end_all(&mut tx, user).await?;
    refresh::end_all(&mut tx, user, Some(tenant), now).await?;
    seat_outbox::note(&mut tx, tenant, Change::Member(user), now).await?;
    let details = json!({ "role": member.role, "email": member.email });
    let action = if own { "member.left" } else { "member.removed" };
    audit::append(&mut tx, tenant, now, NewEntry { action, subject: &member.name, reason: None, details }).await?;
    if !own {
        let message = mails::removed(&svc.settings.product_name, &member.email, &member.name, &organization.name);
        mail::enqueue(&mut tx, Some(tenant), &message, now).await?;
    }
    tx.commit().await?;
    copies::flush_soon(ctx, svc, tenant).await;
    Ok(())
}
