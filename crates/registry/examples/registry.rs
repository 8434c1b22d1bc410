//! A registry on 127.0.0.1: `registry PORT [DIRECTORY]`, in memory or over a local store.

use std::error::Error;

use eigenpack_registry::{LocalStore, MemoryRegistry, Server, ServerOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().unwrap_or_default().parse()?;
    let (address, options) = (([127, 0, 0, 1], port).into(), ServerOptions::default());
    let stopped = async { drop(tokio::signal::ctrl_c().await) };
    if let Some(directory) = arguments.next() {
        let store = LocalStore::create_or_open(directory).await?;
        let server = Server::bind(address, store, options).await?;
        server.serve(stopped).await;
    } else {
        let server = Server::bind(address, MemoryRegistry::new(), options).await?;
        server.serve(stopped).await;
    }
    Ok(())
}
