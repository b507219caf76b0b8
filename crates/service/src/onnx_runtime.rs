//! Finds the ONNX Runtime library, which is loaded at run time and not part of the binary.

use crate::{Environment, ServiceError};
use std::path::{Path, PathBuf};

/// Environment variable that names the library, as other users of ONNX Runtime have it.
pub const VARIABLE: &str = "ORT_DYLIB_PATH";

/// Where to look, in this order.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Named by the user, with who says so: must be there. A folder is searched.
    pub named: Vec<(String, PathBuf)>,
    /// Searched one after the other.
    pub folders: Vec<PathBuf>,
}

impl Places {
    /// [`VARIABLE`], then `detect.onnxruntime`, then beside the executable, the user's data folder and the system's
    /// library folders.
    #[must_use]
    pub fn new(environment: &Environment, setting: Option<&Path>, executable: Option<&Path>) -> Self {
        let from_variable = environment.get(VARIABLE).map(|path| (VARIABLE.to_owned(), PathBuf::from(path)));
        let from_setting = setting.map(|path| ("detect.onnxruntime".to_owned(), path.to_owned()));
        let mut folders = Vec::new();
        if let Some(beside) = executable.and_then(Path::parent) {
            folders.extend([beside.to_owned(), beside.join("lib")]);
        }
        folders.extend(environment.data_home().map(|home| home.join("flowcatcher/lib")));
        folders.extend(environment.get("LD_LIBRARY_PATH").into_iter().flat_map(std::env::split_paths));
        for root in ["/usr/local/lib", "/usr/lib", "/lib"] {
            let root = Path::new(root);
            folders.extend([root.to_owned(), root.join(format!("{}-linux-gnu", std::env::consts::ARCH))]);
        }
        folders.push(PathBuf::from("/usr/lib64"));
        Self { named: from_variable.into_iter().chain(from_setting).collect(), folders }
    }

    /// [`Self::new`] for this process.
    #[must_use]
    pub fn from_process(setting: Option<&Path>) -> Self {
        let executable = std::env::current_exe().ok();
        Self::new(&Environment::from_process(), setting, executable.as_deref())
    }

    /// The library's path.
    ///
    /// # Errors
    /// When it is nowhere, with the places looked at and what to do; and when a named place has none, for going on to
    /// another library than the one that was asked for would surprise.
    pub fn find(&self) -> Result<PathBuf, ServiceError> {
        if let Some((who, path)) = self.named.first() {
            let found = if path.is_dir() { in_folder(path) } else { path.is_file().then(|| path.clone()) };
            return found.ok_or_else(|| ServiceError::Unusable {
                path: path.clone(),
                reason: format!(
                    "{who} names it, and there is no ONNX Runtime library; correct or unset {who}"
                ),
            });
        }
        let found = self.folders.iter().find_map(|folder| in_folder(folder));
        found.ok_or_else(|| ServiceError::Missing(self.absence()))
    }

    fn absence(&self) -> String {
        let mut text = format!(
            "ONNX Runtime, which runs the models, was not found. Run `./bootstrap`; or `pip install onnxruntime` and set \
             {VARIABLE} to its capi/libonnxruntime.so file. Looked for libonnxruntime.so* in:"
        );
        for folder in &self.folders {
            text += "\n  ";
            text += &folder.to_string_lossy();
        }
        text
    }
}

/// `libonnxruntime.so`, else the highest `libonnxruntime.so.VERSION` in the folder.
fn in_folder(folder: &Path) -> Option<PathBuf> {
    let versions = |name: &str| -> Option<Vec<u32>> {
        let rest = name.strip_prefix("libonnxruntime.so")?;
        if rest.is_empty() {
            return Some(vec![u32::MAX]);
        }
        rest.strip_prefix('.')?.split('.').map(|part| part.parse().ok()).collect()
    };
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let libraries = entries.filter_map(|entry| {
        let version = versions(entry.file_name().to_str()?)?;
        let path = entry.path();
        path.is_file().then_some((version, path))
    });
    libraries.max().map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("folder");
        for file in files {
            std::fs::write(folder.path().join(file), b"").expect("written");
        }
        folder
    }

    #[test]
    fn the_first_folder_that_has_it_wins_and_there_the_highest_version() {
        let empty = folder(&["libonnxruntime_providers_shared.so", "libonnxruntime.so.old"]);
        let check = |files: &[&str], expected: &str| {
            let (there, later) = (folder(files), folder(&["libonnxruntime.so"]));
            let folders = [&empty, &there, &later].map(|folder| folder.path().to_owned()).to_vec();
            let found = Places { named: Vec::new(), folders }.find().expect("found");
            assert_eq!(found, there.path().join(expected));
        };
        check(&["libonnxruntime.so.1.9.0", "libonnxruntime.so.1.24.1"], "libonnxruntime.so.1.24.1");
        check(&["libonnxruntime.so", "libonnxruntime.so.1"], "libonnxruntime.so");
    }

    #[test]
    fn the_variable_goes_before_the_setting_and_a_wrong_one_is_an_error() {
        let there = folder(&["libonnxruntime.so.1"]);
        let path = there.path().to_str().expect("UTF-8");
        let environment: Environment = [(VARIABLE, path)].into_iter().collect();
        let setting = Some(Path::new("/no/such"));
        let found = Places::new(&environment, setting, None).find().expect("found");
        assert_eq!(found, there.path().join("libonnxruntime.so.1"));

        let error = Places::new(&Environment::default(), setting, None).find().expect_err("refused");
        assert!(error.to_string().contains("/no/such: detect.onnxruntime names it"), "{error}");
    }

    #[test]
    fn its_absence_says_where_we_looked_and_what_to_do() {
        let environment: Environment =
            [("HOME", "/home/a"), ("LD_LIBRARY_PATH", "/opt/x")].into_iter().collect();
        let places = Places::new(&environment, None, Some(Path::new("/opt/bin/flowcatcher")));
        let shown: Vec<_> = places.folders.iter().map(|folder| folder.display().to_string()).collect();
        assert_eq!(
            shown[..4],
            ["/opt/bin", "/opt/bin/lib", "/home/a/.local/share/flowcatcher/lib", "/opt/x"]
        );
        let nowhere = Places { named: Vec::new(), folders: vec!["/no/where".into()] };
        let text = nowhere.find().expect_err("nowhere").to_string();
        for part in ["./bootstrap", "pip install onnxruntime", VARIABLE, "\n  /no/where"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
