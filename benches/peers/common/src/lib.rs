//! Roles of the load programs of all implementations: the roles and arguments of `enfonet-load`, and two proxies.
//!
//! ```text
//! peer-… pull       ENDPOINT SIZE COUNT          binds, receives COUNT messages, prints their rate
//! peer-… push       ENDPOINT SIZE COUNT          connects, sends COUNT messages
//! peer-… ventilator ENDPOINT SIZE SECONDS PEERS  binds a PUSH, sends to PEERS for SECONDS
//! peer-… worker     ENDPOINT SIZE SECONDS        connects a PULL, counts for SECONDS, prints the rate
//! peer-… sink       ENDPOINT SIZE SECONDS PEERS  binds a PULL, counts messages of PEERS, prints the rate
//! peer-… source     ENDPOINT SIZE SECONDS        connects a PUSH, sends for SECONDS
//! peer-… sub        ENDPOINT SIZE SECONDS TOPIC  connects, counts for SECONDS, prints the rate
//! peer-… pub        ENDPOINT SIZE SECONDS bind|connect PEERS
//! peer-… rep        ENDPOINT bind|connect        echoes for ever
//! peer-… req        ENDPOINT SIZE COUNT          prints the time of requests
//! peer-… router     ENDPOINT                     echoes for ever
//! peer-… dealer     ENDPOINT SIZE COUNT WINDOW   WINDOW requests pending, prints the rate
//! peer-… mqproxy    FRONTEND BACKEND             XSUB and XPUB
//! peer-… slbproxy   FRONTEND BACKEND             ROUTER and DEALER
//! ```
//!
//! `--curve` before the role encrypts with CURVE, if the library does; then the end that binds is the server.

mod cli;
mod library;
mod roles;

pub use cli::run;
pub use enfonet_measure::Outcome;
pub use library::{End, Kind, Library, Socket};
