//! The lines of a message: what they say and in which order they stand.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write as _;

use zeroize::Zeroizing;

use super::order;
use super::signature::Source;
use super::signed_json::{Json, Text};

/// Never signed, wherever it stands.
const FRAME_MODE: &str = "frame_mode";

/// The name of what is being made.
const SIGNATURE: &str = "signature";

/// Room for an index of an array, in bytes.
const INDEX_ROOM: usize = 6;

/// Room for a number that had an exponent, in bytes.
const NUMBER_ROOM: usize = 32;

/// Departures from the documented way to write names and values; none of them is the documented way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules(u8);

impl Rules {
    /// Null is empty, `2.0` is `2`, `:` in a name is `::`, a `signature` is left out wherever it stands.
    pub const DOCUMENTED: Self = Self(0);
    /// Null is `None`.
    pub const NULL_AS_NONE: Self = Self(1);
    /// `2.0` stays `2.0`.
    pub const FRACTIONS_KEPT: Self = Self(1 << 1);
    /// `:` in a name stays alone.
    pub const COLONS_ALONE: Self = Self(1 << 2);
    /// A `signature` in an array is a member like others.
    pub const ARRAY_SIGNATURES_KEPT: Self = Self(1 << 3);
    /// Names at the root that begin with `_` are left out.
    pub const UNDERSCORED_DROPPED: Self = Self(1 << 4);
    /// The texts `true` and `True` at the root are `1`, `false` and `False` are `0`.
    pub const TRUTH_AS_DIGIT: Self = Self(1 << 5);

    /// These and others.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Those of these that are among others.
    pub(super) const fn among(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    const fn has(self, one: Self) -> bool {
        self.0 & one.0 != 0
    }
}

/// How lines are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By path, digits as numbers. Documented.
    Natural,
    /// By path, character by character.
    Plain,
    /// By path and value together, by UTF-16 code units.
    WholeLines,
    /// Level by level: names by UTF-16 code units, items of arrays by number.
    PerLevel,
}

/// What there is to know of a message before its lines are written.
pub(super) struct Survey {
    /// The rules that make a difference to this message.
    pub(super) rules: Rules,
    bytes: usize,
    lines: usize,
}

impl Survey {
    pub(super) fn of(root: &Json<'_>, source: Source) -> Self {
        let mut survey = Self {
            rules: Rules::DOCUMENTED,
            bytes: 0,
            lines: 0,
        };
        survey.look(root, 0, Place::ROOT);
        if source == Source::Gate {
            let page_only = Rules::UNDERSCORED_DROPPED.and(Rules::TRUTH_AS_DIGIT);
            survey.rules = Rules(survey.rules.0 & !page_only.0);
        }
        survey
    }

    fn look(&mut self, json: &Json<'_>, path: usize, place: Place) {
        let value = match json {
            Json::Array(items) => {
                for item in items {
                    self.look(item, path + 1 + INDEX_ROOM, place.item());
                }
                return;
            }
            Json::Object(members) => {
                for (name, value) in members {
                    self.look_at_member(name, value, path, place);
                }
                return;
            }
            Json::Null => {
                self.note(Rules::NULL_AS_NONE);
                "None".len()
            }
            Json::Bool(_) => 1,
            Json::Number(text, _) => {
                if shortened(text) != *text {
                    self.note(Rules::FRACTIONS_KEPT);
                }
                text.len().max(NUMBER_ROOM)
            }
            Json::Text(text) => {
                if place.is_top_member() && digit_of_truth(text).is_some() {
                    self.note(Rules::TRUTH_AS_DIGIT);
                }
                text.len()
            }
        };
        self.lines += 1;
        self.bytes += path + ":;".len() + value;
    }

    fn look_at_member(&mut self, name: &str, value: &Json<'_>, path: usize, place: Place) {
        if name == FRAME_MODE || (name == SIGNATURE && !place.in_array) {
            return;
        }
        if name == SIGNATURE {
            self.note(Rules::ARRAY_SIGNATURES_KEPT);
        }
        if place.depth == 0 && name.starts_with('_') {
            self.note(Rules::UNDERSCORED_DROPPED);
        }
        let colons = name.bytes().filter(|byte| *byte == b':').count();
        if colons > 0 {
            self.note(Rules::COLONS_ALONE);
        }
        self.look(value, path + 1 + name.len() + colons, place.member());
    }

