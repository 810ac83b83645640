//! ZAP 1.0 (RFC 27): asks a handler in another part of the program, or in another program.
//!
//! ```text
//!   request   ""  "1.0"  request id  domain  address  identity  mechanism  credentials…
//!   reply     ""  "1.0"  request id  status  text  user id  metadata
//! ```

use std::time::Duration;

use bytes::Bytes;
use enfonet_zmtp::{Credentials, DenyReason, Message, Metadata, MetadataError, User, Verdict};
use tracing::warn;

use crate::auth::{AuthRequest, Authenticator, Decision};
use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::options::Options;
use crate::socket::Req;

/// Endpoint of handlers, by RFC 27.
const HANDLER: &str = "inproc://zeromq.zap.01";
const VERSION: &str = "1.0";
/// Maximum time to connect to a handler.
const CONNECT: Duration = Duration::from_secs(2);
/// Id of every request. Each request has a connection of its own, so the ids needn't differ.
const REQUEST_ID: &str = "1";

/// Authenticator that asks a ZAP handler: a REP or ROUTER socket that answers requests as RFC 27 defines. By default it
/// is the handler at `inproc://zeromq.zap.01` in the context of the process.
///
/// ```no_run
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// use enfonet::{Options, Rep};
/// use enfonet::auth::Security;
/// use enfonet::zap::Zap;
///
/// let handler = Rep::new();
/// handler.bind("inproc://zeromq.zap.01").await?;
/// let server = Rep::with_options(Options::default().security(Security::PlainServer).authenticator(Zap::new()));
/// # Ok(()) }
/// ```
///
/// A peer is denied access for now (it is sent no reason, and tries again) if no handler can be reached within two
/// seconds, if the handler disconnects before it answers, or if its answer breaks RFC 27. Each of these is logged.
#[derive(Clone, Debug)]
pub struct Zap {
    context: Context,
    handler: Endpoint,
}

impl Default for Zap {
    fn default() -> Self {
        Self::new()
    }
}

impl Zap {
    /// Returns an authenticator that asks the handler in the context of the process.
    #[must_use]
    pub fn new() -> Self {
        Self::in_context(Context::global())
    }

    /// Returns an authenticator that asks the handler in a context.
    #[must_use]
    pub fn in_context(context: &Context) -> Self {
        Self { context: context.clone(), handler: HANDLER.parse().expect("an endpoint") }
    }

    /// Returns an authenticator that asks a handler at another endpoint, for instance in another process. The peers'
    /// credentials are sent there in clear: choose an endpoint whose traffic no other program can read.
    #[must_use]
    pub fn at(handler: Endpoint) -> Self {
        Self { context: Context::global().clone(), handler }
    }

    async fn ask(&self, request: AuthRequest) -> Result<Verdict, ZapError> {
        if let Endpoint::Inproc(name) = &self.handler
            && !self.context.is_bound(name)
        {
            return Err(ZapError::NoHandler);
        }
        // A connection for each request, with few attempts: many peers may wait for a handler that is down.
        let options = Options::default().context(&self.context).linger(Duration::ZERO);
        let req =
            Req::with_options(options.reconnect_interval(CONNECT / 4).rejected_reconnect_interval(CONNECT));
        req.connect(&self.handler).map_err(|_| ZapError::NoHandler)?;
        tokio::time::timeout(CONNECT, req.wait_connected(1)).await.map_err(|_| ZapError::NoHandler)?;
        req.send(zap_request(request)).await.map_err(|_| ZapError::NoHandler)?;
        verdict(&req.recv().await.map_err(|_| ZapError::HandlerGone)?)
    }
}

impl Authenticator for Zap {
    fn authenticate(&self, request: AuthRequest) -> Decision<'_> {
        Box::pin(async move {
            self.ask(request).await.unwrap_or_else(|error| {
                warn!(handler = %self.handler, %error, "a peer can't be authenticated");
                Verdict::Deny(DenyReason::TryLater)
            })
        })
    }
}

fn zap_request(request: AuthRequest) -> Message {
    let mechanism = request.credentials.mechanism().name();
    let mut frames: Vec<Bytes> = vec![
        VERSION.into(),
        REQUEST_ID.into(),
        request.domain.into(),
        request.address.into(),
        request.identity,
    ];
    frames.push(mechanism.into());
    match request.credentials {
        Credentials::Plain(login) => {
            frames.push(login.username().clone());
            frames.push(Bytes::copy_from_slice(login.password().expose()));
        }
        Credentials::Curve(key) => frames.push(Bytes::copy_from_slice(key.as_bytes())),
        _ => {}
    }
    Message::from_frames(frames)
}

