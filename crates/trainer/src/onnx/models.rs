//! The three kinds of graph, and the same arithmetic in plain code.

use super::INPUT;
use super::build::{Graph, integer};
use crate::gbdt::{Ensemble, sigmoid, softmax};
use schema::ThreatCategory;
use schema::category::{CATEGORIES, TRAFFIC_CLASSES};

/// Tor? then VPN? then a user application or not: three binary models, asked in that order.
#[derive(Debug, Clone)]
pub struct TrafficModel {
    /// Log-odds of Tor.
    pub tor: Ensemble,
    /// Log-odds of VPN, where it is not Tor.
    pub vpn: Ensemble,
    /// Log-odds of a user application, where it is neither.
    pub user: Ensemble,
    /// Divides all margins.
    pub temperature: f32,
}

impl TrafficModel {
    /// The graph: `probabilities` [N, 4] in the order of [`TRAFFIC_CLASSES`].
    #[must_use]
    pub fn to_onnx(&self) -> Vec<u8> {
        let mut graph = Graph::default();
        let one = graph.floats("one", &[1], &[1.0]);
        let mut asked =
            [("tor", &self.tor), ("vpn", &self.vpn), ("user", &self.user)].map(|(name, model)| {
                let margin = graph.margins(name, INPUT, model, self.temperature);
                let yes = graph.node("Sigmoid", &[&margin], &format!("{name}_yes"), Vec::new());
                let no = graph.node("Sub", &[&one, &yes], &format!("{name}_no"), Vec::new());
                (yes, no)
            });
        let [(tor, not_tor), (vpn, not_vpn), (user, not_user)] = &mut asked;
        let vpn = graph.node("Mul", &[not_tor, vpn], "vpn_probability", Vec::new());
        let neither = graph.node("Mul", &[not_tor, not_vpn], "neither_probability", Vec::new());
        let user = graph.node("Mul", &[&neither, user], "user_probability", Vec::new());
        let other = graph.node("Mul", &[&neither, not_user], "other_probability", Vec::new());
        graph.node("Concat", &[&other, &user, &vpn, tor], "probabilities", vec![integer("axis", 1)]);
        graph.output("probabilities", TRAFFIC_CLASSES.len());
        graph.finish("traffic", self.tor.columns)
    }

    /// The probabilities of a row, in the order of [`TRAFFIC_CLASSES`].
    #[must_use]
    pub fn probabilities(&self, row: &[f32]) -> [f64; 4] {
        let margins = [&self.tor, &self.vpn, &self.user].map(|model| f64::from(model.margin(row)));
        Self::compose(margins, f64::from(self.temperature))
    }

    /// The probabilities from the three margins.
    #[must_use]
    pub fn compose(margins: [f64; 3], temperature: f64) -> [f64; 4] {
        let [tor, vpn, user] = margins.map(|margin| sigmoid(margin / temperature));
        let neither = (1.0 - tor) * (1.0 - vpn);
        [neither * (1.0 - user), neither * user, (1.0 - tor) * vpn, tor]
    }
}

/// An attack or not, and which: the many-class trees run only for rows that the gate lets pass.
#[derive(Debug, Clone)]
pub struct ThreatModel {
    /// Log-odds of an attack.
    pub gate: Ensemble,
    /// Divides the gate's margin.
    pub temperature: f32,
    /// One output for each of `categories_known`.
    pub categories: Ensemble,
    /// Divides the margins of the categories.
    pub categories_temperature: f32,
    /// What the outputs of `categories` mean.
    pub categories_known: Vec<ThreatCategory>,
    /// Gate probability below which no category is computed.
    pub low_mark: f32,
}

impl ThreatModel {
    /// The graph: `attack` [N, 1], and `categories` [N, 16] in the order of [`CATEGORIES`]: how likely each is, given that
    /// the row is an attack; zeros below the low mark and for categories never trained on.
    #[must_use]
    pub fn to_onnx(&self) -> Vec<u8> {
        let mut graph = Graph::default();
        let margin = graph.margins("gate", INPUT, &self.gate, self.temperature);
        let attack = graph.node("Sigmoid", &[&margin], "attack", Vec::new());
        let passing = self.passing(&mut graph, &attack);
        let rows = graph.node("Gather", &[INPUT, &passing.rows], "rows", vec![integer("axis", 0)]);
        let margins = graph.margins("categories", &rows, &self.categories, self.categories_temperature);
        let known = graph.node("Softmax", &[&margins], "known", vec![integer("axis", 1)]);
        let placing = self.placing(&mut graph);
        let placed = graph.node("MatMul", &[&known, &placing], "placed", Vec::new());
        let zeros = graph.node("Mul", &[&passing.mask, &passing.no_categories], "zeros", Vec::new());
        let inputs = [zeros.as_str(), &passing.places, &placed];
        let scattered = graph.node("ScatterND", &inputs, "scattered", Vec::new());
        // The first row was computed whether it passed or not.
        graph.node("Mul", &[&scattered, &passing.mask], "categories", Vec::new());
        graph.output("attack", 1);
        graph.output("categories", CATEGORIES.len());
        graph.finish("threat", self.gate.columns)
    }

