//! A private PostgreSQL cluster: made for one run, gone after it, however the run ends.
//!
//! The server must not outlive us, not even when we are killed and no code of ours can run. So it
//! is kept by a *guard*: this same program, started again as `xtask postgres-guard`, in a process
//! group of its own (the terminal's Ctrl-C does not reach it) and with a pipe from us as its
//! standard input. The guard makes the cluster, tells its URL, and reads the pipe until it ends,
//! which the system sees to when we are gone; then it stops the server and removes the folder.
//! Should the guard itself be killed, Linux stops the server for us (parent death signal).
//!
//! No cluster of the system is ever used, started or touched.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{install, process};

/// How long a cluster may take to accept its first connection.
const START_MAX: Duration = Duration::from_secs(60);
/// How often another port is tried when somebody takes ours between finding and using it.
const PORT_TRIES_MAX: u32 = 5;
/// The superuser of the cluster; it needs no password, and only this machine can reach it.
const USER: &str = "altyn";

/// What may be chosen about a cluster.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Settings {
    /// Folder in which the cluster's own temporary folder is made (default: the system's)
    #[arg(long, value_name = "FOLDER")]
    pub parent: Option<PathBuf>,
    /// A server parameter, for example `shared_buffers=1GB`; may be given many times
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
}

/// A running cluster. It ends when this value is dropped.
pub struct Cluster {
    url: String,
    guard: Child,
    // Closing this pipe tells the guard to end; it is taken out when that happens.
    leash: Option<ChildStdin>,
}

impl Cluster {
    /// Makes and starts a cluster, with PostgreSQL installed first if that is possible.
    pub fn start(settings: &Settings) -> Result<Self> {
        let binaries = find_binaries()?;
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut command = Command::new(program);
        command
            .arg("postgres-guard")
            .arg("--binaries")
            .arg(binaries);
        if let Some(parent) = &settings.parent {
            command.arg("--parent").arg(parent);
        }
        for parameter in &settings.parameters {
            command.arg("--parameter").arg(parameter);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        let mut guard = command
            .spawn()
            .context("cannot start the guard of the cluster")?;
        let leash = guard.stdin.take();
        let mut url = String::new();
        if let Some(stdout) = guard.stdout.take() {
            // The guard's only line, or nothing if it failed; its standard error says why.
            BufReader::new(stdout).read_line(&mut url)?;
        }
        if url.is_empty() {
            drop(leash);
            guard.wait()?;
            bail!("PostgreSQL did not start");
        }
        Ok(Self {
            url: url.trim().to_owned(),
            guard,
            leash,
        })
    }

    /// The address of the cluster's first database, for its superuser.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn end(&mut self) -> Result<()> {
        if self.leash.take().is_some() && !self.guard.wait()?.success() {
            bail!("the private PostgreSQL cluster did not stop cleanly");
        }
        Ok(())
    }

    /// Stops the server and removes its files, and says if that failed.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("{error:#}");
        }
    }
}

/// The folder with `initdb`, `postgres` and `pg_ctl`: Debian's newest, else the search path's.
/// The folder with PostgreSQL's programs, installed first if that is possible.
pub fn find_binaries() -> Result<PathBuf> {
    // Debian makes and starts a cluster when the package is installed, unless told otherwise
    // before. Nothing but our own cluster shall run because of us.
    let instead = Path::new("/etc/postgresql-common/createcluster.conf");
    let find = || newest_binaries(Path::new("/usr/lib/postgresql")).or_else(binaries_on_path);
    if find().is_none() && install::is_root()? && !instead.exists() {
        if let Some(folder) = instead.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(instead, "create_main_cluster = false\n")?;
    }
    install::find_or_install("PostgreSQL", &["postgresql"], find)
}

fn newest_binaries(versions: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(versions).ok()?.filter_map(Result::ok);
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut folders: Vec<(u32, PathBuf)> = numbers
        .map(|number| (number, versions.join(number.to_string()).join("bin")))
        .filter(|(_, folder)| is_complete(folder))
        .collect();
    folders.sort();
    folders.pop().map(|(_, folder)| folder)
}

fn binaries_on_path() -> Option<PathBuf> {
    let initdb = process::find("initdb")?;
    let folder = fs::canonicalize(initdb).ok()?.parent()?.to_owned();
    is_complete(&folder).then_some(folder)
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres", "pg_ctl", "pg_isready"]
        .iter()
        .all(|name| folder.join(name).is_file())
}

/// What the hidden sub-command `postgres-guard` is told.
#[derive(Debug, clap::Args)]
pub struct GuardArguments {
    /// Folder of PostgreSQL's programs
    #[arg(long)]
    binaries: PathBuf,
    #[command(flatten)]
    settings: Settings,
}

/// Keeps a cluster until standard input ends.
pub fn guard(arguments: &GuardArguments) -> Result<()> {
    let mut folder = tempfile::Builder::new();
    folder.prefix("altyn-postgres-");
    let folder = match &arguments.settings.parent {
        Some(parent) => folder.tempdir_in(parent)?,
        None => folder.tempdir()?,
    };
    let home = Home::new(&arguments.binaries, folder.path())?;
    home.initialise()?;
    let (mut server, port) = home.start(&arguments.settings.parameters)?;
    println!("postgres://{USER}@{}:{port}/postgres", Ipv4Addr::LOCALHOST);
    // Ends when our caller closes the pipe or is gone, whichever way it went.
    let read = std::io::stdin().read_to_end(&mut Vec::new());
    home.stop(&mut server)?;
    folder
        .close()
        .context("cannot remove the cluster's folder")?;
    read.map(drop).context("the pipe from the caller broke")
}

/// The user that the server runs as, when it cannot be the present one.
struct Owner {
    uid: u32,
    gid: u32,
}

