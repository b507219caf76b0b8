//! Reads a model's graph before the runtime does, and refuses what a bundle may not contain.
//!
//! The runtime is native code that trusts its models: it would open files that a model names, load operators that it asks
//! for, and read beyond a row where a tree asks for a feature that is not there. So only the few fields that decide this
//! are read here, and a model is refused unless all of them are known to be harmless.

use crate::manifest::{BundleKind, INPUT};
use crate::trees;
use prost::Message;
use std::collections::HashSet;

/// The largest model that is read, in bytes.
pub(crate) const MODEL_BYTES_MAX: usize = 64 << 20;
/// The most nodes in a graph.
pub(crate) const NODES_MAX: usize = 10_000;
/// Operator domains that ONNX Runtime brings itself.
const DOMAINS: [&str; 3] = ["", "ai.onnx", "ai.onnx.ml"];
/// `TensorProto.DataType.FLOAT`.
const FLOAT: i32 = 1;

#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<OperatorSet>,
    #[prost(message, repeated, tag = "20")]
    training_info: Vec<Nothing>,
    #[prost(message, repeated, tag = "25")]
    functions: Vec<Nothing>,
}

/// A message of which only the presence counts.
#[derive(Clone, Copy, PartialEq, Message)]
struct Nothing {}

#[derive(Clone, PartialEq, Message)]
struct OperatorSet {
    #[prost(string, tag = "1")]
    domain: String,
}

#[derive(Clone, PartialEq, Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    node: Vec<Node>,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "15")]
    sparse_initializer: Vec<Nothing>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Node {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "4")]
    pub(crate) op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub(crate) attribute: Vec<Attribute>,
    #[prost(string, tag = "7")]
    pub(crate) domain: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Attribute {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(int64, tag = "3")]
    pub(crate) int: i64,
    #[prost(message, optional, tag = "5")]
    tensor: Option<Tensor>,
    #[prost(message, optional, tag = "6")]
    graph: Option<Nothing>,
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub(crate) floats: Vec<f32>,
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub(crate) ints: Vec<i64>,
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub(crate) strings: Vec<Vec<u8>>,
    #[prost(message, repeated, tag = "10")]
    tensors: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    graphs: Vec<Nothing>,
    #[prost(message, optional, tag = "22")]
    sparse_tensor: Option<Nothing>,
    #[prost(message, repeated, tag = "23")]
    sparse_tensors: Vec<Nothing>,
}

#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(string, tag = "8")]
    name: String,
    #[prost(message, repeated, tag = "13")]
    external_data: Vec<Nothing>,
    #[prost(int32, tag = "14")]
    data_location: i32,
}

#[derive(Clone, PartialEq, Message)]
struct ValueInfo {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    kind: Option<Type>,
}

