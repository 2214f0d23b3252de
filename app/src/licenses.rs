//! Licences: what they are called, how they stand, and their pages.

mod page;
mod policy;

pub use page::{LicensePage, LicensesPage};
pub use policy::{LicenseChoices, SupportPolicy, SupportPolicyForm};

use crate::ui::{Badge, CopyButton, Time, TimeStyle, Tone};
use leptos::prelude::*;
use time::OffsetDateTime;
use types::licenses::{FingerprintTolerance, LicenseStatus, Tier};

/// How a person reads the tier.
pub const fn tier_label(tier: Tier) -> &'static str {
    match tier {
        Tier::Free => "Free",
        Tier::Pro => "Pro",
        Tier::Enterprise => "Enterprise",
    }
}

/// Ends the sentence "A device stays the same if …".
pub const fn same_if(tolerance: FingerprintTolerance) -> &'static str {
    match tolerance {
        FingerprintTolerance::Exact => "all of its parts do",
        FingerprintTolerance::Most => "most of its parts do",
        FingerprintTolerance::AnyTwo => "any two of its parts do",
    }
}

/// How a person reads the status.
pub const fn status_label(status: LicenseStatus) -> &'static str {
    match status {
        LicenseStatus::Active => "Active",
        LicenseStatus::PastDue => "Past due",
        LicenseStatus::Restricted => "Restricted",
        LicenseStatus::Suspended => "Suspended",
        LicenseStatus::Expired => "Expired",
    }
}

/// What the status means for those who work.
pub const fn status_meaning(status: LicenseStatus) -> &'static str {
    match status {
        LicenseStatus::Active => "Everything works.",
        LicenseStatus::PastDue => "The last payment failed. Everything keeps working while it is tried again.",
        LicenseStatus::Restricted => "It is unpaid. Nobody new can start; nobody who is running is cut off.",
        LicenseStatus::Suspended => "Support has suspended it. Nobody can start, and running applications stop at their next heartbeat.",
        LicenseStatus::Expired => "Its time is over. Nobody can start, and running applications stop at their next heartbeat.",
    }
}

/// "does not end", "ends on 1 Dec 2026".
#[component]
pub fn Ends(at: Option<OffsetDateTime>) -> impl IntoView {
    match at {
        Some(at) => view! { "ends on " <Time at=at style=TimeStyle::Date/> }.into_any(),
        None => "does not end".into_any(),
    }
}

/// The status as a badge.
#[component]
pub fn StatusBadge(status: LicenseStatus) -> impl IntoView {
    let tone = match status {
        LicenseStatus::Active => Tone::Ok,
        LicenseStatus::PastDue => Tone::Warn,
        LicenseStatus::Restricted | LicenseStatus::Suspended | LicenseStatus::Expired => Tone::Bad,
    };
    view! { <Badge tone=tone>{status_label(status)}</Badge> }
}

/// The key, to be copied.
#[component]
pub fn KeyLine(key_text: String) -> impl IntoView {
    view! {
        <div class="codeline">
            <code tabindex="0">{key_text.clone()}</code>
            <CopyButton text=key_text what="license key".to_owned()/>
        </div>
    }
}
