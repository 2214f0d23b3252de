//! The frame of the sandbox's pages. No scripts; everything in one file.

/// A page with one heading.
pub fn page(title: &str, content: &str) -> String {
    let title = escape(title);
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Stripe sandbox</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
<header class="banner">This is a sandbox, not Stripe. No money moves.</header>
<main>
<p class="mark">Stripe sandbox</p>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"#
    )
}

/// A text, safe inside of elements and attributes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// A labelled input. An error stands below it and is tied to it.
pub fn field(name: &str, label: &str, attributes: &str, value: &str, error: Option<&str>) -> String {
    let value = escape(value);
    let (tie, message) = match error {
        Some(error) => (
            format!(r#" aria-invalid="true" aria-describedby="{name}-error""#),
            format!(r#"<p class="error" id="{name}-error" role="alert">{}</p>"#, escape(error)),
        ),
        None => (String::new(), String::new()),
    };
    format!(
        r#"<div class="field"><label for="{name}">{label}</label><input id="{name}" name="{name}" value="{value}" {attributes}{tie}>{message}</div>"#
    )
}

/// The three fields of a card.
pub fn card_fields(values: impl Fn(&str) -> String, error: Option<(&str, &str)>) -> String {
    let of = |name: &str| error.filter(|(field, _)| *field == name).map(|(_, message)| message);
    [
        ("card_number", "Card number", r#"inputmode="numeric" autocomplete="cc-number" placeholder="4242 4242 4242 4242" required"#),
        ("exp", "Expiry date (MM / YY)", r#"inputmode="numeric" autocomplete="cc-exp" placeholder="12 / 34" required"#),
        ("cvc", "Security code (CVC)", r#"inputmode="numeric" autocomplete="cc-csc" placeholder="123" maxlength="4" required"#),
    ]
    .iter()
    .map(|(name, label, attributes)| field(name, label, attributes, &values(name), of(name)))
    .collect()
}

const STYLE: &str = "
:root { color-scheme: light; --ink: #1a1f36; --soft: #5c6378; --line: #c9cfdb; --accent: #4b45c6; --bad: #b3123c; }
* { box-sizing: border-box; }
body { margin: 0; background: #f4f6fa; color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
.banner { margin: 0; padding: .5rem 1rem; background: #ffe9a8; color: #4a3500; text-align: center; font-weight: 600; }
main { max-width: 30rem; margin: 2rem auto; padding: 1.5rem 2rem 2rem; background: #fff; border: 1px solid var(--line); border-radius: .75rem; }
.mark { margin: 0; color: var(--soft); font-size: .875rem; }
h1 { margin: .25rem 0 1rem; font-size: 1.5rem; line-height: 1.25; }
h2 { margin: 2rem 0 .5rem; font-size: 1.125rem; }
.amount { margin: 0 0 1rem; font-size: 2rem; font-weight: 700; }
.field { margin: 0 0 1rem; }
label, dt { display: block; color: var(--soft); font-size: .875rem; font-weight: 600; }
dd { margin: 0 0 1rem; }
input { width: 100%; padding: .6rem .75rem; border: 1px solid var(--line); border-radius: .5rem; font: inherit; }
input:focus-visible, button:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
input[aria-invalid] { border-color: var(--bad); }
.error { margin: .25rem 0 0; color: var(--bad); }
button { width: 100%; padding: .7rem 1rem; border: 0; border-radius: .5rem; background: var(--accent); color: #fff; font: inherit; font-weight: 600; cursor: pointer; }
button.quiet { background: #fff; color: var(--ink); border: 1px solid var(--line); }
form + form { margin-top: .75rem; }
a { color: var(--accent); }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .4rem .25rem; border-bottom: 1px solid var(--line); text-align: left; }
.number { text-align: right; }
";
