# The one door to this project. `./bootstrap RECIPE` first installs what the recipe needs.

cargo := "cargo --locked"

# List the recipes
default:
    @{{just_executable()}} --list --unsorted

# Build, analyse the sample capture into the store, then serve on http://127.0.0.1:5000
up *FLAGS:
    {{cargo}} build --release --package flowcatcher
    {{cargo}} run --quiet --release --package flowcatcher -- analyze --store testdata/sample.pcap
    {{cargo}} run --quiet --release --package flowcatcher -- up {{FLAGS}}

# All checks and tests; continuous integration runs this and nothing else
test: (fmt "--check") lint
    {{cargo}} test --workspace --no-fail-fast

# Compile everything, tests included, without running it
check:
    {{cargo}} check --workspace --all-targets

# Format the code
fmt *FLAGS:
    @if cargo fmt --version >/dev/null 2>&1; then cargo fmt --all {{FLAGS}}; \
        else echo "skipped: rustfmt is not installed; rustup component add rustfmt"; fi

# Clippy without a warning, and licences and sources where cargo-deny is installed
lint:
    @if cargo clippy --version >/dev/null 2>&1; then {{cargo}} clippy --workspace --all-targets -- --deny warnings; \
        else echo "skipped: clippy is not installed; rustup component add clippy"; fi
    @if command -v cargo-deny >/dev/null; then cargo deny --locked check bans licenses sources; \
        else echo "cargo-deny is not installed: licences are checked by the layers test alone"; fi

# The tests of one crate: just test-crate detect
test-crate CRATE *FLAGS:
    {{cargo}} test --package {{CRATE}} {{FLAGS}}

# Fuzz pcap, pcapng, packed, zip, decode or flow_table; needs cargo-fuzz
fuzz TARGET SECONDS="60":
    cd fuzz && RUSTC_BOOTSTRAP=1 cargo fuzz run {{quote(TARGET)}} --fuzz-dir . -- -max_total_time={{quote(SECONDS)}} -max_len=4096

# What a packet costs the meter, then the meter alone and the whole path into a fresh store, on a capture of yours. CEILING is
# a program that meters a capture as fast as the machine can (`CEILING CAPTURE 1 once`); its rate is set beside ours
bench CAPTURE="testdata/sample.pcap" CEILING="":
    #!/usr/bin/env bash
    set -euo pipefail
    flowcatcher() { {{cargo}} run --quiet --release --package flowcatcher -- "$@"; }
    flowcatcher --version
    {{cargo}} bench --quiet --package capture
    {{cargo}} run --quiet --release --package capture --example weigh -- {{quote(CAPTURE)}}
    {{cargo}} run --quiet --release --package capture --example speed -- {{quote(CAPTURE)}} {{CEILING}}
    store=$(mktemp -d)
    trap 'rm -rf "$store"' EXIT
    echo "the meter alone:"
    time flowcatcher flows --format none {{quote(CAPTURE)}}
    echo "from the file to the store:"
    time flowcatcher analyze --store --data-dir "$store" {{quote(CAPTURE)}} >"$store/report.txt"

# Fit the bundles in models/ again, from a folder of labelled captures and a table of their labels
train FOLDER LABELS *FLAGS:
    {{cargo}} run --release --package flowcatcher -- train {{quote(FOLDER)}} --labels {{quote(LABELS)}} --output models {{FLAGS}}

# Regenerate the generated pages, and the documentation of the crates
docs:
    {{cargo}} run --quiet --package schema --example features > docs/features.md
    {{cargo}} run --quiet --package service --example configuration > docs/configuration.md
    {{cargo}} doc --workspace --no-deps
