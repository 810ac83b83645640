//! Parts of both demos: the programs beside a broker, and the lines that they print.

use std::io;

use enfonet::{ConnectError, Endpoint};

/// The endpoint that the demo's own programs connect to.
pub(super) fn first(endpoints: &[Endpoint]) -> Endpoint {
    endpoints[0].clone()
}

/// Runs the programs beside the broker, until it stops or one of them fails.
pub(super) async fn run_beside<B, P>(
    broker: impl Future<Output = B>,
    programs: impl Future<Output = Result<P, DemoError>>,
) -> Outcome {
    tokio::select! {
        outcome = programs => match outcome {
            // Nobody watches any more.
            Err(DemoError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            outcome => outcome.map(drop),
        },
        _ = broker => Ok(()),
    }
}

/// Reason that a demo ends, other than the signal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Its lines can't be printed.
    #[error("can't print: {0}")]
    Output(#[from] io::Error),
}

pub(super) type Outcome = Result<(), DemoError>;

/// Prints a line, as `println!` does; but that fails like anything else.
macro_rules! show {
    ($($line:tt)*) => { crate::output::print_line(format_args!($($line)*))? };
}
pub(super) use show;
