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
        "joined" => "Welcome! You are a member now",
        _ => return None,
    })
}
