//! Sockets that are dropped with unsent messages: a line of the log counts them.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use enfonet::{Context, Options, Pull, Push};
use tokio::runtime::Builder;
use tracing_subscriber::fmt::MakeWriter;

/// Logged text.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Runs a program to the end of its runtime, whose clock advances when all tasks are idle. Returns the lines of
/// the log about unsent messages.
fn lines_of(program: impl Future<Output = ()>) -> Vec<String> {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(program);
    });
    let text = String::from_utf8(std::mem::take(&mut *log.0.lock().unwrap())).unwrap();
    text.lines().filter(|line| line.contains("never sent")).map(Into::into).collect()
}

/// Returns a PUSH with three messages that no peer receives.
fn unheard(linger: Duration) -> Push {
    let push = Push::with_options(Options::default().linger(linger).context(&Context::new()));
    push.connect("inproc://nobody").unwrap();
    push.connect("tcp://127.0.0.1:1").unwrap();
    ["1", "2", "3"].iter().for_each(|text| push.try_send(*text).unwrap());
    push
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_return_from_main_without_close_logs_the_number_of_lost_messages() {
    let lines = lines_of(async { drop(unheard(SECOND)) });
    assert!(
        matches!(&lines[..], [line] if line.contains("WARN") && line.contains("socket=PUSH messages=3")),
        "{lines:?}"
    );
}

#[test]
fn a_return_with_a_socket_in_a_task_logs_the_number_of_lost_messages() {
    let lines = lines_of(async {
        let push = unheard(SECOND);
        tokio::spawn(async move {
            std::future::pending::<()>().await;
            drop(push);
        });
        tokio::task::yield_now().await;
    });
    assert!(matches!(&lines[..], [line] if line.contains("messages=3")), "{lines:?}");
}

#[test]
fn an_expired_linger_logs_the_number_of_lost_messages() {
    let lines = lines_of(async {
        drop(unheard(SECOND));
        tokio::time::sleep(2 * SECOND).await;
    });
    assert!(matches!(&lines[..], [line] if line.contains("messages=3")), "{lines:?}");
}

#[test]
fn a_closed_socket_reports_lost_messages_by_its_summary_and_not_in_the_log() {
    let lines = lines_of(async {
        let push = unheard(SECOND);
        assert_eq!(push.close(SECOND).await.dropped, 3);
    });
    assert_eq!(lines, [""; 0]);
}

#[test]
fn delivered_messages_are_not_logged() {
    let lines = lines_of(async {
        let context = Context::new();
        let options = Options::default().context(&context);
        let (push, pull) = (Push::with_options(options.clone()), Pull::with_options(options));
        pull.bind("inproc://somebody").await.unwrap();
        push.connect("inproc://somebody").unwrap();
        push.send("heard").await.unwrap();
        drop(push);
        assert_eq!(pull.recv().await, Ok("heard".into()));
        tokio::task::yield_now().await;
    });
    assert_eq!(lines, [""; 0]);
}
