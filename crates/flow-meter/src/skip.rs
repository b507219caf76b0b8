//! Why a packet is in no flow: a fact about the input, counted, never an error.

/// Named reasons, one counter each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum SkipReason {
    /// The capture's link type has no decoder.
    LinkType,
    /// Fewer bytes than the link-layer header.
    TruncatedLink,
    /// The link-layer header contradicts itself.
    BadLink,
    /// A frame of the link's own management or control.
    NotData,
    /// The link layer's own encryption (WEP, WPA).
    Encrypted,
    /// Neither IPv4, IPv6 nor ARP inside (LLDP, spanning tree, ...).
    NotIp,
    /// Fewer bytes than the ARP message.
    TruncatedArp,
    /// Fewer bytes than the IP header and its extensions.
    TruncatedIp,
    /// The IP header contradicts itself.
    BadIp,
    /// More VLAN tags or extension headers than the named limit.
    TooDeep,
    /// The capture holds too little of the transport header.
    TruncatedTransport,
    /// The transport header contradicts itself.
    BadTransport,
}

impl SkipReason {
    /// How many reasons there are.
    pub const COUNT: usize = 12;

    /// Every reason, in counter order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::LinkType,
        Self::TruncatedLink,
        Self::BadLink,
        Self::NotData,
        Self::Encrypted,
        Self::NotIp,
        Self::TruncatedArp,
        Self::TruncatedIp,
        Self::BadIp,
        Self::TooDeep,
        Self::TruncatedTransport,
        Self::BadTransport,
    ];

    /// As in counters and job results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LinkType => "link_type",
            Self::TruncatedLink => "truncated_link",
            Self::BadLink => "bad_link",
            Self::NotData => "not_data",
            Self::Encrypted => "encrypted",
            Self::NotIp => "not_ip",
            Self::TruncatedArp => "truncated_arp",
            Self::TruncatedIp => "truncated_ip",
            Self::BadIp => "bad_ip",
            Self::TooDeep => "too_deep",
            Self::TruncatedTransport => "truncated_transport",
            Self::BadTransport => "bad_transport",
        }
    }
}
