//! Changing what a licence allows: what the organisation chooses itself, and all of it for the vendor's staff.

use super::same_if;
use crate::PageError;
use crate::ui::{DialogBody, DialogFoot, Field, Form, FormError, Select, Sending, SubmitButton, TextArea};
use domain::policy::{self, ALLOWANCES, ChoicesForm, PolicyForm};
use leptos::prelude::*;
use types::Problem;
use types::licenses::{FingerprintTolerance, License};

/// What the organisation chooses itself.
#[server(prefix = "/_fn", endpoint = "license-choices")]
pub async fn license_choices(slug: String, license: String, show_holders: String, fingerprint_tolerance: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let (ctx, tenant) = v.enter(&slug).await?;
    let form = ChoicesForm { show_holders, fingerprint_tolerance };
    policy::choose(&ctx, &v.services, &license, &form).await.map_err(|e| visit::told(e).with_typed(&typed_choices(&form)))?;
    leptos_axum::redirect(&format!("/orgs/{}/licenses/{license}?toast=saved", tenant.slug));
    Ok(())
}

/// All of the policy, by staff.
#[server(prefix = "/_fn", endpoint = "support-policy")]
#[allow(clippy::too_many_arguments, reason = "the fields of a form")]
pub async fn support_policy(
    tenant: String,
    license: String,
    max_seats: String,
    lease_seconds: String,
    heartbeat_seconds: String,
    offline_hours: String,
    #[server(default)] offline_cap: String,
    overage_percent: String,
    show_holders: String,
    fingerprint_tolerance: String,
    reason: String,
) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let staff = v.as_staff().await?;
    let tenant = tenant.parse().map_err(|_| visit::not_found())?;
    let choices = ChoicesForm { show_holders, fingerprint_tolerance };
    let form = PolicyForm { max_seats, lease_seconds, heartbeat_seconds, offline_hours, offline_cap, overage_percent, choices };
    policy::set_as_staff(&staff, &v.services, tenant, &license, &form, &reason).await.map_err(|e| {
        let mut typed = typed_choices(&form.choices).to_vec();
        typed.extend([
            ("max_seats", form.max_seats.as_str()),
            ("lease_seconds", &form.lease_seconds),
            ("heartbeat_seconds", &form.heartbeat_seconds),
            ("offline_hours", &form.offline_hours),
            ("offline_cap", &form.offline_cap),
            ("overage_percent", &form.overage_percent),
            ("reason", &reason),
        ]);
        visit::told(e).with_typed(&typed)
    })?;
    leptos_axum::redirect(&format!("/support/tenants/{tenant}?toast=policy_changed"));
    Ok(())
}

fn typed_choices(form: &ChoicesForm) -> [(&'static str, &str); 2] {
    [("show_holders", &form.show_holders), ("fingerprint_tolerance", &form.fingerprint_tolerance)]
}

/// The two that an organisation chooses itself.
#[component]
fn Choices(license: License, problem: Signal<Option<Problem>>) -> impl IntoView {
    let holders = [("true", "Name who holds the seats"), ("false", "Name nobody")];
    let tolerances = FingerprintTolerance::ALL.iter().map(|t| (t.as_str().to_owned(), same_if(*t).to_owned())).collect();
    view! {
        <Select
            label="Refusals"
            name="show_holders"
            options=holders.map(|(value, label)| (value.to_owned(), label.to_owned())).to_vec()
            selected=license.show_holders.to_string()
            problem=problem
        />
        <Select
            label="A device stays the same if"
            name="fingerprint_tolerance"
            options=tolerances
            selected=license.fingerprint_tolerance.as_str().to_owned()
            problem=problem
        />
    }
}

/// On the licence's own page, for those who may change it.
#[component]
pub fn ChoicesCard(slug: String, license: License) -> impl IntoView {
    let action = Sending::to::<LicenseChoices>();
    let problem = action.problem;
    view! {
        <Form action=action class="grid gap-4">
            <FormError problem=problem fields=&["show_holders", "fingerprint_tolerance"]/>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="license" value=license.id.to_string()/>
            <Choices license=license problem=problem/>
            <div>
                <SubmitButton pending=action.busy busy_label="Saving…">"Save changes"</SubmitButton>
            </div>
        </Form>
    }
}

/// The inside of the dialog in which staff set all of it.
#[component]
pub fn SupportPolicyForm(tenant: String, license: License, back: String) -> impl IntoView {
    const FIELDS: &[&str] = &[
        "max_seats",
        "lease_seconds",
        "heartbeat_seconds",
        "offline_hours",
        "offline_cap",
        "overage_percent",
        "show_holders",
        "fingerprint_tolerance",
        "reason",
    ];
    let action = Sending::to::<SupportPolicy>();
    let problem = action.problem;
    let numbers = [
        ("Seats", "max_seats", license.max_seats),
        ("Lease, in seconds", "lease_seconds", license.lease_seconds),
        ("Heartbeat, in seconds", "heartbeat_seconds", license.heartbeat_seconds),
        ("Offline, in hours", "offline_hours", license.offline_hours),
    ]
    .map(|(label, name, value)| {
        view! { <Field label=label name=name value=value.to_string() inputmode="numeric" maxlength=7 check=false problem=problem/> }
    });
    let allowances = ALLOWANCES.map(|percent| {
        let label = if percent == 0 { "None: the limit is a hard stop".to_owned() } else { format!("{percent} % more, counted and shown") };
        (percent.to_string(), label)
    });
    let consequence = "It counts at the next call. Nobody who is running is cut off.".to_owned();
    view! {
        <Form action=action>
            <DialogBody title=format!("Change what {} allows", license.key) consequence=consequence>
                <FormError problem=problem fields=FIELDS/>
                <input type="hidden" name="tenant" value=tenant/>
                <input type="hidden" name="license" value=license.id.to_string()/>
                {numbers.into_iter().collect_view()}
                <Field
                    label="Devices with offline rights"
                    name="offline_cap"
                    value=license.offline_cap.map(|cap| cap.to_string()).unwrap_or_default()
                    inputmode="numeric"
                    maxlength=7
                    required=false
                    check=false
                    help="Empty for twice the seats."
                    problem=problem
                />
                <Select
                    label="Beyond the seats"
                    name="overage_percent"
                    options=allowances.to_vec()
                    selected=license.overage_percent.to_string()
                    problem=problem
                />
                <Choices license=license problem=problem/>
                <TextArea label="Reason" name="reason" help="The customer reads this in their own audit log." maxlength=500 problem=problem/>
            </DialogBody>
            <DialogFoot keep="Leave it as it is" close_href=back>
                <SubmitButton pending=action.busy busy_label="Saving…">"Save policy"</SubmitButton>
            </DialogFoot>
        </Form>
    }
}
