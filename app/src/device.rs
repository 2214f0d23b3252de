//! Letting the installed application sign in: the code that it shows, then the question whether it may.

use crate::PageError;
use crate::browser::{go, query};
use crate::layout::{Failed, PublicLayout};
use crate::ui::{Button, ButtonLink, Callout, Field, Form, FormError, Kind, Product, Select, Sending, Size, Time, Tone};
use crate::visit::{told, visit};
use domain::device_login::{self, Request};
use domain::identity::Person;
use leptos::prelude::*;
use types::{Code, FieldError};

/// Lets the device sign in as this person, or turns it away.
#[server(prefix = "/_fn", endpoint = "decide-device")]
pub async fn decide(user_code: String, #[server(default)] organization: String, decision: String) -> Result<(), PageError> {
    let v = visit();
    match decision.as_str() {
        "approve" => {
            device_login::approve(&v.ctx, &v.services, &user_code, &organization).await.map_err(told)?;
            leptos_axum::redirect("/device?done=approved");
        }
        "deny" => {
            device_login::deny(&v.ctx, &v.services, &user_code).await.map_err(told)?;
            leptos_axum::redirect("/device?done=denied");
        }
        _ => return Err(told(FieldError::new("decision", "Approve or deny.").into())),
    }
    Ok(())
}

/// `/device`, `/device?user_code=`, and afterwards `/device?done=`
#[component]
pub fn DevicePage() -> impl IntoView {
    let visit = visit();
    let Some(person) = visit.person.clone() else {
        go("/login?next=/device");
        return ().into_any();
    };
    match (query("done").as_deref(), query("user_code")) {
        (Some("approved"), _) => view! { <Approved/> }.into_any(),
        (Some("denied"), _) => view! { <Denied/> }.into_any(),
        (_, None) => view! { <EnterCode person=person/> }.into_any(),
        (_, Some(typed)) => Suspend::new(async move {
            match device_login::request(&visit.ctx, &visit.services, &typed).await.map_err(told) {
                Ok(request) => view! { <Question request=request person=person/> }.into_any(),
                Err(error) if matches!(error.0.code, Code::InvalidRequest | Code::RateLimited) => {
                    view! { <EnterCode person=person typed=typed error=Some(error)/> }.into_any()
                }
                Err(error) => view! { <Failed error=error/> }.into_any(),
            }
        })
        .into_any(),
    }
}

/// Who is signed in, and the way to be somebody else and come back.
fn footer(person: &Person, user_code: Option<&str>) -> AnyView {
    let next = user_code.map_or_else(|| "/device".to_owned(), |code| format!("/device?user_code={code}"));
    let email = person.email.clone();
    view! {
        <span class="break-words">{format!("Signed in as {email} · ")}</span>
        <a class="link-inline" href=format!("/login?next={next}")>
            "Not you?"
        </a>
    }
    .into_any()
}

#[component]
fn EnterCode(person: Person, #[prop(optional)] typed: String, #[prop(default = None)] error: Option<PageError>) -> impl IntoView {
    let problem = Signal::stored(error.map(|error| error.0));
    view! {
        <PublicLayout title="Connect a device" footer=Some(footer(&person, None))>
            <h1>"Connect a device"</h1>
            <p class="mt-1 text-ink-2">"Enter the code that the application or your terminal shows."</p>
            <form class="mt-6 grid gap-4" method="get" action="/device" novalidate>
                <FormError problem=problem fields=&["user_code"]/>
                <Field
                    label="Code"
                    name="user_code"
                    value=typed
                    large=true
                    maxlength=20
                    placeholder="XXXX-XXXX"
                    help="Eight letters. Codes are good for 15 minutes."
                    class="!h-12 text-center font-mono !text-xl tracking-[0.2em] uppercase"
                    problem=problem
                />
                <Button kind=Kind::Primary size=Size::Lg>
                    "Continue"
                </Button>
            </form>
        </PublicLayout>
    }
}

