//! The map of the site: every path and the page behind it. All pages are rendered whole on the server (`SsrMode::Async`), so a 404 is a
//! 404 and nothing needs JavaScript.

use crate::account::AccountPage;
use crate::audit::AuditPage;
use crate::billing::{BillingPage, BillingReturnPage};
use crate::device::DevicePage;
use crate::download::DownloadPage;
use crate::home::Home;
use crate::invitations::InvitationPage;
use crate::layout::{ErrorKind, ErrorPage};
use crate::licenses::{LicensePage, LicensesPage};
use crate::login::SignInPage;
use crate::members::MembersPage;
use crate::new_organization::NewOrganizationPage;
use crate::overview::OverviewPage;
use crate::password::{ForgotPasswordPage, ResetPasswordPage};
use crate::sessions::SessionsPage;
use crate::settings::SettingsPage;
use crate::signup::{SignUpPage, SignUpSentPage, VerifyEmailPage};
use crate::support::{SupportPage, SupportTenantPage};
use crate::usage::UsagePage;
use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

/// The root of every document.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/") view=Home ssr=SsrMode::Async/>
                <Route path=path!("/signup") view=SignUpPage ssr=SsrMode::Async/>
                <Route path=path!("/signup/sent") view=SignUpSentPage ssr=SsrMode::Async/>
                <Route path=path!("/verify-email") view=VerifyEmailPage ssr=SsrMode::Async/>
                <Route path=path!("/login") view=SignInPage ssr=SsrMode::Async/>
                <Route path=path!("/forgot-password") view=ForgotPasswordPage ssr=SsrMode::Async/>
                <Route path=path!("/reset-password") view=ResetPasswordPage ssr=SsrMode::Async/>
                <Route path=path!("/invitations/:token") view=InvitationPage ssr=SsrMode::Async/>
                <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async/>
                <Route path=path!("/device") view=DevicePage ssr=SsrMode::Async/>
                <Route path=path!("/download") view=DownloadPage ssr=SsrMode::Async/>
                <Route path=path!("/orgs/new") view=NewOrganizationPage ssr=SsrMode::Async/>
                <Route path=path!("/orgs/:slug") view=OverviewPage ssr=SsrMode::Async/>
                <Route path=path!("/orgs/:slug/sessions") view=SessionsPage ssr=SsrMode::Async/>
                <Route path=path!("/orgs/:slug/members") view=MembersPage ssr=SsrMode::Async/>
                <Route path=path!("/orgs/:slug/licenses") view=LicensesPage ssr=SsrMode::Async/>
                <Route path=path!("/orgs/:slug/licenses/:id") view=LicensePage ssr=SsrMode::Async/>
                <Route path=path!("/orgs/:slug/usage") view=UsagePage ssr=SsrMode::Async/>
                <Route path=path!("/orgs/:slug/billing") view=BillingPage ssr=SsrMode::Async/>
                <Route path=path!("/orgs/:slug/billing/return") view=BillingReturnPage ssr=SsrMode::Async/>
                <Route path=path!("/orgs/:slug/audit") view=AuditPage ssr=SsrMode::Async/>
                <Route path=path!("/orgs/:slug/settings") view=SettingsPage ssr=SsrMode::Async/>
                <Route path=path!("/support") view=SupportPage ssr=SsrMode::Async/>
                <Route path=path!("/support/tenants/:id") view=SupportTenantPage ssr=SsrMode::Async/>
            </Routes>
        </Router>
    }
}

/// A path that leads nowhere.
#[component]
fn NotFound() -> impl IntoView {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    view! { <ErrorPage kind=ErrorKind::NotFound/> }
}
