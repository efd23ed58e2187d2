//! Work that is done again only when what it is made from has changed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// The digest of some text or bytes, in hexadecimal.
pub fn digest(content: impl AsRef<[u8]>) -> String {
    Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The digest of files, their names included.
pub fn digest_of_files<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> Result<String> {
    let mut all = String::new();
    for file in files {
        let content = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        all.push_str(&format!("{} {}\n", digest(content), file.display()));
    }
    Ok(digest(all))
}

/// Something made from inputs, marked with their digest when it is complete.
pub struct Stamp {
    /// Where the mark is kept; best inside of what is made, so that both vanish together.
    pub file: PathBuf,
    /// The digest of what it is made from.
    pub digest: String,
    /// Held while the work is done, so that two runs beside each other do it once.
    pub lock: PathBuf,
}

impl Stamp {
    /// Takes the mark away, so that the work is done again.
    pub fn forget(&self) -> Result<()> {
        if self.file.exists() {
            fs::remove_file(&self.file)?;
        }
        Ok(())
    }

    /// Does the work unless the mark says that it was done for the same inputs.
    pub fn unless_done(&self, work: impl FnOnce() -> Result<()>) -> Result<()> {
        make_parent(&self.lock)?;
        let lock = fs::File::create(&self.lock)?;
        lock.lock()
            .with_context(|| format!("cannot lock {}", self.lock.display()))?;
        if fs::read_to_string(&self.file).is_ok_and(|mark| mark == self.digest) {
            return Ok(());
        }
        // A failure half-way must not leave the mark of the time before.
        self.forget()?;
        work()?;
        make_parent(&self.file)?;
        fs::write(&self.file, &self.digest)
            .with_context(|| format!("cannot write {}", self.file.display()))
    }
}

fn make_parent(file: &Path) -> Result<()> {
    let Some(folder) = file.parent() else {
        return Ok(());
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_once_for_the_same_inputs() {
        let folder = tempfile::tempdir().unwrap();
        let stamp = |digest: &str| Stamp {
            file: folder.path().join("made").join("mark"),
            digest: digest.to_owned(),
            lock: folder.path().join("lock"),
        };
        let mut times = 0;
        for digest in ["one", "one", "two", "two", "one"] {
            stamp(digest)
                .unless_done(|| {
                    times += 1;
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(times, 3);
    }

    #[test]
    fn failed_work_is_done_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mark");
        let stamp = Stamp {
            file,
            digest: "one".to_owned(),
            lock: folder.path().join("lock"),
        };
        assert!(stamp.unless_done(|| anyhow::bail!("broken")).is_err());
        let mut done = false;
        stamp
            .unless_done(|| {
                done = true;
                Ok(())
            })
            .unwrap();
        assert!(done);
    }

    #[test]
    fn a_renamed_file_is_another_input() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        fs::write(&one, "same").unwrap();
        fs::write(&two, "same").unwrap();
        assert_ne!(
            digest_of_files([&one]).unwrap(),
            digest_of_files([&two]).unwrap()
        );
    }
}
