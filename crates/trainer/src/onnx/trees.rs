//! An ensemble as the attributes of a `TreeEnsembleRegressor` node.

use super::build::{Graph, TREES, floats, integer, integers, text, texts};
use super::pb;
use crate::gbdt::{Ensemble, Node};

/// The lists that describe all nodes and leaves of an ensemble.
#[derive(Default)]
struct Lists {
    tree_ids: Vec<i64>,
    node_ids: Vec<i64>,
    columns: Vec<i64>,
    thresholds: Vec<f32>,
    lefts: Vec<i64>,
    rights: Vec<i64>,
    missing_lefts: Vec<i64>,
    modes: Vec<&'static str>,
    leaf_tree_ids: Vec<i64>,
    leaf_node_ids: Vec<i64>,
    leaf_outputs: Vec<i64>,
    leaf_values: Vec<f32>,
}

impl Lists {
    fn add(&mut self, tree: i64, output: i64, at: i64, node: Node) {
        self.tree_ids.push(tree);
        self.node_ids.push(at);
        let (column, threshold, left, right, missing_left, mode) = match node {
            Node::Split { column, threshold, missing_left, left, right } => {
                (column, threshold, left, right, missing_left, "BRANCH_LEQ")
            }
            Node::Leaf(value) => {
                self.leaf_tree_ids.push(tree);
                self.leaf_node_ids.push(at);
                self.leaf_outputs.push(output);
                self.leaf_values.push(value);
                (0, 0.0, 0, 0, false, "LEAF")
            }
        };
        self.columns.push(column.into());
        self.thresholds.push(threshold);
        self.lefts.push(left.into());
        self.rights.push(right.into());
        self.missing_lefts.push(missing_left.into());
        self.modes.push(mode);
    }

    fn attributes(self, base: &[f32]) -> Vec<pb::Attribute> {
        vec![
            integers("nodes_treeids", self.tree_ids),
            integers("nodes_nodeids", self.node_ids),
            integers("nodes_featureids", self.columns),
            floats("nodes_values", self.thresholds),
            integers("nodes_truenodeids", self.lefts),
            integers("nodes_falsenodeids", self.rights),
            integers("nodes_missing_value_tracks_true", self.missing_lefts),
            texts("nodes_modes", &self.modes),
            integers("target_treeids", self.leaf_tree_ids),
            integers("target_nodeids", self.leaf_node_ids),
            integers("target_ids", self.leaf_outputs),
            floats("target_weights", self.leaf_values),
            integer("n_targets", base.len() as i64),
            floats("base_values", base.to_vec()),
            text("aggregate_function", "SUM"),
            text("post_transform", "NONE"),
        ]
    }
}

impl Graph {
    /// Adds the ensemble's margins [rows of `input`, outputs], divided by the temperature.
    pub(super) fn margins(&mut self, name: &str, input: &str, model: &Ensemble, temperature: f32) -> String {
        let mut lists = Lists::default();
        let mut id = 0;
        for trees in &model.rounds {
            for (output, tree) in trees.iter().enumerate() {
                for (at, &node) in tree.nodes.iter().enumerate() {
                    lists.add(id, output as i64, at as i64, node);
                }
                id += 1;
            }
        }
        let attributes = lists.attributes(&model.base);
        let raw = self.node_of(TREES, "TreeEnsembleRegressor", &[input], &format!("{name}_raw"), attributes);
        let temperature = self.floats(&format!("{name}_temperature"), &[1], &[temperature]);
        self.node("Div", &[&raw, &temperature], &format!("{name}_margin"), Vec::new())
    }
}
