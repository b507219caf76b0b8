//! What comes before the models: detectors that decide a flow's threat category from named facts, in order.

use crate::record::View;
use schema::{RuleHit, ThreatCategory};

/// What a detector found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    /// Never `none`.
    pub(crate) category: ThreatCategory,
    /// 0 to 1: how sure.
    pub(crate) score: f32,
    /// The rule that fired, with its clauses.
    pub(crate) hit: RuleHit,
}

/// Decides from one record alone. The first finding in the judge's list holds, and no model is asked.
pub(crate) trait Detector: Send {
    /// The finding, if the flow is one.
    fn inspect(&self, view: View<'_>) -> Option<Finding>;
}
