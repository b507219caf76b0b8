//! The models that a process judges with: those compiled in, or the user's.

use crate::PredictorError;
use detect::{Bundle, Bundles, DetectError, JudgeConfig, onnx};
use service::{Settings, bundle_files, onnx_runtime};
use std::num::NonZero;
use std::path::Path;

/// Finds and starts ONNX Runtime, once a process.
///
/// # Errors
/// When it is absent or not usable; the text lists where we looked and what to do.
pub fn start_runtime(settings: &Settings) -> Result<(), PredictorError> {
    if onnx::is_started() {
        return Ok(());
    }
    let library = onnx_runtime::Places::from_process(settings.detect.onnxruntime.as_deref()).find()?;
    onnx::start(&library)?;
    tracing::info!(library = %library.display(), "ONNX Runtime started");
    Ok(())
}

/// Starts ONNX Runtime and gives `defaults`, those compiled in, with the bundles of `detect.models_dir` in their places.
///
/// # Errors
/// See [`PredictorError`].
pub fn load_bundles(settings: &Settings, defaults: Bundles) -> Result<Bundles, PredictorError> {
    start_runtime(settings)?;
    match &settings.detect.models_dir {
        Some(folder) => overridden(defaults, folder),
        None => Ok(defaults),
    }
}

/// `bundles` with those of `models_dir` in their places.
///
/// # Errors
/// When the folder has no bundle, or one that is not usable or of another kind than its folder.
pub fn overridden(mut bundles: Bundles, models_dir: &Path) -> Result<Bundles, PredictorError> {
    for files in bundle_files::read(models_dir)? {
        let refused = |source| PredictorError::Bundle { folder: files.folder.clone(), source };
        let bundle = Bundle::from_parts(&files.manifest, files.model).map_err(refused)?;
        let found = bundle.manifest().kind.name();
        if found != files.kind {
            let reason = format!("it is a {found} bundle; put it into the folder of that name");
            return Err(refused(DetectError::Bundle { kind: files.kind, reason }));
        }
        tracing::info!(kind = found, name = bundle.manifest().name, "bundle replaced");
        bundles = bundles.with(bundle);
    }
    Ok(bundles)
}

/// What the settings say of judging.
#[must_use]
pub fn judge_config(settings: &Settings) -> JudgeConfig {
    JudgeConfig {
        scan_threshold: settings.detect.scan_threshold,
        abnormal_classes: settings.detect.abnormal_classes.clone(),
        ..JudgeConfig::default()
    }
}

/// How many threads judge: `predictor.threads`, or one for each core.
#[must_use]
pub fn threads(settings: &Settings) -> usize {
    match settings.predictor.threads {
        0 => std::thread::available_parallelism().map_or(1, NonZero::get),
        threads => threads,
    }
}
