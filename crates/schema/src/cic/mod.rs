//! Flows as `CICFlowMeter` writes them: 84 columns in four dialects.

mod columns;
mod row;

pub use columns::{COLUMNS, Column};
pub use row::{CicRow, LABEL};

use columns::IDENTITIES;

/// Who wrote, or will read, a table. They differ in the names of the columns, and a little in which there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The current Java program, and CIC-Darknet2020.
    Cic,
    /// CICIDS2017: 85 columns, most with a space before their name, and one of them twice.
    Cic2017,
    /// CSE-CIC-IDS2018.
    Cic2018,
    /// The Python port.
    Python,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 4] = [Self::Cic, Self::Cic2017, Self::Cic2018, Self::Python];

    /// As on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cic => "cic",
            Self::Cic2017 => "cic2017",
            Self::Cic2018 => "cic2018",
            Self::Python => "python",
        }
    }

    /// Places of the numbers that this dialect has, in the order in which it has them.
    pub(crate) fn numbers(self) -> impl Iterator<Item = usize> {
        // CICIDS2017 has the initiator's header length again before the bulks.
        let again = (self == Self::Cic2017).then_some(HEADER_LENGTH);
        let has = move |at: &usize| !COLUMNS[*at].names[self as usize].is_empty();
        (0..BULKS).chain(again).chain(BULKS..COLUMNS.len()).filter(has)
    }

    /// The header line, without its end.
    #[must_use]
    pub fn header(self) -> String {
        let at = self as usize;
        let identities = IDENTITIES.iter().map(|names| names[at]);
        let numbers = self.numbers().map(|number| COLUMNS[number].names[at]);
        let label = (self != Self::Python).then_some("Label");
        let names = identities.chain(numbers).chain(label).filter(|name| !name.is_empty());
        let shown = names.map(|name| match self {
            Self::Cic2017 if !UNSPACED.contains(&name) => format!(" {name}"),
            _ => name.to_owned(),
        });
        shown.collect::<Vec<_>>().join(",")
    }
}

/// Place of `Fwd Header Length` in [`COLUMNS`].
const HEADER_LENGTH: usize = 33;
/// Place of `Fwd Bytes/Bulk Avg` in [`COLUMNS`].
const BULKS: usize = 54;

/// Columns of CICIDS2017 without a space before their name: its header is a text of several lines, put together so that
/// the first name of each line has none.
const UNSPACED: [&str; 15] = [
    "Flow ID",
    "Total Length of Fwd Packets",
    "Bwd Packet Length Max",
    "Flow Bytes/s",
    "Fwd IAT Total",
    "Bwd IAT Total",
    "Fwd PSH Flags",
    "Fwd Packets/s",
    "FIN Flag Count",
    "Fwd Avg Bytes/Bulk",
    "Bwd Avg Bulk Rate",
    "Subflow Fwd Packets",
    "Init_Win_bytes_forward",
    "Active Mean",
    "Idle Mean",
];

#[cfg(test)]
mod tests;
