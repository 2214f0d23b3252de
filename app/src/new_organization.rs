//! A further organisation for somebody who is signed in.

use crate::PageError;
use crate::ui::{Field, Form, FormError, Sending, Size, SubmitButton};
use leptos::prelude::*;

/// Founds the organisation and goes there.
#[server(prefix = "/_fn", endpoint = "create-organization")]
pub async fn create_organization(organization_name: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let slug = domain::signup::create_organization(&v.ctx, &v.services, &organization_name)
        .await
        .map_err(|e| visit::told(e).with_typed(&[("organization_name", &organization_name)]))?;
    leptos_axum::redirect(&format!("/orgs/{slug}"));
    Ok(())
}

#[island]
pub fn NewOrganizationForm() -> impl IntoView {
    let action = Sending::to::<CreateOrganization>();
    let problem = action.problem;
    view! {
        <Form action=action class="mt-6 grid gap-4">
            <FormError problem=problem fields=&["organization_name"]/>
            <Field
                label="Organization name"
                name="organization_name"
                large=true
                autocomplete="organization"
                maxlength=200
                help="The people you invite see it. You can change it later."
                problem=problem
            />
            <SubmitButton pending=action.busy busy_label="Creating…" size=Size::Lg class="mt-1">
                "Create organization"
            </SubmitButton>
        </Form>
    }
}

#[cfg(feature = "ssr")]
pub use page::NewOrganizationPage;

#[cfg(feature = "ssr")]
mod page {
    use super::NewOrganizationForm;
    use crate::browser::go;
    use crate::layout::{PublicLayout, SIGN_OUT_PATH};
    use crate::visit::visit;
    use leptos::prelude::*;

    /// `/orgs/new`
    #[component]
    pub fn NewOrganizationPage() -> impl IntoView {
        let Some(person) = visit().person else {
            go("/login?next=/orgs/new");
            return ().into_any();
        };
        let footer = match person.organizations.first() {
            Some(last) => view! {
                <a class="link-inline" href=format!("/orgs/{}", last.slug)>
                    {format!("Back to {}", last.name)}
                </a>
            }
            .into_any(),
            None => view! {
                <form class="form-inline" method="post" action=SIGN_OUT_PATH>
                    {format!("Signed in as {} · ", person.email)}
                    <button class="link-inline border-0 bg-transparent p-0">"Sign out"</button>
                </form>
            }
            .into_any(),
        };
        let first = person.organizations.is_empty();
        view! {
            <PublicLayout title="Create organization" footer=Some(footer)>
                <h1>{if first { "Create your organization" } else { "Create another organization" }}</h1>
                <p class="mt-1 text-ink-2">
                    {if first {
                        "You belong to no organization yet. Create one, or ask somebody to invite you to theirs. One seat is free."
                    } else {
                        "It has its own members, seats and invoices. You become its owner, and one seat is free."
                    }}
                </p>
                <NewOrganizationForm/>
            </PublicLayout>
        }
        .into_any()
    }
}
