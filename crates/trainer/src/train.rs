//! From captures or tables to scores and bundles: the calls that a command makes.

use crate::TrainError;
use crate::bundle::{BundleParts, Written};
use crate::card::CardFacts;
use crate::gbdt::{Ensemble, Params};
use crate::recipe::Recipe;
use crate::report::Evaluation;
use crate::rows::{CaptureCounts, Labels, from_captures};
use crate::table::Table;
use crate::{packet, threat, tools, traffic};
use detect::BundleKind;
use detect::manifest::ATTACK;
use schema::features::{FEATURES, index_of};
use schema::{FeatureGroup, document::rfc3339};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Folder of the tables within the folder of the bundles.
pub const TABLES: &str = "tables";
const FLOWS: &str = "flows.zst";
const PACKETS: &str = "packets.zst";
/// From this probability on, a packet is said to belong to an attack.
const PACKET_THRESHOLD: f64 = 0.5;

/// Where labelled rows come from.
#[derive(Debug, Clone)]
pub enum RowSource {
    /// Captures `LABEL/NAME.pcap` with their truth, and a table of what the labels mean.
    Captures {
        /// Folder of the captures.
        folder: PathBuf,
        /// The table of labels.
        labels: PathBuf,
    },
    /// Tables written by an earlier training.
    Tables(PathBuf),
}

/// Whether tools are left out one at a time, which takes longer than all the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolTest {
    /// Not asked for.
    Skip,
    /// Asked for.
    Run,
}

/// What to train, and where to.
#[derive(Debug, Clone)]
pub struct TrainOptions {
    /// Where the rows come from.
    pub rows: RowSource,
    /// Folder that gets a folder a bundle, and one with the tables.
    pub models: PathBuf,
    /// When the bundles are made, nanoseconds since 1970.
    pub created_ns: i64,
    /// Settings of the models.
    pub recipe: Recipe,
    /// Whether the scores tell of tools never seen.
    pub tools: ToolTest,
}

/// What a training gave.
#[derive(Debug, Clone)]
pub struct Report {
    /// What became of the captures' flows, where there were captures.
    pub counts: Option<CaptureCounts>,
    /// How good the models are.
    pub evaluation: Evaluation,
    /// The bundles written.
    pub bundles: Vec<Written>,
}

/// Parts of the names of features that our models do not look at. They are for tables and for models of others: fitted on
/// the captures of one laboratory they learn its programs and stacks. With them the mean recall over attack labels, cross
/// validated at 1 false alarm in 1,000, is .846 instead of .864.
const LEFT_OUT: [&str; 10] = [
    "header",
    "subflow",
    "bulk",
    "_count",
    "active",
    "idle",
    "retransmissions",
    "out_of_order",
    "zero_windows",
    "handshake",
];

/// Labelled rows, and which columns are which.
struct Rows {
    flows: Table,
    packets: Table,
    /// Statistics of the flow.
    flow: Vec<usize>,
    /// These and the context.
    all: Vec<usize>,
    counts: Option<CaptureCounts>,
}

/// Fits the three bundles and writes them, with the tables that they were made from and their honest scores.
///
/// # Errors
/// When rows cannot be had or fitted, or a file cannot be written.
pub fn train(options: &TrainOptions) -> Result<Report, TrainError> {
    let rows = load(&options.rows)?;
    if rows.counts.is_some() {
        let folder = options.models.join(TABLES);
        fs::create_dir_all(&folder).map_err(TrainError::io(&folder))?;
        rows.flows.write(&folder.join(FLOWS))?;
        rows.packets.write(&folder.join(PACKETS))?;
    }
    let evaluation = score(&rows, &options.recipe, options.tools)?;
    let bundles = [
        traffic_bundle(&rows, options, &evaluation)?,
        threat_bundle(&rows, options, &evaluation)?,
        packet_bundle(&rows, options, &evaluation)?,
    ];
    let bundles =
        bundles.into_iter().map(|bundle| bundle.write(&options.models)).collect::<Result<_, _>>()?;
    Ok(Report { counts: rows.counts, evaluation, bundles })
}

/// Scores a recipe without writing anything.
///
/// # Errors
/// When rows cannot be had or fitted.
pub fn evaluate(source: &RowSource, recipe: &Recipe, tools: ToolTest) -> Result<Evaluation, TrainError> {
    score(&load(source)?, recipe, tools)
}

