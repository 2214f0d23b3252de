//! Buttons, and links that look like them.

use leptos::prelude::*;

/// What a button is for. One primary per view; `Danger` only inside a dialog, `DangerQuiet` opens it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    Primary,
    #[default]
    Secondary,
    Ghost,
    Danger,
    DangerQuiet,
}

/// 28, 32 or 40 pixels high.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Size {
    Sm,
    #[default]
    Md,
    Lg,
}

/// The classes of a button, for the rare element that is neither `<Button>` nor `<ButtonLink>`, such as a `<summary>`.
pub fn button_class(kind: Kind, size: Size, icon_only: bool, more: &str) -> String {
    let mut class = String::from("btn");
    class.push_str(match kind {
        Kind::Primary => " btn-primary",
        Kind::Secondary => " btn-secondary",
        Kind::Ghost => " btn-ghost",
        Kind::Danger => " btn-danger",
        Kind::DangerQuiet => " btn-danger-quiet",
    });
    class.push_str(match size {
        Size::Sm => " btn-sm",
        Size::Md => "",
        Size::Lg => " btn-lg",
    });
    if icon_only {
        class.push_str(" btn-icon");
    }
    if !more.is_empty() {
        class.push(' ');
        class.push_str(more);
    }
    class
}

/// A button. Give one that shows only an icon its name with `attr:aria-label`.
#[component]
pub fn Button(
    #[prop(optional)] kind: Kind,
    #[prop(optional)] size: Size,
    /// A square for one icon.
    #[prop(optional)]
    icon_only: bool,
    /// `submit` or `button`.
    #[prop(default = "submit")]
    action: &'static str,
    /// What the form sends when this button is the one pressed.
    #[prop(optional, into)]
    name: Option<String>,
    #[prop(optional, into)] value: Option<String>,
    #[prop(optional, into)] disabled: Signal<bool>,
    /// At work: cannot be pressed again and shows a spinner.
    #[prop(optional, into)]
    busy: Signal<bool>,
    #[prop(optional)] class: &'static str,
    children: Children,
) -> impl IntoView {
    view! {
        <button
            class=button_class(kind, size, icon_only, class)
            type=action
            name=name
            value=value
            disabled=move || disabled.get() || busy.get()
            aria-busy=move || busy.get().then_some("true")
        >
            <Spinner when=busy/>
            {children()}
        </button>
    }
}

/// A link that looks like a button: goes somewhere, changes nothing.
#[component]
pub fn ButtonLink(
    #[prop(into)] href: String,
    #[prop(optional)] kind: Kind,
    #[prop(optional)] size: Size,
    #[prop(optional)] icon_only: bool,
    #[prop(optional)] class: &'static str,
    children: Children,
) -> impl IntoView {
    view! {
        <a class=button_class(kind, size, icon_only, class) href=href>
            {children()}
        </a>
    }
}

/// Sends a form. While its action is pending it is disabled and says so.
#[component]
pub fn SubmitButton(
    /// `busy` of the form's [`super::Sending`].
    #[prop(optional, into)]
    pending: Signal<bool>,
    /// What it says meanwhile, such as "Sending…".
    #[prop(optional)]
    busy_label: Option<&'static str>,
    #[prop(default = Kind::Primary)] kind: Kind,
    #[prop(optional)] size: Size,
    #[prop(optional, into)] name: Option<String>,
    #[prop(optional, into)] value: Option<String>,
    #[prop(optional)] class: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    view! {
        <button
            class=button_class(kind, size, false, class)
            type="submit"
            name=name
            value=value
            disabled=move || pending.get()
            aria-busy=move || pending.get().then_some("true")
        >
            <Spinner when=pending/>
            {move || match busy_label.filter(|_| pending.get()) {
                Some(label) => label.into_any(),
                None => children(),
            }}
        </button>
    }
}

#[component]
fn Spinner(when: Signal<bool>) -> impl IntoView {
    move || when.get().then(|| view! { <span class="spin" aria-hidden="true"></span> })
}
