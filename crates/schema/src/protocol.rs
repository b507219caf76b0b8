//! Number to name: Ethertypes, IP protocols and service ports, from the editable files of `protocol/`.
//!
//! The files are compiled in as the default. Reading a folder's own copies is left to the caller, who hands in a
//! reader: nothing here opens a file.

use std::collections::HashMap;
use std::io;
use std::sync::LazyLock;

/// The files of a protocol folder, in the order in which they are read.
pub const FILES: [&str; 5] = ["ETHER", "IP", "PORT", "TCP", "UDP"];

/// Longest name taken, in bytes; names are shown in tables and put into documents.
pub const NAME_BYTES_MAX: usize = 64;

/// Why a protocol file cannot be used. The text names the file and, where there is one, the line.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// A folder is used, so all its files must be there.
    #[error("No such file or directory: '{file}'")]
    Missing {
        /// Path as it was asked for.
        file: String,
    },
    /// The file is there and cannot be read.
    #[error("cannot read '{file}': {source}")]
    Unreadable {
        /// Path as it was asked for.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// A line that is not `number:name`.
    #[error("'{file}' line {line}: {problem}")]
    Malformed {
        /// Path as it was asked for.
        file: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong, and what belongs there.
        problem: String,
    },
}

/// Names by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtocolNames {
    ether: Names,
    ip: Names,
    port: Names,
    tcp: Names,
    udp: Names,
}

type Names = HashMap<u16, String>;

static DEFAULT: LazyLock<ProtocolNames> = LazyLock::new(|| {
    ProtocolNames::read("protocol", |path| Ok(compiled_in(path).to_owned()))
        .expect("the compiled-in protocol files parse, which a test shows")
});

fn compiled_in(path: &str) -> &'static str {
    match path {
        "protocol/ETHER" => include_str!("../../../protocol/ETHER"),
        "protocol/IP" => include_str!("../../../protocol/IP"),
        "protocol/PORT" => include_str!("../../../protocol/PORT"),
        "protocol/TCP" => include_str!("../../../protocol/TCP"),
        _ => include_str!("../../../protocol/UDP"),
    }
}

impl ProtocolNames {
    /// The names compiled in from this project's own `protocol/`.
    #[must_use]
    pub fn builtin() -> &'static Self {
        &DEFAULT
    }

    /// Reads the five files of `folder` through `read`, which is given each file's path.
    ///
    /// # Errors
    /// The first file that is missing, cannot be read or has a malformed line.
    pub fn read(folder: &str, read: impl Fn(&str) -> io::Result<String>) -> Result<Self, ProtocolError> {
        let folder = folder.trim_end_matches('/');
        let names = |name: &str, number_max: u16| {
            let file = format!("{folder}/{name}");
            match read(&file) {
                Ok(text) => parse(&file, &text, number_max),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ProtocolError::Missing { file }),
                Err(source) => Err(ProtocolError::Unreadable { file, source }),
            }
        };
        let [ether, ip, port, tcp, udp] = FILES;
        Ok(Self {
            ether: names(ether, u16::MAX)?,
            ip: names(ip, u16::from(u8::MAX))?,
            port: names(port, u16::MAX)?,
            tcp: names(tcp, u16::MAX)?,
            udp: names(udp, u16::MAX)?,
        })
    }

    /// `IPv4` for 2048.
    #[must_use]
    pub fn ether(&self, ethertype: u16) -> Option<&str> {
        self.ether.get(&ethertype).map(String::as_str)
    }

    /// `TCP` for 6, in the registry's spelling.
    #[must_use]
    pub fn ip(&self, protocol: u8) -> Option<&str> {
        self.ip.get(&u16::from(protocol)).map(String::as_str)
    }

    /// The well-known service of a port, whatever the transport.
    #[must_use]
    pub fn port(&self, port: u16) -> Option<&str> {
        self.port.get(&port).map(String::as_str)
    }

    /// The service registered for a TCP port.
    #[must_use]
    pub fn tcp_port(&self, port: u16) -> Option<&str> {
        self.tcp.get(&port).map(String::as_str)
    }

    /// The service registered for a UDP port.
    #[must_use]
    pub fn udp_port(&self, port: u16) -> Option<&str> {
        self.udp.get(&port).map(String::as_str)
    }

    /// The service of a port under an IP protocol: its own table for TCP and UDP, else the well-known ones.
    #[must_use]
    pub fn service(&self, protocol: u8, port: u16) -> Option<&str> {
        match protocol {
            6 => self.tcp_port(port),
            17 => self.udp_port(port),
            _ => None,
        }
        .or_else(|| self.port(port))
    }
}

