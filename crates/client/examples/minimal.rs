//! The whole of what an application has to do. Sign in once with `coditect-license login`, then:
//! `cargo run -p client --example minimal`

#[tokio::main]
async fn main() -> Result<(), client::Error> {
    let mut session = client::Client::new(client::Config::from_env()?)?.start().await?;
    eprintln!("{}", session.state());
    tokio::select! {
        () = the_application() => {}
        lost = session.refused() => eprintln!("{lost}"),
    }
    session.release().await;
    Ok(())
}

async fn the_application() {
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
}
