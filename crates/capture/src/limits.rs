//! How much of an input is taken.

/// Caps on an input. Bytes are counted where they are produced; what headers say is never believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputLimits {
    /// Bytes of an input as stored or sent.
    pub upload_bytes_max: u64,
    /// Bytes that one input may expand to, over all its entries. Plain captures do not expand.
    pub expanded_bytes_max: u64,
    /// Entries of a zip archive, folders included.
    pub zip_entries_max: u64,
    /// Captured bytes of one packet. A longer one is damage: no capture tool writes it, but damaged lengths look so.
    pub packet_bytes_max: u32,
    /// Interfaces that one section of a pcapng may describe.
    pub interfaces_max: u32,
}

impl Default for InputLimits {
    /// The caps of an upload by a stranger.
    fn default() -> Self {
        Self {
            upload_bytes_max: 2 << 30,
            expanded_bytes_max: 10 << 30,
            zip_entries_max: 1000,
            packet_bytes_max: 256 << 10,
            interfaces_max: 65_536,
        }
    }
}

impl InputLimits {
    /// The caps for files that the user names on their own machine: of any size as stored.
    #[must_use]
    pub fn own_files() -> Self {
        Self { upload_bytes_max: u64::MAX, ..Self::default() }
    }
}
