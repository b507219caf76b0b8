//! A client that sends exactly what a test says, the wrong things too.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// One request, built up.
pub(crate) struct Request {
    address: SocketAddr,
    method: String,
    path: String,
    host: Option<String>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What came back.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(address: SocketAddr, method: &str, path: &str) -> Self {
        let (method, path) = (method.to_owned(), path.to_owned());
        Self { address, method, path, host: Some(address.to_string()), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, content_type: &str, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self.header("Content-Type", content_type)
    }

    pub(crate) fn json(self, body: &str) -> Self {
        self.body("application/json", body.as_bytes())
    }

    /// A form with these files, each under a field name and a file name.
    pub(crate) fn files(self, files: &[(&str, &str, &[u8])]) -> Self {
        let mut body = Vec::new();
        for (field, name, content) in files {
            let head = format!(
                "--limit\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--limit--\r\n");
        self.body("multipart/form-data; boundary=limit", &body)
    }

    fn head(&self) -> String {
        let mut lines =
            vec![format!("{} {} HTTP/1.1", self.method, self.path), "Connection: close".to_owned()];
        lines.extend(self.host.iter().map(|host| format!("Host: {host}")));
        lines.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        if self.method != "GET" {
            lines.push(format!("Content-Length: {}", self.body.len()));
        }
        lines.join("\r\n") + "\r\n\r\n"
    }

    pub(crate) fn send(self) -> Response {
        let mut stream = TcpStream::connect(self.address).expect("connected");
        stream.write_all(self.head().as_bytes()).expect("head sent");
        // A server that refuses early may close before it has all: then its answer says why.
        drop(stream.write_all(&self.body));
        Response::read(stream)
    }

    /// Keeps the last bytes back.
    pub(crate) fn send_without_end(self) -> Response {
        let mut stream = TcpStream::connect(self.address).expect("connected");
        stream.write_all(self.head().as_bytes()).expect("head sent");
        stream.write_all(&self.body[..self.body.len() - 20]).expect("most sent");
        Response::read(stream)
    }
}

impl Response {
    fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head in {bytes:?}: {read:?}"));
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
        let headers = lines.filter_map(|line| line.split_once(": "));
        Self {
            status: status.parse().expect("a number"),
            headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(there, _)| there == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// A success as JSON.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert!(self.status < 300, "{}: {}", self.status, self.text());
        self.json()
    }

    /// An error as JSON, whose shape is checked.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, kind: &str) -> Value {
        assert_eq!(
            (self.status, self.header("content-type")),
            (status, "application/problem+json"),
            "{}",
            self.text()
        );
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:flowcatcher:problem:{kind}"));
        assert_eq!(problem["status"], status);
        assert!(problem["instance"].as_str().expect("instance").starts_with('/'), "{problem}");
        assert!(problem["detail"].as_str().expect("detail").len() > 20, "{problem}");
        problem
    }
}
