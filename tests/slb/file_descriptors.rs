//! A balancer with clients that take all file descriptors.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use enfonet_tests::{Script, command_of, message};

/// A balancer with a limit on its descriptors, killed when dropped.
struct Limited(Child, [String; 2]);

impl Limited {
    fn start(descriptors: usize) -> Self {
        let program = command_of("enfonet-programs", "enfoslb");
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"")])
            .arg(program.get_program())
            .args(["--frontend", "tcp://127.0.0.1:*", "--backend", "tcp://127.0.0.1:*"])
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let side = |key| line.split_whitespace().find_map(|word| word.strip_prefix(key)).unwrap().to_string();
        Self(child, [side("frontend="), side("backend=")])
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn clients_that_take_all_descriptors_do_not_keep_workers_out() {
    let broker = Limited::start(256);
    let [frontend, backend] = &broker.1;
    let mut client = Script::join(frontend, "DEALER", 1);
    // More connections than descriptors; rejected and unaccepted connections are ignored.
    let mut greedy = Vec::new();
    for _ in 0..150 {
        greedy.push(Script::join(frontend, "DEALER", 1));
    }
    greedy.extend((0..150).map(|_| Script::connect(frontend)));
    // A share is 8 of 256 descriptors.
    let mut workers: Vec<_> = (0..8).map(|_| Script::join(backend, "REP", 1)).collect();
    for n in 0..8u8 {
        client.send(&message(&[&b""[..], &[n]]));
    }
    let mut replies: Vec<u8> = Vec::new();
    for worker in &mut workers {
        let request = worker.message();
        worker.send(&message(&request));
        replies.extend(client.message().pop().unwrap());
    }
    replies.sort_unstable();
    assert_eq!(replies, [0, 1, 2, 3, 4, 5, 6, 7]);
    // Three shares were reserved, and workers took one of them. One connection may be about to be rejected.
    let open = std::fs::read_dir(format!("/proc/{}/fd", broker.0.id())).unwrap().count();
    assert!(open <= 256 - 24 + 8 + 1, "{open}");
    drop(greedy);
}
