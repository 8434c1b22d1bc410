//! The suite that every target must pass, through our client, on a server over each kind of store.

use std::cell::Cell;

use eigenpack_oci::contract::target_contract;

use crate::fixture::Running;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_of_the_server_keeps_the_contract_of_a_target() {
    let (_directory, servers) = Running::both().await;
    for server in servers {
        let made = Cell::new(0);
        target_contract(|| {
            let number = made.replace(made.get() + 1);
            server.repository(&format!("contract/number-{number}"))
        })
        .await;
        server.stop().await;
    }
}
