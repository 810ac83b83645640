//! Parts of both demos: the programs beside a broker, and the lines that they print.

use std::io;

use enfonet::Endpoint;
use enfonet::error::ConnectError;

/// Returns the endpoint that the demo's programs connect to.
pub(super) fn first(endpoints: &[Endpoint]) -> Endpoint {
    endpoints[0].clone()
}

/// Runs the programs beside the broker, until the broker stops or a program fails.
pub(super) async fn run_beside<B, P>(
    broker: impl Future<Output = B>,
    programs: impl Future<Output = Result<P, DemoError>>,
) -> Outcome {
    tokio::select! {
        outcome = programs => match outcome {
            // The reader of the output is gone, which ends the demo.
            Err(DemoError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            outcome => outcome.map(drop),
        },
        _ = broker => Ok(()),
    }
}

/// Error that ends a demo.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A line can't be printed.
    #[error("can't print: {0}")]
    Output(#[from] io::Error),
}

pub(super) type Outcome = Result<(), DemoError>;

/// Prints a line as `println!` does, but returns an error instead of a panic.
macro_rules! show {
    ($($line:tt)*) => { crate::output::print_line(format_args!($($line)*))? };
}
pub(super) use show;
