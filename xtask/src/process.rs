//! Other programs: started, watched, and named in full when they fail.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How long the streams of a command that ended may stay silent before they are given up.
const STREAM_GRACE: Duration = Duration::from_secs(1);

/// `cargo`, the one that runs us if there is one.
///
/// `cargo run` describes the running package in variables. They are taken out, because a build
/// script that looks at one of them would otherwise run again with every change of caller.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// The command as a person would type it, for messages.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(quoted).collect();
    words.join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Runs a command whose output goes where ours goes; anything but success is an error.
pub fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", line(command));
    let status = command.stdin(Stdio::null()).status();
    require(
        command,
        status.with_context(|| format!("cannot start {}", line(command)))?,
    )
}

/// Runs a command and returns what it said on its standard output.
pub fn output(command: &mut Command) -> Result<String> {
    let answer = command.stdin(Stdio::null()).output();
    let answer = answer.with_context(|| format!("cannot start {}", line(command)))?;
    if !answer.status.success() {
        let said = String::from_utf8_lossy(&answer.stderr);
        bail!(
            "{} failed: {}\n{}",
            line(command),
            answer.status,
            said.trim_end()
        );
    }
    String::from_utf8(answer.stdout).with_context(|| format!("{} spoke no UTF-8", line(command)))
}

/// Runs a command, passes its output on line by line and shows each line to `see` as well.
///
/// Both streams are merged, so `see` needs not know which of them a runner prefers. The status is
/// returned and not judged: a failing test run still has counts to read.
pub fn watch(command: &mut Command, see: &mut dyn FnMut(&str)) -> Result<ExitStatus> {
    let shown = line(command);
    println!("$ {shown}");
    let mut command = interrupted_after_us(command);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {shown}"))?;
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        forward(stdout, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        forward(stderr, sender);
    }
    let mut status = None;
    loop {
        match receiver.recv_timeout(STREAM_GRACE) {
            Ok(text) => {
                println!("{text}");
                see(&text);
            }
            // Something that the command left running may hold its streams for ever.
            Err(RecvTimeoutError::Timeout) if status.is_some() => break,
            Err(RecvTimeoutError::Timeout) => {
                status = child
                    .try_wait()
                    .with_context(|| format!("cannot wait for {shown}"))?;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    status
        .map_or_else(|| child.wait(), Ok)
        .with_context(|| format!("cannot wait for {shown}"))
}

/// The same command, interrupted (as by Ctrl-C) when we are gone before it ends.
///
/// Test runners end the programs of their tests when they are interrupted. Linux alone can do
/// this, with `setpriv`; elsewhere the command is as it was.
fn interrupted_after_us(command: &Command) -> Command {
    let mut same = match find("setpriv") {
        Some(setpriv) => {
            let mut same = Command::new(setpriv);
            same.args(["--pdeathsig=INT", "--"])
                .arg(command.get_program());
            same
        }
        None => Command::new(command.get_program()),
    };
    same.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => same.env(name, value),
            None => same.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        same.current_dir(folder);
    }
    same
}

/// Sends every line of a stream; ends with the stream.
fn forward(stream: impl Read + Send + 'static, sender: mpsc::Sender<String>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while reader
            .read_until(b'\n', &mut bytes)
            .is_ok_and(|count| count > 0)
        {
            let text = String::from_utf8_lossy(&bytes);
            if sender
                .send(text.trim_end_matches(['\r', '\n']).to_owned())
                .is_err()
            {
                return;
            }
            bytes.clear();
        }
    });
}

/// Turns a status that is not success into an error that names the command.
pub fn require(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{} failed: {status}", line(command));
    }
    Ok(())
}

/// The first program of that name on the search path.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let mut command = Command::new("echo");
        command.args(["plain-word", "two words", "it's", ""]);
        assert_eq!(line(&command), r"echo plain-word 'two words' 'it'\''s' ''");
    }

    #[test]
    fn watching_shows_every_line_of_both_streams() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; printf three; exit 3"]);
        let mut seen = Vec::new();
        let status = watch(&mut command, &mut |text| seen.push(text.to_owned())).unwrap();
        seen.sort();
        assert_eq!(seen, ["one", "three", "two"]);
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn what_a_command_leaves_running_is_not_waited_for() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo left; sleep 20 & exit 0"]);
        let started = std::time::Instant::now();
        let mut seen = Vec::new();
        let status = watch(&mut command, &mut |text| seen.push(text.to_owned())).unwrap();
        assert!(status.success());
        assert_eq!(seen, ["left"]);
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_failure_names_the_command_and_repeats_its_words() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo broken >&2; exit 1"]);
        let error = output(&mut command).unwrap_err().to_string();
        assert!(
            error.contains("sh -c") && error.contains("broken"),
            "{error}"
        );
    }
}
