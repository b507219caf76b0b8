//! Receives uploaded files: straight to disk under names of ours, counted, hashed, and refused at the first wrong byte.

use crate::jobs::Upload;
use crate::problem::{Kind, Problem};
use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::web::Bytes;
use capture::{InputLimits, SourceError};
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// The form field that carries a capture.
pub(crate) const FIELD: &str = "file";
/// First bytes of a file that are looked at before the rest is taken: enough for the magic inside a gzip too.
const HEAD_BYTES: usize = 4 << 10;
/// Bytes that are gathered before they go to the disk.
const WRITE_BYTES: usize = 1 << 20;
/// Longest name of a file that is kept, in characters.
const NAME_CHARS_MAX: usize = 255;

/// Why an upload is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiveError {
    /// No field carries a file.
    #[error(
        "No file in the form{0}. Send the capture as the field `{FIELD}` of a multipart/form-data body: \
             curl -F {FIELD}=@capture.pcap …"
    )]
    NoFile(String),
    /// A file without content.
    #[error("{0} is empty. Was the capture still being written?")]
    Empty(String),
    /// All files together exceed the cap.
    #[error(
        "The upload has more than {max} bytes (upload_bytes_max). Split the capture, pack it with gzip, or raise \
             the limit"
    )]
    TooLarge { max: u64 },
    /// More files than the cap.
    #[error(
        "The upload has more than {max} files (upload_files_max). Send them in several requests, or as a zip"
    )]
    TooMany { max: usize },
    /// The first bytes are not those of a capture.
    #[error("{0}")]
    NotACapture(String),
    /// The body is no form, or ends early.
    #[error("The upload could not be read: {0}. Send multipart/form-data, and the whole of it")]
    Form(MultipartError),
    /// The sender has stopped.
    #[error("The upload sent nothing for {0} s (upload_quiet_max). Send it again")]
    Stalled(u64),
    /// The disk.
    #[error("The upload could not be kept: {0}")]
    Disk(#[from] io::Error),
}

impl From<ReceiveError> for Problem {
    fn from(error: ReceiveError) -> Self {
        let kind = match &error {
            ReceiveError::TooLarge { .. } | ReceiveError::TooMany { .. } => Kind::TooLarge,
            ReceiveError::NotACapture(_)
            | ReceiveError::Form(
                MultipartError::ContentTypeMissing
                | MultipartError::ContentTypeParse
                | MultipartError::ContentTypeIncompatible,
            ) => Kind::UnsupportedType,
            ReceiveError::NoFile(_) | ReceiveError::Empty(_) | ReceiveError::Form(_) => Kind::Malformed,
            ReceiveError::Stalled(_) => Kind::TimedOut,
            ReceiveError::Disk(source) => return crate::problem::disk_problem(source),
        };
        let detail = format!("{error}.");
        match error {
            ReceiveError::TooLarge { max } => Self::new(kind, detail).with("upload_bytes_max", max),
            _ => Self::new(kind, detail),
        }
    }
}

/// Caps that matter here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReceiveLimits {
    pub(crate) bytes: u64,
    pub(crate) files: usize,
    pub(crate) quiet: Duration,
}

/// Takes the form piece by piece, within what it may still have.
struct Intake {
    bytes_left: u64,
    limits: ReceiveLimits,
}

impl Intake {
    /// What comes next, if it comes in time.
    async fn next<T>(
        &self,
        from: &mut (impl Stream<Item = Result<T, MultipartError>> + Unpin),
    ) -> Result<Option<T>, ReceiveError> {
        let quiet = self.limits.quiet;
        let next = tokio::time::timeout(quiet, from.next()).await;
        next.map_err(|_| ReceiveError::Stalled(quiet.as_secs()))?.transpose().map_err(ReceiveError::Form)
    }

    /// A field's next bytes.
    async fn chunk(&mut self, field: &mut Field) -> Result<Option<Bytes>, ReceiveError> {
        let Some(chunk) = self.next(field).await? else { return Ok(None) };
        let left = self.bytes_left.checked_sub(chunk.len() as u64);
        self.bytes_left = left.ok_or(ReceiveError::TooLarge { max: self.limits.bytes })?;
        Ok(Some(chunk))
    }
}

/// Takes all files of a form into `folder`, which the caller removes when this fails.
pub(crate) async fn receive(
    mut form: Multipart,
    folder: &Path,
    limits: ReceiveLimits,
) -> Result<Vec<Upload>, ReceiveError> {
    let mut intake = Intake { bytes_left: limits.bytes, limits };
    let mut uploads = Vec::new();
    let mut others = Vec::new();
    while let Some(mut field) = intake.next(&mut form).await? {
        if field.name() != Some(FIELD) {
            others.push(shown(field.name().unwrap_or_default()));
            while intake.chunk(&mut field).await?.is_some() {}
            continue;
        }
        if uploads.len() == limits.files {
            return Err(ReceiveError::TooMany { max: limits.files });
        }
        let path = folder.join(uploads.len().to_string());
        uploads.push(receive_file(field, &path, &mut intake).await?);
    }
    if uploads.is_empty() {
        let found = if others.is_empty() { String::new() } else { format!(", only: {}", others.join(", ")) };
        return Err(ReceiveError::NoFile(found));
    }
    Ok(uploads)
}

async fn receive_file(mut field: Field, path: &Path, intake: &mut Intake) -> Result<Upload, ReceiveError> {
    let given = field.content_disposition().and_then(|about| about.get_filename()).unwrap_or_default();
    let name = if given.is_empty() { "capture".to_owned() } else { shown(given) };
    let mut file = File::create_new(path).await?;
    let mut hash = Sha256::new();
    let mut buffer = Vec::with_capacity(WRITE_BYTES);
    let (mut bytes, mut checked) = (0_u64, false);
    while let Some(chunk) = intake.chunk(&mut field).await? {
        bytes += chunk.len() as u64;
        hash.update(&chunk);
        buffer.extend_from_slice(&chunk);
        if !checked && buffer.len() >= HEAD_BYTES {
            check_head(&buffer, &name)?;
            checked = true;
        }
        if buffer.len() >= WRITE_BYTES {
            file.write_all(&buffer).await?;
            buffer.clear();
        }
    }
    if bytes == 0 {
        return Err(ReceiveError::Empty(name));
    }
    if !checked {
        check_head(&buffer, &name)?;
    }
    file.write_all(&buffer).await?;
    file.flush().await?;
    Ok(Upload { name, path: path.to_owned(), bytes, sha256: hex::encode(hash.finalize()) })
}

/// Refuses what does not begin like a capture. Anything else that is wrong is found when the job reads the file.
fn check_head(head: &[u8], name: &str) -> Result<(), ReceiveError> {
    if head.starts_with(b"PK") {
        return Ok(());
    }
    match capture::open_stream(name, io::Cursor::new(head.to_vec()), &InputLimits::default()) {
        Err(error @ SourceError::NotACapture { .. }) if !is_cut(&error) => {
            Err(ReceiveError::NotACapture(error.to_string()))
        }
        _ => Ok(()),
    }
}

/// A packed file cut this short may give no byte of what is inside.
fn is_cut(error: &SourceError) -> bool {
    matches!(error, SourceError::NotACapture { found, .. } if found.starts_with("damaged"))
}

/// A name as the sender gave it, for people to read: never a path of ours, and not endless.
fn shown(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}
