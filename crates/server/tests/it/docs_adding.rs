//! The recipes of `docs/ADDING.md`, taken out of the page, compiled and run.

use std::path::Path;
use std::process::Command;

use crate::docs;

const PAGE: &str = "docs/ADDING.md";

/// Writes every file of the page into `project`.
fn unpack(project: &Path) -> usize {
    let root = docs::root().display().to_string();
    let mut files = 0;
    for block in docs::blocks(PAGE) {
        let Some((_, name)) = block.info.split_once(",file=") else {
            continue;
        };
        let file = project.join(name);
        std::fs::create_dir_all(file.parent().expect("it has one")).expect("a folder");
        // The page's project stands beside the repository; this one stands anywhere.
        let text = block.text.replace("\"../altyn/", &format!("\"{root}/"));
        std::fs::write(&file, text).expect("it is written");
        files += 1;
    }
    files
}

#[test]
fn docs_adding_recipes_compile_and_answer() {
    let project = tempfile::tempdir().expect("a place");
    assert_eq!(unpack(project.path()), 8, "files on the page");
    // The versions that the repository uses, so that nothing has to be downloaded.
    let lock = docs::root().join("Cargo.lock");
    std::fs::copy(lock, project.path().join("Cargo.lock")).expect("it is copied");
    // What the repository has compiled already is used as it is.
    let binary = Path::new(env!("CARGO_BIN_EXE_altyn"));
    let target = binary.ancestors().nth(2).expect("target/debug/altyn");
    let output = Command::new(env!("CARGO"))
        .args(["test", "--offline", "--quiet", "--tests"])
        .current_dir(project.path())
        .env("CARGO_TARGET_DIR", target)
        .output()
        .expect("cargo runs");
    let (said, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}\n{errors}");
    assert!(said.contains("1 passed"), "{said}");
    assert!(!errors.contains("warning"), "{errors}");
}
