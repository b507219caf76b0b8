//! Meters every labelled capture of a folder and joins its flows with their truth.

use super::labels::{Label, Labels};
use super::packets::{self, PacketSample};
use super::sidecar::Sidecar;
use super::truth::{Truth, TruthRow};
use crate::TrainError;
use crate::table::{Table, Tag};
use capture::{FrameSource, Input, InputLimits};
use detect::{Column, Source};
use flow_meter::{Meter, MeterConfig};
use rayon::prelude::*;
use schema::features::FEATURES;
use schema::{FeatureVector, FlowRecord, ThreatCategory};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What became of the flows of the captures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaptureCounts {
    /// Captures read.
    pub captures: usize,
    /// Records that the meter gave.
    pub records: usize,
    /// Records of background, such as that of hosts coming up: traffic that nobody should be alarmed by.
    pub background: usize,
    /// Records that no line of the truth explains.
    pub unexplained: usize,
    /// Address look-ups by attackers, which are like anyone's.
    pub arp_of_attackers: usize,
    /// Lines of the truth that no record has, by label.
    pub unseen: BTreeMap<String, usize>,
}

/// The labelled rows of a folder.
#[derive(Debug, Clone, Default)]
pub struct Labelled {
    /// A row a flow, all features.
    pub flows: Table,
    /// A row a packet, for the packet bundle.
    pub packets: Table,
    /// What became of the rest.
    pub counts: CaptureCounts,
}

/// Reads `LABEL/NAME.pcap` with `NAME.flows.csv`, and `NAME.json` where there is one, for every such capture in `folder`.
///
/// A flow's label is that of its own line of the truth, whatever the capture is called: benign flows beside an attack
/// stay benign.
///
/// # Errors
/// When the folder has no captures, one has no truth or cannot be read, or the truth has a label that `labels` lacks.
pub fn from_captures(folder: &Path, labels: &Labels) -> Result<Labelled, TrainError> {
    let paths = capture_paths(folder)?;
    let metered: Vec<Metered> = paths.par_iter().map(|path| meter(folder, path)).collect::<Result<_, _>>()?;
    let mut labelled = Labelled::default();
    labelled.flows.columns = FEATURES
        .iter()
        .map(|feature| Column { name: feature.name.clone(), revision: feature.revision })
        .collect();
    labelled.packets.columns = packets::columns();
    for (path, capture) in paths.iter().zip(metered) {
        labelled.add(capture, labels).map_err(|reason| TrainError::input(path, reason))?;
    }
    Ok(labelled)
}

fn capture_paths(folder: &Path) -> Result<Vec<PathBuf>, TrainError> {
    let entries = |folder: &Path| -> Result<Vec<PathBuf>, TrainError> {
        let entries = fs::read_dir(folder).map_err(TrainError::io(folder))?;
        entries.map(|entry| Ok(entry.map_err(TrainError::io(folder))?.path())).collect()
    };
    let mut paths = Vec::new();
    for inside in entries(folder)?.iter().filter(|path| path.is_dir()) {
        paths.extend(
            entries(inside)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "pcap")),
        );
    }
    if paths.is_empty() {
        return Err(TrainError::input(
            folder,
            "no labelled captures; wanted are files LABEL/NAME.pcap in it",
        ));
    }
    paths.sort();
    Ok(paths)
}

/// One capture's records and truth.
struct Metered {
    source: Source,
    records: Vec<FlowRecord>,
    packets: PacketSample,
    truth: Truth,
    sidecar: Sidecar,
}

fn meter(folder: &Path, path: &Path) -> Result<Metered, TrainError> {
    let truth_path = path.with_extension("flows.csv");
    let text = fs::read_to_string(&truth_path).map_err(TrainError::io(&truth_path))?;
    let truth = Truth::parse(&text).map_err(|reason| TrainError::input(&truth_path, reason))?;
    let sidecar = read_sidecar(&path.with_extension("json"))?;
    let bytes = fs::read(path).map_err(TrainError::io(path))?;
    let sha256: [u8; 32] = Sha256::digest(&bytes).into();
    let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
    let source = Source { name, sha256: hex::encode(sha256) };

    let mut packets = PacketSample::new(seed(&sha256));
    let mut records = Vec::new();
    let wrong = |error: capture::SourceError| TrainError::input(path, error.to_string());
    for capture in capture::open(&Input::file(path), &InputLimits::own_files()).map_err(wrong)? {
        let mut capture = capture.map_err(wrong)?;
        let mut meter = Meter::new(MeterConfig::new(capture.id(), capture.name()));
        while let Some(batch) = capture.next_batch().map_err(wrong)? {
            for frame in batch {
                meter.push(&frame, &mut records);
                packets.push(&frame, &truth);
            }
        }
        meter.drain(&mut records);
        if let Some(damage) = capture.damage() {
            return Err(TrainError::input(path, format!("{damage}; remove it or copy it again")));
        }
    }
    Ok(Metered { source, records, packets, truth, sidecar })
}