#[component]
fn Question(request: Request, person: Person) -> impl IntoView {
    let product = Product::current().0;
    let Request { user_code, asking } = request;
    let device = asking.hostname.or(asking.hardware_id).unwrap_or_else(|| "It did not say".to_owned());
    let from = asking.client_ip.unwrap_or_else(|| "Unknown address".to_owned());
    let footer = footer(&person, Some(&user_code));
    view! {
        <PublicLayout title="Approve device" footer=Some(footer)>
            <h1>"Approve this device?"</h1>
            <p class="mt-1 text-ink-2">{format!("It will be able to start {product} as you and hold one seat while it runs.")}</p>
            <p class="my-6 rounded-md border border-line bg-surface py-4 text-center">
                <span class="block text-xs text-ink-3">"Check that the device shows the same code"</span>
                <span class="mt-1 block font-mono text-2xl font-semibold tracking-[0.14em] text-ink">{user_code.clone()}</span>
            </p>
            <dl class="facts">
                <dt>"Device"</dt>
                <dd class="font-medium break-words">{device}</dd>
                <dt>"Asked from"</dt>
                <dd class="break-words">{from}</dd>
                <dt>"Asked"</dt>
                <dd>
                    <Time at=asking.created_at/>
                </dd>
            </dl>
            <Decision user_code=user_code person=person/>
            <p class="mt-4 text-sm text-ink-3">
                {format!("Did you start this? If not, deny it. Nobody from {product} will ever ask you for a code.")}
            </p>
        </PublicLayout>
    }
}

#[component]
fn Decision(user_code: String, person: Person) -> impl IntoView {
    let action = Sending::to::<Decide>();
    let problem = action.problem;
    let organizations: Vec<_> = person.organizations.into_iter().map(|o| (o.slug, o.name)).collect();
    let nowhere = organizations.is_empty();
    let organization = match organizations.as_slice() {
        [] => view! {
            <Callout tone=Tone::Warn title="You belong to no organization.">
                <a class="link-inline" href="/orgs/new">
                    "Create one"
                </a> ", or ask somebody to invite you to theirs. Then open this page again."
            </Callout>
        }
        .into_any(),
        [(slug, name)] => view! {
            <input type="hidden" name="organization" value=slug.clone()/>
            <p class="text-sm text-ink-2">"It signs in to " <strong class="font-medium break-words text-ink">{name.clone()}</strong> "."</p>
        }
        .into_any(),
        _ => view! { <Select label="Organization" name="organization" options=organizations large=true problem=problem/> }.into_any(),
    };
    view! {
        <Form action=action class="mt-6 grid gap-4">
            <FormError problem=problem fields=&["organization"]/>
            <input type="hidden" name="user_code" value=user_code/>
            {organization}
            <div class="grid grid-cols-2 gap-2">
                <Button size=Size::Lg name="decision" value="deny">
                    "Deny"
                </Button>
                {(!nowhere)
                    .then(|| {
                        view! {
                            <Button kind=Kind::Primary size=Size::Lg name="decision" value="approve">
                                "Approve"
                            </Button>
                        }
                    })}
            </div>
        </Form>
    }
}

#[component]
fn Approved() -> impl IntoView {
    let text = "It signs in within a few seconds. You can close this page and go on there.";
    view! { <Settled title="Device approved" heading="The device is approved" text=text/> }
}

#[component]
fn Denied() -> impl IntoView {
    let text = "It does not sign in. If you did not start this, somebody else has: enter only codes that your own device shows.";
    view! { <Settled title="Device denied" heading="The device was turned away" text=text/> }
}

/// What was decided, and what comes of it.
#[component]
fn Settled(title: &'static str, heading: &'static str, text: &'static str) -> impl IntoView {
    view! {
        <PublicLayout title=title>
            <h1>{heading}</h1>
            <p class="mt-1 text-ink-2">{text}</p>
            <div class="mt-6 grid">
                <ButtonLink href="/" size=Size::Lg>
                    "Go to your organization"
                </ButtonLink>
            </div>
        </PublicLayout>
    }
}
