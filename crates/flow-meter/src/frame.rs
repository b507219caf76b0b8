//! One captured frame, borrowed from wherever it was read.

/// How the bytes of a frame begin. Numbers are those of the `LINKTYPE_` registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: four bytes of address family in the capturing host's byte order.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Raw IP, as some systems number it.
    pub const RAW_BSD: Self = Self(12);
    /// Raw IP, as others do.
    pub const RAW_OPENBSD: Self = Self(14);
    /// IPv4 or IPv6, told by the first nibble.
    pub const RAW: Self = Self(101);
    /// `OpenBSD` loopback: as NULL, in network order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture.
    pub const LINUX_SLL: Self = Self(113);
    /// IPv4.
    pub const IPV4: Self = Self(228);
    /// IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture, second version.
    pub const LINUX_SLL2: Self = Self(276);
}

/// A frame as captured. `bytes` may be shorter than `wire_len` (snap length).
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Packet time, nanoseconds since 1970.
    pub ts_ns: i64,
    /// How `bytes` begins.
    pub link_type: LinkType,
    /// Length on the wire.
    pub wire_len: u32,
    /// What was captured of it.
    pub bytes: &'a [u8],
}
