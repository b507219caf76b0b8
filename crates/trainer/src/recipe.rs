//! With which settings the bundles' models are fitted.

use crate::gbdt::Params;

/// Benign flows that may be flagged when the threshold is set.
pub const FALSE_ALARM_SHARE: f64 = 1e-3;
/// Gate probability below which no category is computed.
pub const LOW_MARK: f32 = 0.05;

/// Settings of every model.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// Tor, VPN and user application: the three of the traffic bundle.
    pub traffic: Params,
    /// Attack or not.
    pub gate: Params,
    /// Which attack.
    pub categories: Params,
    /// Attack packet or not.
    pub packet: Params,
}

impl Default for Recipe {
    fn default() -> Self {
        // Each round sees part of the rows and columns: the captures are few, and their twins many. The kind of an attack
        // carries over to other captures best when each round sees hardly any.
        let flow = Params { leaf_rows_min: 5, row_share: 0.7, column_share: 0.3, ..Params::default() };
        Self {
            traffic: Params { rounds: 60, leaves_max: 15, l2: 1.0, ..flow.clone() },
            gate: Params { rounds: 150, leaves_max: 20, l2: 5.0, column_share: 0.4, ..flow.clone() },
            categories: Params {
                rounds: 50,
                leaves_max: 15,
                learning_rate: 0.15,
                l2: 10.0,
                column_share: 0.05,
                ..flow
            },
            packet: Params { rounds: 60, leaves_max: 15, ..Params::default() },
        }
    }
}
