//! Light or dark, and the product's name.

use leptos::prelude::*;
use std::sync::Arc;

/// What the reader chose in the user menu; kept in the cookie `theme`. The server puts it into context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// Name of the cookie and of the form's field.
    pub const NAME: &str = "theme";
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The value of cookie and field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// How a person reads it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    /// The value of `<html data-theme>`; none follows the system.
    pub const fn attribute(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light | Self::Dark => Some(self.as_str()),
        }
    }

    /// What a field or cookie of that value means; anything unknown follows the system.
    pub fn parse(value: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.as_str() == value).unwrap_or_default()
    }

    /// What the request's `Cookie` header says.
    pub fn from_cookies(header: &str) -> Self {
        header
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == Self::NAME)
            .map_or(Self::System, |(_, value)| Self::parse(value))
    }
}

/// `PRODUCT_NAME`; the server puts it into context.
#[derive(Clone, Debug)]
pub struct Product(pub Arc<str>);

impl Product {
    /// The one in context, or the default.
    pub fn current() -> Self {
        use_context().unwrap_or_else(|| Self("CODITECT".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::Theme;

    #[test]
    fn from_the_cookie() {
        assert_eq!(Theme::from_cookies("a=b; theme=dark; c=d"), Theme::Dark);
        assert_eq!(Theme::from_cookies("xtheme=dark"), Theme::System);
        assert_eq!(Theme::from_cookies("theme=\"><script>"), Theme::System);
        assert_eq!(Theme::from_cookies(""), Theme::System);
    }
}
