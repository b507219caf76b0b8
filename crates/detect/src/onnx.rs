//! ONNX Runtime: started once a process from a library that the caller has found, then one session a model and thread.

use crate::bundle::Bundle;
use crate::error::DetectError;
use crate::manifest::INPUT;
use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The most rows that one call of the runtime gets. More are not faster, and their matrix leaves the cache.
pub const ROWS_MAX: usize = 512;

static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// Loads ONNX Runtime from this library. Once it runs, further calls change nothing; after a failure one may try again.
///
/// # Errors
/// [`DetectError::Runtime`] when the library is absent, not ONNX Runtime, or too old.
pub fn start(dylib: &Path) -> Result<(), DetectError> {
    let mut environment = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if environment.is_some() {
        return Ok(());
    }
    let refused = |reason: String| {
        let minor = ort::MINOR_VERSION;
        DetectError::Runtime(format!("{reason}; install version 1.{minor} or newer, or name its library"))
    };
    let builder = ort::init_from(dylib).map_err(|error| refused(error.to_string()))?;
    let started = builder.with_name("flowcatcher").with_telemetry(false).build();
    let started = started.map_err(|error| refused(error.to_string()))?;
    // What fails comes back as an error; the runtime's own lines on standard error would only repeat it.
    started.set_log_level(LogLevel::Fatal);
    *environment = Some(started);
    Ok(())
}

/// Whether [`start`] has succeeded in this process.
#[must_use]
pub fn is_started() -> bool {
    ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// A model ready to run, on one thread.
pub(crate) struct Model {
    session: Session,
    name: String,
    width: usize,
    outputs: &'static [(&'static str, usize)],
    /// The rows of one call; its memory is used again.
    rows: Vec<f32>,
}

impl Model {
    pub(crate) fn load(bundle: &Bundle) -> Result<Self, DetectError> {
        let environment = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(environment) = environment else {
            return Err(DetectError::Runtime("it was not started before the models".into()));
        };
        let manifest = bundle.manifest();
        let session = open(&environment, bundle.onnx()).map_err(|error| DetectError::Bundle {
            kind: manifest.kind.name(),
            reason: format!("ONNX Runtime does not take its model: {error}; train the bundle anew"),
        })?;
        let (width, outputs) = (manifest.columns.len(), manifest.kind.outputs());
        let mut model = Self { session, name: manifest.name.clone(), width, outputs, rows: Vec::new() };
        // A model that cannot judge a row without values fails here and not on the first flow.
        model.run([()], |(), row| row.extend(std::iter::repeat_n(f32::NAN, width)))?;
        Ok(model)
    }

    /// Runs the model on every case: `write` appends the model's columns of one. Gives one vector an output, in the order
    /// of the kind's outputs, row after row.
    pub(crate) fn run<C>(
        &mut self,
        cases: impl IntoIterator<Item = C>,
        mut write: impl FnMut(C, &mut Vec<f32>),
    ) -> Result<Vec<Vec<f32>>, DetectError> {
        let mut results = vec![Vec::new(); self.outputs.len()];
        let mut rows = std::mem::take(&mut self.rows);
        let mut cases = cases.into_iter();
        loop {
            rows.clear();
            cases.by_ref().take(ROWS_MAX).for_each(|case| write(case, &mut rows));
            if rows.is_empty() {
                break;
            }
            self.run_rows(&rows, &mut results).map_err(|reason| {
                let model = self.name.clone();
                DetectError::Inference { model, reason }
            })?;
        }
        self.rows = rows;
        Ok(results)
    }

    fn run_rows(&mut self, rows: &[f32], results: &mut [Vec<f32>]) -> Result<(), String> {
        let count = rows.len() / self.width;
        let input =
            TensorRef::from_array_view(([count, self.width], rows)).map_err(|error| error.to_string())?;
        let given = self.session.run(ort::inputs![INPUT => input]).map_err(|error| error.to_string())?;
        for ((name, width), result) in self.outputs.iter().zip(results) {
            let output = given.get(name).ok_or_else(|| format!("there is no output {name:?}"))?;
            let (shape, values) = output.try_extract_tensor::<f32>().map_err(|error| error.to_string())?;
            if values.len() != count * width {
                return Err(format!("output {name:?} has the shape {shape:?} for {count} rows of {width}"));
            }
            result.extend_from_slice(values);
        }
        Ok(())
    }
}

fn open(environment: &Environment, onnx: &[u8]) -> Result<Session, ort::Error> {
    // One thread within a session, so that sums are taken in one order; parallelism is more sessions.
    Session::builder(environment)?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_optimization_level(GraphOptimizationLevel::Level3)?
        .commit_from_memory(onnx)
}

/// Rounded to 1e-4, so that threshold, document and hash see the same number.
pub(crate) fn rounded(score: f32) -> f32 {
    ((f64::from(score) * 1e4).round() / 1e4) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bundles, has_runtime};
    use std::thread;

    #[test]
    fn a_library_that_is_not_there_is_a_clear_error_and_a_second_start_none() {
        if !has_runtime() {
            let error = start(Path::new("/no/such/libonnxruntime.so")).expect_err("absent").to_string();
            assert!(error.contains("install version 1.24 or newer"), "{error}");
            return;
        }
        let starts: Vec<_> = (0..4)
            .map(|_| thread::spawn(|| start(Path::new("/no/such/libonnxruntime.so")).is_ok()))
            .collect();
        assert!(starts.into_iter().all(|start| start.join().expect("no panic")));
        assert!(is_started());
    }

    #[test]
    fn rows_beyond_one_call_are_judged_too() {
        if !has_runtime() {
            return;
        }
        let mut model = Model::load(&bundles("traffic", "threat").traffic).expect("a model");
        for count in [0, 1, ROWS_MAX, 2 * ROWS_MAX + 1] {
            let results = model.run(0..count, |_, row| row.extend([1.0; 3])).expect("run");
            assert_eq!((results.len(), results[0].len()), (1, count * 4));
        }
    }

    #[test]
    fn scores_have_four_digits() {
        for (score, wanted) in [(0.123_45, 0.1235), (0.999_96, 1.0), (0.0, 0.0), (0.000_04, 0.0)] {
            assert!((rounded(score) - wanted).abs() < f32::EPSILON);
        }
        assert!(rounded(f32::NAN).is_nan());
    }
}
