//! Prints the table of settings for docs/configuration.md.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    let mut page = io::stdout().lock();
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