#[derive(Clone, PartialEq, Message)]
struct Type {
    #[prost(message, optional, tag = "1")]
    tensor: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorType {
    #[prost(int32, tag = "1")]
    element: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
struct Shape {
    #[prost(message, repeated, tag = "1")]
    dimension: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
struct Dimension {
    #[prost(int64, optional, tag = "1")]
    value: Option<i64>,
}

/// Refuses a model that is not what a bundle of this kind with so many columns may contain, and says why.
pub(crate) fn inspect(onnx: &[u8], kind: BundleKind, columns: usize) -> Result<(), String> {
    if onnx.len() > MODEL_BYTES_MAX {
        return Err(format!("model.onnx has {} bytes, at most {MODEL_BYTES_MAX} are read", onnx.len()));
    }
    let model = Model::decode(onnx).map_err(|error| {
        format!("model.onnx is not an ONNX model ({error}); copy the bundle again or train it anew")
    })?;
    if !model.functions.is_empty() || !model.training_info.is_empty() {
        return Err(
            "model.onnx has functions or training steps of its own; export plain operators only".into()
        );
    }
    for set in &model.opset_import {
        check_domain(&set.domain, "an operator set")?;
    }
    let Some(graph) = model.graph else {
        return Err("model.onnx has no graph; train the bundle anew".into());
    };
    check_nodes(&graph, columns)?;
    check_tensors(&graph)?;
    check_inputs(&graph, columns)?;
    check_outputs(&graph, kind)
}

fn check_domain(domain: &str, what: &str) -> Result<(), String> {
    if DOMAINS.contains(&domain) {
        return Ok(());
    }
    Err(format!(
        "{what} needs the custom operator domain {domain:?}; export the model with the operators of ai.onnx and ai.onnx.ml only"
    ))
}

fn check_nodes(graph: &Graph, columns: usize) -> Result<(), String> {
    if graph.node.is_empty() || graph.node.len() > NODES_MAX {
        return Err(format!("the graph has {} nodes, wanted are 1 to {NODES_MAX}", graph.node.len()));
    }
    // Tensors with the columns of a row: nodes stand in the order in which they run.
    let mut rows = HashSet::from([INPUT]);
    for node in &graph.node {
        check_domain(&node.domain, &node.op_type)?;
        for attribute in &node.attribute {
            if attribute.graph.is_some() || !attribute.graphs.is_empty() {
                return Err(format!(
                    "{} has a graph within; export a model without control flow",
                    node.op_type
                ));
            }
            if attribute.sparse_tensor.is_some() || !attribute.sparse_tensors.is_empty() {
                return Err(format!("{} has a sparse tensor; export dense ones", node.op_type));
            }
            attribute.tensor.iter().chain(&attribute.tensors).try_for_each(check_tensor)?;
        }
        let source = node.input.first().map(String::as_str).unwrap_or_default();
        if rows.contains(source) && keeps_columns(node) {
            rows.extend(node.output.iter().map(String::as_str));
        }
        trees::check(node, rows.contains(source), columns)?;
    }
    Ok(())
}

/// Whether what comes out has the columns of what goes in: all rows, or some.
fn keeps_columns(node: &Node) -> bool {
    let axis = node.attribute.iter().find(|attribute| attribute.name == "axis").map_or(0, |axis| axis.int);
    node.op_type == "Identity" || (node.op_type == "Gather" && axis == 0)
}

fn check_tensors(graph: &Graph) -> Result<(), String> {
    if !graph.sparse_initializer.is_empty() {
        return Err("the graph has sparse tensors; export dense ones".into());
    }
    graph.initializer.iter().try_for_each(check_tensor)
}

fn check_tensor(tensor: &Tensor) -> Result<(), String> {
    if tensor.data_location == 0 && tensor.external_data.is_empty() {
        return Ok(());
    }
    Err(format!(
        "tensor {:?} lies in another file; save the model with its tensors inside (save_as_external_data=False)",
        tensor.name
    ))
}

fn check_inputs(graph: &Graph, columns: usize) -> Result<(), String> {
    // Old exporters list initializers among the inputs.
    let is_constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    let inputs: Vec<&ValueInfo> = graph.input.iter().filter(|input| !is_constant(&input.name)).collect();
    match inputs.as_slice() {
        [input] if input.name == INPUT => check_value(input, columns),
        others => {
            let names: Vec<&str> = others.iter().map(|input| input.name.as_str()).collect();
            Err(format!("its inputs are {names:?}, wanted is one, called {INPUT:?}"))
        }
    }
}

fn check_outputs(graph: &Graph, kind: BundleKind) -> Result<(), String> {
    let wanted = kind.outputs();
    if graph.output.len() != wanted.len() {
        let names: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
        return Err(format!("its outputs are {names:?}, wanted are {wanted:?} (name, values a row)"));
    }
    wanted.iter().try_for_each(|(name, width)| {
        let output = graph.output.iter().find(|output| output.name == *name);
        let output =
            output.ok_or_else(|| format!("it has no output called {name:?}; wanted are {wanted:?}"))?;
        check_value(output, *width)
    })
}

fn check_value(value: &ValueInfo, width: usize) -> Result<(), String> {
    let tensor = value.kind.as_ref().and_then(|kind| kind.tensor.as_ref());
    if tensor.is_none_or(|tensor| tensor.element != FLOAT) {
        return Err(format!("{:?} is not a tensor of float32; cast it when exporting", value.name));
    }
    let shape: Vec<Option<i64>> = tensor
        .and_then(|tensor| tensor.shape.as_ref())
        .map(|shape| shape.dimension.iter().map(|dimension| dimension.value).collect())
        .unwrap_or_default();
    // An open number of rows is a named dimension, an absent one, or, from some exporters, -1 or 0.
    match shape.as_slice() {
        [None | Some(-1 | 0), Some(columns)] if *columns == width as i64 => Ok(()),
        _ => {
            let shown: Vec<String> =
                shape.iter().map(|size| size.map_or("N".into(), |size| size.to_string())).collect();
            Err(format!("{:?} has the shape [{}], wanted is [N, {width}]", value.name, shown.join(", ")))
        }
    }
}
