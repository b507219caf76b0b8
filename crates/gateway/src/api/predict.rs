//! `POST /api/predict`: a verdict for a packet or a flow that the caller describes.

use super::App;
use crate::jobs::now_ns;
use crate::predict::{FlowInput, Input, JudgeError, PacketVerdict, PredictJudge, Row};
use crate::problem::{Kind, Problem};
use actix_web::HttpResponse;
use actix_web::web::{Data, Json, block};
use schema::category::{CATEGORIES, TRAFFIC_CLASSES};
use schema::{ModelRef, Prediction, ThreatCategory, TrafficClass};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use utoipa::ToSchema;

/// The judges behind the route, one call at a time: a call takes well under a millisecond.
#[derive(Clone)]
pub(crate) struct Judges(Arc<Mutex<Box<dyn PredictJudge>>>);

impl Judges {
    pub(crate) fn new(judge: Box<dyn PredictJudge>) -> Self {
        Self(Arc::new(Mutex::new(judge)))
    }

    fn judge(&self, input: &Input) -> Result<Verdict, JudgeError> {
        // A judge keeps no state between calls, so one that panicked may be asked again.
        let mut judge = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match input {
            Input::Packet(packet) => Ok(Verdict::Packet(PacketAnswer::from(&judge.packet(*packet)?))),
            Input::Flow(flow) => {
                let prediction = judge.flow(flow.record())?;
                Ok(Verdict::Flow(Box::new(FlowAnswer::new(&prediction, flow))))
            }
        }
    }
}

/// The answer, by what was described.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Verdict {
    Packet(PacketAnswer),
    Flow(Box<FlowAnswer>),
}

/// Who says so.
#[derive(Serialize, ToSchema)]
pub(crate) struct Model {
    name: String,
    /// Hex digits.
    sha256: String,
}

impl From<&ModelRef> for Model {
    fn from(model: &ModelRef) -> Self {
        Self { name: model.name.clone(), sha256: hex::encode(&model.sha256) }
    }
}

/// What is thought of a packet.
#[derive(Serialize, ToSchema)]
pub(crate) struct PacketAnswer {
    /// `success`.
    status: &'static str,
    /// Probability that such a packet belongs to an attack flow, 0 to 1.
    prediction: f32,
    /// `attack` above the model's threshold, else `benign`.
    class: &'static str,
    model: Model,
}

impl From<&PacketVerdict> for PacketAnswer {
    fn from(verdict: &PacketVerdict) -> Self {
        Self {
            status: "success",
            prediction: verdict.probability,
            class: if verdict.is_attack { "attack" } else { "benign" },
            model: Model::from(&verdict.model),
        }
    }
}

/// What is thought of a flow.
#[derive(Serialize, ToSchema)]
pub(crate) struct FlowAnswer {
    /// `success`.
    status: &'static str,
    /// Probability that the flow belongs to an attack, 0 to 1.
    prediction: f32,
    /// Traffic class: `Tor`, `VPN`, `NonVPN` or `Non-Tor`.
    class: &'static str,
    /// The class is only a best guess.
    uncertain: bool,
    /// Threat category, or `none`.
    category: &'static str,
    /// Probability of each traffic class.
    class_scores: BTreeMap<&'static str, f32>,
    /// Probability of each threat category.
    category_scores: BTreeMap<&'static str, f32>,
    is_abnormal: bool,
    /// 0 to 100.
    severity: u32,
    /// 0 to 1.
    confidence: f32,
    /// Why, in words and numbers.
    reasons: Vec<String>,
    models: Vec<Model>,
    /// Features that were neither given nor follow from others; the more, the less the verdict is worth.
    features_absent: usize,
    /// Columns that are no feature and were not looked at.
    columns_ignored: Vec<String>,
}

impl FlowAnswer {
    fn new(prediction: &Prediction, flow: &FlowInput) -> Self {
        let scores = prediction.traffic_scores.iter().copied();
        let class_scores = TRAFFIC_CLASSES.into_iter().map(TrafficClass::name).zip(scores).collect();
        let scores = prediction.threat_scores.iter().copied();
        let category_scores = CATEGORIES.into_iter().map(ThreatCategory::name).zip(scores).collect();
        Self {
            status: "success",
            prediction: prediction.threat_score,
            class: prediction.traffic_class().name(),
            uncertain: prediction.uncertain,
            category: prediction.threat_category().name(),
            class_scores,
            category_scores,
            is_abnormal: prediction.is_abnormal,
            severity: prediction.severity,
            confidence: prediction.confidence,
            reasons: prediction.reasons.clone(),
            models: prediction.models.iter().map(Model::from).collect(),
            features_absent: flow.absent(),
            columns_ignored: flow.ignored.clone(),
        }
    }
}

/// A packet: `len`, `source_port` and `dest_port`. Or a flow: features by our names or by those of `CICFlowMeter`,
/// `null` where the flow has no such value; context may be left out.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"len": 60, "source_port": 80, "dest_port": 443}))]
#[allow(
    dead_code,
    reason = "describes the body in the OpenAPI document; the columns themselves are read by name"
)]
pub(crate) struct Columns {
    /// Bytes on the wire.
    len: Option<u32>,
    source_port: Option<u16>,
    dest_port: Option<u16>,
    /// Features by name.
    #[serde(flatten)]
    features: BTreeMap<String, Option<f64>>,
}

/// Judges a packet or a flow, and keeps question and answer in the history.
#[utoipa::path(
    post, path = "/api/predict", tag = "predict",
    request_body(content = Columns, content_type = "application/json"),
    responses(
        (status = 200, body = Verdict),
        (status = 400, response = super::openapi::Malformed),
        (status = 413, response = super::openapi::TooLarge),
        (status = 415, response = super::openapi::UnsupportedType),
        (status = 422, response = super::openapi::Unprocessable),
        (status = 503, response = super::openapi::Unavailable),
    )
)]
pub(crate) async fn predict(app: Data<App>, Json(row): Json<Row>) -> Result<HttpResponse, Problem> {
    let input = Input::read(&row)?;
    let judges = app.judges.clone();
    let verdict =
        block(move || judges.judge(&input)).await.map_err(|_| unwritten("a thread for it ended"))??;
    let asked = serde_json::to_string(&row).map_err(unwritten)?;
    let answered = serde_json::to_string(&verdict).map_err(unwritten)?;
    app.reader.insert_history(asked, answered, now_ns()).await?;
    Ok(HttpResponse::Ok().json(verdict))
}

fn unwritten(reason: impl std::fmt::Display) -> Problem {
    Problem::new(Kind::Internal, format!("The verdict could not be given: {reason}. Please report it."))
}
