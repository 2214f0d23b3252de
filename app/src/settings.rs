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

/// Lets the use of features be counted, or no longer.
#[server(prefix = "/_fn", endpoint = "organization-analytics")]
pub async fn organization_analytics(slug: String, analytics: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let (ctx, tenant) = v.enter(&slug).await?;
    domain::analytics::allow(&ctx, &v.services, &analytics).await.map_err(|e| visit::told(e).with_typed(&[("analytics", &analytics)]))?;
    leptos_axum::redirect(&format!("/orgs/{}/settings?toast=saved", tenant.slug));
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
    use super::{OrganizationAnalytics, RenameForm};
    use crate::PageError;
    use crate::layout::{OrgLayout, OrgPage, PageHead};
    use crate::org::{Org, org_page};
    use crate::ui::{Form, FormError, Select, Sending, SubmitButton, Time, TimeStyle};
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
        let (name, slug, analytics) = (org.tenant.name.clone(), org.tenant.slug.clone(), org.tenant.analytics);
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
                            <RenameForm name=name slug=slug.clone() base=base/>
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
                <section
                    class="mt-10 grid gap-3 md:grid-cols-[16rem_minmax(0,1fr)] md:gap-10"
                    aria-labelledby="h-analytics"
                >
                    <div>
                        <h2 id="h-analytics">"Use of features"</h2>
                        <p class="mt-1 text-sm text-ink-2">
                            "Which parts of the application are used how often, by day. Never by whom or on what."
                        </p>
                    </div>
                    <div class="card max-w-xl">
                        <div class="card-body">
                            <AnalyticsForm slug=slug on=analytics/>
                        </div>
                    </div>
                </section>
            </OrgLayout>
        }
        .into_any())
    }

    #[component]
    fn AnalyticsForm(slug: String, on: bool) -> impl IntoView {
        let action = Sending::to::<OrganizationAnalytics>();
        let problem = action.problem;
        let options = [("false", "Count nothing"), ("true", "Count uses by day")];
        view! {
            <Form action=action class="grid gap-4">
                <FormError problem=problem fields=&["analytics"]/>
                <input type="hidden" name="slug" value=slug/>
                <Select
                    label="Counting"
                    name="analytics"
                    options=options.map(|(value, label)| (value.to_owned(), label.to_owned())).to_vec()
                    selected=on.to_string()
                    help="The numbers stand on the usage page and are kept for 400 days. Counting nothing deletes them at once."
                    problem=problem
                />
                <div>
                    <SubmitButton pending=action.busy busy_label="Saving…">
                        "Save counting"
                    </SubmitButton>
                </div>
            </Form>
        }
    }
}
