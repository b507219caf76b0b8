//! A whole gateway on a free port, with a pipeline behind it that judges by rule of thumb.

use crate::client::Request;
use crate::shelf::Shelf;
use bus::memory::{MemoryConsumer, Topic, TopicLimits};
use bus::{BusError, Consumer, Stop};
use flow_meter::{ContextLimits, FlowLimits};
use gateway::{Gateway, GatewayLimits, JudgeError, PacketInput, PacketVerdict, Part, PredictJudge};
use schema::{FlowRecord, ModelRef, Prediction, ThreatCategory, TrafficClass};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;

/// How a test wants its gateway.
pub(crate) struct Setup {
    pub(crate) limits: GatewayLimits,
    pub(crate) token: Option<String>,
    pub(crate) folder: TempDir,
    /// Nothing is stored before [`Door::release`].
    pub(crate) held: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: GatewayLimits { storing_quiet_max: Duration::from_secs(20), ..GatewayLimits::default() },
            token: None,
            folder: TempDir::new().expect("a folder"),
            held: false,
        }
    }
}

/// A running gateway. It ends with the value.
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) shelf: Shelf,
    pub(crate) folder: Option<TempDir>,
    stop: Stop,
    gate: Arc<Gate>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn pass(&self) {
        drop(self.opened.wait_while(self.is_open.lock().unwrap(), |is_open| !*is_open).unwrap());
    }
}

impl Setup {
    /// The gateway's parts, and the other end of its bus.
    pub(crate) fn gateway(&self, shelf: &Shelf) -> (Gateway, MemoryConsumer<FlowRecord>) {
        let topic = Topic::new(TopicLimits::default());
        let consumer = topic.consumer("judge");
        let gateway = Gateway {
            reader: shelf.reader(),
            flows: Box::new(topic.producer()),
            judge: Box::new(RuleOfThumb),
            flow_limits: FlowLimits::default(),
            context_limits: ContextLimits::default(),
            limits: self.limits.clone(),
            data_dir: self.folder.path().to_owned(),
            token: self.token.clone(),
            metrics: service::Metrics::new("1", "test").expect("metrics"),
            parts: Arc::new(|| vec![Part { name: "models", ready: true, reason: String::new() }]),
            stop: Stop::new(),
        };
        (gateway, consumer)
    }

    pub(crate) fn open(self) -> Door {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let shelf = Shelf::open(self.folder.path());
        let (gateway, consumer) = self.gateway(&shelf);
        let (stop, gate) = (gateway.stop.clone(), Arc::new(Gate::default()));
        if !self.held {
            gate.open();
        }
        let (sink, passed) = (shelf.clone(), Arc::clone(&gate));
        let judging = std::thread::spawn(move || judge(consumer, sink, &passed));
        let serving = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(gateway::serve(listener, gateway)).expect("served");
        });
        let threads = vec![serving, judging];
        let door = Door { address, shelf, folder: Some(self.folder), stop, gate, threads };
        // Answered once all is set up.
        assert_eq!(door.get("/livez").send().status, 200);
        door
    }
}

impl Door {
    pub(crate) fn open() -> Self {
        Setup::default().open()
    }

    pub(crate) fn get(&self, path: &str) -> Request {
        Request::new(self.address, "GET", path)
    }

    pub(crate) fn post(&self, path: &str) -> Request {
        Request::new(self.address, "POST", path)
    }

    /// Uploads one capture and waits for its job.
    pub(crate) fn upload(&self, name: &str, capture: &[u8]) -> serde_json::Value {
        self.post("/api/upload_pcap?wait=true").files(&[("file", name, capture)]).send().ok()
    }

    /// Lets what is held be stored.
    pub(crate) fn release(&self) {
        self.gate.open();
    }

    /// Asks until the job is in that phase. Each question waits for its answer, so this is no busy loop on nothing.
    pub(crate) fn until(&self, job: &str, phase: &str) -> serde_json::Value {
        loop {
            let job = self.get(&format!("/api/jobs/{job}")).send().ok();
            if job["phase"] == phase {
                return job;
            }
            assert!(job["phase"] != "failed" && job["phase"] != "done", "{job}");
            std::thread::yield_now();
        }
    }

    /// Stops it, and keeps what the next one may find.
    pub(crate) fn close(mut self) -> TempDir {
        self.folder.take().expect("a folder")
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.stop.request();
        self.gate.open();
        for thread in self.threads.drain(..) {
            assert!(thread.join().is_ok() || std::thread::panicking(), "a thread panicked");
        }
    }
}

fn judge(mut flows: impl Consumer<FlowRecord>, mut sink: Shelf, gate: &Gate) {
    loop {
        match flows.poll(256, Duration::from_millis(50)) {
            Ok(batch) => {
                if !batch.messages.is_empty() {
                    gate.pass();
                }
                let records = batch.messages.iter().map(|record| FlowRecord::clone(record));
                let predictions: Vec<Arc<Prediction>> =
                    records.map(|record| Arc::new(judged(record))).collect();
                sink.write(&predictions);
                flows.commit(&batch.position).expect("committed");
            }
            Err(BusError::Closed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Odd source ports attack.
pub(crate) fn judged(record: FlowRecord) -> Prediction {
    let is_attack = record.source_port % 2 == 1;
    let category = if is_attack { ThreatCategory::BruteForce } else { ThreatCategory::None };
    Prediction {
        traffic_class: TrafficClass::NonVpn.into(),
        traffic_scores: vec![0.1, 0.8, 0.05, 0.05],
        threat_category: category.into(),
        threat_score: if is_attack { 0.9 } else { 0.1 },
        is_abnormal: is_attack,
        severity: if is_attack { 65 } else { 0 },
        reasons: vec!["odd ports attack".into()],
        record: Some(record),
        ..Prediction::default()
    }
}

/// Judges without a model.
struct RuleOfThumb;

impl PredictJudge for RuleOfThumb {
    fn packet(&mut self, packet: PacketInput) -> Result<PacketVerdict, JudgeError> {
        if packet.len == 0 {
            return Err(JudgeError::Unavailable("ONNX Runtime is absent; run ./bootstrap".into()));
        }
        let model = ModelRef { name: "thumb".into(), sha256: vec![7; 32] };
        Ok(PacketVerdict { probability: 0.85, is_attack: true, model })
    }

    fn flow(&mut self, record: FlowRecord) -> Result<Prediction, JudgeError> {
        Ok(judged(record))
    }
}
