//! Pushes a spec: `cargo run -p eigenpack --example push -- SPEC REFERENCE [STORE]`.

use eigenpack::{Client, PushOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let client = Client::builder()
        .store(args.get(3).map_or("store", String::as_str))
        .build();
    let spec = std::fs::read(&args[1])?;
    let published = client
        .push(spec, &args[2].parse()?, PushOptions::default())
        .await?;
    println!("{}", published.artifact.manifest.digest());
    Ok(())
}
