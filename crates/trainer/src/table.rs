//! Labelled rows, in memory and as a compact file from which a model can be fitted again.
//!
//! The file is one zstd frame: a line of JSON (columns, captures, labels, tools), then the tags of all rows, then the
//! values column by column, each column as the four byte planes of its f32s, which compress far better than rows do.
//! Values are kept to the bit: a threshold fitted on them separates what the meter will give.

use crate::TrainError;
use crate::gbdt::Matrix;
use crate::rows::Label;
use detect::{Column, Source};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

/// The largest table that is read, unpacked.
pub const TABLE_BYTES_MAX: u64 = 4 << 30;
const COMPRESSION_LEVEL: i32 = 19;
const MAGIC: &[u8] = b"flowcatcher rows 1\n";
const TAG_BYTES: usize = 9;
const NO_TOOL: u16 = u16::MAX;

/// What a row is, and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// Index into [`Table::captures`].
    pub capture: u32,
    /// Index into [`Table::labels`].
    pub label: u16,
    /// Index into [`Table::tools`]: what made the attack.
    pub tool: Option<u16>,
    /// Whether the row is part of an attack.
    pub is_attack: bool,
}

/// Labelled rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// What the values are.
    pub columns: Vec<Column>,
    /// The captures that the rows come from.
    pub captures: Vec<Source>,
    /// The labels that the rows have.
    pub labels: Vec<Label>,
    /// The tools that made the attacks.
    pub tools: Vec<String>,
    /// One a row.
    pub tags: Vec<Tag>,
    /// `tags * columns` values, row by row; NaN where one is missing.
    pub values: Vec<f32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    columns: Vec<Column>,
    captures: Vec<Source>,
    labels: Vec<Label>,
    tools: Vec<String>,
    rows: usize,
}

impl Table {
    /// All values.
    #[must_use]
    pub fn matrix(&self) -> Matrix<'_> {
        Matrix { values: &self.values, columns: self.columns.len() }
    }

    /// One row's values.
    #[must_use]
    pub fn row(&self, at: usize) -> &[f32] {
        self.matrix().row(at)
    }

    /// The label of a tag.
    #[must_use]
    pub fn label(&self, tag: Tag) -> &Label {
        &self.labels[usize::from(tag.label)]
    }

    /// The values of some rows in some columns.
    #[must_use]
    pub fn select(&self, rows: &[usize], columns: &[usize]) -> Vec<f32> {
        let mut values = Vec::with_capacity(rows.len() * columns.len());
        for &at in rows {
            let row = self.row(at);
            values.extend(columns.iter().map(|&column| row[column]));
        }
        values
    }

    /// Writes the table to a file; a half-written one never stands under its name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), TrainError> {
        let partial = path.with_extension("partial");
        self.write_to(&partial).and_then(|()| fs::rename(&partial, path)).map_err(TrainError::io(path))
    }

    fn write_to(&self, path: &Path) -> io::Result<()> {
        let mut out = zstd::Encoder::new(File::create(path)?, COMPRESSION_LEVEL)?;
        let (columns, captures) = (self.columns.clone(), self.captures.clone());
        let (labels, tools) = (self.labels.clone(), self.tools.clone());
        let head = Head { columns, captures, labels, tools, rows: self.tags.len() };
        out.write_all(MAGIC)?;
        serde_json::to_writer(&mut out, &head)?;
        out.write_all(b"\n")?;
        for tag in &self.tags {
            out.write_all(&tag.capture.to_le_bytes())?;
            out.write_all(&tag.label.to_le_bytes())?;
            out.write_all(&tag.tool.unwrap_or(NO_TOOL).to_le_bytes())?;
            out.write_all(&[u8::from(tag.is_attack)])?;
        }
        for column in 0..self.columns.len() {
            let values = self.values.iter().skip(column).step_by(self.columns.len());
            let bytes: Vec<[u8; 4]> = values.map(|value| value.to_le_bytes()).collect();
            for plane in 0..4 {
                out.write_all(&bytes.iter().map(|four| four[plane]).collect::<Vec<u8>>())?;
            }
        }
        out.finish()?.sync_all()
    }

    /// Reads a table from a file.
    ///
    /// # Errors
    /// When the file cannot be read, is no table or is damaged.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let file = File::open(path).map_err(TrainError::io(path))?;
        let mut bytes = Vec::new();
        let unpacked = zstd::Decoder::new(file).map_err(TrainError::io(path))?;
        unpacked.take(TABLE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(TrainError::io(path))?;
        if bytes.len() as u64 > TABLE_BYTES_MAX {
            return Err(TrainError::input(path, format!("unpacks to more than {TABLE_BYTES_MAX} bytes")));
        }
        Self::parse(&bytes)
            .map_err(|reason| TrainError::input(path, format!("{reason}; make the table again")))
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let rest = bytes.strip_prefix(MAGIC).ok_or("not a table of labelled rows")?;
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or("its head does not end")?;
        let head: Head =
            serde_json::from_slice(&rest[..end]).map_err(|error| format!("its head is wrong: {error}"))?;
        let rest = &rest[end + 1..];
        let row_bytes = TAG_BYTES + 4 * head.columns.len();
        if head.rows.checked_mul(row_bytes) != Some(rest.len()) {
            return Err(format!(
                "{} bytes after the head are not {} rows of {row_bytes}",
                rest.len(),
                head.rows
            ));
        }
        let (tag_bytes, planes) = rest.split_at(head.rows * TAG_BYTES);
        let tags: Vec<Tag> = tag_bytes.chunks_exact(TAG_BYTES).map(tag).collect();
        let holds = |tag: &Tag| {
            (tag.capture as usize) < head.captures.len()
                && usize::from(tag.label) < head.labels.len()
                && tag.tool.is_none_or(|tool| usize::from(tool) < head.tools.len())
        };
        if !tags.iter().all(holds) {
            return Err("a row names a capture, label or tool that is not there".into());
        }
        let values = values(planes, head.rows, head.columns.len());
        let Head { columns, captures, labels, tools, .. } = head;
        Ok(Self { columns, captures, labels, tools, tags, values })
    }
}

