//! Which tool made which attack: the notes beside a capture.

use serde::Deserialize;
use std::collections::BTreeMap;

/// The part of a capture's notes that training looks at.
#[derive(Debug, Default, Deserialize)]
pub struct Sidecar {
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Debug, Deserialize)]
struct Event {
    label: String,
    tool: String,
}

impl Sidecar {
    /// Reads the text of a sidecar: JSON with `events`, each with `label` and `tool`.
    ///
    /// # Errors
    /// What is wrong, with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("not the notes of a capture: {error}"))
    }

    /// The first tool of each attack label.
    #[must_use]
    pub fn tools(&self) -> BTreeMap<&str, &str> {
        let mut tools = BTreeMap::new();
        for event in &self.events {
            tools.entry(event.label.as_str()).or_insert(event.tool.as_str());
        }
        tools
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_those_of_the_events() {
        let text =
            r#"{"tools": [{"tool": "curl"}], "events": [{"label": "scan", "tool": "nmap", "start": 1.5}]}"#;
        let sidecar = Sidecar::parse(text).expect("notes");
        assert_eq!(sidecar.tools().into_iter().collect::<Vec<_>>(), [("scan", "nmap")]);
        assert!(Sidecar::parse("{}").expect("notes").tools().is_empty());
        assert!(Sidecar::parse("[").is_err());
    }
}
