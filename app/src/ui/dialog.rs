//! Dialogs. The server renders them open for `?revoke=ID` and the like; where JavaScript runs, `enhance` opens the same markup with
//! `showModal()`. There is one at a time, so its ids are fixed.

use leptos::prelude::*;

/// A dialog over the page. Hand it to the layout's `dialog`, which makes the page behind it `inert`.
///
/// Inside: a form with [`DialogBody`] and [`DialogFoot`].
#[component]
pub fn Dialog(
    /// The page without the dialog: where Esc leads.
    #[prop(into)]
    close_href: String,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="scrim">
            <dialog class="dialog" open aria-labelledby="dialog-title" aria-describedby="dialog-text" data-close=close_href>
                {children()}
            </dialog>
        </div>
    }
}

/// Title and consequence. The children are more, such as facts or fields.
#[component]
pub fn DialogBody(
    /// A question that names the thing: "Revoke Priya Raman’s session?"
    #[prop(into)]
    title: String,
    /// What follows, in numbers.
    #[prop(into)]
    consequence: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="dialog-body">
            <h2 id="dialog-title" tabindex="-1" autofocus class="outline-none">
                {title}
            </h2>
            <p id="dialog-text">{consequence}</p>
            {children.map(|children| children())}
        </div>
    }
}

/// The way back, then the act (the children).
#[component]
pub fn DialogFoot(
    /// What the way back says: "Keep session".
    #[prop(into)]
    keep: String,
    #[prop(into)] close_href: String,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="dialog-foot">
            <a class="btn btn-secondary" href=close_href>
                {keep}
            </a>
            {children()}
        </div>
    }
}
