//! Every setting: its section, key, type, default and meaning, each once. The reference is made from this.

use super::value::{ByteSize, LogFormat, Secret, Value};
use schema::TrafficClass;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// What is known of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// `gateway.listen`.
    pub name: String,
    /// `address:port`.
    pub kind: &'static str,
    /// As it would be written; empty when nothing is set.
    pub default: String,
    /// One sentence.
    pub meaning: String,
}

impl Key {
    /// The environment variable that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{}{}", super::layers::PREFIX, self.name.replace('.', "__").to_uppercase())
    }

    /// Its line in the table of docs/configuration.md.
    #[must_use]
    pub fn row(&self) -> String {
        let default = if self.default.is_empty() { "(empty)".into() } else { format!("`{}`", self.default) };
        format!("| `{}` | {} | {default} | {} |", self.name, self.kind, self.meaning)
    }
}

/// A group of keys.
pub(super) trait Section {
    fn keys(&self) -> Vec<Key>;
    /// `None` when the section has no such key.
    fn set(&mut self, name: &str, value: &toml::Value) -> Option<Result<(), String>>;
    fn show(&self, name: &str) -> Option<String>;
}

macro_rules! section {
    ($(#[doc = $about:literal])* $section:ident $prefix:literal {
        $(#[doc = $meaning:literal] $key:ident: $kind:ty = $default:expr;)*
    }) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone)]
        pub struct $section {
            $(#[doc = $meaning] pub $key: $kind,)*
        }

        impl Default for $section {
            fn default() -> Self {
                Self { $($key: $default,)* }
            }
        }

        impl Section for $section {
            fn keys(&self) -> Vec<Key> {
                vec![$(Key {
                    name: concat!($prefix, stringify!($key)).to_owned(),
                    kind: <$kind as Value>::KIND,
                    default: self.$key.show(),
                    meaning: $meaning.trim().to_owned(),
                },)*]
            }

            fn set(&mut self, name: &str, value: &toml::Value) -> Option<Result<(), String>> {
                match name {
                    $(concat!($prefix, stringify!($key)) => {
                        Some(<$kind as Value>::read(value).map(|read| self.$key = read))
                    })*
                    _ => None,
                }
            }

            fn show(&self, name: &str) -> Option<String> {
                match name {
                    $(concat!($prefix, stringify!($key)) => Some(self.$key.show()),)*
                    _ => None,
                }
            }
        }
    };
}

section! {
    /// What belongs to no part.
    General "" {
        /// Folder for the store, uploads and captures kept; empty = `flowcatcher` in the user's data folder (`$XDG_DATA_HOME`, else `~/.local/share`).
        data_dir: Option<PathBuf> = None;
    }
}

section! {
    /// The HTTP door.
    Gateway "gateway." {
        /// Address and port of API and UI; any address but loopback needs `gateway.token`.
        listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 5000));
        /// Token that every request must carry, at least 16 characters; empty = none is asked for.
        token: Secret = Secret::default();
        /// Largest upload.
        upload_bytes_max: ByteSize = ByteSize(2 << 30);
        /// Most that the captures of one upload may unpack to.
        expanded_bytes_max: ByteSize = ByteSize(10 << 30);
        /// Most files in an uploaded zip.
        zip_entries_max: u32 = 1000;
        /// Uploads that may wait for their turn; more are refused with 429.
        jobs_waiting_max: usize = 16;
    }
}

section! {
    /// Flows and the hosts around them.
    Meter "meter." {
        /// Seconds without a packet that end a flow which was never answered.
        idle_unanswered_s: u32 = 10;
        /// Seconds without a packet that end a TCP flow.
        idle_tcp_s: u32 = 120;
        /// Seconds without a packet that end a UDP flow.
        idle_udp_s: u32 = 60;
        /// Seconds without a packet that end any other flow.
        idle_other_s: u32 = 30;
        /// Seconds after which a long flow is reported as a part and goes on as the next.
        active_s: u32 = 120;
        /// Seconds that a closed TCP flow still takes late packets.
        closed_linger_s: u32 = 5;
        /// Flows open at once (as many again may wait for their context); beyond, the one nearest to its time-out ends early, which is counted.
        flows_max: usize = 131_072;
        /// Seconds after its start at which a flow's context is read.
        look_ahead_s: u32 = 5;
        /// Hosts whose context is kept at once.
        hosts_max: usize = 65_536;
        /// Pairs of hosts and service whose history is kept at once.
        pairs_max: usize = 262_144;
        /// Hours after which the history of a silent pair is forgotten.
        memory_h: u32 = 24;
        /// Flows in 10 s, in one role, with which a host gives a host window.
        window_flows_min: u32 = 100;
        /// Distinct other ends in 10 s with which a host gives a host window.
        window_peers_min: u32 = 30;
        /// Distinct responder ports in 10 s with which a host gives a host window.
        window_ports_min: u32 = 30;
        /// Whether flow records carry the first payload bytes of each direction (at most 256). They may hold secrets.
        keep_first_payload: bool = false;
        /// Processors that the metering of one capture file is spread over; 0 for all there are, at most 64. Records are the same for any number.
        threads: usize = 1;
    }
}

section! {
    /// Verdicts.
    Detect "detect." {
        /// Distinct ports or hosts within 60 s from which a scan is reported.
        scan_threshold: u32 = 100;
        /// Traffic classes that count as abnormal, of Tor, VPN, NonVPN and Non-Tor.
        abnormal_classes: Vec<TrafficClass> = vec![TrafficClass::Tor, TrafficClass::Vpn];
        /// ONNX Runtime library, or its folder; empty = looked for beside the program, in the user's data folder and in the system.
        onnxruntime: Option<PathBuf> = None;
        /// Folder with bundles `traffic`, `threat`, `packet` that replace those compiled in; empty = none.
        models_dir: Option<PathBuf> = None;
    }
}

section! {
    /// Where flows are judged.
    Predictor "predictor." {
        /// Threads that judge; 0 = one for each core. The verdicts are the same for any number.
        threads: usize = 0;
        /// Most flows judged in one batch.
        batch_max: usize = 4096;
    }
}

section! {
    /// Between the parts.
    Bus "bus." {
        /// Messages that a topic in memory holds until they are done; then the writer waits.
        capacity: usize = 8_192;
    }
}

section! {
    /// Where predictions and threats are kept.
    Store "store." {
        /// Database URL like `sqlite://flows.db`; empty = SQLite in `data_dir`.
        url: String = String::new();
        /// Days that predictions and threats are kept; 0 = no limit.
        retention_days: u32 = 30;
        /// Size at which the oldest are removed; 0 = no limit.
        size_max_bytes: ByteSize = ByteSize(20 << 30);
        /// Room on the disk below which nothing is written any more.
        disk_free_min_bytes: ByteSize = ByteSize(1 << 30);
    }
}

section! {
    /// Names of protocols and ports.
    Protocol "protocol." {
        /// Folder with the files ETHER, IP, PORT, TCP and UDP; empty = `./protocol` if it is there, else those compiled in.
        dir: Option<PathBuf> = None;
    }
}

section! {
    /// Log lines.
    Log "log." {
        /// Lines for people (`text`) or one JSON object a line (`json`).
        format: LogFormat = LogFormat::Text;
        /// What is logged: error, warn, info, debug or trace, for one part too (`info,store=debug`).
        level: String = "info".to_owned();
    }
}
