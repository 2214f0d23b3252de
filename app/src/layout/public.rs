//! Pages for people who are not signed in, and single questions to those who are.

use super::{PageTitle, Toasts};
use crate::ui::{Mark, Product};
use leptos::prelude::*;

/// One centred card under the product's mark. The children begin with the `<h1>`.
#[component]
pub fn PublicLayout(
    #[prop(into)] title: String,
    /// One line below the card, such as "Already have a login? Sign in".
    #[prop(default = None)]
    footer: Option<AnyView>,
    #[prop(default = None)] toast: Option<String>,
    children: Children,
) -> impl IntoView {
    view! {
        <PageTitle title=title/>
        <div class="public">
            <header>
                <a class="flex items-center gap-2.5 rounded-sm text-lg font-semibold text-ink no-underline" href="/">
                    <Mark/>
                    {Product::current().0.to_string()}
                </a>
            </header>
            <main class="public-card" id="main" tabindex="-1">
                {children()}
            </main>
            {footer.map(|footer| view! { <footer class="text-center text-sm text-ink-2">{footer}</footer> })}
        </div>
        <Toasts toast=toast/>
    }
    .into_any()
}