    fn note(&mut self, rule: Rules) {
        self.rules = self.rules.and(rule);
    }
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    in_array: bool,
}

impl Place {
    const ROOT: Self = Self {
        depth: 0,
        in_array: false,
    };

    fn member(self) -> Self {
        Self {
            depth: self.depth + 1,
            in_array: self.in_array,
        }
    }

    fn item(self) -> Self {
        Self {
            depth: self.depth + 1,
            in_array: true,
        }
    }

    fn is_top_member(self) -> bool {
        self.depth == 1 && !self.in_array
    }
}

/// `path:value` in the text of all lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    start: usize,
    path_end: usize,
    end: usize,
}

/// A sequence of lines; none is the one in which they were written.
#[derive(PartialEq, Eq)]
pub(super) struct Arrangement(Option<Vec<Line>>);

/// All lines of a message, written level by level.
pub(super) struct Lines {
    text: Zeroizing<String>,
    lines: Vec<Line>,
}

impl Lines {
    pub(super) fn write(root: &Json<'_>, rules: Rules, survey: &Survey) -> Self {
        let mut writer = Writer {
            rules,
            path: String::new(),
            // Room for all: growing would leave copies of card data behind.
            text: Zeroizing::new(String::with_capacity(survey.bytes)),
            lines: Vec::with_capacity(survey.lines),
        };
        writer.write(root, Place::ROOT);
        Self {
            text: writer.text,
            lines: writer.lines,
        }
    }

    pub(super) fn arranged(&self, order: Order) -> Arrangement {
        let compare = |a: &Line, b: &Line| match order {
            Order::Natural => order::natural(self.path(a), self.path(b)),
            Order::Plain => self.path(a).cmp(self.path(b)),
            Order::WholeLines => order::code_units(self.line(a), self.line(b)),
            Order::PerLevel => Ordering::Equal,
        };
        if self.lines.is_sorted_by(|a, b| compare(a, b).is_le()) {
            return Arrangement(None);
        }
        let mut sorted = self.lines.clone();
        sorted.sort_by(compare);
        Arrangement(Some(sorted))
    }

    /// The text that is signed.
    pub(super) fn joined(&self, arrangement: &Arrangement) -> Text<'_> {
        let Some(lines) = &arrangement.0 else {
            return Text::Borrowed(&self.text);
        };
        let mut joined = Zeroizing::new(String::with_capacity(self.text.len() + 1));
        for line in lines {
            if !joined.is_empty() {
                joined.push(';');
            }
            joined.push_str(self.line(line));
        }
        Text::Owned(joined)
    }

    fn path(&self, line: &Line) -> &str {
        &self.text[line.start..line.path_end]
    }

    fn line(&self, line: &Line) -> &str {
        &self.text[line.start..line.end]
    }
}

struct Writer {
    rules: Rules,
    path: String,
    text: Zeroizing<String>,
    lines: Vec<Line>,
}

