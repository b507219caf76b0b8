//! Where settings come from: a file, `.env`, the environment and flags, read into (key, value, origin).

use super::names;
use crate::{Environment, ServiceError};
use std::path::{Path, PathBuf};
use toml::Value as Toml;

/// Begins every environment variable that sets a key.
pub(super) const PREFIX: &str = "FLOWCATCHER__";
/// Looked for in the working folder when no file is named.
const FILE: &str = "flowcatcher.toml";
const DOT_ENV: &str = ".env";

/// All that settings are made from, as text. Later fields win over earlier ones.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A settings file: its path, for messages, and its text.
    pub file: Option<(PathBuf, String)>,
    /// The text of `.env`.
    pub dot_env: Option<String>,
    /// The process environment.
    pub environment: Environment,
    /// Keys set by flags: key and value.
    pub flags: Vec<(String, String)>,
}

impl Sources {
    /// What this process was given. Without `file`, `./flowcatcher.toml` is read if it is there.
    ///
    /// # Errors
    /// When a file is there, or was named, and cannot be read.
    pub fn from_process(file: Option<&Path>, flags: Vec<(String, String)>) -> Result<Self, ServiceError> {
        let file = match file {
            Some(named) => Some((named.to_owned(), read(named)?)),
            None => read_if_there(Path::new(FILE))?.map(|text| (PathBuf::from(FILE), text)),
        };
        let dot_env = read_if_there(Path::new(DOT_ENV))?;
        Ok(Self { file, dot_env, environment: Environment::from_process(), flags })
    }
}

fn read(path: &Path) -> Result<String, ServiceError> {
    std::fs::read_to_string(path)
        .map_err(|error| ServiceError::Unusable { path: path.to_owned(), reason: error.to_string() })
}

fn read_if_there(path: &Path) -> Result<Option<String>, ServiceError> {
    if path.exists() { read(path).map(Some) } else { Ok(None) }
}

/// One key set by one source.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Toml,
    /// `gateway.listen in flowcatcher.toml`.
    pub(super) origin: String,
}

/// What the sources say, weakest first.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) entries: Vec<Entry>,
    pub(super) complaints: Vec<String>,
    /// Short names that are set and mean nothing to this build.
    pub(super) ignored: Vec<&'static str>,
}

impl Layers {
    pub(super) fn new(sources: &Sources) -> Self {
        let mut layers = Self::default();
        if let Some((path, text)) = &sources.file {
            layers.file(path, text);
        }
        if let Some(text) = &sources.dot_env {
            let pairs = layers.dot_env(text);
            layers.variables(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())), DOT_ENV);
        }
        layers.variables(sources.environment.iter(), "the environment");
        for (key, value) in &sources.flags {
            let (value, origin) = (Toml::String(value.clone()), format!("{key} on the command line"));
            layers.entries.push(Entry { key: key.clone(), value, origin });
        }
        layers
    }

    fn file(&mut self, path: &Path, text: &str) {
        match text.parse::<toml::Table>() {
            Ok(table) => self.table("", table, &path.display().to_string()),
            Err(error) => {
                let complaint = format!("{}: {}", path.display(), error.to_string().trim_end());
                self.complaints.push(complaint);
            }
        }
    }

    fn table(&mut self, prefix: &str, table: toml::Table, place: &str) {
        for (name, value) in table {
            let key = format!("{prefix}{name}");
            match value {
                Toml::Table(inner) => self.table(&format!("{key}."), inner, place),
                value => {
                    let origin = format!("{key} in {place}");
                    self.entries.push(Entry { key, value, origin });
                }
            }
        }
    }

    fn variables<'a>(&mut self, pairs: impl Iterator<Item = (&'a str, &'a str)>, place: &str) {
        let (mut short, mut long) = (Vec::new(), Vec::new());
        for (name, value) in pairs {
            let origin = format!("{name} in {place}");
            if let Some(rest) = name.strip_prefix(PREFIX) {
                let key = rest.to_lowercase().replace("__", ".");
                long.push(Entry { key, value: Toml::String(value.to_owned()), origin });
            } else if value.is_empty() {
                // An empty variable of others says nothing.
            } else if let Some((key, value)) = names::short(name, value) {
                short.push(Entry { key: key.to_owned(), value: Toml::String(value), origin });
            } else if let Some(name) = names::IGNORED.into_iter().find(|ignored| *ignored == name) {
                self.ignored.push(name);
            }
        }
        // By name, so that of two short names for one key it is always the same that wins: DATABASE_URL.
        short.sort_by(|a, b| b.origin.cmp(&a.origin));
        self.entries.extend(short);
        self.entries.extend(long);
    }

    /// Lines `NAME=value`, as docker and shells read them. Lines that are not of this form are of no concern to us.
    fn dot_env(&mut self, text: &str) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            let line = line.strip_prefix("export ").unwrap_or(line);
            let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else {
                continue;
            };
            match unquoted(value.trim()) {
                Ok(value) => pairs.push((name.trim().to_owned(), value)),
                Err(complaint) => self.complaints.push(format!("{DOT_ENV} line {}: {complaint}", number + 1)),
            }
        }
        pairs
    }
}

fn unquoted(value: &str) -> Result<String, String> {
    let Some(quote) = value.chars().next().filter(|first| matches!(first, '"' | '\'')) else {
        // Without quotes a comment begins at the first # after a space.
        return Ok(value.split_once(" #").map_or(value, |(before, _)| before).trim_end().to_owned());
    };
    let mut plain = String::new();
    let mut rest = value[1..].chars();
    loop {
        match rest.next() {
            None => return Err(format!("the closing {quote} is missing")),
            Some(end) if end == quote => return Ok(plain),
            Some('\\') if quote == '"' => match rest.next() {
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => {}
            },
            Some(other) => plain.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_env_lines_are_read_as_shells_do() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let mut layers = Layers::default();
            let pairs = layers.dot_env(text);
            match expected {
                Ok(value) => assert_eq!(pairs, [("A".to_owned(), value.to_owned())], "{text}"),
                Err(complaint) => assert_eq!(layers.complaints, [complaint]),
            }
        };
        check("# note\n\nA=b\nNO_VALUE\n", Ok("b"));
        check("export A = b c # note", Ok("b c"));
        check("A=b#c", Ok("b#c"));
        check(r#"A="b # \"c\" \n" # note"#, Ok("b # \"c\" \n"));
        check("A='b\\n'", Ok("b\\n"));
        check("A=", Ok(""));
        check("X=1\nA=\"b".split_once('\n').expect("two").1, Err(".env line 1: the closing \" is missing"));
    }
}
