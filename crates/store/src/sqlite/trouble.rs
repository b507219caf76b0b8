//! What SQLite's errors mean for the caller, and what someone can do about them.

use crate::StoreError;
use sqlx::migrate::MigrateError;
use std::path::Path;

/// What goes wrong inside this room, before the file's name is put to it.
#[derive(Debug)]
pub(super) enum Failure {
    Sql(sqlx::Error),
    /// Something stored cannot be read.
    Damaged(&'static str),
    Store(StoreError),
}

impl Failure {
    /// What the caller is told.
    pub(super) fn told(self, path: &Path) -> StoreError {
        match self {
            Self::Sql(error) => trouble(path, &error),
            Self::Damaged(what) => StoreError::Fatal(damaged(path, what)),
            Self::Store(error) => error,
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Primary result codes of SQLite that call for an answer of their own.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;

/// Turns errors of sqlx into ours, naming the file.
pub(super) fn trouble(path: &Path, error: &sqlx::Error) -> StoreError {
    let file = path.display();
    if matches!(error, sqlx::Error::PoolTimedOut) {
        return StoreError::Retry(format!("All connections to the store {file} are busy. Ask again."));
    }
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        // The extended code's low byte is the primary one.
        .and_then(|code| code.parse::<i32>().ok())
        .map(|code| code & 0xff);
    match code {
        Some(BUSY | LOCKED) => StoreError::Retry(format!(
            "The store {file} is locked by another process: {error}. If this goes on, find out which one \
             (for instance with `fuser {file}`) and end it."
        )),
        Some(FULL) => {
            StoreError::Full(format!("The disk of the store {file} is full: {error}. Free some room there."))
        }
        Some(READONLY) => StoreError::Fatal(format!(
            "The store {file} cannot be written: {error}. Give this user the right to write the file and its folder, \
             or choose another data folder."
        )),
        Some(CANTOPEN) => StoreError::Fatal(format!(
            "The store {file} cannot be opened: {error}. Its folder must exist, be writable for this user, and the \
             path must not be a folder."
        )),
        Some(NOTADB) => StoreError::Fatal(format!(
            "{file} is not a database: {error}. Move it away, or choose another path for the store."
        )),
        Some(CORRUPT) => StoreError::Fatal(damaged(path, &error.to_string())),
        Some(IOERR) => StoreError::Fatal(format!(
            "The disk of the store {file} does not work: {error}. Look into the system's log."
        )),
        _ => StoreError::Fatal(format!("The store {file} failed: {error}.")),
    }
}

/// What to say of a database that is damaged, and where.
pub(super) fn damaged(path: &Path, what: &str) -> String {
    let file = path.display();
    format!(
        "The store {file} is damaged: {what}. Move it away together with {file}-wal and {file}-shm; a new one is made at \
         the next start, and captures that were analysed before can be analysed again. What is left may be saved with \
         `sqlite3 {file} .recover`."
    )
}

/// The same for migrations.
pub(super) fn migration_trouble(path: &Path, error: &MigrateError) -> StoreError {
    let file = path.display();
    match error {
        MigrateError::VersionMissing(_)
        | MigrateError::VersionTooNew(..)
        | MigrateError::VersionMismatch(_)
        | MigrateError::VersionNotPresent(_) => StoreError::Fatal(format!(
            "The store {file} was written by another, probably newer, version of this program ({error}). Use that \
             version, or choose another path for the store."
        )),
        MigrateError::Execute(inner) | MigrateError::ExecuteMigration(inner, _) => trouble(path, inner),
        other => StoreError::Fatal(format!("The tables of the store {file} could not be made: {other}.")),
    }
}