fn seed(sha256: &[u8; 32]) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|at| sha256[at]))
}

fn read_sidecar(path: &Path) -> Result<Sidecar, TrainError> {
    if !path.exists() {
        return Ok(Sidecar::default());
    }
    let text = fs::read_to_string(path).map_err(TrainError::io(path))?;
    Sidecar::parse(&text).map_err(|reason| TrainError::input(path, reason))
}

impl Labelled {
    fn add(&mut self, capture: Metered, labels: &Labels) -> Result<(), String> {
        let Metered { source, records, packets, truth, sidecar } = capture;
        let tools = sidecar.tools();
        self.counts.captures += 1;
        self.counts.records += records.len();
        self.flows.captures.push(source.clone());
        self.packets.captures.push(source);
        let mut seen = HashSet::new();
        for record in &records {
            let Some((line, row)) = truth.of_record(record) else {
                self.counts.unexplained += 1;
                continue;
            };
            seen.insert(line);
            if is_everyones_arp(record, row, labels) {
                self.counts.arp_of_attackers += 1;
                continue;
            }
            let tool = tools.get(row.label.as_str()).copied();
            let tag = self.flows.tag(&row.label, row.is_attack, tool, labels)?;
            self.counts.background += usize::from(self.flows.label(tag).is_background());
            let features =
                FeatureVector::unpack(&record.features).ok_or("a record without this build's features")?;
            self.flows.push(tag, &features.0);
        }
        for (label, is_attack, values) in packets.rows() {
            let tool = tools.get(label).copied();
            let tag = self.packets.tag(label, is_attack, tool, labels)?;
            self.packets.push(tag, values);
        }
        for (_, row) in truth.rows().iter().enumerate().filter(|(line, _)| !seen.contains(line)) {
            *self.counts.unseen.entry(row.label.clone()).or_default() += 1;
        }
        Ok(())
    }
}

/// Whether an attacker just asked for an address, as everyone does: nothing in it tells the attack. Those who search a
/// network, or attack it, do so by ARP itself.
fn is_everyones_arp(record: &FlowRecord, row: &TruthRow, labels: &Labels) -> bool {
    let by_arp = [ThreatCategory::Reconnaissance, ThreatCategory::NetworkAttack];
    let is_means = |label: &Label| by_arp.iter().any(|category| label.allows(*category));
    record.ether_type != 0 && row.is_attack && !labels.get(&row.label).is_some_and(is_means)
}

impl Table {
    /// The tag of a row of the last capture.
    fn tag(
        &mut self,
        label: &str,
        is_attack: bool,
        tool: Option<&str>,
        labels: &Labels,
    ) -> Result<Tag, String> {
        let known =
            labels.get(label).ok_or_else(|| format!("label {label:?} is not in the table of labels"))?;
        if is_attack && known.category().is_none() {
            return Err(format!(
                "label {label:?} has attack flows, but no threat category in the table of labels"
            ));
        }
        let label = place(&mut self.labels, |other| other == known, || known.clone())?;
        let tool = match tool.filter(|_| is_attack) {
            Some(tool) => Some(place(&mut self.tools, |other| other == tool, || tool.to_owned())?),
            None => None,
        };
        Ok(Tag { capture: self.captures.len() as u32 - 1, label, tool, is_attack })
    }

    fn push(&mut self, tag: Tag, values: &[f32]) {
        self.tags.push(tag);
        self.values.extend_from_slice(values);
    }
}

/// Where an item is, added when it is not there yet. One number stays free to mean none.
fn place<T>(items: &mut Vec<T>, is_it: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> Result<u16, String> {
    let at = items.iter().position(is_it).unwrap_or(items.len());
    if at == items.len() {
        items.push(new());
    }
    u16::try_from(at).ok().filter(|&at| at < u16::MAX).ok_or_else(|| format!("more than {} names", u16::MAX))
}
