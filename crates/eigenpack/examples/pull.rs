//! Pulls a spec to stdout: `cargo run -p eigenpack --example pull -- REFERENCE STORE`.

use eigenpack::Client;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let client = Client::builder().store(&args[2]).build();
    let pulled = client.pull(&args[1].parse()?).await?;
    std::io::Write::write_all(&mut std::io::stdout(), pulled.spec())?;
    Ok(())
}
