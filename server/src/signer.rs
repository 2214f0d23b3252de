//! What signs licence tokens: keys in a file of ours ([`local`]) or in Google Cloud KMS ([`gcp_kms`]).
//!
//! ```text
//! key       one key pair, and its public half as a JWK
//! seal      encryption of private keys at rest
//! key_file  the file of local keys: current, previous, next
//! local     the signer on that file; follows its changes
//! gcp_kms   the signer in the vault
//! ```

pub mod gcp_kms;
mod key;
mod key_file;
pub mod local;
mod seal;
#[cfg(test)]
mod testing;

use time::Duration;

pub use gcp_kms::GcpKms;
pub use local::LocalKeys;

/// A local key signs for so long before the worker makes the next one.
pub const KEY_AGE: Duration = Duration::days(90);

/// A new key is published for so long before it signs: twice as long as the list of keys may be cached, so that nobody meets a token
/// whose key he cannot find.
pub const PUBLISHED_AHEAD: Duration = Duration::minutes(10);