fn tag(bytes: &[u8]) -> Tag {
    let tool = u16::from_le_bytes([bytes[6], bytes[7]]);
    Tag {
        capture: u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
        label: u16::from_le_bytes([bytes[4], bytes[5]]),
        tool: (tool != NO_TOOL).then_some(tool),
        is_attack: bytes[8] != 0,
    }
}

fn values(planes: &[u8], rows: usize, columns: usize) -> Vec<f32> {
    let mut values = vec![0.0; rows * columns];
    for (column, planes) in planes.chunks_exact((4 * rows).max(1)).enumerate() {
        for row in 0..rows {
            let four = std::array::from_fn(|plane| planes[plane * rows + row]);
            values[row * columns + column] = f32::from_le_bytes(four);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Labels;

    fn table() -> Table {
        let labels = Labels::parse("head\nweb\tNonVPN\t\nscan\t\treconnaissance\n").expect("labels");
        let label = |name: &str| labels.get(name).expect("a label").clone();
        let column = |name: &str| Column { name: name.into(), revision: 1 };
        let tag = |capture, label, tool: Option<u16>| Tag { capture, label, tool, is_attack: tool.is_some() };
        Table {
            columns: vec![column("a"), column("b")],
            captures: vec![Source { name: "x/1".into(), sha256: "0".repeat(64) }; 2],
            labels: vec![label("web"), label("scan")],
            tools: vec!["nmap".into()],
            tags: vec![tag(0, 0, None), tag(1, 1, Some(0)), tag(1, 0, None)],
            values: vec![1.0, f32::MIN_POSITIVE, -0.0, 3.5, f32::INFINITY, 1e30],
        }
    }

    #[test]
    fn a_table_survives_its_file_to_the_bit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rows.zst");
        let mut written = table();
        written.values[4] = f32::NAN;
        written.write(&path).expect("written");
        let read = Table::read(&path).expect("read");
        let bits = |table: &Table| table.values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read), bits(&written));
        assert_eq!(read.tags, written.tags);
        assert_eq!(
            (read.captures, read.labels, read.tools),
            (written.captures, written.labels, written.tools)
        );
        assert_eq!(read.columns, written.columns);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn damaged_tables_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rows.zst");
        let mut wrong = table();
        wrong.tags[0].label = 9;
        wrong.write(&path).expect("written");
        assert!(
            Table::read(&path)
                .expect_err("a label that is not there")
                .to_string()
                .contains("make the table again")
        );
        table().write(&path).expect("written");
        let whole = fs::read(&path).expect("bytes");
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).expect("written");
            Table::read(&path).expect_err("cut off");
        }
        fs::write(&path, b"something else").expect("written");
        Table::read(&path).expect_err("no table");
    }

    #[test]
    fn rows_and_columns_are_selected() {
        let table = table();
        assert_eq!(table.select(&[1, 0], &[1]), [3.5, f32::MIN_POSITIVE]);
        assert_eq!(table.row(2), [f32::INFINITY, 1e30]);
    }
}
