//! The person's own page: name, password, signing out everywhere.

use crate::PageError;
use crate::signup::PASSWORD_HELP;
#[cfg(feature = "ssr")]
use crate::ui::{DialogBody, DialogFoot};
use crate::ui::{Field, Form, FormError, Kind, PasswordField, Sending, SubmitButton};
use leptos::prelude::*;

/// Renames the person everywhere.
#[server(prefix = "/_fn", endpoint = "rename-self")]
pub async fn rename_self(name: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    domain::login::rename_self(&v.ctx, &v.services, &name).await.map_err(|e| visit::told(e).with_typed(&[("name", &name)]))?;
    leptos_axum::redirect("/account?toast=name");
    Ok(())
}

/// Changes the password. Every sign-in ends; this browser gets a new one.
#[server(prefix = "/_fn", endpoint = "change-password")]
pub async fn change_password(current_password: String, password: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let proof = domain::login::change_own_password(&v.ctx, &v.services, &current_password, &password).await.map_err(visit::told)?;
    if let Some(person) = &v.person {
        crate::browser::sign_in(&v, person.id, &proof).await?;
    }
    leptos_axum::redirect("/account?toast=password");
    Ok(())
}

/// Ends every sign-in of the person, this one too.
#[server(prefix = "/_fn", endpoint = "sign-out-everywhere")]
pub async fn sign_out_everywhere() -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    domain::login::sign_out_everywhere(&v.ctx, &v.services).await.map_err(visit::told)?;
    crate::browser::sign_out(&v).await?;
    leptos_axum::redirect("/login?toast=signed_out_everywhere");
    Ok(())
}

#[island]
pub fn NameForm(name: String) -> impl IntoView {
    let action = Sending::to::<RenameSelf>();
    let problem = action.problem;
    view! {
        <Form action=action class="grid gap-4">
            <FormError problem=problem fields=&["name"]/>
            <Field label="Name" name="name" value=name autocomplete="name" maxlength=200 problem=problem/>
            <div>
                <SubmitButton pending=action.busy busy_label="Saving…" kind=Kind::Secondary>
                    "Save name"
                </SubmitButton>
            </div>
        </Form>
    }
}

#[island]
pub fn PasswordForm(
    /// For the browser's password manager.
    email: String,
) -> impl IntoView {
    let action = Sending::to::<ChangePassword>();
    let problem = action.problem;
    view! {
        <Form action=action class="grid gap-4">
            <FormError problem=problem fields=&["current_password", "password"]/>
            <input class="sr-only" type="email" autocomplete="username" value=email readonly tabindex="-1" aria-hidden="true"/>
            <PasswordField label="Current password" name="current_password" problem=problem/>
            <PasswordField label="New password" new=true help=PASSWORD_HELP problem=problem/>
            <div>
                <SubmitButton pending=action.busy busy_label="Changing…" kind=Kind::Secondary>
                    "Change password"
                </SubmitButton>
            </div>
        </Form>
    }
}

#[cfg(feature = "ssr")]
#[component]
pub fn SignOutEverywhereForm() -> impl IntoView {
    let action = Sending::to::<SignOutEverywhere>();
    let problem = action.problem;
    view! {
        <Form action=action>
            <DialogBody
                title="Sign out everywhere?"
                consequence="Every browser, this one too, and every installed application must sign in again. Applications that run now lose their seat within a quarter of an hour."
            >
                <FormError problem=problem fields=&[]/>
            </DialogBody>
            <DialogFoot keep="Stay signed in" close_href="/account">
                <SubmitButton pending=action.busy busy_label="Signing out…" kind=Kind::Danger>
                    "Sign out everywhere"
                </SubmitButton>
            </DialogFoot>
        </Form>
    }
}

#[cfg(feature = "ssr")]
pub use page::AccountPage;

