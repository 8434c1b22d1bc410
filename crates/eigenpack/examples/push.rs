//! Pushes a spec: `cargo run -p eigenpack --example push -- SPEC REFERENCE STORE`.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use eigenpack::{Client, PushOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let client = Client::builder().store(&args[3]).build();
    let (spec, reference) = (std::fs::read(&args[1])?, args[2].parse()?);
    let published = client
        .push(spec, &reference, PushOptions::default())
        .await?;
    println!("{}", published.artifact.manifest.digest());
    Ok(())
}
