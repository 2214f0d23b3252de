//! What staff can do with an organisation. Every act asks a reason.

use crate::PageError;
use crate::ui::{DialogBody, DialogFoot, Field, Form, FormError, Kind, Sending, SubmitButton, TextArea};
use leptos::prelude::*;

/// Below every reason.
const REASON_HELP: &str = "The customer reads this in their own audit log.";

/// Ends a session.
#[server(prefix = "/_fn", endpoint = "support-revoke")]
pub async fn support_revoke(tenant: String, session: String, reason: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let staff = v.as_staff().await?;
    let tenant = tenant.parse().map_err(|_| visit::not_found())?;
    let session = session.parse().map_err(|_| visit::not_found())?;
    let ctx = staff.in_tenant(tenant);
    domain::sessions::revoke(&ctx, &v.services, session, Some(&reason))
        .await
        .map_err(|e| visit::told(e).with_typed(&[("reason", &reason)]))?;
    leptos_axum::redirect(&format!("/support/tenants/{tenant}?toast=revoked"));
    Ok(())
}

/// Suspends or restores an organisation.
#[server(prefix = "/_fn", endpoint = "support-standing")]
pub async fn support_standing(tenant: String, suspended: bool, reason: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let staff = v.as_staff().await?;
    let tenant = tenant.parse().map_err(|_| visit::not_found())?;
    domain::support::set_suspended(&staff, &v.services, tenant, suspended, &reason)
        .await
        .map_err(|e| visit::told(e).with_typed(&[("reason", &reason)]))?;
    let toast = if suspended { "suspended" } else { "restored" };
    leptos_axum::redirect(&format!("/support/tenants/{tenant}?toast={toast}"));
    Ok(())
}

/// Gives an organisation the Enterprise plan.
#[server(prefix = "/_fn", endpoint = "support-grant")]
pub async fn support_grant(tenant: String, seats: String, #[server(default)] until: String, reason: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let staff = v.as_staff().await?;
    let tenant = tenant.parse().map_err(|_| visit::not_found())?;
    domain::support::grant_plan(&staff, &v.services, tenant, &seats, &until, &reason)
        .await
        .map_err(|e| visit::told(e).with_typed(&[("seats", &seats), ("until", &until), ("reason", &reason)]))?;
    leptos_axum::redirect(&format!("/support/tenants/{tenant}?toast=granted"));
    Ok(())
}

/// Takes a granted plan back.
#[server(prefix = "/_fn", endpoint = "support-end-grant")]
pub async fn support_end_grant(tenant: String, reason: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let staff = v.as_staff().await?;
    let tenant = tenant.parse().map_err(|_| visit::not_found())?;
    domain::support::end_grant(&staff, &v.services, tenant, &reason)
        .await
        .map_err(|e| visit::told(e).with_typed(&[("reason", &reason)]))?;
    leptos_axum::redirect(&format!("/support/tenants/{tenant}?toast=grant_ended"));
    Ok(())
}

/// The inside of the dialog that gives a plan.
#[component]
pub fn GrantForm(tenant: String, seats: String, title: String, consequence: String, back: String) -> impl IntoView {
    let action = Sending::to::<SupportGrant>();
    let problem = action.problem;
    view! {
        <Form action=action>
            <DialogBody title=title consequence=consequence>
                <FormError problem=problem fields=&["seats", "until", "reason"]/>
                <input type="hidden" name="tenant" value=tenant/>
                <Field label="Seats" name="seats" value=seats inputmode="numeric" maxlength=7 problem=problem/>
                <Field label="Until" name="until" kind="date" required=false help="The last day; empty for no end." problem=problem/>
                <TextArea label="Reason" name="reason" help=REASON_HELP maxlength=500 problem=problem/>
            </DialogBody>
            <DialogFoot keep="Leave it as it is" close_href=back>
                <SubmitButton pending=action.busy busy_label="One moment…">"Grant plan"</SubmitButton>
            </DialogFoot>
        </Form>
    }
}

/// The inside of the dialog that takes a granted plan back.
#[component]
pub fn EndGrantForm(tenant: String, title: String, consequence: String, back: String) -> impl IntoView {
    let action = Sending::to::<SupportEndGrant>();
    let problem = action.problem;
    view! {
        <Form action=action>
            <DialogBody title=title consequence=consequence>
                <FormError problem=problem fields=&["reason"]/>
                <input type="hidden" name="tenant" value=tenant/>
                <TextArea label="Reason" name="reason" help=REASON_HELP maxlength=500 problem=problem/>
            </DialogBody>
            <DialogFoot keep="Leave it as it is" close_href=back>
                <SubmitButton pending=action.busy busy_label="One moment…" kind=Kind::Danger>"End grant"</SubmitButton>
            </DialogFoot>
        </Form>
    }
}

/// The inside of the dialog that ends a session.
#[component]
pub fn SupportRevokeForm(tenant: String, session: String, title: String, consequence: String, back: String) -> impl IntoView {
    let action = Sending::to::<SupportRevoke>();
    let problem = action.problem;
    view! {
        <Form action=action>
            <DialogBody title=title consequence=consequence>
                <FormError problem=problem fields=&["reason"]/>
                <input type="hidden" name="tenant" value=tenant/>
                <input type="hidden" name="session" value=session/>
                <TextArea label="Reason" name="reason" help=REASON_HELP maxlength=500 problem=problem/>
            </DialogBody>
            <DialogFoot keep="Keep session" close_href=back>
                <SubmitButton pending=action.busy busy_label="Revoking…" kind=Kind::Danger>
                    "Revoke session"
                </SubmitButton>
            </DialogFoot>
        </Form>
    }
}

/// The inside of the dialog that suspends an organisation, or restores it.
#[component]
pub fn StandingForm(
    tenant: String,
    /// What is to be: suspended or not.
    suspended: bool,
    title: String,
    consequence: String,
    back: String,
) -> impl IntoView {
    let action = Sending::to::<SupportStanding>();
    let problem = action.problem;
    let (keep, act, kind) = if suspended {
        ("Leave it active", "Suspend organization", Kind::Danger)
    } else {
        ("Leave it as it is", "Restore organization", Kind::Primary)
    };
    view! {
        <Form action=action>
            <DialogBody title=title consequence=consequence>
                <FormError problem=problem fields=&["reason"]/>
                <input type="hidden" name="tenant" value=tenant/>
                <input type="hidden" name="suspended" value=suspended.to_string()/>
                <TextArea label="Reason" name="reason" help=REASON_HELP maxlength=500 problem=problem/>
            </DialogBody>
            <DialogFoot keep=keep close_href=back>
                <SubmitButton pending=action.busy busy_label="One moment…" kind=kind>
                    {act}
                </SubmitButton>
            </DialogFoot>
        </Form>
    }
}
