//! The parser of endpoints.

use std::net::Ipv6Addr;
use std::str::FromStr;

use super::{Endpoint, EndpointError, Host, IpcPath, Reason, Source, Zone};

/// Maximum bytes of an ipc path: `sun_path` holds 108, the last of them zero.
const MAX_IPC_PATH: usize = 107;
/// Maximum bytes of an interface's name: the system holds 16, the last of them zero.
const MAX_INTERFACE: usize = 15;

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let error = |reason| EndpointError { text: text.into(), reason };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| error(Reason::NoTransport))?;
        match scheme {
            "tcp" => parse_tcp(rest).map_err(error),
            "ipc" => parse_ipc(rest).map(Self::Ipc).map_err(error),
            "inproc" if rest.is_empty() => Err(error(Reason::NoName)),
            "inproc" => Ok(Self::Inproc(rest.into())),
            _ => Err(error(Reason::UnknownTransport)),
        }
    }
}

fn parse_tcp(rest: &str) -> Result<Endpoint, Reason> {
    let (source, rest) = match rest.split_once(';') {
        Some((source, rest)) => (Some(source), rest),
        None => (None, rest),
    };
    let source = source.map(parse_address).transpose()?.map(|(host, port)| Source { host, port });
    let (host, port) = parse_address(rest)?;
    Ok(Endpoint::Tcp { source, host, port })
}

fn parse_address(text: &str) -> Result<(Host, u16), Reason> {
    let (host, port) = text.rsplit_once(':').ok_or(Reason::NoPort)?;
    let port = match port {
        "*" => 0,
        "" => return Err(Reason::NoPort),
        digits if is_number(digits) => digits.parse().map_err(|_| Reason::Port)?,
        _ => return Err(Reason::Port),
    };
    Ok((parse_host(host)?, port))
}

fn parse_host(host: &str) -> Result<Host, Reason> {
    if let Some(inner) = host.strip_prefix('[') {
        return parse_ipv6(inner.strip_suffix(']').ok_or(Reason::Host)?);
    }
    let name_like = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    match host {
        "*" => Ok(Host::Any),
        "" => Err(Reason::Host),
        _ if !host.chars().all(name_like) => Err(Reason::Host),
        _ => Ok(host.parse().map_or_else(|_| Host::Name(host.into()), Host::Ip)),
    }
}

fn parse_ipv6(text: &str) -> Result<Host, Reason> {
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    let address: Ipv6Addr = address.parse().map_err(|_| Reason::Host)?;
    match zone {
        Some(zone) => Ok(Host::Zoned(address, parse_zone(zone)?)),
        None => Ok(Host::Ip(address.into())),
    }
}

fn parse_zone(zone: &str) -> Result<Zone, Reason> {
    let name_like = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | ':' | ';' | '%' | '[' | ']');
    match zone {
        "" => Err(Reason::Zone),
        digits if is_number(digits) => digits.parse().map(Zone::Index).map_err(|_| Reason::Zone),
        name if name.len() <= MAX_INTERFACE && name.chars().all(name_like) => Ok(Zone::Name(name.into())),
        _ => Err(Reason::Zone),
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_digit())
}

