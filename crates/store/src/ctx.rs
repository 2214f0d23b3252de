//! The operation's context: who acts, for which tenant, under which request id.

use types::{Role, StaffRole, TenantId, UserId};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody is known yet: sign-up, sign-in, links from mails.
    Anonymous,
    /// A signed-in person; `name` is what the audit log shows.
    User { id: UserId, name: String },
    /// The installed application, acting for the person that logged it in.
    Device { user: UserId, epoch: i64 },
    /// An employee of the vendor.
    Staff { id: UserId, name: String, role: StaffRole },
    /// A job of our own, named for the audit log.
    System(&'static str),
}

/// First argument of every call in `domain` and `store`. Without one there is no database transaction.
#[derive(Clone, Debug)]
pub struct OpCtx {
    pub actor: Actor,
    /// The tenant that the operation is confined to by row-level security.
    pub tenant: Option<TenantId>,
    /// The actor's role in that tenant.
    pub role: Option<Role>,
    pub request_id: String,
    /// Address of the caller, for rate limits and the audit log.
    pub client_ip: Option<std::net::IpAddr>,
    /// The caller's own name for this request, so that a repeat is not carried out again.
    pub idempotency_key: Option<String>,
}

impl OpCtx {
    /// Nobody in particular: sign-up, sign-in, links from mails.
    pub fn anonymous(request_id: impl Into<String>) -> Self {
        Self { actor: Actor::Anonymous, tenant: None, role: None, request_id: request_id.into(), client_ip: None, idempotency_key: None }
    }

    /// A job of our own.
    pub fn system(job: &'static str) -> Self {
        Self { actor: Actor::System(job), tenant: None, role: None, request_id: String::new(), client_ip: None, idempotency_key: None }
    }

    /// The same actor, confined to this tenant.
    #[must_use]
    pub fn in_tenant(&self, tenant: TenantId) -> Self {
        Self { tenant: Some(tenant), ..self.clone() }
    }

    /// The person behind the operation, if there is one.
    pub fn user_id(&self) -> Option<UserId> {
        match &self.actor {
            Actor::User { id, .. } | Actor::Staff { id, .. } => Some(*id),
            Actor::Device { user, .. } => Some(*user),
            Actor::Anonymous | Actor::System(_) => None,
        }
    }
}
