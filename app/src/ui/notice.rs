//! What a page says beside its content: callouts, empty states, toasts.

use super::{Icon, Tone, icon};
use icon::Lucide;
use leptos::prelude::*;

/// Says what is so and what to do about it. The children are the text after the title.
#[component]
pub fn Callout(
    #[prop(optional)] tone: Tone,
    /// Instead of the tone's own icon.
    #[prop(optional)]
    icon: Option<Lucide>,
    #[prop(optional, into)] title: Option<String>,
    /// Announce it at once: it came in answer to something.
    #[prop(optional)]
    alert: bool,
    children: Children,
) -> impl IntoView {
    let (class, own) = match tone {
        Tone::Neutral => ("callout", icon::INFO),
        Tone::Accent => ("callout callout-accent", icon::INFO),
        Tone::Ok => ("callout callout-ok", icon::CIRCLE_CHECK),
        Tone::Warn => ("callout callout-warn", icon::TRIANGLE_ALERT),
        Tone::Bad => ("callout callout-bad", icon::CIRCLE_ALERT),
    };
    view! {
        <div class=class role=alert.then_some("alert")>
            <Icon icon=icon.unwrap_or(own)/>
            <div>{title.map(|title| view! { <strong>{title}</strong> " " })} {children()}</div>
        </div>
    }
}

/// Where a list is empty or away: what this is, and the one next thing to do (the children: text in `<p>`, then one button).
#[component]
pub fn EmptyState(
    icon: Lucide,
    #[prop(into)] title: String,
    /// Id of the title, for `aria-labelledby` of the section around.
    #[prop(optional)]
    title_id: Option<&'static str>,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="empty">
            <span class="glyph">
                <Icon icon=icon/>
            </span>
            <h2 id=title_id>{title}</h2>
            {children()}
        </div>
    }
}

/// A notice of something that has just been done; goes by itself where JavaScript runs, unless it has children: an act such as Undo.
#[component]
pub fn Toast(#[prop(into)] text: String, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    let stays = if children.is_some() { "staying" } else { "passing" };
    view! {
        <div class="toast" role="status" data-toast=stays>
            <Icon icon=icon::CIRCLE_CHECK/>
            <span>{text}</span>
            {children.map(|children| children())}
        </div>
    }
}
