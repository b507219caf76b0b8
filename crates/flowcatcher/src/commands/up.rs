//! `flowcatcher up`: every service as threads of one process, on the memory bus and the embedded store.

use crate::cli::{Cli, Up};
use crate::exit::Done;
use crate::pipeline::Pipeline;
use crate::{metrics, setup, stored};
use anyhow::Context as _;
use bus::Stop;
use detect::Bundles;
use gateway::{DetectJudge, Gateway, GatewayLimits, Part};
use service::settings::Secret;
use service::{Metrics, Settings, Shutdown};
use sink::WhenFull;
use std::io::{ErrorKind, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Time that stages have to judge and store what is on its way once the door is closed.
const DRAIN_MAX: Duration = Duration::from_secs(30);

pub(super) fn run(cli: &Cli, up: &Up) -> anyhow::Result<Done> {
    let listen = up.listen.map(|address| ("gateway.listen".to_owned(), address.to_string()));
    let loaded = setup::load(cli, listen.into_iter().collect())?;
    setup::start_log(&loaded)?;
    let settings = &loaded.settings;
    setup::protocol_names(settings)?;
    let data_dir = setup::data_dir(settings)?;
    let listener = listen_on(settings.gateway.listen)?;
    let address = listener.local_addr()?;
    let bundles = predictor::load_bundles(settings, Bundles::embedded()?)?;
    let shutdown = Shutdown::on_signals()?;

    let mut pipeline = Pipeline::new(settings);
    let stored = stored::attach(&mut pipeline, settings, WhenFull::Wait)?;
    pipeline.judge(settings, &bundles)?;
    let metrics =
        Metrics::new(env!("CARGO_PKG_VERSION"), option_env!("FLOWCATCHER_COMMIT").unwrap_or("unknown"))?;
    metrics::register(&metrics, &pipeline, &stored)?;
    let door = Stop::new();
    let close_door = door.clone();
    shutdown.subscribe(move || close_door.request());
    close_when_failed(&pipeline, door.clone())?;

    let gateway = Gateway {
        reader: stored.reader,
        flows: Box::new(pipeline.flows.producer()),
        judge: Box::new(DetectJudge::new(&bundles, predictor::judge_config(settings))?),
        flow_limits: setup::flow_limits(settings),
        context_limits: setup::context_limits(settings),
        limits: gateway_limits(settings),
        data_dir,
        token: token(&settings.gateway.token),
        metrics,
        parts: parts(&pipeline),
        stop: door,
    };
    say_where(address)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting tokio")?;
    let served = runtime.block_on(gateway::serve(listener, gateway));
    // The door was the only one who sent flows: what is on its way is still judged and stored.
    stop_after(DRAIN_MAX, pipeline.stop.clone())?;
    pipeline.join()?;
    served?;
    Ok(Done::Complete)
}

/// A stage that failed cannot be done without: the door closes too, and the process says why.
fn close_when_failed(pipeline: &Pipeline, door: Stop) -> anyhow::Result<()> {
    let failed = pipeline.stop.clone();
    let watch = move || {
        while !failed.wait_timeout(Duration::from_hours(1)) {}
        door.request();
    };
    thread::Builder::new().name("watch".to_owned()).spawn(watch).context("starting a thread")?;
    Ok(())
}

/// Ends stages that cannot end by themselves, such as one that waits for room on the disk.
fn stop_after(wait: Duration, stop: Stop) -> anyhow::Result<()> {
    let last = move || {
        if !stop.wait_timeout(wait) {
            stop.request();
        }
    };
    thread::Builder::new().name("drain".to_owned()).spawn(last).context("starting a thread")?;
    Ok(())
}

/// What `/readyz?verbose` lists beside the store. The models were loaded before the door opened.
fn parts(pipeline: &Pipeline) -> Arc<dyn Fn() -> Vec<Part> + Send + Sync> {
    let failed = pipeline.stop.clone();
    Arc::new(move || {
        let running = !failed.is_requested();
        let reason = if running { "" } else { "a stage has failed; the log says which and why" };
        let part = |name| Part { name, ready: running, reason: reason.to_owned() };
        vec![part("models"), part("bus")]
    })
}

fn listen_on(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).map_err(|error| {
        let what = match error.kind() {
            ErrorKind::AddrInUse => {
                "another process listens there, perhaps another `flowcatcher up`; stop it or use --listen with another port"
            }
            ErrorKind::PermissionDenied => "ports below 1024 need rights; use --listen with a higher port",
            ErrorKind::AddrNotAvailable => "this machine has no such address; use --listen with one that it has",
            _ => "use --listen with another address",
        };
        anyhow::Error::new(error).context(format!("cannot listen on {address}: {what}"))
    })
}

fn token(token: &Secret) -> Option<String> {
    let token = token.expose();
    (!token.is_empty()).then(|| token.to_owned())
}

fn gateway_limits(settings: &Settings) -> GatewayLimits {
    let gateway = &settings.gateway;
    GatewayLimits {
        upload_bytes_max: gateway.upload_bytes_max.0,
        expanded_bytes_max: gateway.expanded_bytes_max.0,
        zip_entries_max: u64::from(gateway.zip_entries_max),
        jobs_waiting_max: gateway.jobs_waiting_max,
        ..GatewayLimits::default()
    }
}

/// The one line that a person waits for.
fn say_where(address: SocketAddr) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "Flowcatcher is up: http://{address}")?;
    out.flush()?;
    Ok(())
}
