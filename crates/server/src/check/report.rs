//! What is printed: a line per case, or one JSON object.

use serde_json::{Value, json};

use super::{Seen, Stop};

const NAME_WIDTH: usize = 20;

/// The lines so far.
pub struct Report {
    url: String,
    as_json: bool,
    lines: Vec<Value>,
    ok: u32,
    warnings: u32,
    failed: u32,
    skipped: u32,
}

impl Report {
    pub fn new(url: String, as_json: bool) -> Self {
        Self {
            url,
            as_json,
            lines: Vec::new(),
            ok: 0,
            warnings: 0,
            failed: 0,
            skipped: 0,
        }
    }

    pub fn has_failed(&self) -> bool {
        self.failed > 0
    }

    /// Adds a case; a table's line is printed at once.
    pub fn add(&mut self, name: &str, seen: Seen, warnings: Vec<String>) {
        let (result, seen) = match seen {
            Ok(seen) if warnings.is_empty() => (&mut self.ok, ("ok", seen)),
            Ok(_) => (&mut self.warnings, ("warn", warnings.join("; "))),
            Err(Stop::Fail(what)) => (&mut self.failed, ("FAIL", what)),
            Err(Stop::Skip(why)) => (&mut self.skipped, ("skip", why)),
        };
        *result += 1;
        let (word, seen) = seen;
        // Words of the connector are shown on one line and move no cursor.
        let seen: String = seen
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        if !self.as_json {
            println!("{name:NAME_WIDTH$} {word:4}  {seen}");
        }
        self.lines
            .push(json!({ "case": name, "result": word.to_lowercase(), "seen": seen }));
    }

    /// Prints what remains to be printed.
    pub fn end(&self) {
        let (ok, warnings, failed, skipped) = (self.ok, self.warnings, self.failed, self.skipped);
        if self.as_json {
            let whole = json!({
                "url": self.url, "cases": self.lines,
                "ok": ok, "warnings": warnings, "failed": failed, "skipped": skipped,
            });
            println!("{whole}");
        } else {
            println!("{ok} ok, {warnings} warnings, {failed} failed, {skipped} skipped");
        }
    }
}
