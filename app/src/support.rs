//! The support console of the vendor's staff.

mod forms;
#[cfg(feature = "ssr")]
mod search;
#[cfg(feature = "ssr")]
mod tenant;

pub use forms::{StandingForm, SupportRevoke, SupportRevokeForm, SupportStanding};
#[cfg(feature = "ssr")]
pub use search::SupportPage;
#[cfg(feature = "ssr")]
pub use tenant::SupportTenantPage;

#[cfg(feature = "ssr")]
use crate::layout::{StaffFrame, StaffNavItem, StaffSearch, User};
#[cfg(feature = "ssr")]
use crate::visit::Visit;
#[cfg(feature = "ssr")]
use store::{Actor, OpCtx};
#[cfg(feature = "ssr")]
use types::StaffRole;

/// What stands around every page of the console.
#[cfg(feature = "ssr")]
fn frame(visit: &Visit, ctx: &OpCtx, search: bool) -> StaffFrame {
    let role = match &ctx.actor {
        Actor::Staff { role: StaffRole::StaffAdmin, .. } => "Staff admin",
        _ => "Support",
    };
    StaffFrame {
        nav: vec![StaffNavItem { label: "Tenants", href: "/support".to_owned(), current: true }],
        search: search.then(|| StaffSearch { action: "/support".to_owned(), value: String::new() }),
        // Staff are signed in.
        user: visit.user().unwrap_or_else(|| User { name: String::new(), email: String::new(), links: Vec::new() }),
        role,
    }
}
