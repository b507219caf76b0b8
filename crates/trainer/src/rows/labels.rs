//! What a label means: its traffic class and the threat categories that are right for it.

use crate::TrainError;
use schema::category::{CATEGORIES, TRAFFIC_CLASSES};
use schema::{ThreatCategory, TrafficClass};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// A label with its meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// As in the captures' truth.
    pub name: String,
    traffic: Option<String>,
    categories: Vec<String>,
}

impl Label {
    /// The traffic class of its flows, where it has one.
    #[must_use]
    pub fn traffic(&self) -> Option<TrafficClass> {
        TrafficClass::from_name(self.traffic.as_deref()?)
    }

    /// The category that its attack flows are trained on, where it has any.
    #[must_use]
    pub fn category(&self) -> Option<ThreatCategory> {
        ThreatCategory::from_name(self.categories.first()?)
    }

    /// Whether it has neither class nor category.
    #[must_use]
    pub fn is_background(&self) -> bool {
        self.traffic.is_none() && self.categories.is_empty()
    }

    /// Whether a category counts as right for its attack flows.
    #[must_use]
    pub fn allows(&self, category: ThreatCategory) -> bool {
        self.categories.iter().any(|name| name == category.name())
    }
}

/// All labels by name.
#[derive(Debug, Clone, Default)]
pub struct Labels(HashMap<String, Label>);

impl Labels {
    /// Reads a table of labels from a file.
    ///
    /// # Errors
    /// When it cannot be read, or a line names an unknown class or category.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let text = std::fs::read_to_string(path).map_err(TrainError::io(path))?;
        Self::parse(&text).map_err(|reason| TrainError::input(path, reason))
    }

    /// Reads the text of a table: a head line, then `label,label,...`, traffic class, `category|category|...` and a note,
    /// parted by tabs. Flows of a label with neither class nor category are background: benign to the threat model, and
    /// unknown to that of traffic classes.
    ///
    /// # Errors
    /// What is wrong, with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut labels = HashMap::new();
        for (at, line) in text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty()) {
            let mut cells = line.split('\t').map(str::trim);
            let names = cells.next().unwrap_or_default();
            let traffic = cells.next().filter(|name| !name.is_empty());
            let categories: Vec<&str> =
                cells.next().unwrap_or_default().split('|').filter(|c| !c.is_empty()).collect();
            let line = at + 1;
            if let Some(name) = traffic.filter(|name| TrafficClass::from_name(name).is_none()) {
                let known = TRAFFIC_CLASSES.map(TrafficClass::name).join(", ");
                return Err(format!("line {line}: no traffic class is called {name:?}; there are {known}"));
            }
            if let Some(name) = categories.iter().find(|name| ThreatCategory::from_name(name).is_none()) {
                let known = CATEGORIES.map(ThreatCategory::name).join(", ");
                return Err(format!("line {line}: no threat category is called {name:?}; there are {known}"));
            }
            for name in names.split(',') {
                let label = Label {
                    name: name.to_owned(),
                    traffic: traffic.map(ToOwned::to_owned),
                    categories: categories.iter().map(ToString::to_string).collect(),
                };
                if labels.insert(name.to_owned(), label).is_some() {
                    return Err(format!("line {line}: label {name:?} is there twice"));
                }
            }
        }
        if labels.is_empty() {
            return Err(
                "no labels: wanted are a head line and then lines of label, traffic class, categories".into(),
            );
        }
        Ok(Self(labels))
    }

    /// The label of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Label> {
        self.0.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "label\ttraffic_class\tthreat_category\tnote\n";

    #[test]
    fn labels_mean_what_their_line_says() {
        let text =
            format!("{HEAD}tor,tor-obfs4\tTor\t\tpolicy\nsupport\t\t\t\niot\t\treconnaissance|botnet\t\n");
        let labels = Labels::parse(&text).expect("labels");
        let label = |name: &str| labels.get(name).expect("a label").clone();
        assert_eq!(label("tor-obfs4").traffic(), Some(TrafficClass::Tor));
        assert_eq!(label("tor").category(), None);
        assert_eq!(label("iot").category(), Some(ThreatCategory::Reconnaissance));
        assert!(label("iot").allows(ThreatCategory::Botnet) && !label("iot").allows(ThreatCategory::Dos));
        assert!(
            label("support").is_background()
                && !label("iot").is_background()
                && !label("tor").is_background()
        );
        assert!(labels.get("other").is_none());
    }

    #[test]
    fn wrong_lines_are_named() {
        let check = |lines: &str, expected: &str| {
            let reason = Labels::parse(&format!("{HEAD}{lines}")).expect_err(lines);
            assert!(reason.contains(expected), "{reason}");
        };
        check("a\tTor\t\na\tVPN\t", "line 3: label \"a\" is there twice");
        check("a\ttor\t", "line 2: no traffic class");
        check("a\t\tdos|ddoss", "line 2: no threat category is called \"ddoss\"");
        check("", "no labels");
    }
}
