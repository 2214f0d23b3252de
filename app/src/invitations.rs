//! Accepting an invitation.

use crate::PageError;
use crate::signup::PASSWORD_HELP;
use crate::ui::{Field, Form, FormError, PasswordField, Sending, Size, SubmitButton};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// How the one who follows the link proves who he is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proof {
    /// Has no login yet: chooses name and password.
    New,
    /// Has a login, but is not signed in here: gives its password.
    Password,
    /// Is signed in as the invited person.
    SignedIn,
}

/// Makes the person a member.
#[server(prefix = "/_fn", endpoint = "accept-invitation")]
pub async fn accept(token: String, #[server(default)] name: String, #[server(default)] password: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let offer = domain::members::accept(&v.ctx, &v.services, &token, &name, &password)
        .await
        .map_err(|e| visit::told(e).with_typed(&[("name", &name)]))?;
    let organization = format!("/orgs/{}", offer.slug);
    if v.person.is_some_and(|person| person.email == offer.email) {
        leptos_axum::redirect(&format!("{organization}?toast=joined"));
    } else {
        leptos_axum::redirect(&format!("/login?toast=joined&next={organization}"));
    }
    Ok(())
}

#[island]
pub fn AcceptForm(
    token: String,
    /// Whom the invitation is for.
    email: String,
    proof: Proof,
) -> impl IntoView {
    let action = Sending::to::<Accept>();
    let problem = action.problem;
    let fields: &'static [&'static str] = match proof {
        Proof::New => &["name", "password"],
        Proof::Password => &["password"],
        Proof::SignedIn => &[],
    };
    let inputs = match proof {
        Proof::New => view! {
            <Field label="Your name" name="name" large=true autocomplete="name" maxlength=200 problem=problem/>
            <PasswordField label="Choose a password" new=true large=true help=PASSWORD_HELP problem=problem/>
        }
        .into_any(),
        Proof::Password => {
            view! { <PasswordField label="Your password" large=true forgot_href="/forgot-password" problem=problem/> }.into_any()
        }
        Proof::SignedIn => ().into_any(),
    };
    // For the browser's password manager only; the server knows the address by the link.
    let username = (proof != Proof::SignedIn).then(|| {
        view! { <input class="sr-only" type="email" autocomplete="username" value=email readonly tabindex="-1" aria-hidden="true"/> }
    });
    view! {
        <Form action=action class="mt-6 grid gap-4">
            <FormError problem=problem fields=fields/>
            <input type="hidden" name="token" value=token/>
            {username}
            {inputs}
            <SubmitButton pending=action.busy busy_label="Accepting…" size=Size::Lg class="mt-1">
                "Accept invitation"
            </SubmitButton>
        </Form>
    }
}

#[cfg(feature = "ssr")]
pub use page::InvitationPage;

#[cfg(feature = "ssr")]
mod page {
    use super::{AcceptForm, Proof};
    use crate::layout::{Failed, PublicLayout, SIGN_OUT_PATH};
    use crate::ui::{Button, ButtonLink, Callout, Kind, Size, Tone};
    use crate::visit::{told, visit};
    use leptos::prelude::*;
    use leptos_router::hooks::use_params_map;
    use store::invitations::Offer;
    use types::{Code, Role};

    /// What the role lets one do, in one sentence.
    const fn may(role: Role) -> &'static str {
        match role {
            Role::Owner => "You will be able to do everything, including billing and deleting the organization.",
            Role::Admin => "You will be able to manage members, licenses and live sessions.",
            Role::Billing => "You will be able to manage plan, seats and invoices.",
            Role::Member => "You will be able to start the application; it holds a seat while it runs.",
            Role::Guest => "You will be able to look at the overview.",
        }
    }

    /// `/invitations/{token}`
    #[component]
    pub fn InvitationPage() -> impl IntoView {
        let visit = visit();
        let token = use_params_map().with_untracked(|params| params.get("token")).unwrap_or_default();
        Suspend::new(async move {
            let (offer, known) = match domain::members::offer(&visit.ctx, &visit.services, &token).await.map_err(told) {
                Ok(offered) => offered,
                Err(error) if error.0.code == Code::LinkInvalid => {
                    return view! { <DeadLink signed_in=visit.person.is_some()/> }.into_any();
                }
                Err(error) => return view! { <Failed error=error/> }.into_any(),
            };
            match visit.person {
                Some(person) if person.email != offer.email => view! { <SomebodyElse offer=offer signed_in_as=person.email/> }.into_any(),
                Some(_) => view! { <Offered offer=offer token=token proof=Proof::SignedIn/> }.into_any(),
                None => {
                    let proof = if known { Proof::Password } else { Proof::New };
                    view! { <Offered offer=offer token=token proof=proof/> }.into_any()
                }
            }
        })
    }

    #[component]
    fn Offered(offer: Offer, token: String, proof: Proof) -> impl IntoView {
        let hint = match proof {
            Proof::New => format!("Your login will be {}.", offer.email),
            Proof::Password => format!("You have a login already: {}. Enter its password.", offer.email),
            Proof::SignedIn => format!("You are signed in as {}.", offer.email),
        };
        view! {
            <PublicLayout title="Accept invitation">
                <Invited offer=offer.clone()/>
                <p class="mt-3 text-sm break-words text-ink-3">{hint}</p>
                <AcceptForm token=token email=offer.email proof=proof/>
            </PublicLayout>
        }
    }

    #[component]
    fn Invited(offer: Offer) -> impl IntoView {
        view! {
            <h1 class="break-words">{format!("Join {}", offer.organization_name)}</h1>
            <p class="mt-1 text-ink-2">
                {offer.invited_by_name} " invites you as " <strong class="font-medium text-ink">{offer.role.label()}</strong> ". "
                {may(offer.role)}
            </p>
        }
    }

    #[component]
    fn SomebodyElse(offer: Offer, signed_in_as: String) -> impl IntoView {
        let invited = offer.email.clone();
        view! {
            <PublicLayout title="Accept invitation">
                <Invited offer=offer/>
                <div class="mt-6">
                    <Callout tone=Tone::Warn title="This invitation is for another login.">
                        {format!("It was sent to {invited}, and you are signed in as {signed_in_as}. Sign out, then open the link once more.")}
                    </Callout>
                </div>
                <div class="mt-6 grid grid-cols-2 gap-2">
                    <ButtonLink href="/" size=Size::Lg>
                        "Stay signed in"
                    </ButtonLink>
                    <form class="grid" method="post" action=SIGN_OUT_PATH>
                        <Button kind=Kind::Primary size=Size::Lg>
                            "Sign out"
                        </Button>
                    </form>
                </div>
            </PublicLayout>
        }
    }

    #[component]
    fn DeadLink(signed_in: bool) -> impl IntoView {
        let (label, href) = if signed_in { ("Go to your organization", "/") } else { ("Sign in", "/login") };
        view! {
            <PublicLayout title="Invitation no longer valid">
                <h1>"This invitation is no longer valid"</h1>
                <p class="mt-1 text-ink-2">
                    "It was accepted already, taken back, or is older than seven days. If you have not joined yet, ask the person who invited you to send it again."
                </p>
                <div class="mt-6 grid">
                    <ButtonLink href=href kind=Kind::Primary size=Size::Lg>
                        {label}
                    </ButtonLink>
                </div>
            </PublicLayout>
        }
    }
}
