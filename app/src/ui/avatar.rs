//! Initials of a person or an organisation.

use leptos::prelude::*;

/// Decoration beside a name.
#[component]
pub fn Avatar(
    name: String,
    #[prop(optional)] large: bool,
    /// Square and dark, for an organisation.
    #[prop(optional)]
    organization: bool,
    #[prop(optional)] class: &'static str,
) -> impl IntoView {
    let mut classes = String::from("avatar");
    if large {
        classes.push_str(" avatar-lg");
    }
    if organization {
        classes.push_str(" avatar-org");
    }
    if !class.is_empty() {
        classes.push(' ');
        classes.push_str(class);
    }
    view! { <span class=classes aria-hidden="true">{initials(&name)}</span> }
}

/// First letters of the first and the last word, upper case; a question mark where there is no letter or digit.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    let last = words.next_back();
    let letters: String = first.into_iter().chain(last).flat_map(char::to_uppercase).collect();
    if letters.is_empty() { "?".to_owned() } else { letters }
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn first_and_last() {
        assert_eq!(initials("Ingrid Solberg"), "IS");
        assert_eq!(initials("Maria del Carmen Ruiz"), "MR");
        assert_eq!(initials("amélie"), "A");
        assert_eq!(initials("(Östen) Åberg"), "ÖÅ");
        assert_eq!(initials("—"), "?");
    }
}
