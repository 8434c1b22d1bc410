//! Likely input with random damage, for the tests that run the fuzz targets without a fuzzer.

use proptest::prelude::*;

/// One of `seeds`, with a few bytes replaced, put in, or cut out.
pub fn damaged(seeds: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let damage = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8);
    (
        prop::sample::select(seeds),
        prop::collection::vec(damage, 0..6),
    )
        .prop_map(|(seed, damages)| {
            let mut bytes = seed.as_bytes().to_vec();
            for (at, byte, kind) in damages {
                let at = at.index(bytes.len() + 1);
                match kind {
                    0 if at < bytes.len() => bytes[at] = byte,
                    1 if at < bytes.len() => drop(bytes.remove(at)),
                    2 => bytes.truncate(at),
                    _ => bytes.insert(at, byte),
                }
            }
            bytes
        })
}
