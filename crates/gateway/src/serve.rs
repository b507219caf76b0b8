//! Puts the door together, serves until the service stops, then drains.

use crate::access::Access;
use crate::api::{App, Judges, Part, routes};
use crate::door::door;
use crate::jobs::{JobError, Jobs, RunLimits, Worker, run_worker};
use crate::limits::GatewayLimits;
use crate::predict::PredictJudge;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App as WebApp, HttpServer};
use bus::{Producer, Stop};
use capture::InputLimits;
use flow_meter::{ContextLimits, FlowLimits};
use schema::FlowRecord;
use service::Metrics;
use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use store::{Reader, StoreError};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// All that the door needs of the rest of the service.
pub struct Gateway {
    /// Where results are read, and history and jobs are kept.
    pub reader: Arc<dyn Reader>,
    /// Where the flows of uploads go.
    pub flows: Box<dyn Producer<FlowRecord>>,
    /// Who answers `/api/predict`.
    pub judge: Box<dyn PredictJudge>,
    /// How flows are metered.
    pub flow_limits: FlowLimits,
    /// How their context is kept.
    pub context_limits: ContextLimits,
    /// Caps of the door itself.
    pub limits: GatewayLimits,
    /// Uploads lie in `uploads` in this folder while their job is under way.
    pub data_dir: PathBuf,
    /// Needed by every request for data when set; must be set on other addresses than loopback.
    pub token: Option<String>,
    /// Rendered at `/metrics`; the door adds its own.
    pub metrics: Metrics,
    /// How the parts are that `/readyz` lists beside the store.
    pub parts: Arc<dyn Fn() -> Vec<Part> + Send + Sync>,
    /// Ends everything here.
    pub stop: Stop,
}

/// Why the door cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Everyone could read what was captured.
    #[error("{0} can be reached by others: set gateway.token, or listen on 127.0.0.1")]
    TokenNeeded(std::net::SocketAddr),
    /// The folder for uploads, or the socket.
    #[error("the HTTP door cannot be opened: {0}")]
    Io(#[from] io::Error),
    /// The store does not answer.
    #[error("the jobs of earlier runs cannot be read: {0}")]
    Store(#[from] StoreError),
    /// A metric is registered already.
    #[error("the door's metrics cannot be registered: {0}")]
    Metrics(#[from] service::ServiceError),
}

impl From<JobError> for GatewayError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Store(error) => Self::Store(error),
            JobError::Folder(error) => Self::Io(error),
            other => Self::Io(io::Error::other(other.to_string())),
        }
    }
}

/// Serves requests on `listener` until [`Gateway::stop`] is requested, then lets running requests and the running
/// job's current step end. Must run in a tokio runtime.
///
/// # Errors
/// See [`GatewayError`]; only at the start.
pub async fn serve(listener: TcpListener, gateway: Gateway) -> Result<(), GatewayError> {
    let access = access(&listener, gateway.token.as_deref())?;
    let limits = gateway.limits.clone();
    let jobs = Jobs::open(
        Arc::clone(&gateway.reader),
        &gateway.data_dir,
        limits.jobs_waiting_max,
        limits.jobs_kept_max,
    )
    .await?;
    jobs.register(&gateway.metrics)?;
    let app = Data::new(App {
        reader: Arc::clone(&gateway.reader),
        jobs: jobs.clone(),
        judges: Judges::new(gateway.judge),
        parts: gateway.parts,
        metrics: gateway.metrics,
        limits: limits.clone(),
    });
    let working = start_worker(Worker {
        jobs: jobs.clone(),
        reader: gateway.reader,
        flows: gateway.flows,
        limits: run_limits(&limits, gateway.flow_limits, gateway.context_limits),
        stop: gateway.stop.clone(),
    })?;
    let (json_bytes_max, access) = (limits.json_bytes_max, Data::new(access));
    let server = HttpServer::new(move || {
        WebApp::new()
            .app_data(app.clone())
            .app_data(access.clone())
            .configure(|config| routes(config, json_bytes_max))
            .wrap(from_fn(door))
    })
    .workers(limits.threads)
    .max_connections(limits.connections_max)
    .shutdown_timeout(limits.drain_max.as_secs())
    .disable_signals()
    .listen(listener)?
    .run();
    let (handle, stopped) = (server.handle(), on_request(gateway.stop)?);
    let drain = async {
        // The sender only goes away once it has told.
        drop(stopped.await);
        // Those who wait for their job get its answer before their connection ends.
        for state in jobs.close() {
            jobs.save(&state).await;
        }
        handle.stop(true).await;
    };
    tokio::select! {
        ended = server => ended?,
        () = drain => {}
    }
    // It looks at the wish to stop at every step, so this is short.
    let joined = tokio::task::spawn_blocking(move || working.join()).await;
    if !matches!(joined, Ok(Ok(()))) {
        tracing::error!("the worker of the jobs ended in a panic");
    }
    Ok(())
}

fn start_worker(worker: Worker) -> io::Result<JoinHandle<()>> {
    // Of its own, since the worker's thread waits for the store's answers.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("jobs".into()).spawn(move || run_worker(worker, &runtime))
}

/// Tells once the service is to stop.
fn on_request(stop: Stop) -> io::Result<oneshot::Receiver<()>> {
    let (tell, told) = oneshot::channel();
    let wait = move || {
        while !stop.wait_timeout(Duration::from_hours(1)) {}
        if tell.send(()).is_err() {
            tracing::debug!("the server had ended by itself");
        }
    };
    std::thread::Builder::new().name("gateway-stop".into()).spawn(wait)?;
    Ok(told)
}

fn access(listener: &TcpListener, token: Option<&str>) -> Result<Access, GatewayError> {
    let address = listener.local_addr()?;
    match token {
        Some(token) if !token.is_empty() => Ok(Access::token(token)),
        _ if address.ip().is_loopback() => Ok(Access::Loopback),
        _ => Err(GatewayError::TokenNeeded(address)),
    }
}

fn run_limits(limits: &GatewayLimits, flows: FlowLimits, context: ContextLimits) -> RunLimits {
    RunLimits {
        input: InputLimits {
            upload_bytes_max: limits.upload_bytes_max,
            expanded_bytes_max: limits.expanded_bytes_max,
            zip_entries_max: limits.zip_entries_max,
            ..InputLimits::default()
        },
        flows,
        context,
        job_time_max: limits.job_time_max,
        storing_quiet_max: limits.storing_quiet_max,
        settled_after: limits.settled_after,
    }
}
