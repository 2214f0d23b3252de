//! The document around every page.

use crate::ui::{Product, Theme};
use leptos::prelude::*;
use leptos_meta::{MetaTags, Title, provide_meta_context};

/// The whole document; `app` renders what is in its body. Theme and product name come from context, and so does the nonce that the
/// content security policy must name (`leptos::nonce::use_nonce`).
pub fn shell<V: IntoView + 'static>(options: LeptosOptions, app: impl FnOnce() -> V) -> impl IntoView {
    provide_meta_context();
    let theme = use_context::<Theme>().unwrap_or_default();
    let style = format!("/{}/{}.css", options.site_pkg_dir, options.output_name);
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.attribute()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="preload" href="/fonts/inter-latin-opsz-normal.woff2" r#as="font" r#type="font/woff2" crossorigin="anonymous"/>
                <link rel="stylesheet" href=style/>
                <link rel="icon" href="/favicon.ico" sizes="32x32"/>
                <link rel="icon" href="/favicon.svg" r#type="image/svg+xml"/>
                <link rel="apple-touch-icon" href="/apple-touch-icon.png"/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options=options islands=true/>
                <MetaTags/>
            </head>
            <body>
                <Title text=Product::current().0.to_string()/>
                {app()}
            </body>
        </html>
    }
}
