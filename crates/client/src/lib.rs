//! The client of the licence service: asks for a seat when the application starts, keeps it while the application runs and
//! gives it back at its end. For Linux.
//!
//! ```no_run
//! # async fn example() -> Result<(), client::Error> {
//! let client = client::Client::new(client::Config::from_env()?)?;
//! let mut session = client.start().await?;
//! println!("licensed: {:?}", session.license());
//! tokio::select! {
//!     () = work() => {}
//!     state = session.refused() => eprintln!("{state}"),
//! }
//! session.release().await;
//! # Ok(()) }
//! # async fn work() {}
//! ```
//!
//! Processes of one person on one device share one seat through the state folder (see [`Config::home`]). Trouble with the
//! network is never an invalid licence: a running application goes on in [`State::Grace`] for as long as its signed token is
//! valid.

mod account;
mod acquire;
mod api;
pub mod blocking;
mod call;
mod client;
mod clock;
mod config;
mod device;
pub mod doctor;
mod error;
pub mod fingerprint;
mod folder;
mod heartbeat;
mod keyring;
mod keys;
mod seal;
mod session;
mod shared;
mod token;

pub use account::{Account, PasswordLogin};
pub use client::{Client, Released, SeatView};
pub use clock::{BootTime, Clock, Random, SystemClock, SystemRandom};
pub use config::{Config, DEFAULT_SERVER, Server};
pub use device::DeviceCode;
pub use error::{ApiProblem, Error, Refusal, SeatFacts, Unreachable, UnreachableKind};
pub use keys::{KeyError, Keys};
pub use session::{Left, Session, State, Watch, span};
pub use token::{Expected, TokenError, verify};
pub use types::analytics::FeatureUse;
pub use types::licenses::FingerprintTolerance;
