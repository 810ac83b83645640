//! EnfoSLB, the service load balancer.

fn main() -> std::process::ExitCode {
    enfonet_programs::enfoslb()
}
