//! Opens or makes a store, and refuses files that are not one.

use super::StoreOptions;
use super::trouble::{damaged, migration_trouble, trouble};
use crate::StoreError;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};
use std::path::Path;
use std::time::Duration;

/// Rows of some 900 bytes fill pages of this size well, and few enough bytes are rewritten for a small change.
pub(super) const PAGE_BYTES: u32 = 8192;
/// `FLWC`: says whose file it is.
const APPLICATION_ID: i64 = 0x464c_5743;
/// How long to wait for another process that writes.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// How long a question may wait for a free connection.
const ACQUIRE_WAIT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;
/// The log is put into the database after so many pages (64 MiB): a page that changes often is then copied once.
const CHECKPOINT_PAGES: &str = "8192";
/// Memory for pages, KiB with a minus as SQLite wants it.
const WRITER_CACHE: &str = "-32768";
const READER_CACHE: &str = "-8192";

static MIGRATOR: Migrator = sqlx::migrate!();

/// The connection that writes, tables made.
pub(super) async fn writer(options: &StoreOptions) -> Result<SqliteConnection, StoreError> {
    let path = &options.path;
    make_folder(path)?;
    if path.exists() {
        probe(path).await?;
    }
    let failed = |error: sqlx::Error| trouble(path, &error);
    let log_bytes = u64::from(PAGE_BYTES) * 8192;
    let mut connection = base(path)
        .create_if_missing(true)
        .page_size(PAGE_BYTES)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_WAIT)
        .pragma("cache_size", WRITER_CACHE)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", log_bytes.to_string())
        .connect()
        .await
        .map_err(failed)?;
    MIGRATOR.run(&mut connection).await.map_err(|error| migration_trouble(path, &error))?;
    let id: i64 =
        sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut connection).await.map_err(failed)?;
    if id == APPLICATION_ID {
        return Ok(connection);
    }
    let claim = sqlx::AssertSqlSafe(format!("PRAGMA application_id = {APPLICATION_ID}"));
    sqlx::query(claim).execute(&mut connection).await.map_err(failed)?;
    Ok(connection)
}

/// The connections that read. None is made before it is needed.
pub(super) fn readers(path: &Path) -> SqlitePool {
    let options =
        base(path).busy_timeout(BUSY_WAIT).pragma("query_only", "ON").pragma("cache_size", READER_CACHE);
    PoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(ACQUIRE_WAIT)
        // A local file: there is no peer that could go away, and nothing to tidy in the background.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options)
}

fn base(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(false)
        .thread_name(|number| format!("store-{number}"))
        .disable_statement_logging()
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Err(StoreError::Fatal(format!(
            "The store {} is a folder. Name a file in it instead.",
            path.display()
        )));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| {
        StoreError::Fatal(format!(
            "The folder of the store, {}, cannot be made: {error}. Give this user the right to, or choose another.",
            folder.display()
        ))
    })
}

/// Refuses a file of someone else before anything in it is changed.
async fn probe(path: &Path) -> Result<(), StoreError> {
    let failed = |error: sqlx::Error| trouble(path, &error);
    let mut connection =
        base(path).busy_timeout(BUSY_WAIT).pragma("query_only", "ON").connect().await.map_err(failed)?;
    let id: i64 =
        sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut connection).await.map_err(failed)?;
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .fetch_all(&mut connection)
        .await
        .map_err(failed)?;
    connection.close().await.map_err(failed)?;
    // A store whose making was cut short has our tables, or none, and no id yet.
    let is_young =
        id == 0 && tables.iter().all(|table| table == "_sqlx_migrations" || table.starts_with("sqlite_"));
    let is_unclaimed =
        id == 0 && ["flows", "bodies", "marks"].iter().all(|name| tables.iter().any(|table| table == name));
    if id == APPLICATION_ID || is_young || is_unclaimed {
        if id == APPLICATION_ID && tables.is_empty() {
            return Err(StoreError::Fatal(damaged(path, "its tables are gone")));
        }
        return Ok(());
    }
    Err(StoreError::Fatal(format!(
        "{} is a database of another program; nothing in it was changed. Choose another path for the store.",
        path.display()
    )))
}
