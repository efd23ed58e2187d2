//! The documentation as tests see it: pages, and the code blocks in them.
//!
//! The first word of a block says what becomes of it. `sh,run` and `python,run` are executed, in order,
//! one shell per page; a `json,answer` or `text,answer` after one is what it prints, with `…` for
//! anything. `toml,config` is read by the program. `rust,file=…` and `toml,file=…` are files of the
//! recipes. `sh,command` is checked word by word. `text` is a picture.

use std::path::{Path, PathBuf};

/// A fenced code block.
#[derive(Debug, Clone)]
pub struct Block {
    /// The page, from the root of the repository.
    pub page: String,
    /// The line of its opening fence.
    pub line: usize,
    /// What stands behind the opening fence.
    pub info: String,
    /// What is in it.
    pub text: String,
}

impl Block {
    /// Where a person finds it.
    pub fn place(&self) -> String {
        format!("{}:{}", self.page, self.line)
    }
}

/// The root of the repository.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest
        .join("../..")
        .canonicalize()
        .expect("the repository is there")
}

/// The text of a page.
pub fn read(page: &str) -> String {
    std::fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// Every page of the documentation, decisions included.
pub fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned()];
    for folder in ["docs", "docs/decisions"] {
        for entry in std::fs::read_dir(root().join(folder)).expect("the folder is there") {
            let name = entry.expect("it can be read").file_name();
            let name = name.to_str().expect("a plain name").to_owned();
            if name.ends_with(".md") {
                pages.push(format!("{folder}/{name}"));
            }
        }
    }
    pages.sort();
    pages
}

/// The code blocks of a page.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (index, line) in read(page).lines().enumerate() {
        match line.strip_prefix("```") {
            Some(info) if !open => {
                open = true;
                blocks.push(Block {
                    page: page.to_owned(),
                    line: index + 1,
                    info: info.to_owned(),
                    text: String::new(),
                });
            }
            Some(rest) => {
                assert!(rest.is_empty(), "{page}:{}: a fence in a fence", index + 1);
                open = false;
            }
            None if open => {
                let block = blocks.last_mut().expect("one is open");
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => {}
        }
    }
    assert!(!open, "{page}: a block is not closed");
    blocks
}

/// The cells of every table row of a page whose first cell is code: `| `a` | b |` is `["a", "b"]`.
pub fn rows(page: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Option<Vec<String>> {
        let inner = line.strip_prefix('|')?.strip_suffix('|')?;
        Some(
            inner
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect(),
        )
    };
    read(page).lines().filter_map(cells).collect()
}

/// A cell without the marks of code.
pub fn plain(cell: &str) -> &str {
    cell.trim_matches('`')
}
