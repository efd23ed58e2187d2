//! Tests in other languages: `tests/clients/` (published clients of the interfaces that Altyn
//! speaks) and `tests/browser/` (the pages in a real Chromium).
//!
//! The contract with them: a test file stands directly in one of the two folders, `*.py` for
//! pytest, `*.mjs` for node's own runner (it imports `node:test`); helpers stand in folders of
//! their own, such as `tests/support/`. A test starts its own `altyn demo` on free ports from
//! `ALTYN_BIN` and `ALTYN_SIMULATOR_BIN`. In a browser test `ALTYN_CHROMIUM` is the browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::report::{Counts, Done};
use crate::repository::Repository;
use crate::stamp::{self, Stamp};
use crate::{counts, install, node, process};

/// No single test may take longer.
const TEST_MAX_S: u32 = 300;

/// The Python interpreter of the test environment, for tests.
pub const PYTHON_VARIABLE: &str = "ALTYN_TEST_PYTHON";

/// The test environments, made when a step first needs them.
pub struct Scripts<'a> {
    repository: &'a Repository,
}

/// The test files of one folder.
#[derive(Debug, Default, PartialEq, Eq)]
struct Files {
    python: Vec<PathBuf>,
    node: Vec<PathBuf>,
}

impl<'a> Scripts<'a> {
    /// Nothing is installed yet.
    pub fn new(repository: &'a Repository) -> Self {
        Self { repository }
    }

