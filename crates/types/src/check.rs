//! Checks of what people type. The browser runs them as one leaves a field, the domain runs them again.

use crate::{FieldError, Role};
use std::str::FromStr;

/// Shortest password, in characters (Unicode code points).
pub const PASSWORD_MIN: usize = 12;
/// Longest password: longer ones only cost memory.
pub const PASSWORD_MAX: usize = 256;
/// Longest name of a person or organisation, in characters.
pub const NAME_MAX: usize = 100;

/// Common passwords of twelve and more characters, lower case.
const COMMON: &str = include_str!("common_passwords.txt");

/// Characters that are invisible or change the direction of text; a name with them can pose as another.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}')
}

pub fn text(field: &str, what: &str, value: &str, max: usize) -> Result<String, FieldError> {
    let value = value.trim();
    if value.is_empty() {
        return Err(FieldError::new(field, format!("Enter {what}.")));
    }
    if value.chars().count() > max {
        return Err(FieldError::new(field, format!("Use at most {max} characters.")));
    }
    if value.chars().any(is_deceptive) {
        return Err(FieldError::new(field, "Remove invisible and control characters."));
    }
    Ok(value.to_owned())
}

/// The name of an organisation, trimmed.
pub fn organization_name(value: &str) -> Result<String, FieldError> {
    let name = text("organization_name", "the name of your organization", value, NAME_MAX)?;
    if !name.chars().any(char::is_alphanumeric) {
        return Err(FieldError::new("organization_name", "Use at least one letter or digit."));
    }
    Ok(name)
}

/// The name of a person, trimmed.
pub fn person_name(value: &str) -> Result<String, FieldError> {
    text("name", "your name", value, NAME_MAX)
}

/// An e-mail address, trimmed and in lower case, at most 254 octets (RFC 5321 §4.5.3.1.3).
pub fn email(value: &str) -> Result<String, FieldError> {
    let value = value.trim();
    if value.is_empty() {
        return Err(FieldError::new("email", "Enter your email address."));
    }
    let wrong = || FieldError::new("email", "Enter the full address, such as name@example.com.");
    if value.len() > 254 || value.chars().any(is_deceptive) {
        return Err(wrong());
    }
    let options = email_address::Options::default().with_required_tld().without_display_text().without_domain_literal();
    email_address::EmailAddress::parse_with_options(value, options).map_err(|_| wrong())?;
    Ok(value.to_lowercase())
}

/// A new password: length counted in characters, any composition, none of the common ones, none made of `known` words such as
/// the person's own address or organisation (ASVS 5.0 6.2.1 to 6.2.11).
pub fn new_password(value: &str, known: &[&str]) -> Result<(), FieldError> {
    let fail = |detail: String| Err(FieldError::new("password", detail));
    let length = value.chars().count();
    if length == 0 {
        return fail("Choose a password.".into());
    }
    if length < PASSWORD_MIN {
        return fail(format!("Use at least {PASSWORD_MIN} characters. A sentence works well."));
    }
    if length > PASSWORD_MAX {
        return fail(format!("Use at most {PASSWORD_MAX} characters."));
    }
    if value.contains('\0') {
        return fail("Remove the NUL character.".into());
    }
    let lower = value.to_lowercase();
    let first = lower.chars().next();
    if lower.chars().all(|c| Some(c) == first) || COMMON.lines().any(|common| common == lower) {
        return fail("This password is on lists that attackers try first. Choose another.".into());
    }
    let contains_known =
        known.iter().map(|w| w.to_lowercase()).filter(|w| w.chars().count() >= 5).any(|w| lower.contains(&w) && w.len() * 2 > lower.len());
    if contains_known {
        return fail("Do not build the password from your own name, address or organization.".into());
    }
    Ok(())
}

/// The role given to somebody.
pub fn role(value: &str) -> Result<Role, FieldError> {
    Role::from_str(value).map_err(|_| FieldError::new("role", "Choose one of the roles."))
}

