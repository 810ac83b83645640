//! Brokers in this process.

use enfonet::Endpoint;
use enfonet_proxy::{Config, Endpoints, Side, mq, slb};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Runtime;

fn side(endpoint: &str) -> Side {
    let endpoint: Endpoint = endpoint.parse().expect("an endpoint");
    Side::bound(endpoint)
}

macro_rules! broker {
    ($(#[$doc:meta])* $name:ident, $module:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            endpoints: Endpoints,
            stop: oneshot::Sender<()>,
            running: JoinHandle<$module::Summary>,
        }

        impl $name {
            /// Starts a broker at these endpoints.
            ///
            /// # Panics
            /// When the broker doesn't start.
            #[must_use]
            pub fn start(runtime: &Runtime, frontend: &str, backend: &str) -> Self {
                Self::start_with(runtime, Config::new(side(frontend), side(backend)))
            }

            /// Starts a broker on free TCP ports.
            #[must_use]
            pub fn tcp(runtime: &Runtime) -> Self {
                Self::start(runtime, "tcp://127.0.0.1:*", "tcp://127.0.0.1:*")
            }

            /// Starts a broker with a configuration.
            ///
            /// # Panics
            /// When the broker doesn't start.
            #[must_use]
            pub fn start_with(runtime: &Runtime, config: Config) -> Self {
                let (stop, stopped) = oneshot::channel();
                let broker = runtime.run($module::Broker::bind(config)).expect("the broker starts");
                let endpoints = broker.endpoints().clone();
                let running = runtime.spawn(broker.run(async {
                    let _ = stopped.await;
                }));
                Self { endpoints, stop, running }
            }

            /// Returns the frontend's endpoint, for publishers or clients.
            #[must_use]
            pub fn frontend(&self) -> String {
                self.endpoints.frontend[0].to_string()
            }

            /// Returns the backend's endpoint, for subscribers or workers.
            #[must_use]
            pub fn backend(&self) -> String {
                self.endpoints.backend[0].to_string()
            }

            /// Stops the broker, and returns its summary.
            ///
            /// # Panics
            /// When the broker doesn't stop in time.
            #[must_use]
            pub fn stop(self, runtime: &Runtime) -> $module::Summary {
                let _ = self.stop.send(());
                runtime.run(self.running).expect("the broker doesn't panic")
            }
        }
    };
}

broker!(
    /// EnfoMQ in this process.
    Mq,
    mq
);
broker!(
    /// EnfoSLB in this process.
    Slb,
    slb
);
