//! An entry of the audit log in words.

use serde_json::Value;
use types::Role;
use types::organizations::AuditEntry;

/// What was done. An action that this page does not know yet shows its own name.
pub(super) fn phrase(entry: &AuditEntry) -> String {
    let details = &entry.details;
    match entry.action.as_str() {
        "organization.created" => "Created the organization".to_owned(),
        "organization.renamed" => renamed(details),
        "organization.analytics_on" => "Let the use of features be counted".to_owned(),
        "organization.analytics_off" => "Stopped the counting of features, and deleted what was counted".to_owned(),
        "organization.suspended" => "Suspended the organization".to_owned(),
        "organization.restored" => "Restored the organization".to_owned(),
        "member.invited" => format!("Invited as {}", role(details, "role")),
        "member.invitation_withdrawn" => "Withdrew an invitation".to_owned(),
        "member.joined" => format!("Joined as {}", role(details, "role")),
        "member.role_changed" => format!("Changed role from {} to {}", role(details, "from"), role(details, "to")),
        "member.removed" => "Removed from the organization".to_owned(),
        "member.left" => "Left the organization".to_owned(),
        "device.approved" => "Let a device sign in".to_owned(),
        "session.revoked" => "Revoked a session".to_owned(),
        "license.seats_changed" => match change(details, "max_seats") {
            Some((from, to)) => format!("Changed seats from {from} to {to}"),
            None => "Saved the number of seats without a change".to_owned(),
        },
        "license.policy_changed" => policy(details),
        "license.plan_changed" => changed(details, "plan", "plan"),
        "license.status_changed" => changed(details, "status", "standing"),
        "license.granted" => {
            format!("Granted the Enterprise plan, {} seats", change(details, "max_seats").map_or_else(String::new, |c| c.1))
        }
        "license.grant_ended" => "Ended the granted plan".to_owned(),
        "billing.checkout_opened" => format!("Went to pay for {} seats", details.get("seats").and_then(Value::as_u64).unwrap_or(0)),
        "billing.seats_added" => changed(details, "seats", "bought seats"),
        "billing.seats_booked" => match change(details, "seats") {
            Some((from, to)) => format!("Booked {to} instead of {from} seats for the end of the period"),
            None => "Booked seats for the end of the period".to_owned(),
        },
        "billing.booking_undone" => "Took back the seats booked for the end of the period".to_owned(),
        "billing.canceled" => "Canceled the plan for the end of the period".to_owned(),
        "billing.resumed" => "Resumed the plan".to_owned(),
        "billing.details_changed" => "Changed the billing details".to_owned(),
        "billing.buyers_changed" => match details.get("admins_may_buy").and_then(Value::as_bool) {
            Some(true) => "Allowed admins to change seats".to_owned(),
            _ => "Kept changing seats from admins".to_owned(),
        },
        other => other.replace(['.', '_'], " "),
    }
}

fn role(details: &Value, name: &str) -> &'static str {
    details.get(name).and_then(Value::as_str).and_then(|role| role.parse().ok()).map_or("member", Role::label)
}

/// "Changed plan from FREE to PRO"
fn changed(details: &Value, name: &str, what: &str) -> String {
    change(details, name)
        .map_or_else(|| format!("Saved the {what} without a change"), |(from, to)| format!("Changed {what} from {from} to {to}"))
}

/// The two values of something that changed, as the log keeps them: `[before, after]`. `None` if both are the same.
fn change(details: &Value, name: &str) -> Option<(String, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "the default".to_owned(),
        other => other.to_string(),
    };
    match details.get(name)?.as_array()?.as_slice() {
        [from, to] if from != to => Some((text(from), text(to))),
        _ => None,
    }
}

fn renamed(details: &Value) -> String {
    match (change(details, "name"), change(details, "slug")) {
        (Some((from, to)), None) => format!("Changed the name from {from} to {to}"),
        (None, Some((from, to))) => format!("Changed the address from {from} to {to}"),
        (Some((from, to)), Some((_, slug))) => format!("Changed the name from {from} to {to} and the address to {slug}"),
        (None, None) => "Saved the settings without a change".to_owned(),
    }
}

fn policy(details: &Value) -> String {
    let all = [
        ("max_seats", "seats", ""),
        ("lease_seconds", "lease", " s"),
        ("heartbeat_seconds", "heartbeat", " s"),
        ("offline_hours", "offline time", " h"),
        ("overage_percent", "allowance beyond the seats", " %"),
        ("offline_cap", "devices with offline rights", ""),
        ("show_holders", "naming holders in refusals", ""),
        ("fingerprint_tolerance", "comparison of devices", ""),
    ];
    let changes: Vec<String> = all
        .iter()
        .filter_map(|(name, label, unit)| change(details, name).map(|(from, to)| format!("{label} from {from}{unit} to {to}{unit}")))
        .collect();
    if changes.is_empty() { "Saved the license’s limits without a change".to_owned() } else { format!("Changed {}", changes.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::OffsetDateTime;

    fn said(action: &str, details: Value) -> String {
        phrase(&AuditEntry {
            id: 1,
            at: OffsetDateTime::UNIX_EPOCH,
            actor_kind: "user".into(),
            actor_name: "Ingrid".into(),
            action: action.into(),
            subject: String::new(),
            reason: None,
            details,
        })
    }

    #[test]
    fn says_what_changed() {
        assert_eq!(said("member.role_changed", json!({ "from": "MEMBER", "to": "GUEST" })), "Changed role from Member to Guest");
        assert_eq!(said("license.seats_changed", json!({ "max_seats": [5, 3] })), "Changed seats from 5 to 3");
        assert_eq!(
            said(
                "license.policy_changed",
                json!({ "lease_seconds": [360, 120], "heartbeat_seconds": [300, 60], "offline_hours": [72, 72] })
            ),
            "Changed lease from 360 s to 120 s, heartbeat from 300 s to 60 s"
        );
        assert_eq!(said("organization.renamed", json!({ "name": ["A", "B"], "slug": ["a", "a"] })), "Changed the name from A to B");
        assert_eq!(said("license.plan_changed", json!({ "plan": ["FREE", "PRO"] })), "Changed plan from FREE to PRO");
        assert_eq!(said("billing.seats_booked", json!({ "seats": [5, 2] })), "Booked 2 instead of 5 seats for the end of the period");
        assert_eq!(said("something.quite_new", json!(null)), "something quite new");
    }
}
