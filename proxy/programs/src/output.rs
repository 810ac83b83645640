//! Output of the programs. Unlike `println!`, it doesn't panic if the pipe is closed.

use std::fmt::Arguments;
use std::io::{self, Write};

/// Prints a line to stdout and flushes it.
pub(crate) fn print_line(line: Arguments<'_>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// Prints a line to stderr. Ignores failures: there is nowhere to report them.
pub(crate) fn print_error(line: Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}
