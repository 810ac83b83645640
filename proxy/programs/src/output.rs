//! Output of the programs. Unlike `println!`, it doesn't panic if the pipe is closed.

use std::fmt::Arguments;
use std::io::{self, IsTerminal, Write};

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

/// Returns whether the log has colours: on a terminal, unless `NO_COLOR` says otherwise (no-color.org).
pub(crate) fn has_colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
