//! From the settings to what each part is told.

use crate::cli::Cli;
use anyhow::Context as _;
use capture::InputLimits;
use flow_meter::{ContextLimits, FlowLimits, MeterConfig};
use schema::CaptureId;
use schema::protocol::ProtocolNames;
use service::settings::{Loaded, Log};
use service::{Settings, Sources};
use std::borrow::Cow;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

const NS: i64 = 1_000_000_000;
/// Folder of protocol maps that is used when it is there.
const PROTOCOL_DIR: &str = "protocol";

/// Reads the settings in their layers. `flags` are keys with values from the command line.
pub(crate) fn load(cli: &Cli, mut flags: Vec<(String, String)>) -> anyhow::Result<Loaded> {
    if let Some(dir) = &cli.data_dir {
        flags.push(("data_dir".to_owned(), dir.display().to_string()));
    }
    Ok(Settings::load(&Sources::from_process(cli.config.as_deref(), flags)?)?)
}

/// Starts the log of a service and tells what the settings have to say.
pub(crate) fn start_log(loaded: &Loaded) -> anyhow::Result<()> {
    service::logs::start(&loaded.settings.log)?;
    loaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    Ok(())
}

/// The log of a command that prints its result and ends: only what went wrong, unless the settings ask for more.
pub(crate) fn start_quiet_log(loaded: &Loaded) -> anyhow::Result<()> {
    let mut quiet = loaded.clone();
    let log = &mut quiet.settings.log;
    if log.level == Log::default().level {
        "warn".clone_into(&mut log.level);
    }
    start_log(&quiet)
}

/// Limits for files that the user names.
pub(crate) fn input_limits() -> InputLimits {
    InputLimits::own_files()
}

/// The meter of one capture.
pub(crate) fn meter(settings: &Settings, capture: CaptureId, sensor: &str) -> MeterConfig {
    MeterConfig {
        flows: flow_limits(settings),
        context: context_limits(settings),
        ..MeterConfig::new(capture, sensor)
    }
}

/// How many threads meter one capture.
pub(crate) fn meter_threads(settings: &Settings) -> NonZeroUsize {
    NonZeroUsize::new(settings.meter.threads)
        .unwrap_or_else(|| std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
}

fn ns(seconds: u32) -> i64 {
    i64::from(seconds) * NS
}

/// When flows end.
pub(crate) fn flow_limits(settings: &Settings) -> FlowLimits {
    let meter = &settings.meter;
    FlowLimits {
        idle_unanswered_ns: ns(meter.idle_unanswered_s),
        idle_tcp_ns: ns(meter.idle_tcp_s),
        idle_udp_ns: ns(meter.idle_udp_s),
        idle_other_ns: ns(meter.idle_other_s),
        active_ns: ns(meter.active_s),
        closed_linger_ns: ns(meter.closed_linger_s),
        flows_max: meter.flows_max,
        keep_first_payload: meter.keep_first_payload,
    }
}

/// How much context is kept.
pub(crate) fn context_limits(settings: &Settings) -> ContextLimits {
    let meter = &settings.meter;
    ContextLimits {
        look_ahead_ns: ns(meter.look_ahead_s),
        hosts_max: meter.hosts_max,
        pairs_max: meter.pairs_max,
        memory_ns: 3600 * ns(meter.memory_h),
        window_flows_min: meter.window_flows_min,
        window_peers_min: meter.window_peers_min,
        window_ports_min: meter.window_ports_min,
    }
}

/// The protocol maps: of the configured folder, of `./protocol`, or those compiled in.
pub(crate) fn protocol_names(settings: &Settings) -> anyhow::Result<Cow<'static, ProtocolNames>> {
    let folder = match &settings.protocol.dir {
        Some(dir) => dir.display().to_string(),
        None if Path::new(PROTOCOL_DIR).is_dir() => PROTOCOL_DIR.to_owned(),
        None => return Ok(Cow::Borrowed(ProtocolNames::builtin())),
    };
    Ok(Cow::Owned(ProtocolNames::read(&folder, |path| fs::read_to_string(path))?))
}

/// The folder for store and uploads, made if it is not there.
pub(crate) fn data_dir(settings: &Settings) -> anyhow::Result<std::path::PathBuf> {
    let dir = settings.data_dir();
    fs::create_dir_all(&dir).with_context(|| {
        format!("cannot make the data folder {}; set data_dir or --data-dir to another", dir.display())
    })?;
    Ok(dir)
}
