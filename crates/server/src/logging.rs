//! Logs: text or JSON to standard error, behind one redaction layer that no line passes around.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::configuration::{LogFormat, LogSection};

/// Starts logging. A second call is without effect.
pub fn start(section: &LogSection) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&section.level)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Redacted);
    let _ = match section.format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}

/// Makes writers that hide card numbers.
#[derive(Debug, Clone, Copy)]
struct Redacted;

impl<'a> MakeWriter<'a> for Redacted {
    type Writer = RedactingWriter;

    fn make_writer(&'a self) -> RedactingWriter {
        RedactingWriter {
            line: Vec::with_capacity(256),
        }
    }
}

/// Collects one event and writes it when it is complete, so that no number is split between two writes.
struct RedactingWriter {
    line: Vec<u8>,
}

impl Write for RedactingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let line = redact(&std::mem::take(&mut self.line));
        io::stderr().lock().write_all(&line)
    }
}

impl Drop for RedactingWriter {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            // There is nowhere to tell that a log line could not be written.
            let _ = self.flush();
        }
    }
}

const DIGITS_MIN: usize = 13;
const DIGITS_MAX: usize = 19;

/// Replaces all but the last four digits of everything that could be a card number: 13 to 19 digits that
/// pass the Luhn check, alone or grouped by single spaces or hyphens.
pub fn redact(line: &[u8]) -> Vec<u8> {
    let mut out = line.to_vec();
    let mut at = 0;
    while at < out.len() {
        let before_is_word = at > 0 && out[at - 1].is_ascii_alphanumeric();
        if !out[at].is_ascii_digit() || before_is_word {
            at += 1;
            continue;
        }
        let places = digit_places(&out, at);
        let end = places.last().map_or(at, |last| last + 1);
        let after_is_word = out.get(end).is_some_and(u8::is_ascii_alphabetic);
        let fits = (DIGITS_MIN..=DIGITS_MAX).contains(&places.len()) && !after_is_word;
        if fits && luhn(places.iter().map(|place| out[*place] - b'0')) {
            for place in &places[..places.len() - 4] {
                out[*place] = b'*';
            }
        }
        at = end;
    }
    out
}

/// The places of a run of digits that begins at `start`, single spaces or hyphens between groups allowed.
fn digit_places(line: &[u8], start: usize) -> Vec<usize> {
    let mut places = Vec::new();
    let mut at = start;
    while at < line.len() {
        if line[at].is_ascii_digit() {
            places.push(at);
        } else {
            let groups = matches!(line[at], b' ' | b'-');
            if !groups || !line.get(at + 1).is_some_and(u8::is_ascii_digit) {
                break;
            }
        }
        at += 1;
    }
    places
}

fn luhn(digits: impl DoubleEndedIterator<Item = u8>) -> bool {
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(digit)) {
            (0, digit) => digit,
            (_, digit @ 0..=4) => digit * 2,
            (_, digit) => digit * 2 - 9,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_72_card_numbers_never_pass() {
        let table = [
            ("pan=4111111111111111 ok", "pan=************1111 ok"),
            ("4111 1111 1111 1111", "**** **** **** 1111"),
            ("\"4111-1111-1111-1111\"", "\"****-****-****-1111\""),
            ("378282246310005.", "***********0005."),
        ];
        for (line, expected) in table {
            assert_eq!(
                String::from_utf8(redact(line.as_bytes())).unwrap(),
                expected
            );
        }
    }

    #[test]
    fn other_numbers_pass() {
        let lines = [
            "4111111111111112",
            "duration_ms=1795000000123",
            "019b2c00-1111-7111-8111-111111111111",
            "411111**1111",
        ];
        for line in lines {
            assert_eq!(redact(line.as_bytes()), line.as_bytes(), "{line}");
        }
    }
}
