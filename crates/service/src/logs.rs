//! Where log lines go and how they look: standard error, as text for people or as JSON lines for machines.

use crate::ServiceError;
use crate::error::Complaints;
use crate::settings::{Log, LogFormat};
use std::io::{self, IsTerminal as _};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Sends this process's log lines to standard error, with colours only where a terminal shows them.
///
/// # Errors
/// When `log.level` cannot be read, or when another subscriber was set before.
pub fn start(log: &Log) -> Result<(), ServiceError> {
    let colours = if io::stderr().is_terminal() { Colours::Yes } else { Colours::No };
    let subscriber = subscriber(log, colours, io::stderr)?;
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|error| ServiceError::System { what: "starting the log", source: io::Error::other(error) })
}

/// Whether text lines carry colour codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// For a terminal.
    Yes,
    /// For a file or pipe.
    No,
}

/// What [`start`] installs, writing to `writer`. Control characters inside logged values may come from captured traffic:
/// they are written out as text, so that they neither steer the reader's terminal nor forge a line.
///
/// # Errors
/// When `log.level` cannot be read.
pub fn subscriber<W>(
    log: &Log,
    colours: Colours,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, ServiceError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt()
        .with_env_filter(
            filter(&log.level).map_err(|complaint| ServiceError::Settings(Complaints(vec![complaint])))?,
        )
        .with_writer(Harmless { inner: writer, colours })
        .with_ansi(colours == Colours::Yes);
    Ok(match log.format {
        LogFormat::Text => Box::new(builder.finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).with_ansi(false).finish()),
    })
}

/// Writes each event as one line without control characters.
struct Harmless<W> {
    inner: W,
    colours: Colours,
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Harmless<W> {
    type Writer = Harmless<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Harmless { inner: self.inner.make_writer(), colours: self.colours }
    }
}

impl<W: io::Write> io::Write for Harmless<W> {
    /// The subscriber writes an event with one call, so only the last line feed is its own.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let mut harmless = String::with_capacity(text.len());
        for (at, c) in line.char_indices() {
            let own_colour = c == '\u{1b}' && self.colours == Colours::Yes && is_colour_code(&line[at..]);
            if c.is_control() && !own_colour {
                harmless.extend(c.escape_default());
            } else {
                harmless.push(c);
            }
        }
        harmless.push_str(&text[line.len()..]);
        self.inner.write_all(harmless.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Whether the text begins with `ESC [ numbers m`, which does nothing but colour what follows.
fn is_colour_code(text: &str) -> bool {
    let numbers = text
        .strip_prefix("\u{1b}[")
        .map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';'));
    numbers.is_some_and(|rest| rest.starts_with('m'))
}

/// Reads `log.level`.
pub(crate) fn filter(level: &str) -> Result<EnvFilter, String> {
    EnvFilter::builder().parse(level).map_err(|error| {
        format!(
            "log.level: {error}; write error, warn, info, debug or trace, for one part too: info,store=debug"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("page").extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, level: &str, colours: Colours) -> String {
        let page = Page::default();
        let for_writer = page.clone();
        let log = Log { format, level: level.into() };
        let subscriber = subscriber(&log, colours, move || for_writer.clone()).expect("subscriber");
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(host = "a\u{1b}[31mb", shown = %"c\u{1b}]0;\n\u{9b}d", "read\u{1b}[2J");
            tracing::debug!("detail");
        });
        String::from_utf8(page.0.lock().expect("page").clone()).expect("UTF-8")
    }

    #[test]
    fn no_control_character_reaches_the_reader() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let text = logged(format, "info", Colours::No);
            assert!(!text.contains('\u{1b}') && text.contains("host") && text.lines().count() == 1, "{text}");
            assert!(!text.contains("detail") && logged(format, "debug", Colours::No).contains("detail"));
        }
        assert!(logged(LogFormat::Json, "info", Colours::Yes).starts_with('{'));
        let coloured = logged(LogFormat::Text, "info", Colours::Yes);
        assert!(coloured.contains("\u{1b}[32m INFO") && !coloured.contains("\u{1b}]"), "{coloured}");
    }

    #[test]
    fn a_level_that_is_none_is_refused_with_advice() {
        assert!(filter("info,store=debug").is_ok());
        let complaint = filter("store=loud").expect_err("refused");
        assert!(complaint.contains("write error, warn"), "{complaint}");
    }
}
