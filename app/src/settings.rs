//! `/orgs/{slug}/settings`

use crate::PageError;
use crate::ui::{Field, Form, FormError, Sending, SubmitButton};
use leptos::prelude::*;

/// Changes the organisation's name and address.
#[server(prefix = "/_fn", endpoint = "rename-organization")]
pub async fn rename_organization(
    /// Its address by now.
    organization: String,
    organization_name: String,
    slug: String,
) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let (ctx, _) = v.enter(&organization).await?;
    let slug = domain::organizations::rename(&ctx, &v.services, &organization_name, &slug)
        .await
        .map_err(|e| visit::told(e).with_typed(&[("organization_name", &organization_name), ("slug", &slug)]))?;
    leptos_axum::redirect(&format!("/orgs/{slug}/settings?toast=saved"));
    Ok(())
}

#[island]
pub fn RenameForm(
    name: String,
    slug: String,
    /// Everything before the slug: "https://portal.example.com/orgs/".
    base: String,
) -> impl IntoView {
    let action = Sending::to::<RenameOrganization>();
    let problem = action.problem;
    view! {
        <Form action=action class="grid gap-4">
            <FormError problem=problem fields=&["organization_name", "slug"]/>
            <input type="hidden" name="organization" value=slug.clone()/>
            <Field
                label="Name"
                name="organization_name"
                value=name
                autocomplete="organization"
                maxlength=100
                help="Your people and your invitations show it."
                problem=problem
            />
            <Field
                label="Address"
                name="slug"
                value=slug
                maxlength=48
                help=format!("Your pages are under {base}ADDRESS. Links to the old address stop working when you change it.")
                problem=problem
            />
            <div>
                <SubmitButton pending=action.busy busy_label="Saving…">
                    "Save changes"
                </SubmitButton>
            </div>
        </Form>
    }
}

#[cfg(feature = "ssr")]
pub use page::SettingsPage;

#[cfg(feature = "ssr")]
mod page {
    use super::RenameForm;
    use crate::PageError;
    use crate::layout::{OrgLayout, OrgPage, PageHead};
    use crate::org::{Org, org_page};
    use crate::ui::{Time, TimeStyle};
    use crate::visit::told;
    use domain::access;
    use leptos::prelude::*;
    use types::Action;

    /// `/orgs/{slug}/settings`
    #[component]
    pub fn SettingsPage() -> impl IntoView {
        org_page(load)
    }

    async fn load(org: Org) -> Result<AnyView, PageError> {
        access::require(&org.ctx, Action::SettingsManage).map_err(told)?;
        let base = format!("{}/orgs/", org.services().settings.base_url);
        let (id, since) = (org.tenant.id.to_string(), org.tenant.created_at);
        let (name, slug) = (org.tenant.name.clone(), org.tenant.slug.clone());
        Ok(view! {
            <OrgLayout frame=org.frame() page=OrgPage::Settings toast=org.toast()>
                <PageHead title="Settings"/>
                <section class="grid gap-3 md:grid-cols-[16rem_minmax(0,1fr)] md:gap-10" aria-labelledby="h-name">
                    <div>
                        <h2 id="h-name">"Name and address"</h2>
                        <p class="mt-1 text-sm text-ink-2">"What the organization is called, and where its pages are."</p>
                    </div>
                    <div class="card max-w-xl">
                        <div class="card-body">
                            <RenameForm name=name slug=slug base=base/>
                        </div>
                        <dl class="card-foot flex-wrap">
                            <div class="flex gap-2">
                                <dt class="text-ink-3">"Organization id"</dt>
                                <dd class="mono m-0">{id}</dd>
                            </div>
                            <div class="flex gap-2">
                                <dt class="text-ink-3">"Since"</dt>
                                <dd class="m-0">
                                    <Time at=since style=TimeStyle::Date/>
                                </dd>
                            </div>
                        </dl>
                    </div>
                </section>
            </OrgLayout>
        }
        .into_any())
    }
}
