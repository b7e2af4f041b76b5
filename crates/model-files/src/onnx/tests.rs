//! Tests with graphs that no tool would write.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use downhill::message::Code;
use prost::Message as _;

use super::proto::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, data_type,
};
use super::read::read;
use downhill::foreign::Model;

/// The time limit for reading a file: about a second in the page, and three times the eight seconds that this
/// unoptimized build needs at most.
const SOON: Duration = Duration::from_secs(24);

fn info(name: &str, elem_type: i32, width: i64) -> ValueInfoProto {
    let dim = |dim_value| Dimension { dim_value, dim_param: None };
    let shape = TensorShapeProto { dim: vec![dim(None), dim(Some(width))] };
    let kind = TypeProto { tensor_type: Some(TensorTypeProto { elem_type, shape: Some(shape) }) };
    ValueInfoProto { name: name.into(), kind: Some(kind) }
}

fn tensor(name: &str, dims: &[i64], float_data: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: data_type::FLOAT,
        float_data: float_data.to_vec(),
        ..TensorProto::default()
    }
}

fn node(op_type: &str, input: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op_type.into(),
        input: input.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    }
}

fn with(mut node: NodeProto, name: &str, i: i64) -> NodeProto {
    node.attribute.push(AttributeProto { name: name.into(), i: Some(i), ..AttributeProto::default() });
    node
}

fn encoder(input: &str, output: &str, words: &[&str]) -> NodeProto {
    let mut node = node("OneHotEncoder", &[input], output);
    node.domain = super::ML_DOMAIN.into();
    node.attribute.push(AttributeProto {
        name: "cats_strings".into(),
        strings: words.iter().map(|word| word.as_bytes().to_vec()).collect(),
        ..AttributeProto::default()
    });
    node
}

/// Encodes a graph with inputs `x` (three columns) and `word`, and output `y`.
fn file(node: Vec<NodeProto>, initializer: Vec<TensorProto>) -> Vec<u8> {
    let has_words = node.iter().any(|node| node.input.iter().any(|name| name == "word"));
    let mut input = vec![info("x", data_type::FLOAT, 3)];
    input.extend(has_words.then(|| info("word", data_type::STRING, 1)));
    let graph = GraphProto {
        node,
        initializer,
        input,
        output: vec![info("y", data_type::FLOAT, 1)],
        ..GraphProto::default()
    };
    ModelProto { ir_version: 7, graph: Some(graph), ..ModelProto::default() }.encode_to_vec()
}

fn linear() -> Vec<TensorProto> {
    vec![tensor("w", &[3, 1], &[1.0, 2.0, 3.0]), tensor("b", &[1], &[4.0])]
}

fn soon(bytes: &[u8]) -> downhill::message::Result<Model> {
    let begun = Instant::now();
    let found = read(bytes).map(|plain| plain.model);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    found
}

fn refused(nodes: Vec<NodeProto>, initializer: Vec<TensorProto>) -> (Code, String) {
    let refused = soon(&file(nodes, initializer)).unwrap_err();
    (refused.code, refused.to_string())
}

#[test]
fn what_is_computed_of_rows_is_not_taken_for_columns() {
    let gemm = || node("Gemm", &["x", "w", "b"], "z");
    let good = soon(&file(vec![gemm(), node("Identity", &["z"], "y")], linear())).unwrap();
    assert_eq!((good.weights, good.bias), (vec![vec![1.0], vec![2.0], vec![3.0]], Some(vec![4.0])));
    // Each variant changes one thing and thus computes something else.
    let shape = |shape: &[i64]| TensorProto {
        name: "shape".into(),
        dims: vec![shape.len() as i64],
        data_type: data_type::INT64,
        int64_data: shape.to_vec(),
        ..TensorProto::default()
    };
    let cases = [
        vec![gemm(), with(node("Softmax", &["z"], "y"), "axis", 0)],
        vec![gemm(), with(node("Cast", &["z"], "y"), "to", 7)],
        vec![with(node("Flatten", &["x"], "f"), "axis", 0), node("Gemm", &["f", "w", "b"], "y")],
        vec![node("Reshape", &["x", "shape"], "f"), node("Gemm", &["f", "w", "b"], "y")],
        vec![node("Gemm", &["x", "w", "rows"], "y")],
        vec![gemm(), node("Add", &["z", "rows"], "y")],
        vec![with(node("Gemm", &["x", "w", "b"], "y"), "transA", 1)],
        vec![gemm(), with(node("Concat", &["z", "z"], "y"), "axis", 0)],
        vec![gemm(), node("Gather", &["z", "shape"], "y")],
        vec![gemm(), node("Sigmoid", &["z"], "p"), with(node("Gather", &["p", "swapped"], "y"), "axis", 1)],
        vec![NodeProto { domain: "of.others".into(), ..node("Gemm", &["x", "w", "b"], "y") }],
    ];
    for nodes in cases {
        let named = format!("{:?}", nodes.iter().map(|node| &node.op_type).collect::<Vec<_>>());
        let rows = tensor("rows", &[2, 1], &[1.0, 2.0]);
        let swapped = tensor("swapped", &[2], &[1.0, 0.0]);
        let given = [linear(), vec![rows, swapped, shape(&[-1])]].concat();
        let (code, why) = refused(nodes, given);
        assert!([Code::ModelUnsupported, Code::ModelTooDeep].contains(&code), "{named}: {why}");
    }
}

