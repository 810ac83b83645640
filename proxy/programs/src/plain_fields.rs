//! Fields of log lines, without control characters.

use std::fmt::{self, Debug, Write};

use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::debug_fn;

/// Returns the format of a line's fields: each value without characters that would move a terminal's cursor, begin a
/// line or write backwards. What peers have chosen is [escaped](enfonet::monitor::Escaped) before; this holds for every
/// other text too, such as an error of the system, and for lines of other crates.
pub(crate) fn plain_fields() -> impl for<'writer> FormatFields<'writer> + Send + Sync + 'static {
    debug_fn(|writer, field, value: &dyn Debug| match field.name() {
        "message" => write!(Plain(writer), "{value:?}"),
        name => write!(Plain(writer), "{name}={value:?}"),
    })
    .delimited(" ")
}

/// Writer that escapes the characters that a terminal doesn't show as they are.
struct Plain<W>(W);

impl<W: Write> Write for Plain<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|char| self.write_char(char))
    }

    fn write_char(&mut self, char: char) -> fmt::Result {
        let escaped = char.escape_debug();
        // Quotes and backslashes are escaped in literals of Rust, but shown as they are.
        if escaped.len() > 1 && !"\"'\\".contains(char) {
            return write!(self.0, "{escaped}");
        }
        self.0.write_char(char)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    /// Log in memory.
    #[derive(Clone, Debug, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Log {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn no_field_and_no_message_writes_control_characters() {
        let log = Log::default();
        let lines = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).without_time();
        tracing::subscriber::with_default(lines.fmt_fields(plain_fields()).finish(), || {
            let text = "\x1b[2J\r\nä\u{202e}\u{9b}";
            tracing::warn!(text, shown = %text, count = 1, "it isn't \"{text}\"");
        });
        let line = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let shown = r"\u{1b}[2J\r\nä\u{202e}\u{9b}";
        let end = format!("it isn't \"{shown}\" text=\"{shown}\" shown={shown} count=1\n");
        assert!(line.ends_with(&end), "{line:?}");
    }
}
