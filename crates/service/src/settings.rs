//! The settings of every part, in layers: defaults in code, then a file, `.env`, the environment, and flags.
//!
//! A key that does not exist is an error that names the key and where it was found, and all errors are told at once.
//! The keys are in `settings/keys.rs`; [`reference()`] lists them.

mod check;
mod keys;
mod layers;
mod names;
mod value;

pub use keys::{Bus, Detect, Gateway, General, Key, Log, Meter, Predictor, Protocol, Store};
pub use layers::Sources;
pub use value::{ByteSize, LogFormat, Secret};

use crate::ServiceError;
use crate::error::Complaints;
use keys::Section;
use layers::Layers;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Folder of ours in the user's data folder.
const DATA_FOLDER: &str = "flowcatcher";
/// File of the embedded store in the data folder.
const STORE_FILE: &str = "flowcatcher.db";

/// All settings.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What belongs to no part; [`Self::data_dir`] fills in its default.
    pub general: General,
    home: Option<PathBuf>,
    /// The HTTP door.
    pub gateway: Gateway,
    /// Flows and the hosts around them.
    pub meter: Meter,
    /// Verdicts.
    pub detect: Detect,
    /// Where flows are judged.
    pub predictor: Predictor,
    /// Between the parts.
    pub bus: Bus,
    /// Where predictions and threats are kept.
    pub store: Store,
    /// Names of protocols and ports.
    pub protocol: Protocol,
    /// Log lines.
    pub log: Log,
}

/// Settings, and what there is to say about them.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Checked.
    pub settings: Settings,
    /// For the log: what was set and has no effect.
    pub warnings: Vec<String>,
    origins: BTreeMap<String, String>,
}

/// One key as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The key.
    pub key: Key,
    /// Its value; secrets and passwords are not shown.
    pub value: String,
    /// Where it was set; `None` for the default.
    pub origin: Option<String>,
}

/// Every key with its default, in the order of the sections.
#[must_use]
pub fn reference() -> Vec<Key> {
    Settings::default().sections().iter().flat_map(|section| section.keys()).collect()
}

impl Settings {
    /// Reads and checks the settings.
    ///
    /// # Errors
    /// With everything that is wrong: keys that do not exist, values that cannot be read, values that do not fit.
    pub fn load(sources: &Sources) -> Result<Loaded, ServiceError> {
        let Layers { entries, mut complaints, ignored } = Layers::new(sources);
        let mut settings = Self { home: sources.environment.data_home(), ..Self::default() };
        let mut origins = BTreeMap::new();
        for entry in entries {
            match settings.set(&entry.key, &entry.value) {
                Some(Ok(())) => {
                    origins.insert(entry.key, entry.origin);
                }
                Some(Err(complaint)) => complaints.push(format!("{}: {complaint}", entry.origin)),
                None => complaints.push(format!("{}: {}", entry.origin, unknown(&entry.key))),
            }
        }
        if settings.general.data_dir.is_none() && settings.home.is_none() {
            complaints
                .push("data_dir: neither XDG_DATA_HOME nor HOME is set; set data_dir to a folder".into());
        }
        complaints.extend(check::complaints(&settings));
        if !complaints.is_empty() {
            return Err(ServiceError::Settings(Complaints(complaints)));
        }
        Ok(Loaded { settings, warnings: warnings(ignored), origins })
    }

    /// Folder for the store, uploads and captures kept.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        let in_home = || self.home.clone().unwrap_or_default().join(DATA_FOLDER);
        self.general.data_dir.clone().unwrap_or_else(in_home)
    }

    /// The store's URL; that of a SQLite file in [`Self::data_dir`] unless another is set.
    #[must_use]
    pub fn store_url(&self) -> String {
        if self.store.url.is_empty() {
            sqlite_url(&self.data_dir().join(STORE_FILE))
        } else {
            self.store.url.clone()
        }
    }

    fn set(&mut self, key: &str, value: &toml::Value) -> Option<Result<(), String>> {
        self.sections_mut().into_iter().find_map(|section| section.set(key, value))
    }

    fn sections(&self) -> [&dyn Section; 9] {
        let Self { general, home: _, gateway, meter, detect, predictor, bus, store, protocol, log } = self;
        [general, gateway, meter, detect, predictor, bus, store, protocol, log]
    }

    fn sections_mut(&mut self) -> [&mut dyn Section; 9] {
        let Self { general, home: _, gateway, meter, detect, predictor, bus, store, protocol, log } = self;
        [general, gateway, meter, detect, predictor, bus, store, protocol, log]
    }
}

impl Loaded {
    /// Every key with its value and where that was set.
    #[must_use]
    pub fn listing(&self) -> Vec<Shown> {
        let shown = |key: Key| {
            let sections = self.settings.sections();
            let mut value = sections.iter().find_map(|section| section.show(&key.name)).unwrap_or_default();
            match key.name.as_str() {
                "data_dir" => value = self.settings.data_dir().display().to_string(),
                "store.url" => value = without_password(&self.settings.store_url()),
                _ => {}
            }
            let origin = self.origins.get(&key.name).cloned();
            Shown { key, value, origin }
        };
        reference().into_iter().map(shown).collect()
    }
}

fn warnings(mut ignored: Vec<&'static str>) -> Vec<String> {
    ignored.sort_unstable();
    ignored.dedup();
    if ignored.is_empty() {
        return Vec::new();
    }
    vec![format!("set and without effect, for this build has no use for them: {}", ignored.join(", "))]
}

/// The characters that mean something in a URL are written as their numbers.
fn sqlite_url(path: &Path) -> String {
    let path = path.display().to_string();
    format!("sqlite://{}", path.replace('%', "%25").replace('?', "%3F").replace('#', "%23"))
}

fn without_password(url: &str) -> String {
    let hidden = || {
        let (scheme, rest) = url.split_once("://")?;
        let (user, host) = rest.rsplit_once('@')?;
        let (user, _password) = user.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{host}"))
    };
    hidden().unwrap_or_else(|| url.to_owned())
}

fn unknown(key: &str) -> String {
    let near = reference().into_iter().map(|known| (distance(key, &known.name), known.name)).min();
    match near {
        Some((distance, name)) if distance <= 1 + key.len() / 4 => {
            format!("there is no such key; did you mean {name}?")
        }
        _ => "there is no such key; `flowcatcher config` lists those there are".into(),
    }
}

/// How many letters have to be added, taken away or changed to make one word from the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.bytes().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests;