/// One cluster's folder and the programs and user that work on it.
struct Home<'a> {
    binaries: &'a Path,
    folder: &'a Path,
    owner: Option<Owner>,
}

impl<'a> Home<'a> {
    fn new(binaries: &'a Path, folder: &'a Path) -> Result<Self> {
        // PostgreSQL refuses to run as root.
        let owner = if install::is_root()? {
            Some(unprivileged_user()?)
        } else {
            None
        };
        if let Some(Owner { uid, gid }) = owner {
            chown(folder, Some(uid), Some(gid)).context("cannot give the folder away")?;
        }
        Ok(Self {
            binaries,
            folder,
            owner,
        })
    }

    /// One of PostgreSQL's programs, run as the right user and ended if we are killed.
    fn command(&self, program: &str) -> Command {
        let program = self.binaries.join(program);
        let mut command = match (&self.owner, process::find("setpriv")) {
            (Some(Owner { uid, gid }), Some(setpriv)) => {
                let mut command = Command::new(setpriv);
                command
                    .arg(format!("--reuid={uid}"))
                    .arg(format!("--regid={gid}"));
                command
                    .args(["--clear-groups", "--pdeathsig=INT", "--"])
                    .arg(program);
                command
            }
            (None, Some(setpriv)) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig=INT", "--"]).arg(program);
                command
            }
            (Some(Owner { uid, gid }), None) => {
                let mut command = Command::new(program);
                command.uid(*uid).gid(*gid);
                command
            }
            (None, None) => Command::new(program),
        };
        command
            .current_dir(self.folder)
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn initialise(&self) -> Result<()> {
        let mut command = self.command("initdb");
        command
            .arg("--pgdata")
            .arg(self.data())
            .args(["--username", USER, "--auth=trust"]);
        // Not synced: an unfinished cluster is thrown away. The server itself does sync.
        command.args(["--encoding=UTF8", "--locale=C", "--no-sync"]);
        process::output(&mut command).map(drop)
    }

    /// Starts the server on a free port and waits until it answers.
    fn start(&self, parameters: &[String]) -> Result<(Child, u16)> {
        for _ in 0..PORT_TRIES_MAX {
            let port = free_port()?;
            let mut server = self.spawn(port, parameters)?;
            if self.wait(&mut server, port)? {
                return Ok((server, port));
            }
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            if !log.contains("Address already in use") {
                bail!("PostgreSQL ended while starting:\n{}", log.trim_end());
            }
        }
        bail!("no free port for PostgreSQL after {PORT_TRIES_MAX} tries")
    }

    fn spawn(&self, port: u16, parameters: &[String]) -> Result<Child> {
        let log = fs::File::create(self.log()).context("cannot make the server's log")?;
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data());
        let sockets = format!("unix_socket_directories={}", self.folder.display());
        let port = format!("port={port}");
        let listen = format!("listen_addresses={}", Ipv4Addr::LOCALHOST);
        let fixed = [
            &*sockets,
            &*port,
            &*listen,
            "fsync=on",
            "max_connections=200",
        ];
        for parameter in fixed
            .into_iter()
            .chain(parameters.iter().map(String::as_str))
        {
            command.args(["-c", parameter]);
        }
        command.stdout(log.try_clone()?).stderr(log);
        command
            .spawn()
            .with_context(|| format!("cannot start {}", process::line(&command)))
    }

    /// True once the server answers, false if it ended.
    fn wait(&self, server: &mut Child, port: u16) -> Result<bool> {
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline {
            if server.try_wait()?.is_some() {
                return Ok(false);
            }
            let mut question = self.command("pg_isready");
            question.args(["--quiet", "--timeout=5", "--host=127.0.0.1"]);
            question.arg(format!("--port={port}"));
            if question
                .status()
                .context("cannot run pg_isready")?
                .success()
            {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.stop(server)?;
        bail!("PostgreSQL did not answer within {} s", START_MAX.as_secs())
    }

    /// Stops at once: what the server still holds in memory is thrown away with its files.
    fn stop(&self, server: &mut Child) -> Result<()> {
        let mut command = self.command("pg_ctl");
        command
            .arg("stop")
            .arg("--pgdata")
            .arg(self.data())
            .args(["--mode=immediate", "--wait"]);
        if let Err(error) = process::output(&mut command) {
            eprintln!("{error:#}");
            server.kill()?;
        }
        server.wait().context("cannot wait for PostgreSQL")?;
        Ok(())
    }
}

fn unprivileged_user() -> Result<Owner> {
    for name in ["postgres", "nobody"] {
        let id = |flag: &str| process::output(Command::new("id").args([flag, name]));
        if let (Ok(uid), Ok(gid)) = (id("-u"), id("-g")) {
            return Ok(Owner {
                uid: uid.trim().parse()?,
                gid: gid.trim().parse()?,
            });
        }
    }
    bail!("PostgreSQL refuses to run as root and there is neither a user postgres nor nobody")
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_complete_version_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        for (version, programs) in [
            ("9", &["initdb", "postgres", "pg_ctl", "pg_isready"][..]),
            ("15", &["initdb", "postgres", "pg_ctl", "pg_isready"][..]),
            ("16", &["pg_isready"][..]),
            ("notes", &[][..]),
        ] {
            let binaries = folder.path().join(version).join("bin");
            fs::create_dir_all(&binaries).unwrap();
            for program in programs {
                fs::write(binaries.join(program), "").unwrap();
            }
        }
        let found = newest_binaries(folder.path());
        assert_eq!(found, Some(folder.path().join("15").join("bin")));
    }

    #[test]
    fn a_folder_without_versions_holds_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(newest_binaries(folder.path()), None);
        assert_eq!(newest_binaries(&folder.path().join("absent")), None);
    }
}
