//! The frames around pages. A page calls one of them with its title and its content.

mod crumbs;
mod error;
mod org;
mod public;
mod site;
mod staff;
mod user_menu;

pub use crumbs::Breadcrumb;
pub use error::{ErrorKind, ErrorPage, Failed};
pub use org::{NavItem, OrgChoice, OrgFrame, OrgLayout, OrgPage, PageHead, Seats};
pub use public::PublicLayout;
pub use site::SiteLayout;
pub use staff::{StaffFrame, StaffLayout, StaffNavItem, StaffSearch};
pub use user_menu::{MenuLink, User};

use crate::ui::{Product, Toast};
use leptos::prelude::*;

/// Where the theme switch posts `theme`; the answer sets the cookie and goes back.
pub const THEME_PATH: &str = "/theme";
/// Where "Sign out" posts.
pub const SIGN_OUT_PATH: &str = "/logout";

/// Sets the document's title, "PAGE · PRODUCT_NAME".
#[component]
fn PageTitle(title: String) -> impl IntoView {
    view! { <leptos_meta::Title text=format!("{title} · {}", Product::current().0)/> }
}

/// The corner where notices appear.
#[component]
fn Toasts(toast: Option<String>) -> impl IntoView {
    toast.map(|text| view! { <div class="toasts"><Toast text=text/></div> })
}
