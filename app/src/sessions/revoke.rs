//! Ending a session.

use crate::PageError;
use crate::ui::{DialogBody, DialogFoot, Field, Form, FormError, Kind, Sending, SubmitButton};
use leptos::prelude::*;

/// Ends a session for good.
#[server(prefix = "/_fn", endpoint = "revoke-session")]
pub async fn revoke_session(slug: String, session: String, #[server(default)] reason: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let (ctx, tenant) = v.enter(&slug).await?;
    let session = session.parse().map_err(|_| visit::not_found())?;
    domain::sessions::revoke(&ctx, &v.services, session, Some(&reason))
        .await
        .map_err(|e| visit::told(e).with_typed(&[("reason", &reason)]))?;
    leptos_axum::redirect(&format!("/orgs/{}/sessions?toast=revoked", tenant.slug));
    Ok(())
}

/// One fact about what the dialog is about: its name and value.
pub type Fact = (String, String);

/// The inside of the dialog that asks once more.
#[component]
pub fn RevokeForm(
    slug: String,
    session: String,
    /// "Revoke Priya Raman’s session?"
    title: String,
    consequence: String,
    facts: Vec<Fact>,
    /// What the one whose session it is can still do.
    after: String,
    /// Where "Keep session" leads.
    back: String,
) -> impl IntoView {
    let action = Sending::to::<RevokeSession>();
    let problem = action.problem;
    let facts = facts.into_iter().map(|(name, value)| view! { <dt>{name}</dt><dd class="break-words">{value}</dd> }).collect_view();
    view! {
        <Form action=action>
            <DialogBody title=title consequence=consequence>
                <FormError problem=problem fields=&["reason"]/>
                <dl class="facts rounded-md border border-line bg-canvas px-3 py-2.5">{facts}</dl>
                <p class="text-sm">{after}</p>
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="session" value=session/>
                <Field
                    label="Reason"
                    name="reason"
                    required=false
                    check=false
                    maxlength=500
                    help="The person reads it where the application stopped, and it stands in the audit log."
                    problem=problem
                />
            </DialogBody>
            <DialogFoot keep="Keep session" close_href=back>
                <SubmitButton pending=action.busy busy_label="Revoking…" kind=Kind::Danger>
                    "Revoke session"
                </SubmitButton>
            </DialogFoot>
        </Form>
    }
}