impl Writer {
    fn write(&mut self, json: &Json<'_>, place: Place) {
        match json {
            Json::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let end = self.go_down(place);
                    write!(self.path, "{index}").expect("a String takes all");
                    self.write(item, place.item());
                    self.path.truncate(end);
                }
            }
            Json::Object(members) => {
                for (name, value) in members {
                    if self.is_left_out(name, place) {
                        continue;
                    }
                    let end = self.go_down(place);
                    self.name(name);
                    self.write(value, place.member());
                    self.path.truncate(end);
                }
            }
            Json::Null if self.rules.has(Rules::NULL_AS_NONE) => self.line("None", place),
            Json::Null => self.line("", place),
            Json::Bool(truth) => self.line(if *truth { "1" } else { "0" }, place),
            Json::Number(text, _) if self.rules.has(Rules::FRACTIONS_KEPT) => {
                self.line(text, place);
            }
            Json::Number(text, _) => self.line(&shortened(text), place),
            Json::Text(text) => {
                let as_digit = self.rules.has(Rules::TRUTH_AS_DIGIT) && place.is_top_member();
                let digit = digit_of_truth(text).filter(|_| as_digit);
                self.line(digit.unwrap_or(text), place);
            }
        }
    }

    fn is_left_out(&self, name: &str, place: Place) -> bool {
        match name {
            FRAME_MODE => true,
            SIGNATURE => !(place.in_array && self.rules.has(Rules::ARRAY_SIGNATURES_KEPT)),
            _ => {
                let may_be = place.depth == 0 && self.rules.has(Rules::UNDERSCORED_DROPPED);
                may_be && name.starts_with('_')
            }
        }
    }

    /// Begins one more name of the path; tells where the path ended before.
    fn go_down(&mut self, place: Place) -> usize {
        let end = self.path.len();
        if place.depth > 0 {
            self.path.push(':');
        }
        end
    }

    fn name(&mut self, name: &str) {
        if self.rules.has(Rules::COLONS_ALONE) || !name.contains(':') {
            self.path.push_str(name);
        } else {
            self.path.push_str(&name.replace(':', "::"));
        }
    }

    fn line(&mut self, value: &str, place: Place) {
        // A message that is no object and no array has no line.
        if place.depth == 0 {
            return;
        }
        if !self.lines.is_empty() {
            self.text.push(';');
        }
        let start = self.text.len();
        self.text.push_str(&self.path);
        let path_end = self.text.len();
        self.text.push(':');
        self.text.push_str(value);
        self.lines.push(Line {
            start,
            path_end,
            end: self.text.len(),
        });
    }
}

fn digit_of_truth(text: &str) -> Option<&'static str> {
    match text {
        "true" | "True" => Some("1"),
        "false" | "False" => Some("0"),
        _ => None,
    }
}

/// A number as most clients turn it into text: no zeros at the end of a fraction, no exponent unless
/// the number is very large or small.
fn shortened(number: &str) -> Cow<'_, str> {
    if number.contains(['e', 'E']) {
        let written_out = 1e-6..1e21;
        return match number.parse::<f64>() {
            Ok(value) if written_out.contains(&value.abs()) => Cow::Owned(value.to_string()),
            _ => Cow::Borrowed(number),
        };
    }
    let Some((whole, fraction)) = number.split_once('.') else {
        return Cow::Borrowed(number);
    };
    match fraction.trim_end_matches('0').len() {
        0 => Cow::Borrowed(whole),
        digits => Cow::Borrowed(&number[..whole.len() + 1 + digits]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shortened_as_clients_do() {
        for (number, short) in [
            ("0", "0"),
            ("-5", "-5"),
            ("1.5", "1.5"),
            ("2.0", "2"),
            ("-2.500", "-2.5"),
            ("100", "100"),
            ("0.10", "0.1"),
            ("1e3", "1000"),
            ("1.50E+2", "150"),
            ("25e-1", "2.5"),
            ("1e+21", "1e+21"),
            ("1e-7", "1e-7"),
            ("0e5", "0e5"),
            ("5048925000004552", "5048925000004552"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
        ] {
            assert_eq!(shortened(number), short, "{number}");
        }
    }

    #[test]
    fn the_room_that_was_reckoned_is_enough() {
        let body = r#"{"a::b":{"c:":[null,true,1e20,1.25e-6,"",{"signature":"x"}]},"_d":"True","e":[[0,1,2,3]]}"#;
        let message = super::super::SignedJson::parse(body.as_bytes()).unwrap();
        let survey = Survey::of(message.root(), Source::PaymentPage);
        for rules in (0..64).map(Rules) {
            let lines = Lines::write(message.root(), rules, &survey);
            assert!(lines.text.len() <= survey.bytes, "{rules:?}");
            assert!(lines.lines.len() <= survey.lines, "{rules:?}");
        }
    }
}
