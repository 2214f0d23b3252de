//! What a page says has just been done. The address carries only a code, so nobody can put words into our mouth.

pub(super) fn text(code: &str) -> Option<&'static str> {
    Some(match code {
        "invited" => "Invitation sent",
        "invited_again" => "Invitation sent again; the old link is void",
        "withdrawn" => "Invitation withdrawn; its link is void",
        "role_changed" => "Role changed",
        "removed" => "Removed from the organization",
        "revoked" => "Session revoked; its seat is free",
        "saved" => "Changes saved",
        "bought" => "Thank you. Your seats are there",
        "read" => "This is what the payment provider says now",
        "read_later" => "The payment provider does not answer; what you did there shows here in a moment",
        "seats_added" => "Seats added; they can be used now",
        "seats_booked" => "Fewer seats are booked for the end of the period",
        "seats_kept" => "You keep your seats",
        "seats_updated" => "Seats updated",
        "plan_canceled" => "Plan canceled; you can resume it until it ends",
        "plan_resumed" => "Plan resumed",
        "joined" => "Welcome! You are a member now",
        _ => return None,
    })
}