    /// Runs the test files of `tests/<part>` with the variables.
    pub fn run(&self, part: &str, variables: &[(&'static str, String)]) -> Result<Done> {
        let folder = self.repository.path("tests").join(part);
        if !folder.is_dir() {
            return Ok(Done::Skipped(format!("there is no tests/{part}")));
        }
        let files = Files::find(&folder)?;
        if files == Files::default() {
            bail!("tests/{part} holds no tests");
        }
        let mut variables = variables.to_vec();
        if part == "clients" || !files.python.is_empty() {
            variables.push((PYTHON_VARIABLE, self.python()?.display().to_string()));
        }
        variables.push(("ALTYN_TEST_NODE_DIR", self.node()?.display().to_string()));
        if part == "browser" {
            variables.push(("ALTYN_CHROMIUM", chromium()?.display().to_string()));
        }
        let mut all = Counts::default();
        if !files.python.is_empty() {
            all += self.run_python(part, &files.python, &variables)?;
        }
        if !files.node.is_empty() {
            all += self.run_node(part, &files.node, &variables)?;
        }
        Ok(Done::Counted(all))
    }

    /// The Python interpreter of the test environment, with `tests/requirements.txt` installed.
    pub fn python(&self) -> Result<PathBuf> {
        let requirements = self.repository.path("tests/requirements.txt");
        let home = self.repository.target.join("test-venv");
        let python = home.join("bin").join("python");
        let base = base_python()?;
        let version =
            process::output(Command::new(&base).args(["-c", "import sys; print(sys.version)"]))?;
        let stamp = Stamp {
            file: home.join(".altyn-stamp"),
            digest: stamp::digest(version + &fs::read_to_string(&requirements)?),
            lock: self.repository.scratch("python.lock"),
        };
        stamp.unless_done(|| {
            process::run(
                Command::new(&base)
                    .args(["-m", "venv", "--clear"])
                    .arg(&home),
            )?;
            let mut pip = Command::new(&python);
            pip.args([
                "-m",
                "pip",
                "--quiet",
                "--disable-pip-version-check",
                "install",
            ]);
            process::run(pip.arg("--requirement").arg(&requirements))
        })?;
        Ok(python)
    }

    /// The folder with the `node_modules` of the test environment.
    fn node(&self) -> Result<PathBuf> {
        let folder = self.repository.path("tests");
        node::install(self.repository, &folder)?;
        Ok(folder)
    }

    fn run_python(
        &self,
        part: &str,
        files: &[PathBuf],
        variables: &[(&'static str, String)],
    ) -> Result<Counts> {
        let report = self.report(part, "xml")?;
        let mut command = Command::new(self.python()?);
        command.args(["-B", "-m", "pytest", "-v", "-p", "no:cacheprovider"]);
        command.arg(format!("--timeout={TEST_MAX_S}"));
        command
            .arg(format!("--junit-xml={}", report.display()))
            .args(files);
        run_and_read(
            self.prepared(&mut command, variables),
            &report,
            counts::of_pytest_report,
        )
    }

    fn run_node(
        &self,
        part: &str,
        files: &[PathBuf],
        variables: &[(&'static str, String)],
    ) -> Result<Counts> {
        let report = self.report(part, "tap")?;
        let mut command = Command::new("node");
        command.args(["--test", "--test-concurrency=1"]);
        command.arg(format!("--test-timeout={}", u64::from(TEST_MAX_S) * 1000));
        command.args(["--test-reporter=spec", "--test-reporter-destination=stdout"]);
        command.arg("--test-reporter=tap");
        command
            .arg(format!("--test-reporter-destination={}", report.display()))
            .args(files);
        run_and_read(
            self.prepared(&mut command, variables),
            &report,
            counts::of_node_report,
        )
    }

    fn prepared<'c>(
        &self,
        command: &'c mut Command,
        variables: &[(&'static str, String)],
    ) -> &'c mut Command {
        command
            .current_dir(self.repository.path("tests"))
            .envs(variables.iter().cloned())
    }

    /// Where a runner shall write its report; an old one is taken away.
    fn report(&self, part: &str, extension: &str) -> Result<PathBuf> {
        let file = self.repository.scratch(&format!("{part}.{extension}"));
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        if file.exists() {
            fs::remove_file(&file)?;
        }
        Ok(file)
    }
}

fn run_and_read(
    command: &mut Command,
    report: &Path,
    read: impl Fn(&str) -> Option<Counts>,
) -> Result<Counts> {
    let status = process::watch(command, &mut |_| ())?;
    let text = fs::read_to_string(report);
    let text = text.with_context(|| format!("{} wrote no report", process::line(command)))?;
    let counts = read(&text).with_context(|| format!("{} has no counts", report.display()))?;
    if counts.failed == 0 {
        process::require(command, status)?;
    }
    if counts == Counts::default() {
        bail!("{} ran no tests", process::line(command));
    }
    Ok(counts)
}

impl Files {
    fn find(folder: &Path) -> Result<Self> {
        let mut files = Self::default();
        for entry in fs::read_dir(folder)? {
            let file = entry?.path();
            let name = file.file_name().unwrap_or_default();
            match file.extension().and_then(|extension| extension.to_str()) {
                Some("py") if name != "conftest.py" && name != "__init__.py" => {
                    files.python.push(file);
                }
                Some("mjs") => {
                    // Node's runner counts any file that ends well as a test that passed.
                    if !fs::read_to_string(&file)?.contains("node:test") {
                        bail!(
                            "{} imports no node:test; move a helper away",
                            file.display()
                        );
                    }
                    files.node.push(file);
                }
                _ => {}
            }
        }
        files.python.sort();
        files.node.sort();
        Ok(files)
    }
}

fn base_python() -> Result<PathBuf> {
    // Debian's python3 alone cannot make an environment: that part is a package of its own.
    let find = || {
        let python = process::find("python3")?;
        let mut question = Command::new(&python);
        question.args(["-c", "import venv, ensurepip"]);
        process::output(&mut question).is_ok().then_some(python)
    };
    install::find_or_install("Python 3 with venv", &["python3", "python3-venv"], find)
}

fn chromium() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        let named = PathBuf::from(named);
        if !named.is_file() {
            bail!("CHROMIUM names {}, which is no file", named.display());
        }
        return Ok(named);
    }
    let find = || {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        names.iter().find_map(|name| process::find(name))
    };
    install::find_or_install("Chromium", &["chromium"], find)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_files_are_told_from_helpers() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["b.py", "a.py", "conftest.py", "notes.md"] {
            fs::write(path(name), "").unwrap();
        }
        fs::write(path("pay.mjs"), "import test from 'node:test'").unwrap();
        fs::create_dir(path("support")).unwrap();

        let files = Files::find(folder.path()).unwrap();

        assert_eq!(files.python, [path("a.py"), path("b.py")]);
        assert_eq!(files.node, [path("pay.mjs")]);
        fs::write(path("helper.mjs"), "export const x = 1").unwrap();
        assert!(Files::find(folder.path()).is_err());
    }
}
