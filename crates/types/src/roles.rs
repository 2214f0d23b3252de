//! Who may do what. The table itself is `crates/domain/permissions.csv`; here are its row and column names.

use serde::{Deserialize, Serialize};

macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name that is stored and sent.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::roles::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($text => Ok(Self::$variant),)+ _ => Err(crate::roles::UnknownName) }
            }
        }
    };
}
pub(crate) use text_enum;

/// A name that stands for no value of the enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown name")]
pub struct UnknownName;

text_enum!(
    /// What a member is in one tenant. The order of declaration is the order of rank.
    Role {
        /// Everything, including transfer and deletion. A tenant always keeps one.
        Owner = "OWNER",
        /// Members, licences, sessions, settings.
        Admin = "ADMIN",
        /// Plan, seats, invoices. Holds no seat.
        Billing = "BILLING",
        /// May hold a seat, sees and ends his own sessions.
        Member = "MEMBER",
        /// May look at the overview. Holds no seat.
        Guest = "GUEST",
    }
);

impl Role {
    /// How a person reads it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Admin => "Admin",
            Self::Billing => "Billing",
            Self::Member => "Member",
            Self::Guest => "Guest",
        }
    }
}

text_enum!(
    /// What an employee of the vendor may do in the support console.
    StaffRole {
        /// Finds tenants, ends sessions, suspends and extends, each with a reason.
        Support = "SUPPORT",
        /// Also manages other staff.
        StaffAdmin = "STAFF_ADMIN",
    }
);

text_enum!(
    /// What can be done in a tenant; the columns of the permission table.
    Action {
        /// See the overview.
        OverviewView = "overview.view",
        /// See who the members are.
        MembersView = "members.view",
        /// Invite, remove and change the role of members.
        MembersManage = "members.manage",
        /// Make or unmake an OWNER.
        OwnersManage = "owners.manage",
        /// See licences, their keys and limits.
        LicensesView = "licenses.view",
        /// Change a licence's policy.
        LicensesManage = "licenses.manage",
        /// Hold a seat.
        SeatHold = "seat.hold",
        /// See every live session.
        SessionsView = "sessions.view",
        /// End anybody's session.
        SessionsRevoke = "sessions.revoke",
        /// End one's own session.
        SessionsRevokeOwn = "sessions.revoke_own",
        /// See plan and invoices.
        BillingView = "billing.view",
        /// Buy and change seats.
        BillingManage = "billing.manage",
        /// See usage over time.
        UsageView = "usage.view",
        /// Read the audit log.
        AuditView = "audit.view",
        /// Change name, address and policies.
        SettingsManage = "settings.manage",
        /// Delete the organisation.
        TenantDelete = "tenant.delete",
    }
);
