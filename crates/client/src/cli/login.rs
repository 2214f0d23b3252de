//! `login` and `logout`.

use super::{args, ask, code, text};
use client::{Account, ApiProblem, Client, Error, PasswordLogin};
use types::Code;

/// The code of an account with a second factor; newer than the codes that this version knows by name.
const MFA_REQUIRED: &str = "mfa_required";

pub(crate) async fn login(client: &Client, args: args::Login, zone: text::Zone) -> Result<u8, Error> {
    let account = match &args.email {
        None => by_browser(client, zone).await,
        Some(email) => match by_password(client, email, &args).await {
            Err(Error::Problem(problem)) => return Ok(explain(&problem, email)),
            other => other,
        },
    }?;
    text::print(signed_in(&account));
    Ok(code::OK)
}

fn signed_in(account: &Account) -> String {
    let name = account.name.as_deref().or(account.email.as_deref()).map_or_else(|| account.user_id.to_string(), text::clean);
    match &account.organization {
        Some(organization) => format!("Signed in as {name}, {}, at {}.", text::clean(organization), account.server),
        None => format!("Signed in as {name} at {}.", account.server),
    }
}

async fn by_password(client: &Client, email: &str, args: &args::Login) -> Result<Account, Error> {
    let mut login = PasswordLogin {
        email: email.to_owned(),
        password: ask::password(email, args.password_stdin)?,
        tenant: args.tenant.clone(),
        totp: args.totp.clone(),
    };
    match client.login(&login).await {
        Err(Error::Problem(problem)) if problem.code == MFA_REQUIRED && login.totp.is_none() && ask::is_interactive() => {
            login.totp = ask::hidden("Code of your second factor: ");
            client.login(&login).await
        }
        other => other,
    }
}

/// Says what the server had against the login, and what to do.
fn explain(problem: &ApiProblem, email: &str) -> u8 {
    text::say(problem.to_string());
    if problem.is(Code::TenantRequired) {
        let tenants = problem.extra.get("tenants").and_then(|t| t.as_array()).map(Vec::as_slice).unwrap_or_default();
        for tenant in tenants {
            let field = |name: &str| tenant.get(name).and_then(|v| v.as_str());
            let slug = field("slug").or(tenant.as_str()).or(field("id")).unwrap_or_default();
            text::say(text::clean(&format!("  {slug}  {}", field("name").unwrap_or_default())));
        }
        text::say(format!("Choose one: coditect-license login --email {email} --tenant NAME"));
    } else if problem.code == MFA_REQUIRED {
        text::say(format!("Add the code of your second factor: coditect-license login --email {email} --totp CODE"));
    }
    match problem.status {
        401 | 403 | 409 => code::NOT_SIGNED_IN,
        _ => code::FAILED,
    }
}

async fn by_browser(client: &Client, zone: text::Zone) -> Result<Account, Error> {
    let code = client.device_login().await?;
    text::print("To sign in, open this address in a browser on any device:");
    text::print(format!("\n  {}\n", text::clean(code.verification_uri_complete.as_ref().unwrap_or(&code.verification_uri))));
    text::print(format!("and check that it shows this code:  {}", text::clean(&code.user_code)));
    if code.verification_uri_complete.is_some() {
        text::print(format!("(If it asks for the code instead: {})", text::clean(&code.verification_uri)));
    }
    let now = client.now();
    text::print(format!("Waiting until {} … Ctrl-C to stop.", zone.show(now + code.expires_in, now)));
    client.finish_device_login(code).await
}

pub(crate) async fn logout(client: &Client) -> Result<u8, Error> {
    match client.logout().await {
        Ok(true) => text::print("Signed out."),
        Ok(false) => text::print("Nobody was signed in."),
        Err(error @ Error::Unreachable(_)) => {
            text::say(format!("Signed out on this device, but the server could not be told: {error} End the login on your account page."));
            return Ok(super::exit_code(&error));
        }
        Err(error) => return Err(error),
    }
    Ok(code::OK)
}
