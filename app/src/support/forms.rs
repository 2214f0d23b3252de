//! What staff can do with an organisation. Every act asks a reason.

use crate::PageError;
use crate::ui::{self, DialogBody, DialogFoot, FormError, Kind, SubmitButton, TextArea};
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

/// The inside of the dialog that ends a session.
#[island]
pub fn SupportRevokeForm(tenant: String, session: String, title: String, consequence: String, back: String) -> impl IntoView {
    let action = ServerAction::<SupportRevoke>::new();
    let problem = ui::problem(action);
    view! {
        <ActionForm action=action attr:novalidate=true>
            <DialogBody title=title consequence=consequence>
                <FormError problem=problem fields=&["reason"]/>
                <input type="hidden" name="tenant" value=tenant/>
                <input type="hidden" name="session" value=session/>
                <TextArea label="Reason" name="reason" help=REASON_HELP maxlength=500 problem=problem/>
            </DialogBody>
            <DialogFoot keep="Keep session" close_href=back>
                <SubmitButton pending=ui::busy(action) busy_label="Revoking…" kind=Kind::Danger>
                    "Revoke session"
                </SubmitButton>
            </DialogFoot>
        </ActionForm>
    }
}

/// The inside of the dialog that suspends an organisation, or restores it.
#[island]
pub fn StandingForm(
    tenant: String,
    /// What is to be: suspended or not.
    suspended: bool,
    title: String,
    consequence: String,
    back: String,
) -> impl IntoView {
    let action = ServerAction::<SupportStanding>::new();
    let problem = ui::problem(action);
    let (keep, act, kind) = if suspended {
        ("Leave it active", "Suspend organization", Kind::Danger)
    } else {
        ("Leave it as it is", "Restore organization", Kind::Primary)
    };
    view! {
        <ActionForm action=action attr:novalidate=true>
            <DialogBody title=title consequence=consequence>
                <FormError problem=problem fields=&["reason"]/>
                <input type="hidden" name="tenant" value=tenant/>
                <input type="hidden" name="suspended" value=suspended.to_string()/>
                <TextArea label="Reason" name="reason" help=REASON_HELP maxlength=500 problem=problem/>
            </DialogBody>
            <DialogFoot keep=keep close_href=back>
                <SubmitButton pending=ui::busy(action) busy_label="One moment…" kind=kind>
                    {act}
                </SubmitButton>
            </DialogFoot>
        </ActionForm>
    }
}
