//! A tracer that counts the system calls of a program.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;

use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

/// Number of calls of each system call, and of page faults if the program ends by itself.
pub(super) type Calls = BTreeMap<&'static str, usize>;

/// A program with one thread under a tracer.
#[derive(Debug)]
pub(super) struct Traced {
    pid: Pid,
    tracer: JoinHandle<Calls>,
}

impl Traced {
    /// Starts a program, and returns once its calls are counted. The tracer must stay on one thread from then on.
    pub(super) fn start(mut program: Command) -> Self {
        let (ready, pid) = mpsc::channel();
        let tracer = std::thread::spawn(move || {
            let child = program.stdout(Stdio::null()).spawn().unwrap();
            let pid = Pid::from_raw(child.id().try_into().unwrap());
            ptrace::seize(pid, Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_EXITKILL).unwrap();
            ptrace::interrupt(pid).unwrap();
            ready.send(pid).unwrap();
            count(child, pid)
        });
        Self { pid: pid.recv().unwrap(), tracer }
    }

    /// Waits until the program ends by itself, and returns its calls.
    pub(super) fn finish(self) -> Calls {
        self.tracer.join().unwrap()
    }

    /// Kills the program, and returns its calls.
    pub(super) fn kill(self) -> Calls {
        nix::sys::signal::kill(self.pid, Signal::SIGKILL).unwrap();
        self.finish()
    }
}

fn count(mut child: Child, pid: Pid) -> Calls {
    let (mut calls, mut is_inside) = (Calls::new(), false);
    loop {
        let forward = match waitpid(pid, None).unwrap() {
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => break,
            WaitStatus::PtraceSyscall(_) => {
                is_inside = !is_inside;
                if is_inside && let Ok(registers) = ptrace::getregs(pid) {
                    *calls.entry(name(registers.orig_rax)).or_default() += 1;
                    if i64::try_from(registers.orig_rax) == Ok(libc::SYS_exit_group) {
                        calls.insert("fault", page_faults(pid));
                    }
                }
                None
            }
            // The program's own signals are passed on.
            WaitStatus::Stopped(_, signal) => Some(signal),
            _ => None,
        };
        if ptrace::syscall(pid, forward).is_err() {
            // The program was killed meanwhile: only its end is left to wait for.
            continue;
        }
    }
    // The program has ended already; this reaps the process.
    let _ = child.wait();
    calls
}

/// Returns the number of page faults of a program that is about to end.
fn page_faults(pid: Pid) -> usize {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name before may have spaces, and ends with the last parenthesis; then `minflt` is the 8th field.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().nth(7).unwrap().parse().unwrap()
}

/// Returns the group of a system call: the calls of a message, and `other`.
fn name(number: u64) -> &'static str {
    match i64::try_from(number) {
        Ok(libc::SYS_writev | libc::SYS_write | libc::SYS_sendto | libc::SYS_sendmsg) => "write",
        Ok(libc::SYS_readv | libc::SYS_read | libc::SYS_recvfrom | libc::SYS_recvmsg) => "read",
        Ok(libc::SYS_epoll_wait | libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2 | libc::SYS_poll) => "wait",
        Ok(libc::SYS_futex) => "futex",
        Ok(libc::SYS_brk | libc::SYS_mmap | libc::SYS_munmap | libc::SYS_madvise) => "memory",
        _ => "other",
    }
}