/// An organisation's address part: lower-case letters, digits and single hyphens, 2 to 48.
pub fn slug(value: &str) -> Result<String, FieldError> {
    let value = value.trim();
    let ok = (2..=48).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !value.starts_with('-')
        && !value.ends_with('-')
        && !value.contains("--")
        && value != "new";
    if ok { Ok(value.to_owned()) } else { Err(FieldError::new("slug", "Use 2 to 48 lower-case letters, digits and single hyphens.")) }
}

/// The reason that staff must give.
pub fn reason(value: &str) -> Result<String, FieldError> {
    text("reason", "a reason; the organization reads it in its audit log", value, 500)
}

/// Text that a device sends about itself: present, at most `max` bytes, no control characters.
pub fn device_text(field: &str, value: &str, max: usize) -> Result<String, FieldError> {
    let fail = |detail: String| Err(FieldError::new(field, detail));
    if value.trim().is_empty() {
        return fail(format!("`{field}` must not be empty."));
    }
    if value.len() > max {
        return fail(format!("`{field}` must have at most {max} bytes."));
    }
    if value.chars().any(is_deceptive) {
        return fail(format!("`{field}` must not contain control characters."));
    }
    Ok(value.to_owned())
}

/// The message for the field of that name as typed so far; what a form shows when one leaves the field.
pub fn field(name: &str, value: &str) -> Option<String> {
    let result = match name {
        "organization_name" => organization_name(value).map(drop),
        "name" => person_name(value).map(drop),
        "email" => email(value).map(drop),
        "password" => new_password(value, &[]),
        "reason" => reason(value).map(drop),
        "slug" => slug(value).map(drop),
        _ => Ok(()),
    };
    result.err().map(|e| e.detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(organization_name("  Fjordline Studio ").unwrap(), "Fjordline Studio");
        assert!(organization_name("").is_err());
        assert!(organization_name("—").is_err());
        assert!(organization_name(&"a".repeat(NAME_MAX)).is_ok());
        assert!(organization_name(&"a".repeat(NAME_MAX + 1)).is_err());
        assert!(person_name("a\0b").is_err());
        assert!(person_name("safe\u{202E}evil").is_err());
        assert!(person_name("Zoë 👩‍💻").is_err(), "a zero-width joiner is invisible");
        assert!(person_name("Zoë Ångström").is_ok());
    }

    #[test]
    fn addresses_are_whole_and_lower_case() {
        assert_eq!(email(" Ingrid@Fjordline.Example ").unwrap(), "ingrid@fjordline.example");
        for wrong in ["", "ingrid", "ingrid@fjordline", "a@b@c.de", "a b@c.de", "Ingrid <i@c.de>", "i@[127.0.0.1]", "i@c.de\r\nBcc: x@y.z"]
        {
            assert!(email(wrong).is_err(), "{wrong:?}");
        }
        assert!(email(&format!("{}@example.com", "a".repeat(64))).is_ok());
        assert!(email(&format!("{}@example.com", "a".repeat(65))).is_err());
    }

    #[test]
    fn passwords_are_long_and_not_common() {
        assert!(new_password("elevenchars", &[]).is_err());
        assert!(new_password("twelve chars", &[]).is_ok());
        assert!(new_password("пароль из двенадцати", &[]).is_ok());
        assert!(new_password(&"é".repeat(PASSWORD_MIN), &[]).is_err(), "one character repeated");
        assert!(new_password("password1234", &[]).is_err());
        assert!(new_password("Fjordline-2026", &["Fjordline"]).is_err());
        assert!(new_password("the Fjordline ferry leaves at nine", &["Fjordline"]).is_ok());
        assert!(new_password(&"ab".repeat(PASSWORD_MAX / 2), &[]).is_ok());
        assert!(new_password(&"ab".repeat(PASSWORD_MAX / 2 + 1), &[]).is_err());
    }

    #[test]
    fn slugs() {
        for ok in ["ab", "fjordline-studio", "a1"] {
            assert!(slug(ok).is_ok(), "{ok}");
        }
        for wrong in ["a", "-ab", "ab-", "a--b", "Ab", "new", "a/b", "ä1"] {
            assert!(slug(wrong).is_err(), "{wrong}");
        }
    }
}
