//! State, as a colour that always comes with a word.

use leptos::prelude::*;

/// What a colour says. Never decoration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Neutral,
    Ok,
    Warn,
    Bad,
    Accent,
}

impl Tone {
    fn badge(self) -> &'static str {
        match self {
            Self::Neutral => "badge",
            Self::Ok => "badge badge-ok",
            Self::Warn => "badge badge-warn",
            Self::Bad => "badge badge-bad",
            Self::Accent => "badge badge-accent",
        }
    }

    fn dot(self) -> &'static str {
        match self {
            Self::Neutral | Self::Accent => "dot dot-off",
            Self::Ok => "dot dot-ok",
            Self::Warn => "dot dot-warn",
            Self::Bad => "dot dot-bad",
        }
    }
}

/// A short word about a thing, such as "Past due".
#[component]
pub fn Badge(
    #[prop(optional)] tone: Tone,
    /// A hairline instead of a filled ground.
    #[prop(optional)]
    outline: bool,
    children: Children,
) -> impl IntoView {
    view! { <span class=if outline { "badge badge-line" } else { tone.badge() }>{children()}</span> }
}

/// A dot and a word, for a column of states. `Neutral` is a hollow dot: ended, off.
#[component]
pub fn StateDot(#[prop(into)] tone: Signal<Tone>, children: Children) -> impl IntoView {
    view! {
        <span class="state">
            <span class=move || tone.get().dot() aria-hidden="true"></span>
            <span>{children()}</span>
        </span>
    }
}
