//! Lucide icons, inlined as SVG.

mod lucide;

use leptos::prelude::*;
pub use lucide::*;

/// The inside of one icon's `<svg>`, on a grid of 24.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lucide(&'static str);

/// An icon. It is decoration: the words beside it, or the `aria-label` of its button, carry the meaning.
#[component]
pub fn Icon(
    icon: Lucide,
    /// 14 instead of 16 pixels, with a heavier line.
    #[prop(optional)]
    small: bool,
    /// More classes, such as `text-ink-3`.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    let size = if small { "icon-sm" } else { "icon" };
    let class = if class.is_empty() { size.to_owned() } else { format!("{size} {class}") };
    view! {
        <svg
            class=class
            viewBox="0 0 24 24"
            fill="none"
            stroke="currentColor"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
            inner_html=icon.0
        ></svg>
    }
}

/// The product's mark: a seat that closes into a C.
#[component]
pub fn Mark(
    /// Edge in pixels.
    #[prop(default = 28)]
    size: u8,
) -> impl IntoView {
    view! {
        <svg class="shrink-0" width=size height=size viewBox="0 0 24 24" aria-hidden="true">
            <rect width="24" height="24" rx="6" fill="var(--color-ink)"></rect>
            <path d="M15.6 8.6a4.9 4.9 0 1 0 0 6.8" fill="none" stroke="var(--color-canvas)" stroke-width="2.2" stroke-linecap="round"></path>
            <circle cx="16.3" cy="12" r="1.5" fill="var(--color-canvas)"></circle>
        </svg>
    }
}
