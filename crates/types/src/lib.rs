//! What the two ends of the wire share: ids, roles, requests and answers, [`Problem`], and the checks of what people type.
//!
//! This crate compiles to WebAssembly and knows nothing of servers, databases or browsers.

pub mod analytics;
pub mod auth;
pub mod billing;
pub mod check;
pub mod ids;
pub mod licenses;
pub mod live;
pub mod organizations;
pub mod problem;
pub mod rfc3339;
pub mod roles;

pub use ids::{FamilyId, InvitationId, LicenseId, SessionId, TenantId, UserId};
pub use problem::{Code, FieldError, Problem};
pub use roles::{Action, Role, StaffRole};