fn load(source: &RowSource) -> Result<Rows, TrainError> {
    let (flows, packets, counts) = match source {
        RowSource::Captures { folder, labels } => {
            let labelled = from_captures(folder, &Labels::read(labels)?)?;
            let counts = &labelled.counts;
            tracing::info!(captures = counts.captures, records = counts.records, "captures metered");
            (labelled.flows, labelled.packets, Some(labelled.counts))
        }
        RowSource::Tables(folder) => {
            (read_flows(&folder.join(FLOWS))?, Table::read(&folder.join(PACKETS))?, None)
        }
    };
    let group = |at: usize| index_of(&flows.columns[at].name).map(|place| FEATURES[place].group);
    let is_left_out = |at: usize| LEFT_OUT.iter().any(|part| flows.columns[at].name.contains(part));
    let is_feature = |at: &usize| group(*at).is_some() && !is_left_out(*at);
    let all: Vec<usize> = (0..flows.columns.len()).filter(is_feature).collect();
    let flow = all.iter().copied().filter(|&at| group(at) == Some(FeatureGroup::Flow)).collect();
    Ok(Rows { flows, packets, flow, all, counts })
}

/// Reads a table of flows; one that this build's meter would fill otherwise is refused.
fn read_flows(path: &Path) -> Result<Table, TrainError> {
    let table = Table::read(path)?;
    for column in &table.columns {
        if index_of(&column.name).is_none_or(|at| FEATURES[at].revision != column.revision) {
            let reason = format!("column {:?} is no feature of this build; train from captures", column.name);
            return Err(TrainError::input(path, reason));
        }
    }
    Ok(table)
}

fn score(rows: &Rows, recipe: &Recipe, tool_test: ToolTest) -> Result<Evaluation, TrainError> {
    let traffic = traffic::score(&rows.flows, &rows.flow, recipe)?;
    tracing::info!(macro_f1 = traffic.confusion.macro_f1(), "traffic model scored");
    let threat = threat::score(&rows.flows, &rows.all, recipe)?;
    tracing::info!(recall = threat.recall(), "threat model scored");
    let threat_without_context = threat::score(&rows.flows, &rows.flow, recipe)?;
    let packet = packet::score(&rows.packets, recipe)?;
    tracing::info!(auroc = packet.auroc, "packet model scored");
    let tools = match tool_test {
        ToolTest::Skip => None,
        ToolTest::Run => Some(tools::leave_one_out(&rows.flows, &rows.flow, &rows.all, recipe)?),
    };
    Ok(Evaluation { traffic, threat, threat_without_context, packet, tools })
}

fn traffic_bundle(
    rows: &Rows,
    options: &TrainOptions,
    evaluation: &Evaluation,
) -> Result<BundleParts, TrainError> {
    let score = &evaluation.traffic;
    let mut model = traffic::fit(&rows.flows, &rows.flow, &options.recipe, score)?;
    let columns = prune(&rows.flow, [&mut model.tor, &mut model.vpn, &mut model.user]);
    let nodes = [&model.tor, &model.vpn, &model.user].map(Ensemble::nodes).iter().sum();
    let mut metrics = rounded_metrics([
        ("macro_f1", score.confusion.macro_f1()),
        ("macro_f1_tor_vpn_neither", score.merged.macro_f1()),
        ("accuracy", score.confusion.accuracy()),
    ]);
    for (class, traffic) in schema::category::TRAFFIC_CLASSES.iter().enumerate() {
        let name = format!("f1 {}", traffic.name());
        metrics.extend(rounded_metrics([(name.as_str(), score.confusion.f1(class))]));
    }
    let recipes = [("each of the three questions", &options.recipe.traffic)];
    let making = Making { kind: BundleKind::Traffic, table: &rows.flows, columns, nodes, recipes: &recipes };
    let (temperature, thresholds) = (score.temperature, BTreeMap::new());
    Ok(making.parts(model.to_onnx(), temperature, thresholds, metrics, options, evaluation))
}

