//! The suite that every target must pass, on a layout and on a repository of a local store.

use std::cell::Cell;

use eigenpack_layout::{LayoutStore, LocalStore};
use eigenpack_oci::contract::target_contract;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layout_keeps_the_contract_of_a_target() {
    let directory = tempfile::tempdir().unwrap();
    let made = Cell::new(0);
    target_contract(|| {
        let path = directory
            .path()
            .join(made.replace(made.get() + 1).to_string());
        let created = LayoutStore::create_or_open(path);
        block_in_place(|| Handle::current().block_on(created)).unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_local_repository_keeps_the_contract_of_a_target() {
    let directory = tempfile::tempdir().unwrap();
    let made = Cell::new(0);
    target_contract(|| {
        let path = directory
            .path()
            .join(made.replace(made.get() + 1).to_string());
        let store = block_in_place(|| Handle::current().block_on(LocalStore::open(path)));
        store.unwrap().repository(&"org/my-avs".parse().unwrap())
    })
    .await;
}
