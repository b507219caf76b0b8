//! What the categories are called, how bad they are, where ATT&CK puts them, and what to do about them.

use crate::wire::{ThreatCategory, TrafficClass};

/// An ATT&CK technique and its tactic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Technique {
    /// `T1046`, or `T1498.001` for a sub-technique.
    pub id: &'static str,
    /// As ATT&CK calls it.
    pub name: &'static str,
    /// `TA0007`.
    pub tactic_id: &'static str,
    /// As ATT&CK calls it.
    pub tactic: &'static str,
}

/// All that is said of a threat category.
#[derive(Debug)]
pub struct CategoryInfo {
    /// As in documents: `brute_force`.
    pub name: &'static str,
    /// For people: `brute force`.
    pub title: &'static str,
    /// 0 to 100, for a certain finding.
    pub severity: u32,
    /// What it is, in a sentence.
    pub explanation: &'static str,
    /// Where ATT&CK puts it.
    pub techniques: &'static [Technique],
    /// What to do about it.
    pub actions: &'static [&'static str],
}

/// Every threat category, indexed by its wire number.
pub const CATEGORIES: [ThreatCategory; 16] = [
    ThreatCategory::None,
    ThreatCategory::Reconnaissance,
    ThreatCategory::Dos,
    ThreatCategory::Ddos,
    ThreatCategory::BruteForce,
    ThreatCategory::WebAttack,
    ThreatCategory::Exploit,
    ThreatCategory::MalwareC2,
    ThreatCategory::Botnet,
    ThreatCategory::Exfiltration,
    ThreatCategory::Tunnel,
    ThreatCategory::LateralMovement,
    ThreatCategory::Cryptomining,
    ThreatCategory::NetworkAttack,
    ThreatCategory::CredentialExposure,
    ThreatCategory::PolicyAnonymiser,
];

/// Every traffic class, indexed by its wire number.
pub const TRAFFIC_CLASSES: [TrafficClass; 4] =
    [TrafficClass::NonTor, TrafficClass::NonVpn, TrafficClass::Vpn, TrafficClass::Tor];

impl TrafficClass {
    /// As in documents: `Tor`, `VPN`, `NonVPN`, `Non-Tor`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NonTor => "Non-Tor",
            Self::NonVpn => "NonVPN",
            Self::Vpn => "VPN",
            Self::Tor => "Tor",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TRAFFIC_CLASSES.into_iter().find(|class| class.name() == name)
    }
}

impl ThreatCategory {
    /// As in documents: `none`, `brute_force`, ...
    #[must_use]
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        CATEGORIES.into_iter().find(|category| category.name() == name)
    }

    /// All that is said of the category.
    #[must_use]
    pub fn info(self) -> &'static CategoryInfo {
        &INFO[self as usize]
    }

    /// Whether it is an attack: neither `none` nor a matter of policy.
    #[must_use]
    pub fn is_attack(self) -> bool {
        !matches!(self, Self::None | Self::CredentialExposure | Self::PolicyAnonymiser)
    }

    /// Whether the subject of a threat is the victim (floods: many sources, one target).
    #[must_use]
    pub fn subject_is_victim(self) -> bool {
        matches!(self, Self::Dos | Self::Ddos)
    }
}

const fn technique(id: &'static str, name: &'static str, tactic: (&'static str, &'static str)) -> Technique {
    Technique { id, name, tactic_id: tactic.0, tactic: tactic.1 }
}

const RECONNAISSANCE: (&str, &str) = ("TA0043", "Reconnaissance");
const DISCOVERY: (&str, &str) = ("TA0007", "Discovery");
const INITIAL_ACCESS: (&str, &str) = ("TA0001", "Initial Access");
const CREDENTIAL_ACCESS: (&str, &str) = ("TA0006", "Credential Access");
const LATERAL_MOVEMENT: (&str, &str) = ("TA0008", "Lateral Movement");
const COMMAND_AND_CONTROL: (&str, &str) = ("TA0011", "Command and Control");
const EXFILTRATION: (&str, &str) = ("TA0010", "Exfiltration");
const IMPACT: (&str, &str) = ("TA0040", "Impact");

