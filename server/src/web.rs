//! What stands between the network and the pages: request ids, headers, cross-site protection, sign-in, live pushes.

pub mod cross_site;
pub mod exports;
pub mod files;
pub mod headers;
pub mod identify;
pub mod live;
pub mod outer;
pub mod pages;
pub mod request;
