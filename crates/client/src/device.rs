//! Sign-in by browser: the device authorization grant (RFC 8628).

use crate::acquire::hostname;
use crate::api::DevicePoll;
use crate::{Account, Client, Error, Refusal};
use std::time::Duration;

/// RFC 8628 §3.2: the interval where the server names none. §3.5: what `slow_down` adds.
const FIVE_SECONDS: Duration = Duration::from_secs(5);
/// Polls never come less often than this, however often the server cannot be reached.
const SLOWEST: Duration = Duration::from_secs(60);
/// No code lives longer than a day, in seconds.
const LONGEST_LIFE: u64 = 86_400;

/// A sign-in that waits for somebody to approve it in a browser.
pub struct DeviceCode {
    /// What the person types.
    pub user_code: String,
    /// Where he types it.
    pub verification_uri: String,
    /// The same with the code filled in.
    pub verification_uri_complete: Option<String>,
    /// From now.
    pub expires_in: Duration,
    device_code: String,
    interval: Duration,
}

impl Client {
    /// Begins a sign-in by browser. [`Error::NoDeviceLogin`]: this portal offers none.
    pub async fn device_login(&self) -> Result<DeviceCode, Error> {
        let answer = self.inner.caller.device_authorize(&self.inner.fingerprint.id, hostname().as_deref()).await?;
        Ok(DeviceCode {
            user_code: answer.user_code,
            verification_uri: answer.verification_uri,
            verification_uri_complete: answer.verification_uri_complete,
            expires_in: Duration::from_secs(answer.expires_in.min(LONGEST_LIFE)),
            device_code: answer.device_code,
            interval: answer.interval.map_or(FIVE_SECONDS, Duration::from_secs).clamp(Duration::from_secs(1), SLOWEST),
        })
    }

    /// Waits until the sign-in is approved or denied, or its time is over.
    pub async fn finish_device_login(&self, code: DeviceCode) -> Result<Account, Error> {
        let over = || Refusal::signed_out("The code was not used in time.");
        let deadline = tokio::time::Instant::now() + code.expires_in;
        let mut interval = code.interval;
        loop {
            tokio::time::sleep(interval).await;
            if tokio::time::Instant::now() >= deadline {
                return Err(over().into());
            }
            match self.inner.caller.device_token(&code.device_code).await {
                Ok(DevicePoll::Done(tokens)) => return self.signed_in(*tokens, None).await,
                Ok(DevicePoll::Error(error)) => match error.as_str() {
                    "authorization_pending" => {}
                    "slow_down" | "rate_limited" => interval += FIVE_SECONDS,
                    "access_denied" => return Err(Refusal::signed_out("The sign-in was denied in the browser.").into()),
                    "expired_token" => return Err(over().into()),
                    other => return Err(Refusal::signed_out(&format!("The server refused the sign-in ({other}).")).into()),
                },
                // RFC 8628 §3.5: after a timeout, poll less often.
                Err(Error::Unreachable(error)) => {
                    tracing::debug!(%error, "still waiting");
                    interval = (interval * 2).min(SLOWEST);
                }
                Err(error) => return Err(error),
            }
        }
    }
}
