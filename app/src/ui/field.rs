//! Labelled inputs with help and errors.

use super::{Icon, icon};
use crate::problem::typed;
use leptos::{either::Either, html, prelude::*};
use types::{Problem, check};

/// What a field has to say: the error if there is one, else the help.
#[derive(Clone, Copy)]
struct Note {
    error: Signal<Option<String>>,
    help: MaybeProp<String>,
}

impl Note {
    fn described_by(self, id: &str) -> impl Fn() -> Option<String> + Send + Sync + Clone + use<> {
        let (error_id, help_id) = (format!("{id}-error"), format!("{id}-help"));
        move || {
            if self.error.with(Option::is_some) { Some(error_id.clone()) } else { self.help.get().map(|_| help_id.clone()) }
        }
    }

    fn invalid(self) -> impl Fn() -> Option<&'static str> + Send + Sync + Copy + use<> {
        move || self.error.with(Option::is_some).then_some("true")
    }
}

#[component]
fn NoteText(note: Note, id: String) -> impl IntoView {
    move || match note.error.get() {
        Some(error) => Either::Left(view! {
            <p class="error" id=format!("{id}-error") role="alert">
                <Icon icon=icon::CIRCLE_ALERT small=true/>
                {error}
            </p>
        }),
        None => Either::Right(note.help.get().map(|help| view! { <p class="help" id=format!("{id}-help")>{help}</p> })),
    }
}

/// The state of one field: the server's verdict until the person types again, then the browser's own.
#[derive(Clone, Copy)]
struct Verdict {
    name: &'static str,
    problem: Signal<Option<Problem>>,
    /// `None`: the browser has not judged since the server did.
    local: RwSignal<Option<Option<String>>>,
    checks: bool,
}

impl Verdict {
    fn new(name: &'static str, problem: Signal<Option<Problem>>, checks: bool) -> Self {
        let local = RwSignal::new(None);
        Effect::new(move |_| {
            problem.track();
            local.set(None);
        });
        Self { name, problem, local, checks }
    }

    fn error(self) -> Signal<Option<String>> {
        Signal::derive(move || match self.local.get() {
            Some(judged) => judged,
            None => self.problem.with(|p| p.as_ref().and_then(|p| p.field(self.name).map(str::to_owned))),
        })
    }

    /// What stands in the field at first: what was typed before a problem, else `value`.
    fn start(self, value: Option<String>) -> Option<String> {
        self.problem.with_untracked(|p| p.as_ref().and_then(|p| typed(p, self.name).map(str::to_owned))).or(value)
    }

    /// Is this the first field that is wrong?
    fn is_first(self) -> bool {
        self.problem.with(|p| p.as_ref().and_then(|p| p.pointer.as_deref()).and_then(|p| p.strip_prefix('/')) == Some(self.name))
    }

    fn on_blur(self, value: &str) {
        if self.checks && !value.is_empty() {
            self.local.set(Some(check::field(self.name, value)));
        }
    }

    fn on_input(self, value: &str) {
        // While typing only ever take an error away; a new one waits until the field is left.
        if self.error().with_untracked(Option::is_some) {
            let judged = if self.checks { check::field(self.name, value) } else { None };
            if judged.is_none() {
                self.local.set(Some(None));
            }
        }
    }
}

/// Focuses the first field that the server found wrong.
fn focus_if_first(verdict: Verdict, input: NodeRef<html::Input>) {
    Effect::new(move |_| {
        if verdict.is_first()
            && let Some(input) = input.get()
        {
            _ = input.focus();
        }
    });
}

fn input_class(large: bool, more: &str) -> String {
    let class = if large { "input input-lg" } else { "input" };
    if more.is_empty() { class.to_owned() } else { format!("{class} {more}") }
}

/// A labelled input. It shows what `problem` says about its name, and in the browser checks itself as one leaves it.
#[component]
pub fn Field(
    #[prop(into)] label: String,
    name: &'static str,
    /// The input's `type`.
    #[prop(default = "text")]
    kind: &'static str,
    /// Set it where two forms of a page have a field of the same name.
    #[prop(optional, into)]
    id: Option<String>,
    #[prop(optional, into)] value: Option<String>,
    /// One line below, until an error takes its place.
    #[prop(optional, into)]
    help: MaybeProp<String>,
    /// `problem` of the form's [`super::Sending`].
    #[prop(optional, into)]
    problem: Signal<Option<Problem>>,
    #[prop(default = true)] required: bool,
    /// Check with [`types::check::field`] as one leaves the field.
    #[prop(default = true)]
    check: bool,
    #[prop(optional)] large: bool,
    #[prop(default = "off")] autocomplete: &'static str,
    #[prop(optional)] inputmode: Option<&'static str>,
    #[prop(optional, into)] placeholder: Option<String>,
    #[prop(optional)] maxlength: Option<u32>,
    #[prop(optional)] disabled: bool,
    /// More classes for the input.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.to_owned());
    let verdict = Verdict::new(name, problem, check);
    let note = Note { error: verdict.error(), help };
    let input = NodeRef::<html::Input>::new();
    focus_if_first(verdict, input);
    view! {
        <div class="field">
            <Label text=label target=id.clone() required=required/>
            <input
                class=input_class(large, class)
                node_ref=input
                id=id.clone()
                name=name
                type=kind
                value=verdict.start(value)
                autocomplete=autocomplete
                inputmode=inputmode
                placeholder=placeholder
                maxlength=maxlength
                required=required
                disabled=disabled
                autofocus=untrack(|| verdict.is_first())
                aria-invalid=note.invalid()
                aria-describedby=note.described_by(&id)
                on:blur=move |ev| verdict.on_blur(&event_target_value(&ev))
                on:input=move |ev| verdict.on_input(&event_target_value(&ev))
            />
            <NoteText note=note id=id/>
        </div>
    }
}

