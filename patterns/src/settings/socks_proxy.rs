//! The SOCKS 5 proxy through which endpoints are connected to.

use enfonet_zmtp::PlainCredentials;

use crate::endpoint::{Endpoint, EndpointError, Host, Source};

/// A proxy that speaks SOCKS 5 (RFC 1928). The proxy looks up the names of hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocksProxy {
    pub(crate) source: Option<Source>,
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) login: Option<PlainCredentials>,
}

impl SocksProxy {
    /// Returns the proxy at a TCP endpoint. If the endpoint has a source, connections to the proxy come from there.
    ///
    /// # Errors
    /// [`EndpointError`]: the endpoint is invalid, a wildcard, or not of tcp.
    pub fn new<E>(endpoint: E) -> Result<Self, EndpointError>
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into()?;
        if endpoint.is_wildcard() {
            return Err(EndpointError::proxy(&endpoint));
        }
        match endpoint {
            Endpoint::Tcp { source, host, port } => Ok(Self { source, host, port, login: None }),
            other => Err(EndpointError::proxy(&other)),
        }
    }

    /// Sets the login that is sent to the proxy (RFC 1929): in clear, for any listener to read. With an empty name, no
    /// login is sent.
    #[must_use]
    pub fn login(mut self, login: PlainCredentials) -> Self {
        self.login = (!login.username().is_empty()).then_some(login);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_of_a_socks_proxy_is_a_tcp_host_and_port() {
        for text in ["tcp://127.0.0.1:1080", "tcp://proxy.example:1080", "tcp://127.0.0.1:0;[::1]:1080"] {
            SocksProxy::new(text).unwrap();
        }
        for text in ["", "127.0.0.1:1080", "tcp://*:1080", "tcp://proxy:0", "ipc:///proxy", "inproc://proxy"]
        {
            SocksProxy::new(text).unwrap_err();
        }
    }

    #[test]
    fn an_empty_user_name_is_no_login_of_a_socks_proxy() {
        let login = |name, password| {
            SocksProxy::new("tcp://proxy:1").unwrap().login(PlainCredentials::new(name, password).unwrap())
        };
        assert_eq!(login("", "secret").login, None);
        assert!(login("ada", "").login.is_some());
    }
}
