//! From what marks, detectors and models said of a flow to its prediction.

use crate::detector::Finding;
use crate::marks::Mark;
use crate::onnx::rounded;
use schema::category::{CATEGORIES, TRAFFIC_CLASSES};
use schema::{ModelRef, Prediction, RuleHit, ThreatCategory, TrafficClass};

/// What is said of a flow's traffic class.
pub(crate) struct TrafficCall {
    pub(crate) class: TrafficClass,
    pub(crate) scores: Vec<f32>,
    pub(crate) uncertain: bool,
    pub(crate) reasons: Vec<String>,
}

impl TrafficCall {
    /// The protocol has decided.
    pub(crate) fn marked(class: TrafficClass, certainty: f32, reason: String) -> Self {
        let rest = (1.0 - certainty) / (TRAFFIC_CLASSES.len() - 1) as f32;
        let score = |of: TrafficClass| rounded(if of == class { certainty } else { rest });
        let scores = TRAFFIC_CLASSES.into_iter().map(score).collect();
        Self { class, scores, uncertain: false, reasons: vec![reason] }
    }

    /// The model's word; `None` when it gave no number.
    pub(crate) fn judged(model: &str, probabilities: &[f32], uncertain_below: f32) -> Option<Self> {
        let scores: Vec<f32> = probabilities.iter().copied().map(rounded).collect();
        let best = largest(&scores)?;
        let (class, score) = (TRAFFIC_CLASSES[best], scores[best]);
        let mut call = Self { class, scores, uncertain: false, reasons: Vec::new() };
        call.reasons.push(format!("model {model}: {} with probability {score}", class.name()));
        if score < uncertain_below {
            call.doubt(format!("uncertain: the best class has less than {uncertain_below}"));
        }
        Some(call)
    }

    /// Weighs in what the flow itself can carry, and a mark that was too weak to decide.
    pub(crate) fn weighed(mut self, packets: u64, payload: u64, mark: Option<&Mark>) -> Self {
        if packets <= 1 {
            self.doubt("uncertain: a single packet carries no answer".into());
        } else if payload == 0 {
            self.doubt("uncertain: no payload, so no answer".into());
        }
        if let Some(Mark::Hints { class, reason }) = mark {
            if *class == self.class {
                self.reasons.push(reason.clone());
            } else {
                self.doubt(format!("uncertain: {reason}"));
            }
        }
        self
    }

    fn doubt(&mut self, reason: String) {
        self.uncertain = true;
        self.reasons.push(reason);
    }

    fn score(&self) -> f32 {
        self.scores.get(self.class as usize).copied().unwrap_or_default()
    }
}

/// What is said of a flow's threat category.
pub(crate) struct ThreatCall {
    pub(crate) category: ThreatCategory,
    pub(crate) score: f32,
    pub(crate) scores: Vec<f32>,
    pub(crate) hits: Vec<RuleHit>,
    pub(crate) reason: String,
}

impl ThreatCall {
    /// A detector has decided.
    pub(crate) fn found(finding: Finding) -> Self {
        let Finding { category, score, hit } = finding;
        let score = rounded(score);
        let mut scores = vec![0.0; CATEGORIES.len()];
        scores[ThreatCategory::None as usize] = rounded(1.0 - score);
        scores[category as usize] = score;
        let reason =
            format!("rule {}: {}", hit.id, hit.clauses.first().map_or(hit.name.as_str(), String::as_str));
        Self { category, score, scores, hits: vec![hit], reason }
    }

    /// The model's word; `None` when it gave no number, or an attack of no category.
    pub(crate) fn judged(model: &str, attack: f32, given_attack: &[f32], threshold: f32) -> Option<Self> {
        let score = rounded(attack);
        if !score.is_finite() {
            return None;
        }
        let mut scores: Vec<f32> = given_attack.iter().map(|share| rounded(attack * share)).collect();
        scores[ThreatCategory::None as usize] = rounded(1.0 - attack);
        let (category, reason) = if score < threshold {
            (ThreatCategory::None, format!("model {model}: attack probability {score}, below {threshold}"))
        } else {
            let category = likeliest_attack(given_attack)?;
            let name = category.info().title;
            (category, format!("model {model}: attack probability {score}, at least {threshold}: {name}"))
        };
        Some(Self { category, score, scores, hits: Vec::new(), reason })
    }
}

fn likeliest_attack(given_attack: &[f32]) -> Option<ThreatCategory> {
    let attacks = CATEGORIES.into_iter().filter(|category| category.is_attack());
    let share = |category: ThreatCategory| rounded(given_attack[category as usize]);
    attacks.filter(|of| share(*of) > 0.0).rev().max_by(|a, b| share(*a).total_cmp(&share(*b)))
}

/// Where the largest value is, the first of equals; `None` unless all are numbers.
fn largest(values: &[f32]) -> Option<usize> {
    if !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    (0..values.len()).rev().max_by(|a, b| values[*a].total_cmp(&values[*b]))
}

/// Puts both calls together under the policy. Record and verdict hash are left to the caller.
pub(crate) fn conclude(
    traffic: TrafficCall,
    threat: ThreatCall,
    abnormal: &[TrafficClass],
    models: Vec<ModelRef>,
) -> Prediction {
    let against_policy = !traffic.uncertain && abnormal.contains(&traffic.class);
    let is_attack = threat.category.is_attack();
    let is_threat = threat.category != ThreatCategory::None;
    let class_score = traffic.score();
    let mut reasons = traffic.reasons;
    let (category, severity, confidence) = if is_threat {
        // What decided comes first: threats quote it.
        reasons.insert(0, threat.reason);
        (threat.category, scaled(threat.category, threat.score), threat.score)
    } else {
        reasons.push(threat.reason);
        let policy = ThreatCategory::PolicyAnonymiser;
        let anonymiser = matches!(traffic.class, TrafficClass::Tor | TrafficClass::Vpn);
        match against_policy {
            true if anonymiser => (policy, policy.info().severity, class_score),
            true => (ThreatCategory::None, policy.info().severity, class_score),
            false => (ThreatCategory::None, 0, class_score),
        }
    };
    Prediction {
        record: None,
        traffic_class: traffic.class.into(),
        uncertain: traffic.uncertain,
        traffic_scores: traffic.scores,
        threat_category: category.into(),
        threat_score: threat.score,
        threat_scores: threat.scores,
        anomaly: None,
        rules: threat.hits,
        pattern: String::new(),
        is_abnormal: is_attack || against_policy,
        severity,
        confidence,
        reasons,
        models,
        verdict_hash: Vec::new(),
    }
}

fn scaled(category: ThreatCategory, score: f32) -> u32 {
    (category.info().severity as f32 * score).round() as u32
}