fn parse_ipc(path: &str) -> Result<IpcPath, Reason> {
    match path {
        "" | "@" => Err(Reason::NoPath),
        _ if path.len() > MAX_IPC_PATH => Err(Reason::LongPath),
        _ if path.contains('\0') => Err(Reason::ZeroInPath),
        "*" => Ok(IpcPath::Any),
        _ => Ok(path
            .strip_prefix('@')
            .map_or_else(|| IpcPath::File(path.into()), |name| IpcPath::Abstract(name.into()))),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_parsed_endpoint_is_shown_as_its_text() {
        for text in [
            "tcp://127.0.0.1:5555",
            "tcp://[::1]:1",
            "tcp://[fe80::1%eth0]:5555",
            "tcp://[fe80::1%3]:5555",
            "tcp://some-host.example:80",
            "tcp://127.0.0.1:5000;some-host.example:80",
            "tcp://eth0:0;[::1]:80",
            "ipc:///tmp/x",
            "ipc://x@y",
            "ipc://@name",
            "ipc://*",
            "inproc://a b",
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
        for (text, shown) in [
            ("tcp://*:*", "tcp://*:0"),
            ("tcp://*:*;host:1", "tcp://*:0;host:1"),
            ("tcp://[0:0::1]:1", "tcp://[::1]:1"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn each_part_of_an_endpoint_has_its_type() {
        let (localhost, name) = (Host::Ip([127, 0, 0, 1].into()), Host::Name("a.example".into()));
        let source = Some(Source { host: localhost, port: 5 });
        let tcp = |host| Endpoint::Tcp { source: None, host, port: 7 };
        let zoned = |zone| tcp(Host::Zoned("fe80::1".parse().unwrap(), zone));
        for (text, endpoint) in [
            ("tcp://127.0.0.1:5;a.example:7", Endpoint::Tcp { source, host: name, port: 7 }),
            ("tcp://[fe80::1%eth0.3]:7", zoned(Zone::Name("eth0.3".into()))),
            ("tcp://[fe80::1%12]:7", zoned(Zone::Index(12.try_into().unwrap()))),
            ("tcp://*:7", tcp(Host::Any)),
            ("ipc://@a/b", Endpoint::Ipc(IpcPath::Abstract("a/b".into()))),
            ("ipc://a/b", Endpoint::Ipc(IpcPath::File("a/b".into()))),
        ] {
            assert_eq!(text.parse(), Ok(endpoint), "{text}");
        }
    }

    #[test]
    fn the_endpoint_of_a_socket_address_keeps_its_zone() {
        for text in ["127.0.0.1:1", "[::1]:1", "[fe80::1%7]:1"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(Endpoint::tcp(address).to_string(), format!("tcp://{text}"));
        }
    }

    #[test]
    fn text_that_is_no_endpoint_is_an_error_with_the_reason() {
        for (text, reason) in [
            ("", Reason::NoTransport),
            ("127.0.0.1:5555", Reason::NoTransport),
            ("udp://127.0.0.1:5555", Reason::UnknownTransport),
            ("tcp://", Reason::NoPort),
            ("tcp://host", Reason::NoPort),
            ("tcp://host:", Reason::NoPort),
            ("tcp://host:invalid", Reason::Port),
            ("tcp://host:567bad", Reason::Port),
            ("tcp://host:65536", Reason::Port),
            ("tcp://host:+5", Reason::Port),
            ("tcp://:5555", Reason::Host),
            ("tcp://in val id:5555", Reason::Host),
            ("tcp://::1:5555", Reason::Host),
            ("tcp://[::1:5555", Reason::Host),
            ("tcp://::1]:5555", Reason::Host),
            ("tcp://[127.0.0.1]:5555", Reason::Host),
            ("tcp://[*]:5555", Reason::Host),
            ("tcp://127.0.0.1%lo:5555", Reason::Host),
            ("tcp://[fe80::1%0]:5555", Reason::Zone),
            ("tcp://[fe80::1%]:5555", Reason::Zone),
            ("tcp://[fe80::1%4294967296]:5555", Reason::Zone),
            ("tcp://[fe80::1%a/b]:5555", Reason::Zone),
            ("tcp://[fe80::1%longer-than-fits]:5555", Reason::Zone),
            ("tcp://;host:5555", Reason::NoPort),
            ("tcp://host;host:5555", Reason::NoPort),
            ("tcp://host:1;", Reason::NoPort),
            ("tcp://host:1;host:2;host:3", Reason::Host),
            ("ipc://", Reason::NoPath),
            ("ipc://@", Reason::NoPath),
            ("ipc://a\0b", Reason::ZeroInPath),
            ("inproc://", Reason::NoName),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap_err().reason, reason, "{text}");
        }
        for sign in ["", "@"] {
            let path = |len| format!("ipc://{sign}{}", "x".repeat(len - sign.len()));
            assert!(path(107).parse::<Endpoint>().is_ok());
            assert_eq!(path(108).parse::<Endpoint>().unwrap_err().reason, Reason::LongPath);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_parsed_text_survives_a_round_trip(
            text in "(tcp|ipc|inproc)?(://)?(.{0,20}|[\\[\\]%@;:*a-f0-9]{0,24})(:[0-9*]{0,6})?"
        ) {
            if let Ok(endpoint) = text.parse::<Endpoint>() {
                prop_assert_eq!(endpoint.to_string().parse::<Endpoint>().unwrap(), endpoint);
            }
        }

        #[test]
        fn endpoints_of_any_parts_survive_a_round_trip(
            text in "tcp://((lo|\\*|\\[fe80::[0-9a-f]{1,4}%(lo|[1-9][0-9]{0,8})\\]|127\\.0\\.0\\.1):(\\*|[0-9]{1,4});)?\
                     ([a-z]{1,8}|\\[::[0-9a-f]{1,4}(%(eth0|[1-9]))?\\]):[0-9]{1,4}"
        ) {
            let endpoint: Endpoint = text.parse().unwrap();
            prop_assert_eq!(endpoint.to_string().parse::<Endpoint>().unwrap(), endpoint);
        }
    }
}
