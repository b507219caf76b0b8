//! What `analyze` found, counted while it goes by.

mod collect;
mod json;
mod sparkline;
mod summary;
mod text;

pub(crate) use collect::{CollectPredictions, CollectThreats, Findings};
pub(crate) use json::write_json;
pub(crate) use text::write_text;
