//! What can be done with members and invitations.

use crate::PageError;
use crate::problem::typed;
#[cfg(feature = "ssr")]
use crate::ui::Kind;
use crate::ui::{DialogBody, DialogFoot, Field, Form, FormError, Select, Sending, SubmitButton};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use types::Problem;

/// Mails an invitation.
#[server(prefix = "/_fn", endpoint = "invite-member")]
pub async fn invite_member(slug: String, email: String, role: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let (ctx, tenant) = v.enter(&slug).await?;
    domain::members::invite(&ctx, &v.services, &email, &role)
        .await
        .map_err(|e| visit::told(e).with_typed(&[("email", &email), ("role", &role)]))?;
    leptos_axum::redirect(&format!("/orgs/{}/members?toast=invited", tenant.slug));
    Ok(())
}

/// Mails an invitation once more.
#[server(prefix = "/_fn", endpoint = "invite-again")]
pub async fn invite_again(slug: String, invitation: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let (ctx, tenant) = v.enter(&slug).await?;
    let id = invitation.parse().map_err(|_| visit::not_found())?;
    domain::members::invite_again(&ctx, &v.services, id).await.map_err(visit::told)?;
    leptos_axum::redirect(&format!("/orgs/{}/members?toast=invited_again", tenant.slug));
    Ok(())
}

/// Takes an invitation back.
#[server(prefix = "/_fn", endpoint = "withdraw-invitation")]
pub async fn withdraw_invitation(slug: String, invitation: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let (ctx, tenant) = v.enter(&slug).await?;
    let id = invitation.parse().map_err(|_| visit::not_found())?;
    domain::members::withdraw(&ctx, &v.services, id).await.map_err(visit::told)?;
    leptos_axum::redirect(&format!("/orgs/{}/members?toast=withdrawn", tenant.slug));
    Ok(())
}

/// Gives a member another role.
#[server(prefix = "/_fn", endpoint = "change-role")]
pub async fn change_role(slug: String, user: String, role: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let (ctx, tenant) = v.enter(&slug).await?;
    let user = user.parse().map_err(|_| visit::not_found())?;
    domain::members::change_role(&ctx, &v.services, user, &role).await.map_err(|e| visit::told(e).with_typed(&[("role", &role)]))?;
    leptos_axum::redirect(&format!("/orgs/{}/members?toast=role_changed", tenant.slug));
    Ok(())
}

/// Ends a membership, or one's own.
#[server(prefix = "/_fn", endpoint = "remove-member")]
pub async fn remove_member(slug: String, user: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let (ctx, tenant) = v.enter(&slug).await?;
    let user = user.parse().map_err(|_| visit::not_found())?;
    domain::members::remove(&ctx, &v.services, user).await.map_err(visit::told)?;
    if ctx.user_id() == Some(user) {
        leptos_axum::redirect("/login");
    } else {
        leptos_axum::redirect(&format!("/orgs/{}/members?toast=removed", tenant.slug));
    }
    Ok(())
}

/// A role that can be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleOption {
    /// Such as `MEMBER`.
    pub value: String,
    pub label: String,
    /// What it may do, in one sentence.
    pub may: String,
}

/// The choices of a `<Select>`.
fn options(roles: &[RoleOption]) -> Vec<(String, String)> {
    roles.iter().map(|role| (role.value.clone(), role.label.clone())).collect()
}

/// The role that is chosen: what was typed before a problem, else `selected`.
fn chosen(problem: Signal<Option<Problem>>, selected: &str) -> RwSignal<String> {
    let typed = problem.with_untracked(|problem| problem.as_ref().and_then(|problem| typed(problem, "role").map(str::to_owned)));
    RwSignal::new(typed.unwrap_or_else(|| selected.to_owned()))
}

/// What the chosen role may do, following the choice.
fn may(roles: Vec<RoleOption>, chosen: RwSignal<String>) -> Signal<String> {
    Signal::derive(move || {
        chosen.with(|chosen| roles.iter().find(|role| role.value == *chosen).map(|role| role.may.clone())).unwrap_or_default()
    })
}

#[island]
pub fn InviteForm(slug: String, roles: Vec<RoleOption>, selected: String) -> impl IntoView {
    let action = Sending::to::<InviteMember>();
    let problem = action.problem;
    let chosen = chosen(problem, &selected);
    let options = options(&roles);
    let may = may(roles, chosen);
    view! {
        <Form action=action class="card mb-6">
            <div class="grid gap-3 p-4 sm:grid-cols-[minmax(0,1fr)_12rem_auto]">
                <div class="empty:hidden sm:col-span-3">
                    <FormError problem=problem fields=&["email", "role"]/>
                </div>
                <input type="hidden" name="slug" value=slug/>
                <Field label="Invite by email" name="email" kind="email" placeholder="name@example.com" problem=problem/>
                <Select
                    label="Role"
                    name="role"
                    options=options
                    selected=selected
                    problem=problem
                    chosen=chosen
                />
                <SubmitButton pending=action.busy busy_label="Sending…" class="sm:mt-[1.625rem]">
                    "Send invitation"
                </SubmitButton>
            </div>
            <div class="card-foot max-sm:flex-col max-sm:items-start">
                <p aria-live="polite">{may}</p>
                <p class="text-ink-3 sm:text-right">"Inviting is free: you pay for seats, not for people. The link works for 7 days."</p>
            </div>
        </Form>
    }
}

/// The inside of the dialog that gives a member another role.
#[island]
pub fn RoleForm(
    slug: String,
    user: String,
    title: String,
    consequence: String,
    roles: Vec<RoleOption>,
    /// The role by now.
    selected: String,
    back: String,
) -> impl IntoView {
    let action = Sending::to::<ChangeRole>();
    let problem = action.problem;
    let chosen = chosen(problem, &selected);
    let options = options(&roles);
    let may = may(roles, chosen);
    view! {
        <Form action=action>
            <DialogBody title=title consequence=consequence>
                <FormError problem=problem fields=&["role"]/>
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="user" value=user/>
                <Select
                    label="Role"
                    name="role"
                    id="new-role"
                    options=options
                    selected=selected
                    help=Signal::derive(move || Some(may.get()))
                    problem=problem
                    chosen=chosen
                />
            </DialogBody>
            <DialogFoot keep="Keep role" close_href=back>
                <SubmitButton pending=action.busy busy_label="Changing…">"Change role"</SubmitButton>
            </DialogFoot>
        </Form>
    }
}

/// The inside of the dialog that ends a membership.
#[cfg(feature = "ssr")]
#[component]
pub fn RemoveForm(
    slug: String,
    user: String,
    title: String,
    consequence: String,
    /// What can be done afterwards.
    after: String,
    /// One leaves by oneself.
    own: bool,
    back: String,
) -> impl IntoView {
    let action = Sending::to::<RemoveMember>();
    let problem = action.problem;
    let (keep, act) = if own { ("Stay", "Leave organization") } else { ("Keep member", "Remove member") };
    view! {
        <Form action=action>
            <DialogBody title=title consequence=consequence>
                <FormError problem=problem fields=&[]/>
                <p class="text-sm">{after}</p>
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="user" value=user/>
            </DialogBody>
            <DialogFoot keep=keep close_href=back>
                <SubmitButton pending=action.busy busy_label="One moment…" kind=Kind::Danger>
                    {act}
                </SubmitButton>
            </DialogFoot>
        </Form>
    }
}
