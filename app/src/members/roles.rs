//! What each role may do, read from the table that decides it.

use super::RoleOption;
use crate::ui::{Icon, icon};
use domain::access::allows;
use leptos::prelude::*;
use types::{Action, Role};

/// How an action reads after "may".
const fn phrase(action: Action) -> &'static str {
    match action {
        Action::OverviewView => "see the overview",
        Action::MembersView => "see members",
        Action::MembersManage => "invite, remove and change members",
        Action::OwnersManage => "make and unmake owners",
        Action::LicensesView => "see licenses and keys",
        Action::LicensesManage => "change what a license allows",
        Action::SeatHold => "hold a seat",
        Action::SessionsView => "see every live session",
        Action::SessionsRevoke => "end every session",
        Action::SessionsRevokeOwn => "end their own sessions",
        Action::BillingView => "see plan and invoices",
        Action::BillingManage => "buy and change seats",
        Action::UsageView => "see usage",
        Action::AuditView => "read the audit log",
        Action::SettingsManage => "change name and settings",
        Action::TenantDelete => "delete the organization",
    }
}

/// What tells roles apart, as things done and as things seen.
const DONE: [(Action, &str); 4] = [
    (Action::MembersManage, "manage members"),
    (Action::BillingManage, "buy seats"),
    (Action::SessionsRevoke, "end sessions"),
    (Action::SettingsManage, "change settings"),
];
const SEEN: [(Action, &str); 5] = [
    (Action::AuditView, "the audit log"),
    (Action::SessionsView, "all sessions"),
    (Action::LicensesView, "licenses"),
    (Action::MembersView, "members"),
    (Action::OverviewView, "the overview"),
];

/// The role in a sentence or two.
pub(super) fn sentence(role: Role) -> String {
    let seat = if allows(role, Action::SeatHold) { "May hold a seat" } else { "Holds no seat" };
    if Action::ALL.iter().all(|action| allows(role, *action)) {
        return format!("{seat}. Can do everything.");
    }
    let allowed =
        |all: &[(Action, &'static str)]| all.iter().filter(|(action, _)| allows(role, *action)).map(|(_, text)| *text).collect::<Vec<_>>();
    let (done, mut seen) = (allowed(&DONE), allowed(&SEEN));
    seen.truncate(3);
    let done = if done.is_empty() { String::new() } else { format!(" Can {}.", joined(&done)) };
    format!("{seat}.{done} Sees {}.", joined(&seen))
}

/// "a", "a and b", "a, b and c".
fn joined(parts: &[&str]) -> String {
    match parts {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// The roles that one may give, who has this role himself.
pub(super) fn options(giver: Role) -> Vec<RoleOption> {
    Role::ALL
        .iter()
        .filter(|role| **role != Role::Owner || allows(giver, Action::OwnersManage))
        .map(|role| RoleOption { value: role.to_string(), label: role.label().to_owned(), may: sentence(*role) })
        .collect()
}

/// The whole table.
#[component]
pub(super) fn RoleTable() -> impl IntoView {
    let heads = Role::ALL.iter().map(|role| view! { <th scope="col" class="!text-center">{role.label()}</th> }).collect_view();
    let rows = Action::ALL
        .iter()
        .map(|action| {
            let cells = Role::ALL.iter().map(|role| view! { <Cell yes=allows(*role, *action)/> }).collect_view();
            view! {
                <tr>
                    <th scope="row" class="first-letter:uppercase">
                        {phrase(*action)}
                    </th>
                    {cells}
                </tr>
            }
        })
        .collect_view();
    view! {
        <details class="card mt-6">
            <summary class="flex min-h-11 items-center gap-2 px-4 py-2 font-medium">
                <Icon icon=icon::SHIELD class="text-ink-3"/>
                "What each role may do"
                <span class="ml-auto">
                    <Icon icon=icon::CHEVRON_DOWN class="text-ink-3"/>
                </span>
            </summary>
            // Five roles are wider than a phone: then this scrolls, and not the page.
            <div class="overflow-x-auto border-t border-line" role="region" aria-label="What each role may do" tabindex="0">
                <table class="table table-roles">
                    <caption class="sr-only">"What each role may do"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"May"</th>
                            {heads}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
}

#[component]
fn Cell(yes: bool) -> impl IntoView {
    if yes {
        view! {
            <td class="text-center">
                <Icon icon=icon::CHECK small=true class="inline !text-ok-ink"/>
                <span class="sr-only">"Yes"</span>
            </td>
        }
        .into_any()
    } else {
        view! {
            <td class="text-center">
                <span aria-hidden="true" class="text-ink-3">
                    "–"
                </span>
                <span class="sr-only">"No"</span>
            </td>
        }
        .into_any()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_in_a_sentence() {
        let all: Vec<String> = Role::ALL.iter().map(|role| sentence(*role)).collect();
        assert_eq!(
            all,
            [
                "May hold a seat. Can do everything.",
                "May hold a seat. Can manage members, buy seats, end sessions and change settings. Sees the audit log, all sessions and licenses.",
                "Holds no seat. Can buy seats. Sees all sessions, licenses and members.",
                "May hold a seat. Sees licenses, members and the overview.",
                "Holds no seat. Sees the overview.",
            ]
        );
    }

    #[test]
    fn only_owners_make_owners() {
        assert!(options(Role::Owner).iter().any(|o| o.value == "OWNER"));
        assert!(!options(Role::Admin).iter().any(|o| o.value == "OWNER"));
    }
}
