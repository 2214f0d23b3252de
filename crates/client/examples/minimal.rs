//! The whole of what an asynchronous application has to do. Sign in once with `coditect-license login`, then:
//! `cargo run -p client --example minimal`

#[tokio::main]
async fn main() -> Result<(), client::Error> {
    let mut session = client::Client::new(client::Config::from_env()?)?.start().await?;
    tokio::select! {
        () = tokio::time::sleep(std::time::Duration::from_secs(10)) => eprintln!("done: {}", session.state()),
        lost = session.refused() => eprintln!("{lost}"),
    }
    session.release().await;
    Ok(())
}
