//! Types of settings that are written as text.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

use enfonet::Endpoint;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// A value that is written as text, in flags, variables and files alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text<T>(pub(crate) T);

/// A type that [`Text`] parses.
pub(crate) trait Parse: Sized {
    /// Description of the text, for errors.
    const EXPECTED: &'static str;
    /// Whether a file may have a number without quotation marks.
    const IS_NUMBER: bool = false;
    fn parse(text: &str) -> Result<Self, String>;
}

impl<T: Parse> FromStr for Text<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        T::parse(text).map(Text)
    }
}

impl<'de, T: Parse> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor(PhantomData))
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: Parse> Visitor<'_> for TextVisitor<T> {
    type Value = Text<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<T>, E> {
        text.parse().map_err(|error| E::custom(format!("{text:?} isn't {}: {error}", T::EXPECTED)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Text<T>, E> {
        if T::IS_NUMBER {
            self.visit_str(&number.to_string())
        } else {
            Err(E::invalid_type(Unexpected::Signed(number), &self))
        }
    }
}

impl Parse for Duration {
    const EXPECTED: &'static str = r#"a time such as "30s" or "1m 30s""#;

    fn parse(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text).map_err(|error| error.to_string())
    }
}

/// An endpoint that other processes can reach.
impl Parse for Endpoint {
    const EXPECTED: &'static str = r#"an endpoint such as "tcp://127.0.0.1:5557" or "ipc:///run/broker""#;

    fn parse(text: &str) -> Result<Self, String> {
        match text.parse::<Self>().map_err(|error| error.to_string())? {
            Self::Inproc(_) => Err("no other process can reach it: use tcp or ipc".into()),
            endpoint => Ok(endpoint),
        }
    }
}

/// An endpoint that can be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remote(pub(crate) Endpoint);

impl Parse for Remote {
    const EXPECTED: &'static str = r#"an endpoint such as "tcp://broker.example:5557""#;

    fn parse(text: &str) -> Result<Self, String> {
        let endpoint = Endpoint::parse(text)?;
        if endpoint.is_wildcard() {
            return Err("a wildcard can only be bound".into());
        }
        Ok(Self(endpoint))
    }
}

/// Level of the log, also by module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogLevel(String);

impl LogLevel {
    pub(crate) fn filter(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

impl Parse for LogLevel {
    const EXPECTED: &'static str = r#"a log level such as "info" or "warn,enfonet=debug""#;

    fn parse(text: &str) -> Result<Self, String> {
        // The parser takes any word for a module, also a level with a typing error.
        let is_known = text.parse::<LevelFilter>().is_ok() || text.starts_with("enfo");
        if !is_known && !text.contains(['=', ',']) {
            return Err("levels are off, error, warn, info, debug and trace".into());
        }
        EnvFilter::try_new(text).map(|_| Self(text.into())).map_err(|error| error.to_string())
    }
}

/// Peers that take over the identity of a connected client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Handover {
    /// No peer: a second client is rejected until the first has disconnected (the default)
    Off,
    /// A client of the same user
    User,
}

/// Form of the log's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    /// Text for people
    Text,
    /// A JSON object a line
    Json,
}
