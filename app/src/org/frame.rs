//! What stands around the pages of an organisation.

use super::Org;
use crate::layout::{NavItem, OrgChoice, OrgFrame, OrgPage, Seats, User};
use types::Action;

/// The frame, with what the reader's role may see.
pub(super) fn frame(org: &Org) -> OrgFrame {
    let live = org.live.as_ref().ok();
    let person = org.visit.person.as_ref();
    OrgFrame {
        organization: OrgChoice { name: org.tenant.name.clone(), slug: org.tenant.slug.clone() },
        organizations: person
            .map(|p| p.organizations.iter().map(|o| OrgChoice { name: o.name.clone(), slug: o.slug.clone() }).collect())
            .unwrap_or_default(),
        nav: nav(org),
        seats: live.map(|live| Seats { used: live.active, total: live.max_seats }),
        // Nobody enters an organisation without signing in.
        user: org.visit.user().unwrap_or_else(|| User { name: String::new(), email: String::new(), links: Vec::new() }),
        owed: org.owed.clone(),
        create_href: Some("/orgs/new".to_owned()),
    }
}

fn nav(org: &Org) -> Vec<NavItem> {
    let mut nav = vec![NavItem::from(OrgPage::Overview)];
    if org.sees_sessions() {
        // Who sees only his own would take the number of all for his.
        let count = org.live.as_ref().ok().filter(|_| org.may(Action::SessionsView)).map(|live| live.active);
        nav.push(NavItem { page: OrgPage::Sessions, count });
    }
    if org.may(Action::MembersView) {
        nav.push(NavItem { page: OrgPage::Members, count: Some(org.size.members) });
    }
    let others = [
        (OrgPage::Licenses, Action::LicensesView),
        (OrgPage::Usage, Action::UsageView),
        (OrgPage::Billing, Action::BillingView),
        (OrgPage::Audit, Action::AuditView),
        (OrgPage::Settings, Action::SettingsManage),
    ];
    nav.extend(others.into_iter().filter(|(_, action)| org.may(*action)).map(|(page, _)| NavItem::from(page)));
    nav
}