#[test]
fn encoders_that_disagree_are_refused() {
    let nodes = |words: &[&str]| {
        vec![
            encoder("word", "h1", &["a", "b", "c"]),
            encoder("word", "h2", words),
            with(node("Concat", &["h1", "h2"], "h"), "axis", 2),
            node("MatMul", &["h", "k"], "y"),
        ]
    };
    let kernel = || vec![tensor("k", &[6, 1], &[1.0, 2.0, 3.0, 10.0, 20.0, 30.0])];
    let good = soon(&file(nodes(&["a", "b", "c"]), kernel())).unwrap();
    assert_eq!(good.inputs[3].levels, ["a", "b", "c"]);
    assert_eq!(good.predict(&[0.0, 0.0, 0.0, 1.0], &mut vec![0.0; good.map.n_features()]), [22.0]);
    assert_eq!(refused(nodes(&["c", "b", "a"]), kernel()).0, Code::ModelUnsupported);
    assert_eq!(refused(vec![encoder("word", "y", &["a", "b", "a"])], Vec::new()).0, Code::ModelDamaged);
    // Text columns that are concatenated and selected: [word] twice, of which the second is taken.
    let chosen = vec![
        with(node("Concat", &["word", "word"], "both"), "axis", 1),
        with(node("Gather", &["both", "second"], "one"), "axis", 1),
        encoder("one", "h", &["a", "b", "c"]),
        node("MatMul", &["h", "k"], "y"),
    ];
    let given = vec![tensor("second", &[1], &[1.0]), tensor("k", &[3, 1], &[1.0, 2.0, 3.0])];
    let model = soon(&file(chosen, given)).unwrap();
    assert_eq!(model.predict(&[0.0, 0.0, 0.0, 2.0], &mut vec![0.0; model.map.n_features()]), [3.0]);
}

#[test]
fn nothing_of_endless_shape_is_made() {
    let empty = tensor("none", &[0], &[]);
    for dims in [[0, i64::MAX], [i64::MAX, 0], [1 << 62, 0], [-1, 3], [i64::MAX, i64::MAX]] {
        let nodes = vec![
            with(node("Gather", &["x", "none"], "f"), "axis", 1),
            with(node("Gemm", &["f", "k"], "y"), "transB", 1),
        ];
        assert_eq!(refused(nodes, vec![empty.clone(), tensor("k", &dims, &[])]).0, Code::ModelDamaged);
    }
    // A million numbers in a constant that could be outputs.
    let wide = vec![1.0; 1_000_000];
    let (code, _) =
        refused(vec![node("Add", &["x", "wide"], "y")], vec![tensor("wide", &[1_000_000], &wide)]);
    assert_eq!(code, Code::ModelUnsupported);
    let nodes = vec![
        with(node("Slice", &["x", "one", "one", "one"], "s"), "unused", 0),
        node("MatMul", &["s", "wide"], "y"),
    ];
    assert!(
        soon(&file(nodes, vec![tensor("one", &[1], &[1.0]), tensor("wide", &[1, 1_000_000], &wide)]))
            .is_err()
    );
    // An input with a huge number of columns.
    let mut endless = ModelProto::decode(&file(vec![node("Identity", &["x"], "y")], Vec::new())[..]).unwrap();
    for width in [i64::MAX, 1 << 40, 1_000_000] {
        endless.graph.as_mut().unwrap().input = vec![info("x", data_type::FLOAT, width)];
        assert_eq!(soon(&endless.encode_to_vec()).unwrap_err().code, Code::ModelTooLarge);
    }
}

