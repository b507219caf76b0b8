//! Where results go: a file or standard output, buffered.

use anyhow::Context as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

const BUFFER_BYTES: usize = 1 << 18;

/// Opens the output, or standard output without a path.
pub(crate) fn open(path: Option<&Path>) -> anyhow::Result<Box<dyn Write + Send>> {
    let inner: Box<dyn Write + Send> = match path {
        Some(path) => {
            Box::new(File::create(path).with_context(|| format!("cannot write {}", path.display()))?)
        }
        None => Box::new(io::stdout()),
    };
    Ok(Box::new(BufWriter::with_capacity(BUFFER_BYTES, inner)))
}

/// Text for one CSV cell. A spreadsheet must not take it for a formula.
pub(crate) fn csv_cell(text: &str, out: &mut Vec<u8>) {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if !formula && !text.contains(['"', ',', '\n', '\r']) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    if formula {
        out.push(b'\'');
    }
    out.extend(text.bytes().flat_map(|byte| if byte == b'"' { vec![b'"', b'"'] } else { vec![byte] }));
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        for (text, cell) in
            [("plain", "plain"), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""), ("=1+1", "\"'=1+1\""), ("", "")]
        {
            let mut out = Vec::new();
            csv_cell(text, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), cell);
        }
    }
}
