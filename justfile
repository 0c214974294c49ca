# A menu; the logic is Rust, in xtask/.

# List the recipes
default:
    @just --list

# The main job on a generated business day
demo:
    cargo run --release -- demo

# What CI runs, without the slow suites
check:
    cargo xtask check

# All that CI runs
test:
    cargo xtask test

# Format everything
fmt:
    cargo fmt --all

# Rules of the source tree
tidy:
    cargo xtask tidy

# Licences, duplicates, sources and advisories of dependencies
deny:
    cargo xtask deny

# Feed mutated inputs to the readers
fuzz seconds="300":
    cargo xtask fuzz {{seconds}}

# The modules with unsafe code under AddressSanitizer
sanitize:
    cargo xtask sanitize

# One table of bench/RESULTS.md: csv, cold, memory, parquet, faults, shapes, scaling, late
bench table *options:
    cargo xtask bench {{table}} {{options}}

# The code's documentation
doc:
    cargo doc --workspace --no-deps --open

# The smaller binary that is shipped
dist:
    cargo build --profile dist
