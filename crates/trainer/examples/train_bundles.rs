//! Trains the default bundles: `train_bundles CAPTURES LABELS MODELS [tools]`.

use std::io::Write;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use trainer::{Recipe, RowSource, ToolTest, TrainOptions, train};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [captures, labels, models, rest @ ..] = arguments.as_slice() else {
        return Err("wanted are the folder of captures, the table of labels and the folder of models".into());
    };
    let options = TrainOptions {
        rows: RowSource::Captures { folder: captures.into(), labels: labels.into() },
        models: PathBuf::from(models),
        created_ns: i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos())?,
        recipe: Recipe::default(),
        tools: if rest.is_empty() { ToolTest::Skip } else { ToolTest::Run },
    };
    let report = train(&options)?;
    writeln!(std::io::stdout(), "{:#?}\n{}\n{:#?}", report.counts, report.evaluation, report.bundles)?;
    Ok(())
}
