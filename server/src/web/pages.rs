//! The rendered pages, the server functions behind their forms, and the files beside them.

use crate::embedded::mailbox;
use crate::state::AppState;
use crate::web::headers::PageNonce;
use crate::web::request::RequestInfo;
use crate::web::{cross_site, exports, identify, live};
use app::app::App;
use app::browser::without_passing;
use app::layout::{ErrorKind, ErrorPage};
use app::shell::shell;
use app::ui::times::Now;
use app::ui::{Product, Theme};
use axum::extract::{Request, State};
use axum::http::header::{COOKIE, LOCATION, REFERER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Form, Router};
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes, generate_route_list, handle_server_fns_with_context};
use serde::Deserialize;
use store::web_sessions::WebSessions;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

/// Cookies with this prefix are only taken by browsers when they are Secure, without Domain, and for the whole site (RFC 6265bis).
pub const SESSION_COOKIE: &str = "__Host-portal";

/// Everything that a browser sees.
pub fn router(state: &AppState) -> Router<AppState> {
    let sessions = SessionManagerLayer::new(WebSessions::new(state.services.store.clone()))
        .with_name(SESSION_COOKIE)
        .with_secure(true)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(time::Duration::seconds(identify::ABSOLUTE_SECONDS)));
    let routes = generate_route_list(App);
    let mut pages = Router::new()
        .route("/_fn/{*name}", post(server_fn))
        .route("/orgs/{slug}/live", get(live::live))
        .route("/orgs/{slug}/audit.csv", get(exports::csv))
        .route("/orgs/{slug}/audit.json", get(exports::json))
        .route("/orgs/{slug}/usage.csv", get(exports::usage))
        .route(app::layout::SIGN_OUT_PATH, post(sign_out))
        .route(app::layout::THEME_PATH, post(theme))
        .leptos_routes_with_context(
            state,
            routes,
            {
                let state = state.clone();
                move || provide(&state)
            },
            {
                let options = state.leptos.clone();
                move || shell(options.clone(), App)
            },
        );
    if let Some(folder) = &state.web.dev_mailbox {
        pages = pages.merge(mailbox::router(folder.clone(), &state.web.product_name).with_state(()));
    }
    pages
        .fallback(not_found)
        .layer(middleware::from_fn(forget_passing))
        .layer(middleware::from_fn_with_state(state.clone(), identify::layer))
        .layer(sessions)
        .layer(middleware::from_fn_with_state(state.clone(), cross_site::layer))
}

/// What a page finds in context beside its [`app::visit::Visit`].
fn provide(state: &AppState) {
    let parts = use_context::<http::request::Parts>();
    let theme = parts.as_ref().and_then(|p| p.headers.get(COOKIE)).and_then(|c| c.to_str().ok()).map(Theme::from_cookies);
    provide_context(theme.unwrap_or_default());
    provide_context(Product(state.web.product_name.clone()));
    provide_context(Now(state.services.now()));
    if let Some(PageNonce(nonce)) = parts.as_ref().and_then(|p| p.extensions.get::<PageNonce>()) {
        provide_context(nonce.clone());
    }
}

async fn server_fn(State(state): State<AppState>, request: Request) -> Response {
    handle_server_fns_with_context(move || provide(&state), request).await.into_response()
}

/// A form without JavaScript leads back to its page, with an error in the address if there is one. What the address said of the time
/// before goes first, or it would be said again, and the address would grow with each error.
async fn forget_passing(mut request: Request, next: Next) -> Response {
    let page = request.headers().get(REFERER).and_then(|r| r.to_str().ok()).and_then(without_passing);
    if let Some(page) = page.and_then(|url| HeaderValue::from_str(url.as_str()).ok()) {
        request.headers_mut().insert(REFERER, page);
    }
    next.run(request).await
}

/// A page that says that we cannot answer now; needs neither database nor session.
pub fn unavailable(state: &AppState, info: &RequestInfo) -> Response {
    let owner = Owner::new();
    let id = info.id.clone();
    let options = state.leptos.clone();
    let product = state.web.product_name.replace('&', "&amp;").replace('<', "&lt;");
    let state = state.clone();
    let html = owner.with(move || {
        provide(&state);
        shell(options, move || view! { <ErrorPage kind=ErrorKind::Unavailable request_id=Some(id)/> }).into_view().to_html()
    });
    // Rendered on the spot, so nobody has put the title into the head.
    let title = format!("<title>{} · {product}</title></head>", ErrorKind::Unavailable.title());
    let html = html.replacen("</head>", &title, 1);
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, Html(html)).into_response();
    response.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// Ends the browser session: its row goes, so the old cookie is dead at once.
async fn sign_out(session: Session) -> Response {
    match session.flush().await {
        Ok(()) => Redirect::to("/login?toast=signed_out").into_response(),
        Err(error) => {
            tracing::error!(%error, "a browser session was not ended");
            (StatusCode::SERVICE_UNAVAILABLE, "You are still signed in. Try again.").into_response()
        }
    }
}

#[derive(Debug, Deserialize)]
struct ThemeChoice {
    theme: String,
}

/// Light, dark or as the system has it; kept in a cookie for a year.
async fn theme(Extension(info): Extension<RequestInfo>, headers: HeaderMap, Form(choice): Form<ThemeChoice>) -> Response {
    let cookie = format!("theme={}; Path=/; Max-Age=31536000; SameSite=Lax; Secure", Theme::parse(&choice.theme).as_str());
    let back = headers.get(REFERER).and_then(|r| r.to_str().ok()).and_then(|r| url::Url::parse(r).ok());
    let back = back.map_or_else(|| "/".to_owned(), |u| u[url::Position::BeforePath..].to_owned());
    // A path of our own, whatever the header says.
    let back = if back.starts_with('/') && !back.starts_with("//") { back } else { "/".to_owned() };
    tracing::debug!(request = info.id, "theme changed");
    (StatusCode::SEE_OTHER, [(SET_COOKIE, cookie), (LOCATION, back)]).into_response()
}

/// Renders the 404 page, whatever was asked.
async fn not_found(State(state): State<AppState>, request: Request) -> Response {
    let options = state.leptos.clone();
    let render = leptos_axum::render_app_async_with_context(move || provide(&state), move || shell(options.clone(), App));
    render(request).await.into_response()
}
