//! Prints docs/configuration.md: how settings are layered, and a table of every key.

use std::io::{self, Write as _};

const INTRODUCTION: &str = "\
# Configuration

Everything has a default; a laptop needs no configuration. What is set counts in this order, the later over the earlier:

1. defaults in the program,
2. `flowcatcher.toml` in the folder where it is started, or the file of `--config`:

       [gateway]
       listen = \"127.0.0.1:5001\"

3. a file `.env` in that folder, and then the environment: `FLOWCATCHER__SECTION__KEY`, as in
   `FLOWCATCHER__GATEWAY__LISTEN=127.0.0.1:5001`,
4. flags, such as `--listen`, `--data-dir` and `--scan-threshold`.

A key that does not exist is an error that names it, where it was found, and the key that was perhaps meant. `flowcatcher config` prints
every key with its value and where that was set; `flowcatcher config check` only says whether all is right. Lists are written `a,b` in
the environment, sizes as `2 GiB` or in bytes.

Two short names that many have in their `.env` already are understood: `DATABASE_URL` and `SQLALCHEMY_DATABASE_URI` mean `store.url`
(a `+driver` is dropped; `sqlite:///x.db` is a relative path). `KAFKA_BOOTSTRAP`, `KAFKA_TOPIC`, `ES_HOST` and `SESSION_SECRET` have no
effect in this version, which is said in a warning.

ONNX Runtime is looked for in `ORT_DYLIB_PATH`, then `detect.onnxruntime`, beside the program, in the user's data folder (where
`./bootstrap` puts it) and in the system's library folders.

## Keys
";

fn main() -> io::Result<()> {
    let mut page = io::stdout().lock();
    page.write_all(INTRODUCTION.as_bytes())?;
    let mut section = None;
    for key in service::settings::reference() {
        let of = key.name.split_once('.').map(|(section, _)| section.to_owned());
        if section.as_ref() != Some(&of) {
            let title = of.as_deref().unwrap_or("general");
            writeln!(page, "\n### {title}\n\n| key | type | default | meaning |\n|---|---|---|---|")?;
            section = Some(of);
        }
        writeln!(page, "{}", key.row())?;
    }
    Ok(())
}
