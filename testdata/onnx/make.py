"""Makes the small models of this folder: good ones, and ones that a bundle must refuse.

    pip install onnx numpy && python make.py

Every model reads `features` [N, 3]. The flow models take the columns duration, fwd_packets and bwd_payload_bytes, the
packet model len, source_port and dest_port.
"""

import random

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT
OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]


def trees(output, roots, targets, base, source="features", **changes):
    """A TreeEnsembleRegressor. A tree is (column, threshold, nan_goes_left, left, right) or {target: weight}."""
    table = {key: [] for key in ("treeids", "nodeids", "featureids", "values", "truenodeids", "falsenodeids",
                                 "missing_value_tracks_true", "modes")}
    leaves = {key: [] for key in ("treeids", "nodeids", "ids", "weights")}

    def add(tree, node, counter):
        leaf = isinstance(node, dict)
        at = counter[0]
        counter[0] += 1
        column, threshold, nan_left = (0, 0.0, False) if leaf else node[:3]
        place = len(table["nodeids"])
        for key, value in (("treeids", tree), ("nodeids", at), ("featureids", column), ("values", threshold),
                           ("truenodeids", 0), ("falsenodeids", 0), ("missing_value_tracks_true", int(nan_left)),
                           ("modes", "LEAF" if leaf else "BRANCH_LEQ")):
            table[key].append(value)
        if leaf:
            for target, weight in node.items():
                for key, value in (("treeids", tree), ("nodeids", at), ("ids", target), ("weights", weight)):
                    leaves[key].append(value)
        else:
            table["truenodeids"][place] = add(tree, node[3], counter)
            table["falsenodeids"][place] = add(tree, node[4], counter)
        return at

    for tree, root in enumerate(roots):
        add(tree, root, [0])
    attributes = {f"nodes_{key}": value for key, value in table.items()}
    attributes |= {f"target_{key}": value for key, value in leaves.items()}
    attributes |= dict(n_targets=targets, base_values=base, aggregate_function="SUM", post_transform="NONE")
    attributes |= changes
    return helper.make_node("TreeEnsembleRegressor", [source], [output], domain="ai.onnx.ml", **attributes)


def save(name, nodes, outputs, constants=(), inputs=(("features", FLOAT, ["N", 3]),), opsets=OPSETS):
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info(*i) for i in inputs],
                              [helper.make_tensor_value_info(*o) for o in outputs], list(constants))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    with open(f"{name}.onnx", "wb") as file:
        file.write(model.SerializeToString())


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, **attributes)


def constant(name, values):
    return numpy_helper.from_array(np.asarray(values, dtype=np.float32), name)


PROBABILITIES = [("probabilities", FLOAT, ["N", 4])]
THREAT = [("attack", FLOAT, ["N", 1]), ("categories", FLOAT, ["N", 16])]
SOFTMAX = node("Softmax", ["raw"], ["probabilities"], axis=1)

# Long flows are VPN, others NonVPN; without a duration nothing is known.
BY_DURATION = (0, 10.0, True, {1: 2.0}, {2: 4.0})
save("traffic", [trees("raw", [BY_DURATION], 4, [0.0] * 4), SOFTMAX], PROBABILITIES)


def threat_nodes(categories=16):
    """Flows of more than 100 packets from the initiator are attacks: floods if short, else brute force. The second
    ensemble reads all rows by way of a Gather, as a graph does that asks it about some rows only."""
    gate = trees("gate", [(1, 100.0, True, {0: -4.0}, {0: 4.0})], 1, [0.0])
    which = trees("which", [(0, 1.0, True, {2: 8.0}, {4: 8.0})], categories, [0.0] * categories, "rows")
    rows = [node("Shape", ["features"], ["shape"]), node("Gather", ["shape", "zero"], ["count"]),
            node("Range", ["zero", "count", "one"], ["all"]), node("Gather", ["features", "all"], ["rows"], axis=0)]
    return rows + [gate, which, node("Sigmoid", ["gate"], ["attack"]), node("Softmax", ["which"], ["categories"], axis=1)]


def integer(name, value):
    return numpy_helper.from_array(np.asarray(value, dtype=np.int64), name)


COUNTING = [integer("zero", 0), integer("one", 1)]
save("threat", threat_nodes(), THREAT, COUNTING)
# Packets of less than 100 bytes to ports below 1024.
save("packet", [trees("gate", [(0, 100.0, True, (2, 1023.0, True, {0: 2.0}, {0: -1.0}), {0: -2.0})], 1, [0.0]),
                node("Sigmoid", ["gate"], ["attack"])], [("attack", FLOAT, ["N", 1])])