fn verdict(reply: &Message) -> Result<Verdict, ZapError> {
    let frames: Vec<&[u8]> = reply.iter().collect();
    let [version, request_id, status, _, user_id, metadata] = frames[..] else {
        return Err(ZapError::Frames { frames: frames.len() });
    };
    if version != VERSION.as_bytes() {
        return Err(ZapError::Version { version: version.escape_ascii().to_string() });
    }
    if request_id != REQUEST_ID.as_bytes() {
        return Err(ZapError::RequestId);
    }
    match status {
        b"200" => Ok(Verdict::Allow(User {
            id: Bytes::copy_from_slice(user_id),
            metadata: Metadata::parse(Bytes::copy_from_slice(metadata))?,
        })),
        b"300" => Ok(Verdict::Deny(DenyReason::TryLater)),
        b"400" => Ok(Verdict::Deny(DenyReason::Credentials)),
        b"500" => Ok(Verdict::Deny(DenyReason::Internal)),
        other => Err(ZapError::Status { status: other.escape_ascii().to_string() }),
    }
}

/// Reason why a request has no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum ZapError {
    #[error("there is no ZAP handler")]
    NoHandler,
    #[error("the ZAP handler disconnected before it answered")]
    HandlerGone,
    #[error("the ZAP handler's reply has {frames} frames behind the delimiter, 6 are needed")]
    Frames { frames: usize },
    #[error("the ZAP handler's reply is of version {version:?}, 1.0 is needed")]
    Version { version: String },
    #[error("the ZAP handler's reply is to another request")]
    RequestId,
    #[error("the ZAP handler's reply has the status {status:?}, which ZAP doesn't know")]
    Status { status: String },
    #[error("the ZAP handler's reply: {0}")]
    Metadata(#[from] MetadataError),
}

#[cfg(test)]
mod tests {
    use enfonet_zmtp::{PlainCredentials, PublicKey};

    use super::*;

    fn auth_request(credentials: Credentials) -> AuthRequest {
        let (domain, address) = ("global".into(), "127.0.0.1".into());
        AuthRequest { credentials, domain, address, identity: "IDENT".into() }
    }

    #[test]
    fn a_zap_request_has_the_frames_of_the_rfc() {
        let plain = Credentials::Plain(PlainCredentials::new("admin", "secret").unwrap());
        let head = ["1.0", "1", "global", "127.0.0.1", "IDENT"];
        for (credentials, tail) in [
            (Credentials::Null, vec![&b"NULL"[..]]),
            (plain, vec![b"PLAIN", b"admin", b"secret"]),
            (Credentials::Curve(PublicKey::from_bytes([7; 32])), vec![b"CURVE", &[7; 32]]),
        ] {
            let expected: Vec<&[u8]> = head.iter().map(|text| text.as_bytes()).chain(tail).collect();
            assert!(zap_request(auth_request(credentials)).iter().eq(expected));
        }
    }

    #[test]
    fn every_zap_status_has_its_verdict() {
        let reply =
            |status: &'static str| verdict(&Message::from_frames(["1.0", "1", status, "text", "user", ""]));
        assert_eq!(reply("200"), Ok(Verdict::Allow(User::named("user"))));
        assert_eq!(reply("300"), Ok(Verdict::Deny(DenyReason::TryLater)));
        assert_eq!(reply("400"), Ok(Verdict::Deny(DenyReason::Credentials)));
        assert_eq!(reply("500"), Ok(Verdict::Deny(DenyReason::Internal)));
        for status in ["", "100", "600", "201", "2000", "ok"] {
            assert_eq!(reply(status), Err(ZapError::Status { status: status.into() }));
        }
    }

    #[test]
    fn the_verdict_has_the_user_and_the_metadata() {
        let mut metadata = Metadata::default();
        metadata.push("Role", b"admin");
        let wire = Bytes::copy_from_slice(metadata.as_wire());
        let frames = ["1.0", "1", "200", "OK", "user"].map(Bytes::from);
        let reply = Message::from_frames(frames.into_iter().chain([wire]));
        assert_eq!(verdict(&reply), Ok(Verdict::Allow(User { metadata, id: "user".into() })));
    }

    #[test]
    fn a_malformed_zap_reply_is_no_verdict() {
        let reply =
            |frames: &[&'static str]| verdict(&Message::from_frames(frames.iter().copied())).unwrap_err();
        assert_eq!(reply(&["1.0", "1", "200", "OK", ""]), ZapError::Frames { frames: 5 });
        assert_eq!(reply(&["1.0", "1", "200", "OK", "", "", ""]), ZapError::Frames { frames: 7 });
        assert_eq!(reply(&["2.0", "1", "200", "OK", "", ""]), ZapError::Version { version: "2.0".into() });
        assert_eq!(reply(&["1.0", "2", "200", "OK", "", ""]), ZapError::RequestId);
        assert_eq!(reply(&["1.0", "1", "200", "OK", "", "x"]), MetadataError.into());
    }
}
