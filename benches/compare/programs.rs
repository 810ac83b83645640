//! Programs of the comparison, and the folders that they are in.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;
use enfonet_measure::Outcome;
use enfonet_measure::keys::SERVER_SECRET;
use tempfile::NamedTempFile;

use crate::endpoint::{tcp, wait_listening};
use crate::process::Process;

/// An implementation to compare. The first variant is the baseline of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Implementation {
    Libzmq,
    Enfonet,
    Monocoque,
    Omq,
    Rzmq,
    Zmqrs,
}

impl Implementation {
    /// Returns all implementations, in the order of the table's columns.
    pub(crate) fn all() -> Vec<Self> {
        Self::value_variants().to_vec()
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Libzmq => "libzmq",
            Self::Enfonet => "EnfoNet",
            Self::Monocoque => "monocoque",
            Self::Omq => "omq",
            Self::Rzmq => "rzmq",
            Self::Zmqrs => "zeromq",
        }
    }

    const fn load(self) -> &'static str {
        match self {
            Self::Libzmq => "peer-libzmq",
            Self::Enfonet => "enfonet-load",
            Self::Monocoque => "peer-monocoque",
            Self::Omq => "peer-omq",
            Self::Rzmq => "peer-rzmq",
            Self::Zmqrs => "peer-zmqrs",
        }
    }
}

/// Kind of a broker.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// XSUB and XPUB.
    Mq,
    /// XSUB and XPUB, with CURVE on both sides.
    CurveMq,
    /// ROUTER and DEALER.
    Slb,
}

/// A running broker and its endpoints.
#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) process: Process,
    pub(crate) front: String,
    pub(crate) back: String,
}

/// Folders that hold the programs.
#[derive(Debug)]
pub(crate) struct Programs {
    folders: Vec<PathBuf>,
    verbose: bool,
}

impl Programs {
    /// Looks for programs in `folders`; if there are none, beside this program and where `run` builds the others.
    pub(crate) fn new(mut folders: Vec<PathBuf>, verbose: bool) -> Outcome<Self> {
        if folders.is_empty() {
            let here = std::env::current_exe()?;
            let here = here.parent().ok_or("this program has no folder")?;
            folders = vec![here.to_path_buf(), here.join("../peers/release")];
        }
        Ok(Self { folders, verbose })
    }

    /// Returns whether the implementation's load program is there.
    pub(crate) fn has(&self, implementation: Implementation) -> bool {
        self.find(implementation.load()).is_ok()
    }

    fn find(&self, name: &str) -> Outcome<PathBuf> {
        let paths = self.folders.iter().map(|folder| folder.join(name));
        let found = paths.into_iter().find(|path| Path::is_file(path));
        found.ok_or_else(|| format!("no {name} in {:?}", self.folders).into())
    }

    fn start(&self, name: &str, arguments: &[&str]) -> Outcome<Process> {
        let mut command = Command::new(self.find(name)?);
        command.args(arguments);
        if !self.verbose {
            command.stderr(Stdio::null());
        }
        Process::start(command)
    }

    /// Starts a role of an implementation's load program, with its arguments in one text.
    pub(crate) fn load(&self, implementation: Implementation, role: &str) -> Outcome<Process> {
        self.start(implementation.load(), &words(role))
    }

    /// Starts a role of the raw load program.
    pub(crate) fn raw(&self, role: &str) -> Outcome<Process> {
        self.start("raw-load", &words(role))
    }

    /// Starts a broker, and waits until it listens.
    pub(crate) fn broker(&self, implementation: Implementation, kind: Kind) -> Outcome<Broker> {
        let [front, back] = tcp()?;
        // The file is read before the broker listens, so it may be deleted afterwards.
        let mut secret = NamedTempFile::new()?;
        writeln!(secret, "{SERVER_SECRET}")?;
        let process = match (implementation, kind) {
            (Implementation::Enfonet, Kind::CurveMq) => {
                let secret = secret.path().to_str().ok_or("a path that isn't text")?;
                self.start("enfomq", &["--frontend", &front, "--backend", &back, "--curve-secret", secret])?
            }
            (Implementation::Enfonet, kind) => {
                let name = if matches!(kind, Kind::Mq) { "enfomq" } else { "enfoslb" };
                self.start(name, &["--frontend", &front, "--backend", &back])?
            }
            (other, Kind::CurveMq) => self.start(other.load(), &["--curve", "mqproxy", &front, &back])?,
            (other, Kind::Mq) => self.start(other.load(), &["mqproxy", &front, &back])?,
            (other, Kind::Slb) => self.start(other.load(), &["slbproxy", &front, &back])?,
        };
        wait_listening(&front)?;
        wait_listening(&back)?;
        Ok(Broker { process, front, back })
    }
}

fn words(role: &str) -> Vec<&str> {
    role.split_whitespace().collect()
}
