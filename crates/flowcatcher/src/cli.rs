//! Words on the command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Network traffic classification and threat analysis.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage or bad input, 3 a file or part of it could not be read.
#[derive(Debug, Parser)]
#[command(name = "flowcatcher", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Settings file; default: ./flowcatcher.toml if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder for the store and uploads.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start everything in one process: API, page, judge and store.
    Up(Up),
    /// Judge the flows of captures and report what was found.
    Analyze(Analyze),
    /// Write the flow records of captures, with all their features.
    Flows(Flows),
    /// Write one line for each packet of a capture.
    Packets(Packets),
    /// Fit the model bundles again, from labelled captures or from the tables of an earlier training.
    Train(Train),
    /// Print every setting with its value and where that was set, or check them.
    Config(Config),
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Address and port of API and page.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct Analyze {
    /// pcap, pcapng, plain or packed (gzip, zstd), or zip archives of them; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(crate) format: ReportFormat,
    /// Distinct ports or hosts that one initiator tries within 60 s before its probes are called a scan.
    #[arg(long, value_name = "N")]
    pub(crate) scan_threshold: Option<u32>,
    /// Also write predictions and threats into the store.
    #[arg(long)]
    pub(crate) store: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// A report for people.
    Text,
    /// One JSON object: files, statistics, threats.
    Json,
    /// One ECS document a line: every prediction, then the threats.
    Ndjson,
}

#[derive(Debug, Args)]
pub(crate) struct Flows {
    /// Captures, as for analyze.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// How to write the records; none only meters.
    #[arg(long, value_enum, default_value_t = FlowFormat::Csv)]
    pub(crate) format: FlowFormat,
    /// Whose flows: our own, or those of CICFlowMeter with its mistakes, for models trained on its tables.
    #[arg(long, value_enum, default_value_t = Profile::Correct)]
    pub(crate) profile: Profile,
    /// Write the 84 columns of CICFlowMeter with the names that this one has, as CSV. The cic2017 profile always does; it
    /// has the names of CICIDS2017 unless told otherwise.
    #[arg(long, value_enum)]
    pub(crate) dialect: Option<Dialect>,
    /// Where to write; default: standard output.
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
    /// Where to write what busy hosts did in each ten seconds, one JSON object a line.
    #[arg(long, value_name = "OUT.ndjson", conflicts_with = "dialect")]
    pub(crate) hosts: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// Flows as docs/flows.md defines them.
    Correct,
    /// Flows as CICFlowMeter makes them, bug for bug.
    Cic2017,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dialect {
    /// The current Java program, and CIC-Darknet2020.
    Cic,
    /// CICIDS2017.
    Cic2017,
    /// CSE-CIC-IDS2018.
    Cic2018,
    /// The Python port.
    Python,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FlowFormat {
    Csv,
    Ndjson,
    None,
}

#[derive(Debug, Args)]
pub(crate) struct Packets {
    /// A capture, as for analyze.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Where to write; default: standard output.
    #[arg(short, long, value_name = "OUT.csv")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    /// Folder of LABEL/NAME.pcap with NAME.flows.csv beside each: the label of every flow.
    #[arg(value_name = "CAPTURES", requires = "labels", required_unless_present = "tables")]
    pub(crate) captures: Option<PathBuf>,
    /// What the labels mean: tab-separated label, traffic class, threat categories.
    #[arg(long, value_name = "LABELS.tsv")]
    pub(crate) labels: Option<PathBuf>,
    /// Folder of tables that an earlier training wrote, such as models/tables.
    #[arg(long, value_name = "DIR", conflicts_with = "captures")]
    pub(crate) tables: Option<PathBuf>,
    /// Folder that gets the bundles; name it in detect.models_dir to use them.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Also score with each attack tool left out in turn, which takes longer than all the rest.
    #[arg(long)]
    pub(crate) leave_tools_out: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) what: Option<ConfigCommand>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting (the default).
    Print,
    /// Only say whether the settings are right.
    Check,
}
