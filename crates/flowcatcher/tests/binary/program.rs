//! Runs the binary in a folder of its own, with an environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A folder that is also home, data folder and working directory.
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().expect("temporary folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        fs::write(&path, content).expect("written");
        path
    }

    /// The command, without anything of this process's environment but the way to ONNX Runtime.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowcatcher"));
        command.args(args).current_dir(self.dir.path()).env_clear().stdin(Stdio::null());
        command.env("HOME", self.dir.path()).env("XDG_DATA_HOME", self.path("data"));
        if let Some(library) = runtime() {
            command.env("ORT_DYLIB_PATH", library);
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Done {
        Done::from(self.command(args).output().expect("the binary runs"))
    }
}

/// What a run printed, and its exit code.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("an exit code"),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Done {
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Each line as JSON.
    pub(crate) fn documents(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }
}

/// The library of ONNX Runtime, as the product looks for it.
fn runtime() -> Option<PathBuf> {
    service::onnx_runtime::Places::from_process(None).find().ok()
}

/// Whether verdicts can be had here; if not, one line says so.
pub(crate) fn can_judge() -> bool {
    let found = runtime().is_some();
    if !found {
        // Not by `eprintln!`, which the test runner would hide.
        std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("skipped: ONNX Runtime is not installed; ./bootstrap installs it\n"),
        )
        .expect("standard error");
    }
    found
}

/// The capture that the product is delivered with.
pub(crate) fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/sample.pcap")
        .canonicalize()
        .expect("the sample capture")
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}
