//! Environment variables as a value, so that tests never touch those of the process.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Names and values.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Those of this process. A value that is no UTF-8 is taken with its odd bytes replaced.
    #[must_use]
    pub fn from_process() -> Self {
        let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
        Self(std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect())
    }

    /// The value of a variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All that are set, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The user's data folder as the XDG specification has it: `XDG_DATA_HOME`, else `~/.local/share`.
    #[must_use]
    pub fn data_home(&self) -> Option<PathBuf> {
        // The specification says to ignore a relative path.
        let named = self.get("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        named.or_else(|| self.get("HOME").map(|home| PathBuf::from(home).join(".local/share")))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_home_follows_xdg() {
        let check = |pairs: &[(&str, &str)], expected: Option<&str>| {
            let environment: Environment = pairs.iter().copied().collect();
            assert_eq!(environment.data_home(), expected.map(PathBuf::from), "{pairs:?}");
        };
        check(&[("XDG_DATA_HOME", "/x"), ("HOME", "/h")], Some("/x"));
        check(&[("XDG_DATA_HOME", "x"), ("HOME", "/h")], Some("/h/.local/share"));
        check(&[("XDG_DATA_HOME", ""), ("HOME", "/h")], Some("/h/.local/share"));
        check(&[], None);
    }
}
