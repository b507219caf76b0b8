//! From labelled rows to bundles that the product loads, and from captures to labelled rows.

use detect::{Bundle, Column, Source};
use schema::features::FEATURES;
use std::fs;
use std::path::{Path, PathBuf};
use trainer::gbdt::Random;
use trainer::rows::{Label, Labels, from_captures};
use trainer::table::{Table, Tag};
use trainer::{Recipe, RowSource, TABLES, ToolTest, TrainError, TrainOptions, train};

const LABELS: &str = "label\tclass\tcategory\n\
    web\tNonVPN\t\ndns\tNon-Tor\t\ntor\tTor\t\nvpn\tVPN\t\nscan\t\treconnaissance\nflood\t\tdos|ddos\n";
const NAMES: [&str; 6] = ["web", "dns", "tor", "vpn", "scan", "flood"];

/// Rows whose label can be read from their first columns, six captures a label.
fn table(columns: Vec<Column>) -> Table {
    let labels = Labels::parse(LABELS).expect("labels");
    let labels: Vec<Label> = NAMES.iter().map(|name| labels.get(name).expect("a label").clone()).collect();
    let mut random = Random::new(1);
    let tools = vec!["nmap".to_owned(), "hping3".to_owned()];
    let mut table = Table { columns, labels, tools, ..Table::default() };
    for at in 0..36 {
        let label = at % NAMES.len();
        let name = format!("{}/{at}.pcap", NAMES[label]);
        table.captures.push(Source { name, sha256: "0".repeat(64) });
        let tool = (label >= 4).then_some((at / 6 % 2) as u16);
        table.tags.extend([Tag { capture: at as u32, label: label as u16, tool, is_attack: label >= 4 }; 20]);
        for _ in 0..20 {
            let mut row: Vec<f32> = table.columns.iter().map(|_| random.unit() as f32).collect();
            row[0] = (label % 3) as f32;
            row[1] = (label / 3) as f32;
            table.values.extend(row);
        }
    }
    table
}

fn options(folder: &Path) -> TrainOptions {
    let recipe = Recipe::default();
    let few = |params: &trainer::gbdt::Params| trainer::gbdt::Params {
        rounds: 15,
        column_share: 1.0,
        ..params.clone()
    };
    let (traffic, gate) = (few(&recipe.traffic), few(&recipe.gate));
    let recipe = Recipe { traffic, gate, categories: few(&recipe.categories), packet: few(&recipe.packet) };
    let rows = RowSource::Tables(folder.join(TABLES));
    TrainOptions {
        rows,
        models: folder.to_owned(),
        created_ns: 1_800_000_000_000_000_000,
        recipe,
        tools: ToolTest::Run,
    }
}

fn write_tables(folder: &Path) {
    let tables = folder.join(TABLES);
    fs::create_dir_all(&tables).expect("a folder");
    let feature = |at: usize| Column { name: FEATURES[at].name.clone(), revision: FEATURES[at].revision };
    table((0..8).chain(200..204).map(feature).collect()).write(&tables.join("flows.zst")).expect("written");
    let packet = |name: &&str| Column { name: (*name).to_owned(), revision: 1 };
    let columns = detect::manifest::PACKET_COLUMNS.iter().map(packet).collect();
    table(columns).write(&tables.join("packets.zst")).expect("written");
}

