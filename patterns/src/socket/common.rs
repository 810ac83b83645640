//! Methods that all kinds of sockets share.

/// Methods that every socket has.
macro_rules! socket_methods {
    ($kind:ident, |$settings:ident| $routing:expr) => {
        impl crate::options::sealed::Open for $kind {
            fn open($settings: crate::settings::Settings, context: crate::context::Context) -> Self {
                let routing = $routing;
                Self { core: crate::core::SocketHandle::new(SocketType::$kind, $settings, context, routing) }
            }
        }

        impl crate::options::Kind for $kind {}

        impl crate::options::HasOptions<$kind> for $kind {}

        impl $kind {
            /// Creates a socket with the default [`Options`](crate::Options).
            #[must_use]
            pub fn new() -> Self {
                Self::builder().build()
            }

            /// Returns options for a socket of this kind. [`build`](crate::Options::build) makes the socket.
            #[must_use]
            pub fn builder() -> crate::options::Options<Self> {
                crate::options::Options::new()
            }

            /// Creates a socket with these options: options of its own kind, or options that any kind may have.
            #[must_use]
            pub fn with_options(options: impl Into<crate::options::Options<Self>>) -> Self {
                options.into().build()
            }

            /// Listens on an endpoint. Returns the endpoint with wildcards filled in, so that it can be connected to,
            /// and unbound. A socket can bind and connect any number of endpoints.
            ///
            /// # Errors
            /// [`BindError`](crate::error::BindError): the endpoint is invalid, in use, or the system can't bind it.
            ///
            /// # Panics
            /// Outside of a tokio runtime.
            pub async fn bind<E>(
                &self,
                endpoint: E,
            ) -> Result<crate::endpoint::Endpoint, crate::error::BindError>
            where
                E: TryInto<crate::endpoint::Endpoint>,
                crate::error::BindError: From<E::Error>,
            {
                self.core.bind(endpoint.try_into()?).await
            }

            /// Connects to an endpoint, in the background: the peer may be bound later. A lost connection is made
            /// again, unless [`Options::reconnect`](crate::Options::reconnect) or a similar option says otherwise.
            ///
            /// A second call for the same endpoint does nothing on REQ, DEALER, PUB and SUB, which have no use for two
            /// connections to one peer. Other kinds make a second connection.
            ///
            /// # Errors
            /// [`ConnectError`](crate::error::ConnectError): the endpoint is invalid, or can only be bound.
            ///
            /// # Panics
            /// Outside of a tokio runtime.
            pub fn connect<E>(&self, endpoint: E) -> Result<(), crate::error::ConnectError>
            where
                E: TryInto<crate::endpoint::Endpoint>,
                crate::error::ConnectError: From<E::Error>,
            {
                self.core.connect(endpoint.try_into()?)
            }

            /// Ends listening on the endpoint that [`bind`](Self::bind) returned, and ends the connections made there.
            /// The endpoint is free when this returns: any socket can bind it at once. The peers get no new messages;
            /// queued messages are still sent, for the socket's [`linger`](crate::Options::linger).
            ///
            /// # Errors
            /// [`UnbindError`](crate::error::UnbindError): the endpoint is invalid, or the socket isn't bound to it.
            pub fn unbind<E>(&self, endpoint: E) -> Result<(), crate::error::UnbindError>
            where
                E: TryInto<crate::endpoint::Endpoint>,
                crate::error::UnbindError: From<E::Error>,
            {
                let endpoint = endpoint.try_into()?;
                let is_known = self.core.forget(crate::core::Role::Bound, &endpoint);
                is_known.then_some(()).ok_or(crate::error::UnbindError::NotBound(endpoint))
            }

            /// Ends connecting to the endpoint, and ends its connection. The peer gets no new messages; queued messages
            /// are still sent, for the socket's [`linger`](crate::Options::linger).
            ///
            /// A socket that connects to the endpoint again at once gets a new connection with a queue of its own. A
            /// PAIR, or a socket with an identity, connects when the old connection has ended, or after a second: until
            /// then the peer would reject it.
            ///
            /// # Errors
            /// [`DisconnectError`](crate::error::DisconnectError): the endpoint is invalid, or the socket isn't
            /// connected to it.
            pub fn disconnect<E>(&self, endpoint: E) -> Result<(), crate::error::DisconnectError>
            where
                E: TryInto<crate::endpoint::Endpoint>,
                crate::error::DisconnectError: From<E::Error>,
            {
                let endpoint = endpoint.try_into()?;
                let is_known = self.core.forget(crate::core::Role::Connected, &endpoint);
                is_known.then_some(()).ok_or(crate::error::DisconnectError::NotConnected(endpoint))
            }

            /// Ends the connection of a peer at once, for instance because the peer's credentials were revoked. Messages
            /// that have arrived can still be received, and a few more that the connection is reading at this moment.
            ///
            /// An accepted peer is gone: messages that wait for it are dropped, and it may connect again, as a new
            /// peer. A peer that this side has connected to is connected to again, as after any lost connection,
            /// unless [`Options::reconnect`](crate::Options::reconnect) is off or the socket [has stopped admitting
            /// peers](Self::stop_admitting_peers); [`disconnect`](Self::disconnect) ends the endpoint for good. If its
            /// queue outlives connections, the messages that wait in it are sent by the next connection.
            ///
            /// Monitors report [`ConnectionError::Disconnected`](crate::error::ConnectionError::Disconnected). Returns
            /// whether the peer was connected; the connection may still be about to end when this returns.
            pub fn disconnect_peer(&self, peer: crate::peer::PeerId) -> bool {
                self.core.disconnect_peer(peer)
            }

            /// Stops listening and connecting at all endpoints of the socket: no new peer can connect. Established
            /// connections go on. Messages that wait for peers that aren't connected are dropped. This is the first
            /// step of an orderly shutdown of a server: new clients aren't accepted, and try again until the server's
            /// successor listens.
            ///
            /// Endpoints that are bound or connected afterwards aren't affected.
            pub fn stop_admitting_peers(&self) {
                self.core.stop_admitting_peers();
            }

            /// Waits until no peer is connected. Cancel safe.
            pub async fn wait_disconnected(&self) {
                self.core.wait_disconnected().await;
            }

            /// Returns the endpoint that was bound or connected last (libzmq's `LAST_ENDPOINT`). A bound endpoint has
            /// its host and port filled in. [`bind`](Self::bind) returns it for each endpoint.
            #[must_use]
            pub fn last_endpoint(&self) -> Option<crate::endpoint::Endpoint> {
                self.core.last_endpoint()
            }

            /// Waits until at least `peers` peers are connected, or the socket is closed. Cancel safe.
            pub async fn wait_connected(&self, peers: usize) {
                self.core.wait_connected(peers).await;
            }

            /// Returns a monitor of the events at the socket's endpoints from now on: peers that connect and
            /// disconnect, and the reasons. A socket may have any number of monitors.
            #[must_use]
            pub fn monitor(&self) -> crate::monitor::Monitor {
                self.core.monitor()
            }

            /// Returns the totals of the socket since its creation, also of peers that have gone: connections, messages
            /// and bytes, and the reasons for which connections ended and messages were dropped. It takes the same short
            /// time however many peers there are.
            #[must_use]
            pub fn totals(&self) -> crate::monitor::Totals {
                self.core.totals()
            }

            /// Returns the status of each connected peer, with its traffic in both directions, in the order of their
            /// ids. It is made page by page, as [`peers_after`](Self::peers_after) describes: so it holds the messages
            /// up no longer than a page does, however many peers there are.
            #[must_use]
            pub fn peers(&self) -> Vec<crate::peer::PeerStatus> {
                self.core.peers()
            }

            /// Returns a page of [`peers`](Self::peers): the peers that follow the peer `after`, or the first peers
            /// without it; at most `limit`, and at most 256. An empty page follows the last peer.
            ///
            /// The peer `after` needn't be connected any more. A peer that stays connected while the pages are read is
            /// in exactly one of them, whatever other peers join or leave meanwhile.
            ///
            /// ```
            /// use enfonet::Router;
            /// use enfonet::peer::PeerStatus;
            ///
            /// let router = Router::new();
            /// let (mut after, mut waiting) = (None, 0);
            /// loop {
            ///     let page: Vec<PeerStatus> = router.peers_after(after, 100);
            ///     let Some(last) = page.last() else { break };
            ///     after = Some(last.info.id);
            ///     waiting += page.iter().map(|peer| peer.unsent.messages).sum::<u64>();
            /// }
            /// assert_eq!(waiting, 0);
            /// ```
            #[must_use]
            pub fn peers_after(
                &self,
                after: Option<crate::peer::PeerId>,
                limit: usize,
            ) -> Vec<crate::peer::PeerStatus> {
                self.core.peers_after(after, limit)
            }

            /// Closes the socket: it accepts no more messages, sends waiting messages for at most `linger`, then ends
            /// all connections. Only `close` reports whether everything was sent: a dropped socket goes on sending in
            /// the background, but not if the runtime ends.
            ///
            /// A peer that has been sent everything has time to read it and to close its side: a second, or over ipc
            /// the whole linger, if it was sent messages. (A PULL of libzmq with a full queue loses unread messages of
            /// a Unix domain socket when the other end closes.) So a long linger is a long wait for a peer over ipc
            /// that doesn't read. Messages that arrive meanwhile are dropped.
            ///
            /// Endpoints that were bound are free for other sockets as soon as this future is polled.
            pub async fn close(&self, linger: std::time::Duration) -> crate::close_summary::CloseSummary {
                self.core.close(linger).await
            }

            /// Returns the time for which a dropped socket goes on sending.
            pub(crate) fn linger(&self) -> std::time::Duration {
                self.core.settings().linger
            }

            /// Changes the [`send_hwm`](crate::Options::send_hwm), also of existing queues. Messages beyond a lower
            /// mark aren't lost.
            pub fn set_send_hwm(&self, messages: usize) {
                self.core.set_send_hwm(crate::options::unlimited(messages));
            }

            /// Changes the [`recv_hwm`](crate::Options::recv_hwm), also of existing queues.
            pub fn set_recv_hwm(&self, messages: usize) {
                self.core.set_recv_hwm(crate::options::unlimited(messages));
            }

            /// Returns information about a peer that is connected, or that has messages waiting to be received.
            #[must_use]
            pub fn peer(&self, id: crate::peer::PeerId) -> Option<std::sync::Arc<crate::peer::PeerInfo>> {
                self.core.inbound().peer(id).cloned()
            }
        }

        impl Default for $kind {
            fn default() -> Self {
                Self::new()
            }
        }
    };
}
pub(super) use socket_methods;
