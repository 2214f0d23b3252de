//! Members of an organisation, and invitations to become one.

mod forms;
#[cfg(feature = "ssr")]
mod page;
#[cfg(feature = "ssr")]
mod roles;

#[cfg(feature = "ssr")]
pub use forms::RemoveForm;
pub use forms::{ChangeRole, InviteAgain, InviteForm, InviteMember, RemoveMember, RoleForm, RoleOption, WithdrawInvitation};
#[cfg(feature = "ssr")]
pub use page::MembersPage;
