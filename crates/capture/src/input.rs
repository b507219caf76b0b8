//! Opens an input by name or as a stream, and gives its captures one after another.

use crate::archive::Batch;
use crate::begin::{Origin, Shared, begin, sniff};
use crate::bytes::{Bytes, Progress, StoredHash, Stream, Stretch, check_stored};
use crate::magic::Content;
use crate::{Capture, InputLimits, SourceError};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What to read, and the name that messages give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    name: String,
    /// `None` is standard input.
    path: Option<PathBuf>,
}

impl Input {
    /// As given on a command line: `-` is standard input.
    #[must_use]
    pub fn from_argument(argument: impl AsRef<Path>) -> Self {
        let path = argument.as_ref();
        if path.as_os_str() == "-" { Self::standard_input() } else { Self::file(path) }
    }

    /// A file, named by its path.
    #[must_use]
    pub fn file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        Self { name: path.display().to_string(), path: Some(path.to_owned()) }
    }

    /// Standard input.
    #[must_use]
    pub fn standard_input() -> Self {
        Self { name: "standard input".to_owned(), path: None }
    }

    /// The same under another name, as an upload's, whose file on disk is named by its job.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The captures of an input: one, or an archive's entries. An `Err` is about one entry (or the archive's directory);
/// the others still come.
pub struct Captures {
    name: String,
    progress: Progress,
    kind: Kind,
    /// The file itself, when it is one that can be read again.
    file: Option<Arc<File>>,
    hash: Option<StoredHash>,
}

enum Kind {
    One(Option<Box<Capture>>),
    Batch(Batch),
}

/// Opens an input and tells what it is. Reads the head of a capture (1 MiB, or what there is) or the directory of
/// an archive.
///
/// # Errors
/// When nothing of the input can be read; each variant says what to do.
pub fn open(input: &Input, limits: &InputLimits) -> Result<Captures, SourceError> {
    open_with(input, limits, None)
}

/// As [`open`], and the input's sha256 as stored can be had in the end by [`Captures::stored_sha256`].
///
/// # Errors
/// As [`open`].
pub fn open_hashed(input: &Input, limits: &InputLimits) -> Result<Captures, SourceError> {
    open_with(input, limits, Some(StoredHash::default()))
}

/// Opens a stream as [`open`] does standard input: a capture is read as it comes, a zip archive is first kept in an
/// unnamed temporary file, since its directory stands at the end.
///
/// # Errors
/// As [`open`].
pub fn open_stream(
    name: &str,
    stream: impl Read + Send + 'static,
    limits: &InputLimits,
) -> Result<Captures, SourceError> {
    stream_captures(name, stream, limits, None)
}

fn open_with(input: &Input, limits: &InputLimits, hash: Option<StoredHash>) -> Result<Captures, SourceError> {
    let Some(path) = &input.path else {
        return stream_captures(&input.name, io::stdin(), limits, hash);
    };
    let failed = |error| SourceError::from_io(&input.name, error);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        let found = "a folder; give the files in it".to_owned();
        return Err(SourceError::NotACapture { name: input.name.clone(), found });
    }
    if metadata.is_file() {
        return file_captures(&input.name, file, metadata.len(), limits, hash);
    }
    stream_captures(&input.name, file, limits, hash)
}

fn file_captures(
    name: &str,
    file: File,
    file_bytes: u64,
    limits: &InputLimits,
    hash: Option<StoredHash>,
) -> Result<Captures, SourceError> {
    check_stored(file_bytes, limits.upload_bytes_max)
        .map_err(|hit| SourceError::from_io(name, hit.into()))?;
    let file = Arc::new(file);
    let shared = Shared::new(limits);
    let progress = Progress::new(Some(file_bytes));
    let origin = Origin { name: name.to_owned(), entry: None };
    // The end is the file's own, not the size seen now: one that is still written may be read as far as it got.
    let stored = Stretch::new(file.clone(), 0, u64::MAX, progress.clone());
    let (content, stored) = sniff(on_the_way(Box::new(stored), hash.as_ref()), &origin)?;
    let kind = match content {
        Content::Zip => Kind::Batch(Batch::open(name, file.clone(), progress.clone(), shared)?),
        _ => Kind::One(Some(Box::new(begin(content, stored, origin, &shared)?))),
    };
    Ok(Captures { name: name.to_owned(), progress, kind, file: Some(file), hash })
}

fn stream_captures(
    name: &str,
    stream: impl Read + Send + 'static,
    limits: &InputLimits,
    hash: Option<StoredHash>,
) -> Result<Captures, SourceError> {
    let progress = Progress::new(None);
    let origin = Origin { name: name.to_owned(), entry: None };
    let stored = Stream::new(stream, limits.upload_bytes_max, progress.clone());
    let (content, mut stored) = sniff(on_the_way(Box::new(stored), hash.as_ref()), &origin)?;
    if content == Content::Zip {
        let failed = |error| SourceError::from_io(name, error);
        let mut spool = tempfile::tempfile().map_err(failed)?;
        io::copy(&mut stored, &mut spool).map_err(failed)?;
        spool.rewind().map_err(failed)?;
        let spool_bytes = spool.metadata().map_err(failed)?.len();
        // The hash has seen the whole stream by now.
        let captures = file_captures(name, spool, spool_bytes, limits, None)?;
        return Ok(Captures { file: None, hash, ..captures });
    }
    let shared = Shared::new(limits);
    let kind = Kind::One(Some(Box::new(begin(content, stored, origin, &shared)?)));
    Ok(Captures { name: name.to_owned(), progress, kind, file: None, hash })
}

fn on_the_way(bytes: Bytes, hash: Option<&StoredHash>) -> Bytes {
    match hash {
        Some(hash) => hash.on_the_way(bytes),
        None => bytes,
    }
}

impl Captures {
    /// Name of the input.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the input is an archive of captures.
    #[must_use]
    pub fn is_archive(&self) -> bool {
        matches!(self.kind, Kind::Batch(_))
    }

    /// How far the input has been read; a clone follows it from any thread.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The sha256 of the input as stored, when it was opened by [`open_hashed`]. What the captures left unread of a
    /// file is read now; of a stream that was not read to its end there is none.
    ///
    /// # Errors
    /// When reading the rest fails.
    pub fn stored_sha256(&self) -> Result<Option<[u8; 32]>, SourceError> {
        let Some(hash) = &self.hash else { return Ok(None) };
        hash.finish(self.file.as_deref()).map_err(|error| SourceError::from_io(&self.name, error))
    }
}

impl Iterator for Captures {
    type Item = Result<Capture, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.kind {
            Kind::One(capture) => capture.take().map(|capture| Ok(*capture)),
            Kind::Batch(batch) => batch.next(),
        }
    }
}

impl fmt::Debug for Captures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captures").field("name", &self.name).finish_non_exhaustive()
    }
}