# Many trees with weights of many sizes: sums whose order would show.
RANDOM = random.Random(7)


def grown(depth, targets):
    if depth == 0:
        return {target: RANDOM.gauss(0, 1) * 10 ** RANDOM.randint(-6, 0) for target in range(targets)}
    return (RANDOM.randrange(3), RANDOM.uniform(0, 1000), RANDOM.random() < 0.5,
            grown(depth - 1, targets), grown(depth - 1, targets))


save("forest", [trees("raw", [grown(3, 4) for _ in range(60)], 4, [0.0] * 4), SOFTMAX], PROBABILITIES)
gate = trees("gate", [grown(3, 1) for _ in range(120)], 1, [0.0])
save("threat_forest", [gate] + [n for n in threat_nodes() if n.output[0] != "gate"], THREAT, COUNTING)

# What a bundle must refuse.
save("bad_custom_operator", [helper.make_node("Shell", ["features"], ["probabilities"], domain="com.example")],
     PROBABILITIES, opsets=OPSETS + [helper.make_opsetid("com.example", 1)])
outside = constant("scale", [1.0] * 4)
outside.ClearField("raw_data")
outside.data_location = TensorProto.EXTERNAL
outside.external_data.add(key="location", value="../secret")
save("bad_external_data", [trees("raw", [BY_DURATION], 4, [0.0] * 4), node("Mul", ["raw", "scale"], ["probabilities"])],
     PROBABILITIES, [outside])
save("bad_shape", threat_nodes(15), [THREAT[0], ("categories", FLOAT, ["N", 15])], COUNTING)
save("bad_fixed_rows", [trees("raw", [BY_DURATION], 4, [0.0] * 4), SOFTMAX], PROBABILITIES,
     inputs=[("features", FLOAT, [1, 3])])
save("bad_input_name", [node("MatMul", ["X", "scale"], ["raw"]), SOFTMAX], PROBABILITIES,
     [constant("scale", np.ones((3, 4)))], inputs=[("X", FLOAT, ["N", 3])])
save("bad_output_name", [trees("raw", [BY_DURATION], 4, [0.0] * 4), node("Softmax", ["raw"], ["scores"], axis=1)],
     [("scores", FLOAT, ["N", 4])])
save("bad_type", [node("MatMul", ["features", "scale"], ["raw"]), SOFTMAX],
     [("probabilities", TensorProto.DOUBLE, ["N", 4])],
     [numpy_helper.from_array(np.ones((3, 4)), "scale")], inputs=[("features", TensorProto.DOUBLE, ["N", 3])])
branch = helper.make_graph([node("Identity", ["features"], ["copy"])], "b", [],
                           [helper.make_tensor_value_info("copy", FLOAT, ["N", 3])])
save("bad_control_flow", [node("If", ["flag"], ["rows"], then_branch=branch, else_branch=branch),
                          node("MatMul", ["rows", "scale"], ["raw"]), SOFTMAX], PROBABILITIES,
     [constant("scale", np.ones((3, 4))), numpy_helper.from_array(np.asarray(True), "flag")])
save("bad_tree_column", [trees("raw", [(1_000_000, 0.0, True, {0: 1.0}, {1: 1.0})], 4, [0.0] * 4), SOFTMAX],
     PROBABILITIES)
save("bad_tree_source", [node("MatMul", ["features", "scale"], ["narrow"]),
                         trees("raw", [BY_DURATION], 4, [0.0] * 4, "narrow"), SOFTMAX],
     PROBABILITIES, [constant("scale", np.ones((3, 1)))])
save("bad_tree_loop", [trees("raw", [BY_DURATION], 4, [0.0] * 4, nodes_truenodeids=[0, 0, 0]), SOFTMAX], PROBABILITIES)
save("bad_tree_target", [trees("raw", [(0, 0.0, True, {0: 1.0}, {9: 1.0})], 4, [0.0] * 4), SOFTMAX], PROBABILITIES)
# Passes every look at the graph and only fails in the runtime.
save("bad_operator", [node("NoSuchOperator", ["features"], ["raw"]), SOFTMAX], PROBABILITIES)
# Without a duration there is no number.
save("nan", [node("MatMul", ["features", "scale"], ["raw"]), SOFTMAX], PROBABILITIES, [constant("scale", np.ones((3, 4)))])
