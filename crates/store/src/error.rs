//! What can go wrong in a store, split by what the caller can do about it.

use thiserror::Error;

/// Why a store refused. Every message says what happened and, where someone can act on it, what to do.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Passing trouble, such as a locked database: nothing was written, the same call may work later.
    #[error("{0}")]
    Retry(String),
    /// The disk guard, or the disk itself, refuses writes. Reading goes on; writing works again once there is room.
    #[error("{0}")]
    Full(String),
    /// The question makes no sense, such as a cursor of another query. Asking it again does not help.
    #[error("{0}")]
    BadQuery(String),
    /// The store cannot be used until someone has acted.
    #[error("{0}")]
    Fatal(String),
}

/// What became of one written item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteVerdict {
    /// It is in the store now, and was not before (for a threat: not in this version).
    Stored,
    /// It was there already; nothing changed.
    AlreadyStored,
    /// It can never be stored, and why.
    Rejected(String),
}
