# What developers run; `just` lists it.

default:
    @just --list

# A host and the example add-ons, live in a browser
demo:
    cargo glance demo

# What must pass
test:
    cargo test --workspace

# Format, and check as strictly as CI
lint:
    cargo fmt
    cargo clippy --workspace --all-targets -- -D warnings

# The manual, as docs.rs builds it
docs:
    cargo doc --workspace --no-deps --open

# The public API of each library, as it is now, into its listing
api:
    .ci/api --update

# The real page in a real browser
browser:
    cargo build -p cargo-glance
    cargo build -p glance-host --example people
    cd tests/browser && npm ci && GLANCE_BIN=../../target/debug/cargo-glance \
        GLANCE_PEOPLE=../../target/debug/examples/people npm test

# How fast it is, beside what it is compared with
bench:
    cargo bench -p glance-benches

# Everything, as it must pass before a change lands
ci:
    bash .ci/run

# What is too slow for every change: other versions of rusqlite, fuzzing, the benchmarks' build; and advisories
nightly:
    bash .ci/nightly