#[cfg(feature = "ssr")]
mod page {
    use super::{NameForm, PasswordForm, SignOutEverywhereForm};
    use crate::browser::{go, query};
    use crate::layout::{PageHead, SiteLayout};
    use crate::ui::{Avatar, Badge, ButtonLink, Dialog, Kind};
    use crate::visit::visit;
    use domain::identity::Person;
    use leptos::prelude::*;
    use types::organizations::Organization;

    fn toast(code: &str) -> Option<&'static str> {
        Some(match code {
            "name" => "Name saved.",
            "password" => "Password changed. All other sign-ins have ended.",
            _ => return None,
        })
    }

    /// `/account`
    #[component]
    pub fn AccountPage() -> impl IntoView {
        let visit = visit();
        let user = visit.user();
        let Some(person) = visit.person else {
            go("/login?next=/account");
            return ().into_any();
        };
        let Person { name, email, organizations, .. } = person;
        let shown_email = email.clone();
        let back = organizations.first().map(|o| (o.name.clone(), format!("/orgs/{}", o.slug)));
        let toast = query("toast").as_deref().and_then(toast).map(str::to_owned);
        let dialog = query("sign-out").map(|_| {
            view! {
                <Dialog close_href="/account">
                    <SignOutEverywhereForm/>
                </Dialog>
            }
            .into_any()
        });
        view! {
            <SiteLayout title="Account" user=user back=back toast=toast dialog=dialog>
                <PageHead title="Account" text="Your login, the same in every organization."/>
                <div class="grid gap-8">
                    <Part id="h-profile" title="Profile" text="The name that others see in member lists and the audit log.">
                        <dl class="facts facts-left mb-4">
                            <dt>"Email"</dt>
                            <dd class="break-words">{shown_email}</dd>
                        </dl>
                        <NameForm name=name/>
                    </Part>
                    <Part
                        id="h-password"
                        title="Password"
                        text="Changing it ends every other sign-in: other browsers, and installed applications."
                    >
                        <PasswordForm email=email/>
                    </Part>
                    <Part id="h-organizations" title="Organizations" text="Where you are a member.">
                        <Organizations organizations=organizations/>
                    </Part>
                    <Part id="h-sign-out" title="Sign out everywhere" text="If a device was lost, or you signed in where you should not have.">
                        <ButtonLink href="/account?sign-out=1" kind=Kind::DangerQuiet>
                            "Sign out everywhere"
                        </ButtonLink>
                    </Part>
                </div>
            </SiteLayout>
        }
        .into_any()
    }

    /// Heading on the left, card on the right.
    #[component]
    fn Part(id: &'static str, title: &'static str, text: &'static str, children: Children) -> impl IntoView {
        view! {
            <section class="grid gap-3 md:grid-cols-[16rem_minmax(0,1fr)] md:gap-10" aria-labelledby=id>
                <div>
                    <h2 id=id>{title}</h2>
                    <p class="mt-1 text-sm text-ink-2">{text}</p>
                </div>
                <div class="card max-w-xl">
                    <div class="card-body">{children()}</div>
                </div>
            </section>
        }
    }

    #[component]
    fn Organizations(organizations: Vec<Organization>) -> impl IntoView {
        let none = organizations.is_empty();
        let rows = organizations
            .into_iter()
            .map(|o| {
                view! {
                    <li class="flex items-center gap-2.5 py-1.5">
                        <Avatar name=o.name.clone() organization=true/>
                        <a class="link truncate" href=format!("/orgs/{}", o.slug)>
                            {o.name}
                        </a>
                        <span class="ml-auto">
                            <Badge>{o.role.label()}</Badge>
                        </span>
                    </li>
                }
            })
            .collect_view();
        view! {
            {none.then(|| view! { <p class="text-ink-2">"You belong to no organization."</p> })}
            <ul class="m-0 grid list-none p-0">{rows}</ul>
            <ButtonLink href="/orgs/new" class="mt-3">
                "Create organization"
            </ButtonLink>
        }
    }
}
