//! The support console of the vendor's staff.

mod forms;
mod search;
mod tenant;

pub use forms::{EndGrantForm, GrantForm, StandingForm, SupportEndGrant, SupportGrant, SupportRevoke, SupportRevokeForm, SupportStanding};
pub use search::SupportPage;
pub use tenant::SupportTenantPage;

use crate::layout::{StaffFrame, StaffNavItem, StaffSearch, User};
use crate::visit::Visit;
use store::{Actor, OpCtx};
use types::StaffRole;

/// What stands around every page of the console.
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
