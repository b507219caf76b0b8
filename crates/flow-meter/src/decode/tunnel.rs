//! How one packet carries another.

/// Kinds of tunnels that are looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TunnelKind {
    /// Generic routing encapsulation (RFC 2784, 2890), also of bridged Ethernet.
    Gre,
    /// Encapsulated remote SPAN, types I to III, over GRE.
    Erspan,
    /// IP in IP: 4in4, 6in6 and 4in6 (RFC 2003, 2473).
    IpInIp,
    /// 6in4, 6to4 and ISATAP (RFC 4213).
    SixInFour,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// GENEVE (RFC 8926).
    Geneve,
    /// GTP-U (3GPP TS 29.281).
    GtpU,
    /// Teredo (RFC 4380).
    Teredo,
}

impl TunnelKind {
    /// As in records and documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::IpInIp => "ipip",
            Self::SixInFour => "6in4",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::GtpU => "gtp-u",
            Self::Teredo => "teredo",
        }
    }
}
