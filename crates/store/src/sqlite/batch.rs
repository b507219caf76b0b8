//! Statements with many rows: one call of SQLite for hundreds of rows, not one a row.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};
use std::sync::Arc;

/// Most rows of one statement.
const ROWS_MAX: usize = 256;

/// One statement for 256 rows, one for 128, ... one for 1. Any number of rows is made of these few, so that each is
/// prepared once.
#[derive(Debug)]
pub(super) struct Batched {
    statements: Vec<SqlStr>,
}

impl Batched {
    /// `before` the rows, `after` them, and the number of values in each.
    pub(super) fn new(before: &str, values: usize, after: &str) -> Self {
        Self::of(before, &format!("({})", vec!["?"; values].join(",")), ",", after)
    }

    /// The same with any text for a row and between two.
    pub(super) fn of(before: &str, row: &str, between: &str, after: &str) -> Self {
        let statement = |rows: usize| {
            let text = format!("{before} {} {after}", vec![row; rows].join(between));
            // Of literals of this crate only.
            AssertSqlSafe(Arc::<str>::from(text)).into_sql_str()
        };
        Self { statements: (0..=ROWS_MAX.ilog2()).map(|power| statement(1 << power)).collect() }
    }

    /// Cuts `rows` into pieces, each with its statement.
    pub(super) fn pieces<'a, T>(&'a self, mut rows: &'a [T]) -> impl Iterator<Item = (SqlStr, &'a [T])> {
        std::iter::from_fn(move || {
            let power = rows.len().min(ROWS_MAX).checked_ilog2()?;
            let (piece, rest) = rows.split_at(1 << power);
            rows = rest;
            Some((self.statements[power as usize].clone(), piece))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_piece_and_the_statement_fits() {
        let batched = Batched::new("INSERT INTO t VALUES", 2, "ON CONFLICT DO NOTHING");
        for count in [0, 1, 2, 255, 256, 257, 1000] {
            let rows: Vec<usize> = (0..count).collect();
            let mut seen = Vec::new();
            for (sql, piece) in batched.pieces(&rows) {
                assert_eq!(sql.as_str().matches("(?,?)").count(), piece.len());
                seen.extend_from_slice(piece);
            }
            assert_eq!(seen, rows);
        }
    }
}