#[component]
fn Label(text: String, target: String, required: bool) -> impl IntoView {
    view! {
        <label class="label" for=target>
            {text} {(!required).then(|| view! { " " <span class="opt">"(optional)"</span> })}
        </label>
    }
}

/// A password, with a button that shows it (only where JavaScript can do so).
#[component]
pub fn PasswordField(
    #[prop(default = "Password".to_owned(), into)] label: String,
    #[prop(default = "password")] name: &'static str,
    #[prop(optional, into)] id: Option<String>,
    /// Being chosen now, not remembered: checked as one leaves it, and the browser offers to make one up.
    #[prop(optional)]
    new: bool,
    #[prop(optional, into)] help: MaybeProp<String>,
    #[prop(optional, into)] problem: Signal<Option<Problem>>,
    #[prop(optional)] large: bool,
    /// Where "Forgot password?" leads.
    #[prop(optional, into)]
    forgot_href: Option<String>,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.to_owned());
    let verdict = Verdict::new(name, problem, new);
    let note = Note { error: verdict.error(), help };
    let input = NodeRef::<html::Input>::new();
    focus_if_first(verdict, input);
    let (visible, set_visible) = signal(false);
    let alive = super::hydrated();
    view! {
        <div class="field">
            <div class="flex items-baseline justify-between">
                <Label text=label target=id.clone() required=true/>
                {forgot_href.map(|href| view! { <a class="link text-sm" href=href>"Forgot password?"</a> })}
            </div>
            <span class="input-group">
                <input
                    class=input_class(large, "input-reveal")
                    node_ref=input
                    id=id.clone()
                    name=name
                    type=move || if visible.get() { "text" } else { "password" }
                    autocomplete=if new { "new-password" } else { "current-password" }
                    autocapitalize="none"
                    spellcheck="false"
                    required=true
                    autofocus=untrack(|| verdict.is_first())
                    aria-invalid=note.invalid()
                    aria-describedby=note.described_by(&id)
                    on:blur=move |ev| verdict.on_blur(&event_target_value(&ev))
                    on:input=move |ev| verdict.on_input(&event_target_value(&ev))
                />
                <button
                    class="reveal"
                    type="button"
                    hidden=move || !alive.get()
                    aria-pressed=move || visible.get().to_string()
                    aria-label="Show password"
                    aria-controls=id.clone()
                    on:click=move |_| set_visible.update(|v| *v = !*v)
                >
                    {move || {
                        if visible.get() {
                            view! { <Icon icon=icon::EYE_OFF/> }
                        } else {
                            view! { <Icon icon=icon::EYE/> }
                        }
                    }}
                </button>
            </span>
            <NoteText note=note id=id/>
        </div>
    }
}

/// A labelled choice of one.
#[component]
pub fn Select(
    #[prop(into)] label: String,
    name: &'static str,
    /// Value and label of each choice.
    options: Vec<(String, String)>,
    /// Value of the choice at first.
    #[prop(optional, into)]
    selected: Option<String>,
    /// Follows the choice.
    #[prop(optional)]
    chosen: Option<RwSignal<String>>,
    #[prop(optional, into)] id: Option<String>,
    #[prop(optional, into)] help: MaybeProp<String>,
    #[prop(optional, into)] problem: Signal<Option<Problem>>,
    #[prop(optional)] large: bool,
    /// The label is only for screen readers, as in a toolbar.
    #[prop(optional)]
    bare: bool,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.to_owned());
    let verdict = Verdict::new(name, problem, false);
    let note = Note { error: verdict.error(), help };
    let selected = verdict.start(selected);
    let choices = options
        .into_iter()
        .map(|(value, text)| {
            let chosen = selected.as_ref() == Some(&value);
            view! { <option value=value selected=chosen>{text}</option> }
        })
        .collect_view();
    let select = view! {
        <select
            class=if large { "select input-lg" } else { "select" }
            id=id.clone()
            name=name
            aria-label=bare.then(|| label.clone())
            aria-invalid=note.invalid()
            aria-describedby=note.described_by(&id)
            on:change=move |ev| {
                let value = event_target_value(&ev);
                verdict.on_input(&value);
                if let Some(chosen) = chosen {
                    chosen.set(value);
                }
            }
        >
            {choices}
        </select>
    };
    if bare {
        Either::Left(select)
    } else {
        Either::Right(view! {
            <div class="field">
                <Label text=label target=id.clone() required=true/>
                {select}
                <NoteText note=note id=id/>
            </div>
        })
    }
}

/// Several lines of text.
#[component]
pub fn TextArea(
    #[prop(into)] label: String,
    name: &'static str,
    #[prop(optional, into)] id: Option<String>,
    #[prop(optional, into)] value: Option<String>,
    #[prop(optional, into)] help: MaybeProp<String>,
    #[prop(optional, into)] problem: Signal<Option<Problem>>,
    #[prop(default = true)] required: bool,
    #[prop(optional)] maxlength: Option<u32>,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.to_owned());
    let verdict = Verdict::new(name, problem, true);
    let note = Note { error: verdict.error(), help };
    view! {
        <div class="field">
            <Label text=label target=id.clone() required=required/>
            <textarea
                class="textarea"
                id=id.clone()
                name=name
                maxlength=maxlength
                required=required
                aria-invalid=note.invalid()
                aria-describedby=note.described_by(&id)
                on:blur=move |ev| verdict.on_blur(&event_target_value(&ev))
                on:input=move |ev| verdict.on_input(&event_target_value(&ev))
            >
                {verdict.start(value)}
            </textarea>
            <NoteText note=note id=id/>
        </div>
    }
}
