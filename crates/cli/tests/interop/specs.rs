use std::fmt::Write;

/// The spec that most tests publish.
pub(crate) const SPEC: &[u8] =
    include_bytes!("../../../eigenruntime/fixtures/specs/valid/hourglass-executor-performer.yaml");

/// The same release with one image replaced.
pub(crate) fn changed_spec() -> Vec<u8> {
    let text = std::str::from_utf8(SPEC).unwrap();
    let changed = text.replacen("digest: sha256:548e", "digest: sha256:0123", 1);
    assert_ne!(text, changed);
    changed.into_bytes()
}

/// A spec of exactly 1 MiB, which is real content but for the last few bytes.
pub(crate) fn large_spec() -> Vec<u8> {
    const SIZE: usize = 1024 * 1024;
    let mut text = std::str::from_utf8(SPEC).unwrap().to_owned();
    let mut component = 0;
    while text.len() < SIZE - 1024 {
        write!(
            text,
            "  worker-{component}:\n    registry: registry.test/acme/worker-{component}\n    digest: sha256:{component:064x}\n    \
             env:\n    - name: SHARD\n      type: plain\n      required: true\n"
        )
        .unwrap();
        component += 1;
    }
    text.push('#');
    let mut bytes = text.into_bytes();
    bytes.resize(SIZE - 1, b'.');
    bytes.push(b'\n');
    bytes
}
