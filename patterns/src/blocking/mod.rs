//! Sockets for programs without an async runtime: methods block the thread that calls them.
//!
//! ```
//! use enfonet::blocking::{Rep, Req};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let server = Rep::new();
//!     let endpoint = server.bind("tcp://127.0.0.1:*")?;
//!     let serving = std::thread::spawn(move || {
//!         let request = server.recv()?;
//!         let answer = format!("hello, {}", request.message());
//!         Ok::<_, enfonet::error::RecvError>(request.reply(answer))
//!     });
//!
//!     let client = Req::new();
//!     client.connect(endpoint)?;
//!     assert_eq!(client.request("ada")?, "hello, ada");
//!     serving.join().expect("it doesn't panic")??;
//!     Ok(())
//! }
//! ```
//!
//! **One background thread** for the whole process, started by the first socket, runs all connections; it never ends.
//! Sockets can be cloned and used from any thread. [`as_async`](Push::as_async) returns the async socket, for the
//! methods that these types lack.
//!
//! **The end.** Dropping the last clone of a socket blocks until all messages that were sent are written, or the
//! socket's [`linger`](crate::Options::linger) is over (30 s by default), as `close` with that linger does. So a `main`
//! that sends and returns delivers its messages. A thread that panics doesn't wait. `std::process::exit` drops nothing,
//! and so delivers nothing.
//!
//! **Within async code** these methods work, but block the executor's thread: use the async sockets there.

mod runtime;
mod sockets;

pub use sockets::{Client, Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
