//! Keys that bound what a peer, or all peers of an endpoint, can make the broker allocate.

use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;
use enfonet::Options;
use serde::Deserialize;

use super::values::{Parse, Text};

/// Keys of limits. Each has the default of the library, or of the broker's side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitKeys {
    /// Maximum connections of each endpoint to bind; 0 is no limit but the file descriptors [default: 0]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) connections: Option<Text<Count>>,
    /// Maximum bytes that wait for a peer, and maximum bytes that wait from it [default: 16MiB; 4MiB from a publisher]
    #[arg(long, value_name = "SIZE")]
    pub(crate) queue: Option<Text<ByteSize>>,
    /// Maximum bytes of a message; a larger message ends its connection [default: 256MiB]
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_message_size: Option<Text<ByteSize>>,
    /// Maximum frames of a message; a message with more ends its connection [default: 1000000]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) max_frames: Option<Text<Count>>,
    /// Maximum topics of a subscriber, and of all subscribers together; a subscriber with more is disconnected
    /// [default: 1000000]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) subscriptions: Option<Text<Count>>,
    /// Maximum bytes of these topics [default: 64MiB]
    #[arg(long, value_name = "SIZE")]
    pub(crate) subscription_bytes: Option<Text<ByteSize>>,
    /// Maximum time of a handshake; 0s is no limit [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub(crate) handshake_timeout: Option<Text<Duration>>,
    /// Maximum handshakes in progress; a new one takes the place of the oldest of the address with the most
    /// [default: 10000]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) handshakes: Option<Text<Count>>,
}

/// Defaults of the sockets, which take both bounds together.
const DEFAULT_SUBSCRIPTIONS: usize = 1_000_000;
const DEFAULT_SUBSCRIPTION_BYTES: usize = 64 << 20;

impl LimitKeys {
    /// Sets the limits that have a value. The queue is that of the broker's side.
    pub(crate) fn apply(&self, mut options: Options) -> Options {
        if let Some(connections) = &self.connections {
            options = options.max_connections(connections.0.0);
        }
        if let Some(bytes) = &self.max_message_size {
            options = options.max_message_size(size(bytes)).max_frame_size(size(bytes));
        }
        if let Some(frames) = &self.max_frames {
            options = options.max_frames(frames.0.0);
        }
        if self.subscriptions.is_some() || self.subscription_bytes.is_some() {
            let subscriptions = self.subscriptions.as_ref().map_or(DEFAULT_SUBSCRIPTIONS, |count| count.0.0);
            let bytes = self.subscription_bytes.as_ref().map_or(DEFAULT_SUBSCRIPTION_BYTES, size);
            options = options.max_subscriptions(subscriptions, bytes);
        }
        if let Some(time) = &self.handshake_timeout {
            options = options.handshake_timeout(time.0);
        }
        if let Some(handshakes) = &self.handshakes {
            options = options.max_handshakes(handshakes.0.0);
        }
        options
    }

    pub(crate) fn queue_bytes(&self) -> Option<usize> {
        self.queue.as_ref().map(size)
    }
}

fn size(bytes: &Text<ByteSize>) -> usize {
    usize::try_from(bytes.0.as_u64()).unwrap_or(usize::MAX)
}

impl Parse for ByteSize {
    const EXPECTED: &'static str = r#"a size such as "16MiB" or "64KiB""#;
    const IS_NUMBER: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
    }
}

/// A number of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(usize);

impl Parse for Count {
    const EXPECTED: &'static str = "a number";
    const IS_NUMBER: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error: std::num::ParseIntError| error.to_string())
    }
}
