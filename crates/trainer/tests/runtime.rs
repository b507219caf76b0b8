//! The written graphs against ONNX Runtime: the same probabilities as the plain arithmetic, missing values included.
//!
//! Needs the library of ONNX Runtime (`ORT_DYLIB_PATH`, or where `bootstrap` puts it); skips without it.

use ort::environment::Environment;
use ort::session::Session;
use ort::value::Tensor;
use schema::ThreatCategory::{Botnet, Dos, NetworkAttack};
use std::path::PathBuf;
use std::sync::OnceLock;
use trainer::gbdt::{Ensemble, Matrix, Objective, Params, Random, Sample, fit};
use trainer::onnx::{PacketModel, ThreatModel, TrafficModel};

const COLUMNS: usize = 6;
const TOLERANCE: f64 = 1e-6;

fn library() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH") {
        return Some(path.into());
    }
    let home = std::env::var_os("HOME")?;
    let path = PathBuf::from(home).join(".local/share/flowcatcher/lib/libonnxruntime.so.1.24.1");
    path.exists().then_some(path)
}

fn session(graph: &[u8]) -> Option<Session> {
    static RUNTIME: OnceLock<Option<Environment>> = OnceLock::new();
    let start = || Some(ort::init_from(library()?).expect("the library loads").build().expect("a runtime"));
    let Some(runtime) = RUNTIME.get_or_init(start) else {
        // Not by `eprintln!`, which the test runner would hide.
        std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("skipped: no ONNX Runtime; set ORT_DYLIB_PATH to its library\n"),
        )
        .expect("standard error");
        return None;
    };
    let mut builder =
        Session::builder(runtime).expect("a builder").with_intra_threads(1).expect("one thread");
    Some(builder.commit_from_memory(graph).expect("ONNX Runtime takes the graph"))
}

/// Random rows; a tenth of the values is missing, some are infinite.
fn rows(count: usize, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    let value = |random: &mut Random| match random.below(40) {
        0..4 => f32::NAN,
        4 => f32::INFINITY,
        5 => f32::NEG_INFINITY,
        _ => (random.unit() * 1e6) as f32,
    };
    (0..count * COLUMNS).map(|_| value(&mut random)).collect()
}

fn model(objective: Objective, classes: u32, seed: u64) -> Ensemble {
    let values = rows(3000, seed);
    let mut random = Random::new(seed);
    let target = |row: &[f32]| {
        let sum: f32 = row.iter().filter(|value| value.is_finite()).sum();
        if random.below(10) == 0 { 0 } else { (sum / 1e6) as u32 % classes }
    };
    let targets: Vec<u32> = values.chunks_exact(COLUMNS).map(target).collect();
    let weights = vec![1.0; targets.len()];
    let sample =
        Sample { matrix: Matrix { values: &values, columns: COLUMNS }, targets: &targets, weights: &weights };
    fit(&sample, None, objective, &Params { rounds: 60, ..Params::default() }).expect("fits")
}

/// One output of a graph.
fn run(session: &mut Session, values: &[f32], name: &str) -> Vec<f32> {
    let count = values.len() / COLUMNS;
    let input = Tensor::from_array(([count, COLUMNS], values.to_vec())).expect("a tensor");
    let results = session.run(ort::inputs!["features" => input]).expect("runs");
    let (shape, given) = results[name].try_extract_tensor::<f32>().expect("f32");
    assert_eq!(shape[0] as usize, count, "{name}");
    given.to_vec()
}

/// An output's name and what it should be for a row.
type Expected<'a> = (&'a str, &'a dyn Fn(&[f32]) -> Vec<f64>);

/// Runs a graph and holds its outputs against the expected values of each row.
fn check(session: &mut Session, values: &[f32], outputs: &[Expected<'_>]) {
    let count = values.len() / COLUMNS;
    for (name, expected) in outputs {
        let given = run(session, values, name);
        let wanted: Vec<f64> = values.chunks_exact(COLUMNS).flat_map(expected).collect();
        assert_eq!(given.len(), wanted.len(), "{name}");
        let off = given.iter().zip(&wanted).map(|(&a, b)| (f64::from(a) - b).abs()).fold(0.0, f64::max);
        assert!(off < TOLERANCE, "{name} of {count} rows is off by {off:e}");
    }
}

#[test]
fn traffic_probabilities_are_those_of_the_trees() {
    let [tor, vpn, user] = [1, 2, 3].map(|seed| model(Objective::Binary, 2, seed));
    let model = TrafficModel { tor, vpn, user, temperature: 1.7 };
    let Some(mut session) = session(&model.to_onnx()) else { return };
    for count in [1, 2, 1000] {
        check(&mut session, &rows(count, 50), &[("probabilities", &|row| model.probabilities(row).to_vec())]);
    }
}

#[test]
fn categories_are_computed_only_for_rows_that_reach_the_mark() {
    let gate = model(Objective::Binary, 2, 4);
    let categories = model(Objective::Softmax { classes: 3 }, 3, 5);
    let values = rows(1000, 60);
    let categories_known = vec![Dos, Botnet, NetworkAttack];
    let (temperature, categories_temperature) = (0.8, 1.3);
    let mut model = ThreatModel {
        gate,
        temperature,
        categories,
        categories_temperature,
        categories_known,
        low_mark: 0.0,
    };
    let mut passing: Vec<usize> = Vec::new();
    // All rows, some, none; with and without the first.
    for low_mark in [0.0, 0.3, 0.9, 1.1] {
        model.low_mark = low_mark;
        let Some(mut session) = session(&model.to_onnx()) else { return };
        let passes = |row: &[f32]| model.attack(row) as f32 >= low_mark;
        let expected = |row: &[f32]| if passes(row) { model.categories(row).to_vec() } else { vec![0.0; 16] };
        for from in [0, 1, 2, 3, 990, 999] {
            let part = &values[from * COLUMNS..];
            check(
                &mut session,
                part,
                &[("attack", &|row| vec![model.attack(row)]), ("categories", &expected)],
            );
        }
        passing.push(values.chunks_exact(COLUMNS).filter(|row| passes(row)).count());
    }
    assert!(passing[0] == 1000 && passing[1] < 1000 && passing[2] > 0 && passing[3] == 0, "{passing:?}");
}

#[test]
fn a_row_scores_the_same_in_any_batch() {
    let gate = model(Objective::Binary, 2, 4);
    let categories = model(Objective::Softmax { classes: 3 }, 3, 5);
    let categories_known = vec![Dos, Botnet, NetworkAttack];
    let (temperature, categories_temperature, low_mark) = (0.8, 1.3, 0.3);
    let model =
        ThreatModel { gate, temperature, categories, categories_temperature, categories_known, low_mark };
    let Some(mut session) = session(&model.to_onnx()) else { return };
    let values = rows(300, 80);
    for name in ["attack", "categories"] {
        let together = run(&mut session, &values, name);
        for size in [1, 3, 7, 64] {
            let parts = values.chunks(size * COLUMNS);
            let apart: Vec<f32> = parts.flat_map(|part| run(&mut session, part, name)).collect();
            assert!(together == apart, "{name} in batches of {size}");
        }
    }
}

#[test]
fn packet_probabilities_are_those_of_the_trees() {
    let model = PacketModel { gate: model(Objective::Binary, 2, 6), temperature: 1.0 };
    let Some(mut session) = session(&model.to_onnx()) else { return };
    check(&mut session, &rows(500, 70), &[("attack", &|row| vec![model.attack(row)])]);
}