#[test]
fn graphs_that_do_the_same_without_end_are_stopped() {
    // Every node transposes a large constant.
    let large = tensor("k0", &[1000, 1000], &vec![1.0; 1_000_000]);
    let turned =
        (0..10_000).map(|k| node("Transpose", &[&format!("k{k}")], &format!("k{}", k + 1))).collect();
    assert_eq!(refused(turned, vec![large]).0, Code::ModelTooLarge);
    // A sum that is doubled ten thousand times.
    let mut nodes = vec![node("Gemm", &["x", "w", "b"], "s0")];
    nodes.extend((0..20_000).map(|k| {
        let own = format!("s{k}");
        node("Add", &[&own, &own], &format!("s{}", k + 1))
    }));
    nodes.push(node("Identity", &["s20000"], "y"));
    let (code, why) = refused(nodes, linear());
    assert!([Code::ModelTooLarge, Code::ModelNotFinite].contains(&code), "{why}");
    // Columns concatenated with themselves, which doubles their number each time.
    let mut nodes = vec![with(node("Concat", &["x", "x"], "c0"), "axis", 1)];
    nodes.extend((0..60).map(|k| {
        let own = format!("c{k}");
        with(node("Concat", &[&own, &own], &format!("c{}", k + 1)), "axis", 1)
    }));
    assert_eq!(refused(nodes, Vec::new()).0, Code::ModelTooLarge);
    // The same with text columns.
    let mut nodes = vec![with(node("Concat", &["word", "word"], "c0"), "axis", 1)];
    nodes.extend((0..60).map(|k| {
        let own = format!("c{k}");
        with(node("Concat", &[&own, &own], &format!("c{}", k + 1)), "axis", 1)
    }));
    assert!(soon(&file(nodes, Vec::new())).is_err());
}

#[test]
fn what_is_computed_twice_or_never_is_damaged() {
    let twice = vec![node("Gemm", &["x", "w", "b"], "y"), node("Neg", &["y"], "y")];
    assert_eq!(refused(twice, linear()).0, Code::ModelDamaged);
    let round = vec![node("Add", &["b", "y"], "a"), node("Add", &["a", "x"], "y")];
    assert_eq!(refused(round, linear()).0, Code::ModelDamaged);
    assert_eq!(refused(Vec::new(), linear()).0, Code::ModelDamaged);
}

#[test]
fn weights_elsewhere_and_weights_that_are_no_numbers() {
    let gemm = || vec![node("Gemm", &["x", "w", "b"], "y")];
    let mut outside = linear();
    outside[0].data_location = 1;
    outside[0].external_data =
        vec![StringStringEntryProto { key: "location".into(), value: "../../weights".into() }];
    assert_eq!(refused(gemm(), outside).0, Code::ModelUnsupported);
    let mut nan = linear();
    nan[0].float_data[1] = f32::NAN;
    assert_eq!(refused(gemm(), nan).0, Code::ModelNotFinite);
    let mut short = linear();
    short[0].dims = vec![4, 1];
    assert_eq!(refused(gemm(), short).0, Code::ModelShape);
    let mut wide = linear();
    wide[0].dims = vec![1, 3];
    assert_eq!(refused(gemm(), wide).0, Code::ModelShape);
}

#[test]
fn protobuf_of_another_schema_is_no_model() {
    // The beginning of a TensorFlow SavedModel: its version, then its own messages in field 2.
    let saved = [&[0x08, 0x01, 0x12, 0x06][..], &[0x0A, 0x04, 0x0A, 0x02, b'v', b'1']].concat();
    assert_eq!(soon(&saved).unwrap_err().code, Code::ModelDamaged);
    // Nested groups, which prost would follow.
    let nested = [&[0x08, 0x07][..], &vec![0x0B; 1_000_000]].concat();
    assert_eq!(soon(&nested).unwrap_err().code, Code::ModelDamaged);
    // Nested messages: a graph in an attribute of a node, and so on.
    let mut inner = Vec::new();
    for _ in 0..2_000 {
        let nested = |field: u8, bytes: Vec<u8>| {
            let mut own = vec![field << 3 | 2];
            prost::encoding::encode_varint(bytes.len() as u64, &mut own);
            own.extend(bytes);
            own
        };
        inner = nested(1, nested(5, nested(6, inner)));
    }
    let mut deep = vec![0x08, 0x07, 0x3A];
    prost::encoding::encode_varint(inner.len() as u64, &mut deep);
    deep.extend(inner);
    assert!(soon(&deep).is_err());
}
