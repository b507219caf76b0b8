//! Predictions like those of real traffic, the same ones at every run.

use schema::category::{CATEGORIES, TRAFFIC_CLASSES};
use schema::{
    Application, CaptureId, FEATURES, FeatureSchemaId, FeatureVector, FlowRecord, Id, ModelRef, Prediction,
    Threat, ThreatCategory, Traffic,
};
use std::collections::HashMap;
use std::sync::Arc;

/// A small generator: xorshift, never 0.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn share(&mut self) -> f32 {
        self.below(1 << 24) as f32 / (1 << 24) as f32
    }
}

/// One capture to draw predictions from.
pub(crate) struct Traffics {
    pub(crate) capture: CaptureId,
    pub(crate) sensor: String,
    /// How many sources; 0: each flow has one of its own.
    pub(crate) sources: u64,
    pub(crate) start_ns: i64,
}

impl Traffics {
    pub(crate) fn new(name: &str) -> Self {
        let capture = Id::hash(&[name.as_bytes()]);
        Self { capture, sensor: format!("{name}.pcap"), sources: 300, start_ns: 1_700_000_000_000_000_000 }
    }

    /// Predictions number `from` to `to` (not included); a number always gives the same one.
    pub(crate) fn batch(&self, from: u64, to: u64) -> Vec<Arc<Prediction>> {
        (from..to).map(|number| Arc::new(self.prediction(number))).collect()
    }

    pub(crate) fn prediction(&self, number: u64) -> Prediction {
        let mut dice = Dice::new(number + 1);
        // The first rolls of neighbouring seeds are alike.
        (0..4).for_each(|_| {
            dice.below(2);
        });
        let record = self.record(number, &mut dice);
        let is_attack = dice.below(10) == 0;
        let category = if is_attack { CATEGORIES[dice.below(16) as usize] } else { ThreatCategory::None };
        Prediction {
            record: Some(record),
            traffic_class: TRAFFIC_CLASSES[dice.below(4) as usize] as i32,
            uncertain: dice.below(20) == 0,
            traffic_scores: (0..4).map(|_| dice.share()).collect(),
            threat_category: category as i32,
            threat_score: dice.share(),
            threat_scores: (0..16).map(|_| dice.share()).collect(),
            anomaly: None,
            rules: Vec::new(),
            pattern: String::new(),
            is_abnormal: dice.below(12) == 0,
            severity: category.info().severity,
            confidence: dice.share(),
            reasons: vec![format!("the model's score {:.2} is below its threshold 0.50", dice.share())],
            models: ["traffic-class", "threat"]
                .map(|name| ModelRef { name: name.into(), sha256: vec![name.len() as u8; 32] })
                .to_vec(),
            verdict_hash: Id::hash(&[&number.to_be_bytes()]).0.to_vec(),
        }
    }

    fn record(&self, number: u64, dice: &mut Dice) -> FlowRecord {
        let id = Id::hash(&[&self.capture.0, &number.to_le_bytes()]);
        let start_ns = self.start_ns + number as i64 * 1_000_000 + dice.below(50_000_000) as i64;
        let packets = [1, 1, 2, 3, 6, 12, 25, 60][dice.below(8) as usize];
        let source = if self.sources == 0 { number } else { dice.below(self.sources) };
        let traffic = |dice: &mut Dice| Traffic {
            packets,
            wire_bytes: packets * 74,
            ip_bytes: packets * (40 + dice.below(1400)),
            payload_bytes: packets * 20,
            tcp_flags: 0x1b,
            ..Traffic::default()
        };
        FlowRecord {
            flow_id: id.0.to_vec(),
            capture_id: self.capture.0.to_vec(),
            source_ip: (0x0a00_0000 + source as u32).to_be_bytes().to_vec(),
            destination_ip: destination(dice),
            source_port: 1024 + dice.below(60_000) as u32,
            destination_port: [80, 443, 53, 22, 3389][dice.below(5) as usize],
            protocol: if dice.below(4) == 0 { 17 } else { 6 },
            start_ns,
            end_ns: start_ns + dice.below(10_000_000_000) as i64,
            forward: Some(traffic(dice)),
            backward: Some(traffic(dice)),
            end_reason: 3,
            state: "SF".into(),
            history: "ShADadFf".into(),
            community_id: format!("1:{:027}=", dice.below(1 << 50)),
            application: Some(Application {
                protocol: ["tls", "dns", "http", "", ""][dice.below(5) as usize].into(),
                evidence: "ClientHello, TLS 1.3".into(),
                confirmed: true,
                tls: None,
            }),
            feature_schema_id: FeatureSchemaId::current().0,
            features: FeatureVector::pack(&features(packets, dice)),
            sensor: self.sensor.clone(),
            source_mac: vec![2, 0, 0, 0, 0, 1],
            destination_mac: vec![2, 0, 0, 0, 0, 2],
            ..Default::default()
        }
    }
}

fn destination(dice: &mut Dice) -> Vec<u8> {
    if dice.below(10) == 0 {
        let mut v6 = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        v6[15] = dice.below(200) as u8;
        return v6.to_vec();
    }
    vec![192, 168, dice.below(4) as u8, dice.below(250) as u8]
}

/// As a meter gives them: what a short flow cannot have is absent, and as long as a flow is shorter than ten packets its
/// first 10, 20 and 30 packets have the same statistics.
fn features(packets: u64, dice: &mut Dice) -> Vec<f32> {
    let mut same: HashMap<String, f32> = HashMap::new();
    let mut value = |name: &str, unit: &str| {
        let is_answer = name.contains("bwd");
        if packets < 2 && (name.contains("gap") || name.contains("per_s") || is_answer) {
            return f32::NAN;
        }
        if packets < 4 && (name.contains("head") || name.contains("fwd_gap")) {
            return f32::NAN;
        }
        if packets < 4 && name.contains("payload") {
            return 0.0;
        }
        let mut shared = name.to_owned();
        for count in [10, 20, 30].into_iter().filter(|count| packets <= *count) {
            shared = shared.replace(&format!("first{count}_"), "first_");
        }
        *same.entry(shared).or_insert_with(|| match unit {
            "bytes" => dice.below(1460) as f32,
            "packets" | "flows" => dice.below(packets + 3) as f32,
            "1" if dice.below(2) == 0 => dice.below(2) as f32,
            _ => dice.share() * 3.0,
        })
    };
    FEATURES.iter().map(|feature| value(&feature.name, feature.unit)).collect()
}

/// A threat of a capture; `number` makes its id.
pub(crate) fn threat(capture: CaptureId, number: u64, category: ThreatCategory, flows: u64) -> Threat {
    Threat {
        threat_id: Id::hash(&[b"threat", &capture.0, &number.to_le_bytes()]).0.to_vec(),
        capture_id: capture.0.to_vec(),
        category: category as i32,
        subject_ip: vec![10, 0, 0, number as u8],
        subject_is_victim: category.subject_is_victim(),
        start_ns: 1_700_000_000_000_000_000 + number as i64,
        end_ns: 1_700_000_000_000_000_000 + number as i64 + flows as i64,
        flows,
        first_flow_id: vec![1; 16],
        related_ips: vec![vec![10, 0, 0, 1]],
        related_ips_total: 1,
        severity: category.info().severity,
        score: 0.5,
        reasons: vec!["128 ports in 60 s".into()],
        superseded_by: Vec::new(),
        sensor: "sensor".into(),
    }
}
