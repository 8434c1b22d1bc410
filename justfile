# The recipes have the names of CI's steps, and run them: what passes here passes there.

_default:
    @just --list

# All that needs nothing but Rust and cargo-deny
check:
    .ci/run test fmt lint docs deny

# All that CI runs
ci:
    .ci/run

# The tests, offline
test:
    .ci/run test

# That the formatting is rustfmt's
fmt:
    .ci/run fmt

# Clippy, where every warning is an error
lint:
    .ci/run lint

# The documentation builds, and its links hold
docs:
    .ci/run docs

# Licences, sources and bans of the dependencies
deny:
    .ci/run deny

# Published advisories against the dependencies; needs the open internet
advisories:
    .ci/install-cargo-deny
    cargo deny --workspace --locked check advisories

# Against the programs of others, which are installed first
interop:
    .ci/run interop

# The suites that CI runs in short, at full length
soak:
    EIGENPACK_CRASH_ROUNDS=200 cargo test --locked --package eigenpack-layout --test processes
    EIGENPACK_GC_ROUNDS=100 cargo test --locked --package eigenpack-layout --test gc_races
    EIGENPACK_CRASH_ROUNDS=200 EIGENPACK_GC_ROUNDS=100 cargo test --locked --package eigenpack-cli --test durability
    cargo test --locked --package eigenpack-remote --test remote a_gibibyte_through_cuts -- --ignored
    just fuzz

# Every fuzz target for so many seconds; needs a nightly compiler and cargo-fuzz, as fuzz/README.md says
fuzz seconds="1200":
    for target in $(cargo +nightly fuzz list); do \
        cargo +nightly fuzz run "$target" -- -max_total_time={{seconds}} || exit 1; \
    done

# Accepts every changed snapshot: look at the diff before it is committed
snapshots:
    INSTA_UPDATE=always cargo test --workspace
