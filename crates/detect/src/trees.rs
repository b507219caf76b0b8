//! Checks the tables of tree ensembles: the runtime follows their numbers without looking.

use crate::graph::{Attribute, Node};
use crate::manifest::INPUT;
use std::collections::HashMap;

/// The most nodes of all trees of one ensemble.
pub(crate) const TREE_NODES_MAX: usize = 2_000_000;
/// The most results of one ensemble.
const RESULTS_MAX: i64 = 4096;

/// Refuses a tree ensemble whose tables point outside of themselves, outside of a row or of the result. `reads_rows` tells
/// that what it reads has the bundle's columns.
pub(crate) fn check(node: &Node, reads_rows: bool, columns: usize) -> Result<(), String> {
    match node.op_type.as_str() {
        "TreeEnsembleRegressor" => Ensemble::new(node).check(reads_rows, columns),
        "TreeEnsembleClassifier" | "TreeEnsemble" => Err(format!(
            "{} is not run (its probabilities differ between runtimes); export a TreeEnsembleRegressor and a Sigmoid or Softmax after it",
            node.op_type
        )),
        _ => Ok(()),
    }
}

struct Ensemble<'a> {
    node: &'a Node,
    trees: &'a [i64],
    ids: &'a [i64],
}

impl<'a> Ensemble<'a> {
    fn new(node: &'a Node) -> Self {
        let mut ensemble = Self { node, trees: &[], ids: &[] };
        ensemble.trees = ensemble.ints("nodes_treeids");
        ensemble.ids = ensemble.ints("nodes_nodeids");
        ensemble
    }

    fn attribute(&self, name: &str) -> Option<&'a Attribute> {
        self.node.attribute.iter().find(|attribute| attribute.name == name)
    }

    fn ints(&self, name: &str) -> &'a [i64] {
        self.attribute(name).map_or(&[], |attribute| attribute.ints.as_slice())
    }

    fn floats(&self, name: &str) -> usize {
        self.attribute(name).map_or(0, |attribute| attribute.floats.len())
    }

    fn check(&self, reads_rows: bool, columns: usize) -> Result<(), String> {
        if !reads_rows {
            return Err(format!(
                "a TreeEnsembleRegressor must read the rows of {INPUT:?} as they are, or some of them"
            ));
        }
        if self.node.attribute.iter().any(|attribute| attribute.name.ends_with("_as_tensor")) {
            return Err("a TreeEnsembleRegressor has double tables; export it with float tables".into());
        }
        let nodes = self.trees.len();
        if nodes == 0 || nodes > TREE_NODES_MAX {
            return Err(format!("a tree ensemble has {nodes} nodes, wanted are 1 to {TREE_NODES_MAX}"));
        }
        self.check_features(columns)?;
        self.check_branches()?;
        self.check_targets()
    }

    fn check_features(&self, columns: usize) -> Result<(), String> {
        match self.ints("nodes_featureids").iter().find(|&&at| at < 0 || at >= columns as i64) {
            Some(at) => Err(format!("a tree asks for column {at}, the bundle has {columns}; train it anew")),
            None => Ok(()),
        }
    }

    /// Every branch leads to later nodes of its own tree, so that a walk ends.
    fn check_branches(&self) -> Result<(), String> {
        let (yes, no) = (self.ints("nodes_truenodeids"), self.ints("nodes_falsenodeids"));
        let modes = self.attribute("nodes_modes").map_or(&[][..], |attribute| attribute.strings.as_slice());
        let lengths = [
            self.ids.len(),
            yes.len(),
            no.len(),
            modes.len(),
            self.ints("nodes_featureids").len(),
            self.floats("nodes_values"),
        ];
        if lengths != [self.trees.len(); 6] {
            return Err("the tables of a tree ensemble differ in length; train the bundle anew".into());
        }
        let place = self.places()?;
        for at in 0..self.trees.len() {
            let forward = |child: i64| place.get(&(self.trees[at], child)).is_some_and(|&to| to > at);
            if modes[at] != b"LEAF" && !(forward(yes[at]) && forward(no[at])) {
                let (node, tree) = (self.ids[at], self.trees[at]);
                return Err(format!(
                    "node {node} of tree {tree} leads back or nowhere; list children after parents"
                ));
            }
        }
        Ok(())
    }

    fn places(&self) -> Result<HashMap<(i64, i64), usize>, String> {
        let keys = self.trees.iter().copied().zip(self.ids.iter().copied());
        let place: HashMap<(i64, i64), usize> = keys.enumerate().map(|(at, key)| (key, at)).collect();
        if place.len() == self.trees.len() {
            return Ok(place);
        }
        Err("a tree ensemble lists a node twice; train the bundle anew".into())
    }

    fn check_targets(&self) -> Result<(), String> {
        let results = self.attribute("n_targets").map_or(1, |attribute| attribute.int);
        let targets = self.ints("target_ids");
        if !(1..=RESULTS_MAX).contains(&results) || targets.iter().any(|at| !(0..results).contains(at)) {
            return Err(format!(
                "a tree ensemble writes outside of its {results} results; train the bundle anew"
            ));
        }
        let (trees, nodes) = (self.ints("target_treeids"), self.ints("target_nodeids"));
        if [trees.len(), nodes.len(), self.floats("target_weights")] != [targets.len(); 3] {
            return Err("the target tables of a tree ensemble differ in length; train the bundle anew".into());
        }
        let place = self.places()?;
        match trees.iter().zip(nodes).find(|(tree, node)| !place.contains_key(&(**tree, **node))) {
            Some((tree, node)) => {
                Err(format!("a result hangs on node {node} of tree {tree}, which is not there"))
            }
            None => Ok(()),
        }
    }
}
