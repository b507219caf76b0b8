//! A graph while it is put together.

use super::{INPUT, pb};
use prost::Message;

/// Domain of the tree operators.
pub(super) const TREES: &str = "ai.onnx.ml";
const STANDARD: &str = "";

const FLOAT: i32 = 1;
const INT64: i32 = 7;

/// Nodes in the order they run, constants and outputs.
#[derive(Default)]
pub(super) struct Graph {
    nodes: Vec<pb::Node>,
    constants: Vec<pb::Tensor>,
    outputs: Vec<pb::ValueInfo>,
}

impl Graph {
    /// Adds a node of a standard operator; returns the name of what it gives.
    pub(super) fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        attributes: Vec<pb::Attribute>,
    ) -> String {
        self.node_of(STANDARD, operator, inputs, output, attributes)
    }

    /// Adds a node of any domain.
    pub(super) fn node_of(
        &mut self,
        domain: &str,
        operator: &str,
        inputs: &[&str],
        output: &str,
        attribute: Vec<pb::Attribute>,
    ) -> String {
        self.nodes.push(pb::Node {
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![output.to_owned()],
            name: format!("{operator}:{output}"),
            op_type: operator.to_owned(),
            attribute,
            domain: domain.to_owned(),
        });
        output.to_owned()
    }

    /// Adds an f32 constant.
    pub(super) fn floats(&mut self, name: &str, dims: &[i64], values: &[f32]) -> String {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, dims, FLOAT, raw_data)
    }

    /// Adds an i64 constant.
    pub(super) fn integers(&mut self, name: &str, dims: &[i64], values: &[i64]) -> String {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, dims, INT64, raw_data)
    }

    fn constant(&mut self, name: &str, dims: &[i64], data_type: i32, raw_data: Vec<u8>) -> String {
        self.constants.push(pb::Tensor { dims: dims.to_vec(), data_type, name: name.to_owned(), raw_data });
        name.to_owned()
    }

    /// Declares a result [N, columns] of f32 under the name of the value that it is.
    pub(super) fn output(&mut self, name: &str, columns: usize) {
        self.outputs.push(rows_of(name, columns));
    }

    /// The finished file.
    pub(super) fn finish(self, name: &str, columns: usize) -> Vec<u8> {
        let graph = pb::Graph {
            node: self.nodes,
            name: name.to_owned(),
            initializer: self.constants,
            input: vec![rows_of(INPUT, columns)],
            output: self.outputs,
        };
        let operators = |domain: &str, version| pb::OperatorSet { domain: domain.to_owned(), version };
        let model = pb::Model {
            ir_version: 8,
            producer_name: "flowcatcher".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(graph),
            opset_import: vec![operators(STANDARD, 17), operators(TREES, 3)],
        };
        model.encode_to_vec()
    }
}

fn rows_of(name: &str, columns: usize) -> pb::ValueInfo {
    use pb::dimension::Value;
    let sizes = [Value::DimParam("N".to_owned()), Value::DimValue(columns as i64)];
    let dim = sizes.map(|value| pb::Dimension { value: Some(value) }).to_vec();
    let tensor_type = pb::TensorType { elem_type: FLOAT, shape: Some(pb::Shape { dim }) };
    pb::ValueInfo { name: name.to_owned(), r#type: Some(pb::Type { tensor_type: Some(tensor_type) }) }
}

pub(super) fn integer(name: &str, i: i64) -> pb::Attribute {
    pb::Attribute { i, ..attribute(name, pb::AttributeType::Int) }
}

pub(super) fn integers(name: &str, ints: Vec<i64>) -> pb::Attribute {
    pb::Attribute { ints, ..attribute(name, pb::AttributeType::Ints) }
}

pub(super) fn floats(name: &str, floats: Vec<f32>) -> pb::Attribute {
    pb::Attribute { floats, ..attribute(name, pb::AttributeType::Floats) }
}

pub(super) fn text(name: &str, text: &str) -> pb::Attribute {
    pb::Attribute { s: text.as_bytes().to_vec(), ..attribute(name, pb::AttributeType::String) }
}

pub(super) fn texts(name: &str, texts: &[&str]) -> pb::Attribute {
    let strings = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    pb::Attribute { strings, ..attribute(name, pb::AttributeType::Strings) }
}

fn attribute(name: &str, kind: pb::AttributeType) -> pb::Attribute {
    pb::Attribute { name: name.to_owned(), r#type: kind.into(), ..pb::Attribute::default() }
}
