//! Logs and metrics.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use anyhow::{Context as _, Result};
use cli::LogFormat;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Seconds: from a fast lookup to a long generation.
const DURATIONS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// Sends logs to standard error.
///
/// # Errors
/// A filter that cannot be read.
pub(crate) fn start_logs(format: LogFormat, filter: &str) -> Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("`{filter}` is not a log filter"))?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
        LogFormat::Text => subscriber.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
    };
    // A second server in one process, as in tests, shares the first one's log.
    drop(started);
    Ok(())
}

/// The process's metrics, as Prometheus reads them.
///
/// # Errors
/// Another recorder took the process's metrics before.
pub(crate) fn metrics() -> Result<PrometheusHandle> {
    static HANDLE: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    let install = || {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), DURATIONS)
            .map_err(|error| error.to_string())?;
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|error| error.to_string())?;
        Ok(handle)
    };
    HANDLE.get_or_init(install).clone().map_err(|error| anyhow::anyhow!("cannot collect metrics: {error}"))
}