    /// Which rows reach the low mark.
    fn passing(&self, graph: &mut Graph, attack: &str) -> Passing {
        let low_mark = graph.floats("low_mark", &[1], &[self.low_mark]);
        let reached = graph.node("GreaterOrEqual", &[attack, &low_mark], "reached", Vec::new());
        let mask = graph.node("Cast", &[&reached], "mask", vec![integer("to", 1)]);
        // A row and a column index for each true cell; the column index is always 0.
        let cells = graph.node("NonZero", &[&reached], "cells", Vec::new());
        let row_index = graph.integers("row_index", &[], &[0]);
        let found = graph.node("Gather", &[&cells, &row_index], "found", vec![integer("axis", 0)]);
        // The first row always goes along: the tree operator does not take an empty batch.
        let first = graph.integers("first", &[1], &[0]);
        let rows = graph.node("Concat", &[&first, &found], "passing", vec![integer("axis", 0)]);
        let second_axis = graph.integers("second_axis", &[1], &[1]);
        let places = graph.node("Unsqueeze", &[&rows, &second_axis], "places", Vec::new());
        let no_categories = graph.floats("no_categories", &[1, CATEGORIES.len() as i64], &[0.0; 16]);
        Passing { mask, rows, places, no_categories }
    }

    /// A matrix that moves each known category to its place among all.
    fn placing(&self, graph: &mut Graph) -> String {
        let mut cells = vec![0.0; self.categories_known.len() * CATEGORIES.len()];
        for (at, &category) in self.categories_known.iter().enumerate() {
            cells[at * CATEGORIES.len() + category as usize] = 1.0;
        }
        let dims = [self.categories_known.len() as i64, CATEGORIES.len() as i64];
        graph.floats("placing", &dims, &cells)
    }

    /// The probability that a row is an attack.
    #[must_use]
    pub fn attack(&self, row: &[f32]) -> f64 {
        sigmoid(f64::from(self.gate.margin(row)) / f64::from(self.temperature))
    }

    /// How likely each category of [`CATEGORIES`] is for a row, given that it is an attack.
    #[must_use]
    pub fn categories(&self, row: &[f32]) -> [f64; 16] {
        let mut margins = vec![0.0; self.categories_known.len()];
        self.categories.margins(row, &mut margins);
        let temperature = f64::from(self.categories_temperature);
        let mut shares: Vec<f64> =
            margins.into_iter().map(|margin| f64::from(margin) / temperature).collect();
        softmax(&mut shares);
        let mut all = [0.0; 16];
        self.categories_known
            .iter()
            .zip(shares)
            .for_each(|(&category, share)| all[category as usize] = share);
        all
    }
}

struct Passing {
    /// 1 for the rows that pass, else 0.
    mask: String,
    /// Their numbers: [M], the first row always among them.
    rows: String,
    /// The same as [M, 1].
    places: String,
    no_categories: String,
}

/// The probability that a packet belongs to an attack flow.
#[derive(Debug, Clone)]
pub struct PacketModel {
    /// Log-odds of an attack.
    pub gate: Ensemble,
    /// Divides the margin.
    pub temperature: f32,
}

impl PacketModel {
    /// The graph: `attack` [N, 1].
    #[must_use]
    pub fn to_onnx(&self) -> Vec<u8> {
        let mut graph = Graph::default();
        let margin = graph.margins("gate", INPUT, &self.gate, self.temperature);
        graph.node("Sigmoid", &[&margin], "attack", Vec::new());
        graph.output("attack", 1);
        graph.finish("packet", self.gate.columns)
    }

    /// The probability for a row.
    #[must_use]
    pub fn attack(&self, row: &[f32]) -> f64 {
        sigmoid(f64::from(self.gate.margin(row)) / f64::from(self.temperature))
    }
}