fn parse(file: &str, text: &str, number_max: u16) -> Result<Names, ProtocolError> {
    let mut names = Names::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let problem = match entry(line, number_max) {
            Ok((number, name)) => match names.insert(number, name.to_owned()) {
                None => continue,
                Some(first) => format!("{number} has a name already: '{first}'"),
            },
            Err(problem) => problem,
        };
        return Err(ProtocolError::Malformed { file: file.to_owned(), line: at + 1, problem });
    }
    Ok(names)
}

fn entry(line: &str, number_max: u16) -> Result<(u16, &str), String> {
    let Some((number, name)) = line.split_once(':') else {
        return Err(format!("expected number:name, found '{}'", shown(line)));
    };
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = match number.parse::<u16>() {
        Ok(value) if digits && value <= number_max => value,
        _ => return Err(format!("expected a number from 0 to {number_max}, found '{}'", shown(number))),
    };
    let name = name.trim();
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err(format!("expected a name of 1 to {NAME_BYTES_MAX} bytes after {number}:"));
    }
    Ok((number, name))
}

/// The beginning of a strange line, without what could upset a terminal.
fn shown(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_in_names_are_there_and_sorted() {
        let names = ProtocolNames::builtin();
        assert_eq!(names.ether(0x0800), Some("IPv4"));
        assert_eq!(names.ip(6), Some("TCP"));
        assert_eq!(names.tcp_port(443), Some("https"));
        assert_eq!(names.udp_port(53), Some("domain"));
        assert_eq!(names.port(22), Some("ssh"));
        assert_eq!(names.service(132, 22), Some("ssh"));
        assert_eq!(names.service(6, 3306), Some("mysql"));
        assert_eq!(names.tcp_port(0), None);
        for file in FILES {
            let text = compiled_in(&format!("protocol/{file}"));
            let number = |line: &str| line.split(':').next().and_then(|n| n.parse::<u16>().ok());
            let numbers: Vec<u16> = text.lines().filter_map(number).collect();
            assert!(numbers.len() > 100, "{file} has only {}", numbers.len());
            assert!(numbers.is_sorted_by(|a, b| a < b), "{file} is not sorted");
        }
    }

    fn check(text: &str, expected: &str) {
        let said = match parse("protocol/IP", text, 255) {
            Ok(names) => format!("{} names", names.len()),
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expected, "{text:?}");
    }

    #[test]
    fn lines_are_number_colon_name() {
        check("", "0 names");
        check("# note\n\n6:TCP\r\n17: UDP \n", "2 names");
        check("6:TCP\n6:tcp\n", "'protocol/IP' line 2: 6 has a name already: 'TCP'");
        check("6:TCP\nudp\n", "'protocol/IP' line 2: expected number:name, found 'udp'");
        check("256:x", "'protocol/IP' line 1: expected a number from 0 to 255, found '256'");
        check("-1:x", "'protocol/IP' line 1: expected a number from 0 to 255, found '-1'");
        check("+6:TCP", "'protocol/IP' line 1: expected a number from 0 to 255, found '+6'");
        check(":x", "'protocol/IP' line 1: expected a number from 0 to 255, found ''");
        check("0x6:x", "'protocol/IP' line 1: expected a number from 0 to 255, found '0x6'");
        check("99999999999:x", "'protocol/IP' line 1: expected a number from 0 to 255, found '99999999999'");
        check("6:", "'protocol/IP' line 1: expected a name of 1 to 64 bytes after 6:");
        check("6:a\u{1b}[31m", "'protocol/IP' line 1: expected a name of 1 to 64 bytes after 6:");
        check("\u{1b}[31m", "'protocol/IP' line 1: expected number:name, found '\\u{1b}[31m'");
    }

    #[test]
    fn a_folder_must_be_whole() {
        let read = |path: &str| match path {
            "protocol/IP" => Ok("6:TCP\n".to_owned()),
            "protocol/PORT" => Err(io::Error::from(io::ErrorKind::PermissionDenied)),
            "protocol/ETHER" => Ok("2048:IP\n".to_owned()),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        };
        let said = |folder| ProtocolNames::read(folder, read).expect_err("not whole").to_string();
        assert_eq!(said("protocol/"), "cannot read 'protocol/PORT': permission denied");
        assert_eq!(said("other"), "No such file or directory: 'other/ETHER'");
    }
}
