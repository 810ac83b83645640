//! `Client` with concurrent requests to libzmq workers: directly, behind libzmq's proxy, and behind the broker.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use enfonet::Client;
use enfonet_tests::{DEADLINE, Runtime, Slb};

/// Requests of one test. Every fifth is cancelled at once.
const REQUESTS: u32 = 500;

/// REP sockets of libzmq, each on its own thread, that reply until their context ends.
struct Workers {
    context: zmq::Context,
    threads: Vec<JoinHandle<zmq::Error>>,
}

impl Workers {
    fn new() -> Self {
        Self { context: zmq::Context::new(), threads: Vec::new() }
    }

    fn spawn(&mut self, endpoint: &str) {
        let worker = self.context.socket(zmq::REP).unwrap();
        worker.connect(endpoint).unwrap();
        let work = move || {
            loop {
                match worker.recv_multipart(0) {
                    Ok(mut request) => {
                        request.push(b"done".to_vec());
                        worker.send_multipart(request, 0).unwrap();
                    }
                    Err(end) => return end,
                }
            }
        };
        self.threads.push(thread::spawn(work));
    }

    /// Starts libzmq's proxy with an endpoint on each side.
    fn proxy(&mut self) -> [String; 2] {
        let ends = [zmq::ROUTER, zmq::DEALER].map(|kind| self.context.socket(kind).unwrap());
        let at = ends.each_ref().map(|end| {
            end.bind("tcp://127.0.0.1:*").unwrap();
            end.get_last_endpoint().unwrap().unwrap()
        });
        let [front, back] = ends;
        self.threads.push(thread::spawn(move || zmq::proxy(&front, &back).unwrap_err()));
        at
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // Ending the context ends every thread's wait.
        self.context.destroy().unwrap();
        for thread in self.threads.drain(..) {
            assert_eq!(thread.join().unwrap(), zmq::Error::ETERM);
        }
    }
}

/// Asserts that every request gets its own reply while others are cancelled.
fn requests_are_replied_to(runtime: &Runtime, client: &Client) {
    let tasks: Vec<_> = (0..REQUESTS)
        .map(|n| {
            let client = client.clone();
            runtime.spawn(async move {
                if n % 5 == 0 {
                    let request = client.request(n.to_string(), DEADLINE);
                    let _ = tokio::time::timeout(Duration::ZERO, request).await;
                    return;
                }
                let reply = client.request(n.to_string(), DEADLINE).await.unwrap();
                assert_eq!(reply, [n.to_string(), "done".into()]);
            })
        })
        .collect();
    tasks.into_iter().for_each(|task| runtime.run(task).unwrap());
    assert_eq!(client.in_flight(), 0);
}

#[test]
fn a_client_has_many_requests_in_flight_at_reps_of_libzmq() {
    let (runtime, mut workers) = (Runtime::new(), Workers::new());
    let _guard = runtime.enter();
    let client = Client::new();
    let at = runtime.run(client.dealer().bind("tcp://127.0.0.1:*")).unwrap().to_string();
    (0..3).for_each(|_| workers.spawn(&at));
    requests_are_replied_to(&runtime, &client);
    runtime.run(client.close(Duration::ZERO));
}

#[test]
fn a_client_has_many_requests_in_flight_behind_libzmqs_proxy() {
    let (runtime, mut workers) = (Runtime::new(), Workers::new());
    let _guard = runtime.enter();
    let [front, back] = workers.proxy();
    (0..3).for_each(|_| workers.spawn(&back));
    let client = Client::new();
    client.connect(&*front).unwrap();
    requests_are_replied_to(&runtime, &client);
    runtime.run(client.close(Duration::ZERO));
}

#[test]
fn a_client_has_many_requests_in_flight_through_the_broker() {
    let (runtime, mut workers) = (Runtime::new(), Workers::new());
    let _guard = runtime.enter();
    let broker = Slb::tcp(&runtime);
    (0..3).for_each(|_| workers.spawn(&broker.backend()));
    let client = Client::new();
    client.connect(broker.frontend().as_str()).unwrap();
    requests_are_replied_to(&runtime, &client);
    runtime.run(client.close(Duration::ZERO));
    drop(workers);
    let _ = broker.stop(&runtime);
}
