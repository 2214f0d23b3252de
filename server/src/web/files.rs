//! Style sheet, WebAssembly, fonts and icons: the same for everybody, so neither session nor database stands in front of them.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use tower::ServiceBuilder;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// What lies in the site's folder. A new file in `public/` that is not in a folder named here needs a line.
const PATHS: &[&str] = &["/pkg/{*file}", "/fonts/{*file}", "/favicon.ico", "/favicon.svg", "/apple-touch-icon.png"];

/// The files under `site_root`.
pub fn router<S: Clone + Send + Sync + 'static>(site_root: &str) -> Router<S> {
    // The names do not change with the contents, so browsers ask each time whether they have the newest.
    let ask_again = SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let files = ServiceBuilder::new().layer(ask_again).service(ServeDir::new(site_root).precompressed_br().precompressed_gzip());
    PATHS.iter().fold(Router::new(), |router, path| router.route_service(path, files.clone()))
}
