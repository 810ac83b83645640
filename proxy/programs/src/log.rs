//! The log, on stderr.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::plain_fields::plain_fields;
use crate::settings::{LogFormat, LogLevel};

/// Handle that changes the level of the log.
#[derive(Clone, Debug)]
pub(crate) struct LogHandle(Handle<EnvFilter, Registry>);

impl LogHandle {
    /// Changes the level from the next line on.
    pub(crate) fn set_level(&self, level: &LogLevel) {
        if let Err(error) = self.0.reload(level.filter()) {
            tracing::error!(%error, "can't change the log level");
        }
    }
}

/// Starts the log of the process.
pub(crate) fn start(level: &LogLevel, format: LogFormat) -> LogHandle {
    let (filter, handle) = reload::Layer::new(level.filter());
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(has_colours())
        // Without this, a log that can't be written is a panic.
        .log_internal_errors(false)
        .with_writer(io::stderr);
    let lines = match (format, is_journal()) {
        (LogFormat::Text, false) => lines.fmt_fields(plain_fields()).boxed(),
        (LogFormat::Text, true) => lines.fmt_fields(plain_fields()).without_time().boxed(),
        (LogFormat::Json, false) => lines.json().boxed(),
        (LogFormat::Json, true) => lines.json().without_time().boxed(),
    };
    tracing_subscriber::registry().with(filter).with(lines).init();
    LogHandle(handle)
}

/// Returns whether the log has colours: on a terminal, unless `NO_COLOR` says otherwise (no-color.org).
fn has_colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Returns whether stderr is read by journald, which adds the time itself. `JOURNAL_STREAM` has the device and the inode
/// of its pipe (systemd.exec(5)).
fn is_journal() -> bool {
    let stderr = io::stderr().as_fd().try_clone_to_owned().and_then(|fd| std::fs::File::from(fd).metadata());
    let variable = std::env::var("JOURNAL_STREAM");
    stderr.is_ok_and(|file| variable.is_ok_and(|stream| stream == format!("{}:{}", file.dev(), file.ino())))
}
