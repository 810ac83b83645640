//! EnfoMQ, the message queue broker.

fn main() -> std::process::ExitCode {
    enfonet_programs::enfomq()
}