#[test]
fn tables_become_bundles_that_load_and_are_the_same_each_time() {
    let folder = tempfile::tempdir().expect("a folder");
    write_tables(folder.path());
    let report = train(&options(folder.path())).expect("trained");
    assert_eq!(report.bundles.len(), 3);
    assert!(report.evaluation.traffic.confusion.macro_f1() > 0.99);
    assert!(report.evaluation.threat.recall_right() > 0.99);
    let tools = report.evaluation.tools.expect("asked for");
    assert!(tools.of_known_labels().with > 0.99, "{tools}");
    let files = |written: &trainer::bundle::Written| -> Vec<Vec<u8>> {
        let names = ["manifest.toml", "model.onnx", "card.md"];
        names.map(|name| fs::read(written.folder.join(name)).expect("a file")).to_vec()
    };
    let first: Vec<_> = report.bundles.iter().map(files).collect();
    for bundle in &first {
        let manifest = String::from_utf8(bundle[0].clone()).expect("text");
        let bundle = Bundle::from_parts(&manifest, bundle[1].clone()).expect("loads");
        assert_eq!(bundle.manifest().created, "2027-01-15T08:00:00.000000000Z");
        assert_eq!(bundle.manifest().training.len(), 36);
        assert!(bundle.manifest().columns.len() < 12, "columns without use stay");
    }
    let again = train(&options(folder.path())).expect("trained");
    assert!(first == again.bundles.iter().map(files).collect::<Vec<_>>(), "another training, another bundle");
}

#[test]
fn a_table_of_other_features_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    write_tables(folder.path());
    let path = folder.path().join(TABLES).join("flows.zst");
    let mut table = Table::read(&path).expect("a table");
    table.columns[3].revision += 1;
    table.write(&path).expect("written");
    let error = train(&options(folder.path())).expect_err("other features");
    assert!(error.to_string().contains("train from captures"), "{error}");
}

/// The folder of labelled captures, unless it is absent.
fn captures() -> Option<PathBuf> {
    let cache = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/flowcatcher-data"));
    let folder = std::env::var_os("FLOWCATCHER_DATA").map(PathBuf::from).or(cache)?.join("train");
    if folder.exists() {
        return Some(folder);
    }
    // Not by `eprintln!`, which the test runner would hide.
    std::io::Write::write_fmt(
        &mut std::io::stderr(),
        format_args!("skipped: no labelled captures in {}\n", folder.display()),
    )
    .expect("standard error");
    None
}

#[test]
fn captures_become_rows_with_the_label_of_each_flow() {
    let Some(captures) = captures() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let inside = folder.path().join("recon-portscan");
    fs::create_dir(&inside).expect("a folder");
    for file in ["portscan_1.pcap", "portscan_1.flows.csv", "portscan_1.json"] {
        fs::copy(captures.join("recon-portscan").join(file), inside.join(file)).expect("copied");
    }
    let text = "head\nrecon-portscan\t\treconnaissance\nweb-https\tNonVPN\t\nsupport\t\t\n";
    let labelled = from_captures(folder.path(), &Labels::parse(text).expect("labels")).expect("rows");
    let of = |name: &str| {
        let is_of = |tag: &&Tag| labelled.flows.label(**tag).name == name;
        labelled.flows.tags.iter().filter(is_of).copied().collect::<Vec<_>>()
    };
    let (scan, web) = (of("recon-portscan"), of("web-https"));
    // A thousand probes, and the look-up of the address before them.
    assert_eq!((scan.len(), web.len()), (1001, 2));
    assert!(scan.iter().all(|tag| tag.is_attack && tag.tool == Some(0)));
    assert!(web.iter().all(|tag| !tag.is_attack && tag.tool.is_none()));
    assert_eq!(labelled.flows.tools, ["nmap"]);
    assert_eq!(labelled.flows.captures[0].name, "recon-portscan/portscan_1.pcap");
    assert!(labelled.packets.tags.len() > 1500);
    assert!(labelled.counts.background > 0 && of("support").len() == labelled.counts.background);
    assert!(of("support").iter().all(|tag| !tag.is_attack));
    let check = |text: &str, expected: &str| {
        let error = from_captures(folder.path(), &Labels::parse(text).expect("labels")).expect_err(expected);
        assert!(matches!(error, TrainError::Input { .. }) && error.to_string().contains(expected), "{error}");
    };
    check("head\nweb-https\tNonVPN\t\nsupport\t\t\n", "\"recon-portscan\" is not in the table");
    check("head\nrecon-portscan\tNonVPN\t\nweb-https\tNonVPN\t\nsupport\t\t\n", "but no threat category");
}