const INFO: [CategoryInfo; 16] = [
    CategoryInfo {
        name: "none",
        title: "no threat",
        severity: 0,
        explanation: "Nothing in this traffic points to an attack.",
        techniques: &[],
        actions: &[],
    },
    CategoryInfo {
        name: "reconnaissance",
        title: "reconnaissance",
        severity: 40,
        explanation: "A host tries many ports, hosts or services to learn what is there.",
        techniques: &[
            technique("T1046", "Network Service Discovery", DISCOVERY),
            technique("T1595", "Active Scanning", RECONNAISSANCE),
        ],
        actions: &[
            "Find out whether the scanning host is an authorised scanner.",
            "If not, block it at the firewall and look at what it did before and after.",
            "Close the services that answered and are not needed.",
        ],
    },
    CategoryInfo {
        name: "dos",
        title: "denial of service",
        severity: 70,
        explanation: "One source exhausts the bandwidth, connections or work of a service.",
        techniques: &[
            technique("T1498.001", "Direct Network Flood", IMPACT),
            technique("T1499", "Endpoint Denial of Service", IMPACT),
        ],
        actions: &[
            "Rate-limit or block the source in front of the service.",
            "Turn on SYN cookies and shorten the service's header and idle time-outs.",
            "Check that the service still answers its other users.",
        ],
    },
    CategoryInfo {
        name: "ddos",
        title: "distributed denial of service",
        severity: 80,
        explanation: "Many sources, or reflectors, together exhaust a service or its line.",
        techniques: &[
            technique("T1498", "Network Denial of Service", IMPACT),
            technique("T1498.002", "Reflection Amplification", IMPACT),
        ],
        actions: &[
            "Ask the upstream provider to filter or scrub traffic to the victim.",
            "Drop the reflected protocol at the border where it is not used.",
            "If own hosts take part, isolate and clean them.",
        ],
    },
    CategoryInfo {
        name: "brute_force",
        title: "brute force",
        severity: 65,
        explanation: "Many log-in attempts try passwords or accounts one after the other.",
        techniques: &[
            technique("T1110", "Brute Force", CREDENTIAL_ACCESS),
            technique("T1110.003", "Password Spraying", CREDENTIAL_ACCESS),
        ],
        actions: &[
            "Look in the service's log for a successful log-in from this source.",
            "Block the source; lock or reset the accounts that it tried.",
            "Require keys or a second factor, and limit attempts.",
        ],
    },
    CategoryInfo {
        name: "web_attack",
        title: "web attack",
        severity: 70,
        explanation: "Requests that try to inject, traverse or enumerate in a web application.",
        techniques: &[technique("T1190", "Exploit Public-Facing Application", INITIAL_ACCESS)],
        actions: &[
            "Look in the web server's log for requests of this source that were answered with 200.",
            "Block the source and patch or shield the application.",
            "Look for new files and accounts on the server.",
        ],
    },
    CategoryInfo {
        name: "exploit",
        title: "exploit",
        severity: 85,
        explanation: "Traffic that makes use of a flaw in a service.",
        techniques: &[technique("T1190", "Exploit Public-Facing Application", INITIAL_ACCESS)],
        actions: &[
            "Isolate the target and keep its memory and disk for analysis.",
            "Look for connections that the target opened afterwards.",
            "Patch the service everywhere.",
        ],
    },
    CategoryInfo {
        name: "malware_c2",
        title: "malware command and control",
        severity: 85,
        explanation: "A host talks to a controller: regular calls home, a remote shell, generated names.",
        techniques: &[
            technique("T1071", "Application Layer Protocol", COMMAND_AND_CONTROL),
            technique("T1573", "Encrypted Channel", COMMAND_AND_CONTROL),
        ],
        actions: &[
            "Isolate the calling host and find the process that calls.",
            "Block the controller's address and name.",
            "Look for other hosts that talk to the same place.",
        ],
    },
    CategoryInfo {
        name: "botnet",
        title: "botnet",
        severity: 80,
        explanation: "A host takes orders together with others, or spreads to its neighbours.",
        techniques: &[technique("T1071", "Application Layer Protocol", COMMAND_AND_CONTROL)],
        actions: &[
            "Isolate the host and clean or reinstall it.",
            "Block the controller and the scanned ports at the border.",
            "Change default passwords of devices of the same kind.",
        ],
    },
    CategoryInfo {
        name: "exfiltration",
        title: "data exfiltration",
        severity: 80,
        explanation: "Data leaves the network in an unusual amount, direction or channel.",
        techniques: &[
            technique("T1041", "Exfiltration Over C2 Channel", EXFILTRATION),
            technique("T1048", "Exfiltration Over Alternative Protocol", EXFILTRATION),
        ],
        actions: &[
            "Find out what was sent: which user, process and files.",
            "Block the destination and keep the capture as evidence.",
            "Tell those responsible for the data; reporting duties may apply.",
        ],
    },
    CategoryInfo {
        name: "tunnel",
        title: "covert channel",
        severity: 65,
        explanation: "Data is hidden in a protocol made for something else, such as DNS or ICMP.",
        techniques: &[
            technique("T1572", "Protocol Tunneling", COMMAND_AND_CONTROL),
            technique("T1071.004", "DNS", COMMAND_AND_CONTROL),
        ],
        actions: &[
            "Allow DNS only through own resolvers, and block the tunnel's domain there.",
            "Find the process on the host that keeps the channel.",
        ],
    },
    CategoryInfo {
        name: "lateral_movement",
        title: "lateral movement",
        severity: 80,
        explanation: "A host inside reaches for other hosts with administrative protocols.",
        techniques: &[
            technique("T1021", "Remote Services", LATERAL_MOVEMENT),
            technique("T1210", "Exploitation of Remote Services", LATERAL_MOVEMENT),
        ],
        actions: &[
            "Find out which account was used and reset it.",
            "Isolate both ends and look for new services and tasks.",
            "Allow administrative protocols only from jump hosts.",
        ],
    },
    CategoryInfo {
        name: "cryptomining",
        title: "cryptomining",
        severity: 55,
        explanation: "A host works for a mining pool.",
        techniques: &[technique("T1496", "Resource Hijacking", IMPACT)],
        actions: &["Find and remove the miner and how it came in.", "Block the pool's addresses and names."],
    },
    CategoryInfo {
        name: "network_attack",
        title: "network-protocol attack",
        severity: 70,
        explanation: "Forged protocol messages redirect, cut or confuse the traffic of others.",
        techniques: &[technique("T1557", "Adversary-in-the-Middle", CREDENTIAL_ACCESS)],
        actions: &[
            "Find the sender by its MAC address and switch port.",
            "Turn on DHCP snooping, dynamic ARP inspection and RA guard.",
        ],
    },
    CategoryInfo {
        name: "credential_exposure",
        title: "credential exposure",
        severity: 30,
        explanation: "A log-in crossed the network in the clear.",
        techniques: &[technique("T1040", "Network Sniffing", CREDENTIAL_ACCESS)],
        actions: &["Change the password.", "Replace the protocol with its encrypted form."],
    },
    CategoryInfo {
        name: "policy_anonymiser",
        title: "anonymiser (policy)",
        severity: 20,
        explanation: "Tor or a VPN is in use. Not an attack; whether it is allowed is a matter of policy.",
        techniques: &[technique("T1090", "Proxy", COMMAND_AND_CONTROL)],
        actions: &["Check whether the policy allows it for this host."],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree() {
        for (number, category) in CATEGORIES.into_iter().enumerate() {
            assert_eq!(category as usize, number);
            assert_eq!(ThreatCategory::from_name(category.name()), Some(category));
            assert!(category.info().severity <= 100);
            assert_eq!(category == ThreatCategory::None, category.info().actions.is_empty());
        }
        for (number, class) in TRAFFIC_CLASSES.into_iter().enumerate() {
            assert_eq!(class as usize, number);
            assert_eq!(TrafficClass::from_name(class.name()), Some(class));
        }
        assert_eq!(ThreatCategory::from_name("bad"), None);
    }
}
