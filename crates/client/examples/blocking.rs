//! The whole of what an application has to do that is not asynchronous. Sign in once with `coditect-license login`, then:
//! `cargo run -p client --example blocking`

fn main() -> Result<(), client::Error> {
    let session = client::blocking::Client::new(client::Config::from_env()?)?.start()?;
    eprintln!("{}", session.state());
    session.on_change(|state| eprintln!("{state}"));
    // Not only while online: in grace the seat is still held.
    while !session.state().is_final() {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
    session.release()?;
    Ok(())
}