fn threat_bundle(
    rows: &Rows,
    options: &TrainOptions,
    evaluation: &Evaluation,
) -> Result<BundleParts, TrainError> {
    let score = &evaluation.threat;
    let mut model = threat::fit(&rows.flows, &rows.all, &options.recipe, score)?;
    let columns = prune(&rows.all, [&mut model.gate, &mut model.categories]);
    let nodes = model.gate.nodes() + model.categories.nodes();
    let (benign, alarms) = score.false_alarms();
    let mut metrics = rounded_metrics([
        ("recall_mean", score.recall()),
        ("recall_mean_right_category", score.recall_right()),
        ("recall_flows", score.flow_recall()),
        ("recall_mean_without_context", evaluation.threat_without_context.recall()),
        ("false_alarm_share", alarms as f64 / benign as f64),
        ("auroc", score.auroc),
        ("right_category_share", score.category_share),
        ("categories_temperature", score.categories_temperature),
        ("low_mark", model.low_mark.into()),
    ]);
    if let Some(tools) = &evaluation.tools {
        let (flows, labels) = (tools.of_flows(), tools.of_known_labels());
        metrics.extend(rounded_metrics([
            ("unseen_tool_recall_flows", flows.with),
            ("unseen_tool_recall_flows_without_context", flows.without),
            ("unseen_tool_recall_mean", labels.with),
            ("unseen_tool_recall_mean_without_context", labels.without),
        ]));
    }
    let recipes = [("attack or not", &options.recipe.gate), ("category", &options.recipe.categories)];
    let making = Making { kind: BundleKind::Threat, table: &rows.flows, columns, nodes, recipes: &recipes };
    let thresholds = BTreeMap::from([(ATTACK.to_owned(), score.threshold)]);
    Ok(making.parts(model.to_onnx(), score.temperature, thresholds, metrics, options, evaluation))
}

fn packet_bundle(
    rows: &Rows,
    options: &TrainOptions,
    evaluation: &Evaluation,
) -> Result<BundleParts, TrainError> {
    let score = &evaluation.packet;
    let model = packet::fit(&rows.packets, &options.recipe, score)?;
    let columns = (0..rows.packets.columns.len()).collect();
    let metrics = rounded_metrics([("auroc", score.auroc), ("accuracy_root_balanced", score.accuracy)]);
    let recipes = [("attack or not", &options.recipe.packet)];
    let nodes = model.gate.nodes();
    let making = Making { kind: BundleKind::Packet, table: &rows.packets, columns, nodes, recipes: &recipes };
    let thresholds = BTreeMap::from([(ATTACK.to_owned(), PACKET_THRESHOLD)]);
    Ok(making.parts(model.to_onnx(), score.temperature, thresholds, metrics, options, evaluation))
}

/// Leaves out the columns that no tree asks about; returns those that stay, as columns of the table.
fn prune<const N: usize>(columns: &[usize], models: [&mut Ensemble; N]) -> Vec<usize> {
    let used: BTreeSet<usize> = models.iter().flat_map(|model| model.columns_used()).collect();
    let kept: Vec<usize> = used.into_iter().collect();
    for model in models {
        *model = model.over_columns(&kept);
    }
    kept.into_iter().map(|at| columns[at]).collect()
}

fn rounded_metrics<const N: usize>(metrics: [(&str, f64); N]) -> BTreeMap<String, f64> {
    let round = |value: f64| (value * 1e6).round() / 1e6;
    metrics.into_iter().map(|(name, value)| (name.to_owned(), round(value))).collect()
}

/// What the three bundles have in common.
struct Making<'a> {
    kind: BundleKind,
    table: &'a Table,
    /// Columns of the table that the model takes, in its order.
    columns: Vec<usize>,
    nodes: usize,
    recipes: &'a [(&'a str, &'a Params)],
}

impl Making<'_> {
    fn parts(
        self,
        onnx: Vec<u8>,
        temperature: f64,
        thresholds: BTreeMap<String, f64>,
        metrics: BTreeMap<String, f64>,
        options: &TrainOptions,
        evaluation: &Evaluation,
    ) -> BundleParts {
        let Self { kind, table, columns, nodes, recipes } = self;
        let facts = CardFacts { kind, table, columns: columns.len(), nodes, recipes, evaluation };
        BundleParts {
            kind,
            onnx,
            created: rfc3339(options.created_ns).to_string(),
            columns: columns.into_iter().map(|at| table.columns[at].clone()).collect(),
            // As the graph has it.
            temperature: f64::from(temperature as f32),
            thresholds,
            metrics,
            training: table.captures.clone(),
            card: facts.to_string(),
        }
    }
}
