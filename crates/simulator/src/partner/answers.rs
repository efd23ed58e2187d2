//! Idempotency of generation 2: the first answer to a key is given again, whatever it was.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

/// Answers that are remembered; the oldest make room.
const ANSWERS_MAX: usize = 50_000;

/// The first answer to a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// `x-idempotency-key`.
    pub key: String,
    /// Digest of method, path and body.
    pub fingerprint: String,
    /// Status of the answer.
    pub status: u16,
    /// Body of the answer.
    pub body: String,
}

/// The remembered answers.
#[derive(Default)]
pub struct Answers {
    by_key: HashMap<String, Answer>,
    order: VecDeque<String>,
}

impl Answers {
    /// The first answer to a key.
    pub fn find(&self, key: &str) -> Option<&Answer> {
        self.by_key.get(key)
    }

    /// Remembers an answer; a key that is known keeps its first.
    pub fn remember(&mut self, answer: Answer) {
        if self.by_key.contains_key(&answer.key) {
            return;
        }
        if self.order.len() >= ANSWERS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_key.remove(&oldest);
        }
        self.order.push_back(answer.key.clone());
        self.by_key.insert(answer.key.clone(), answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(key: &str, status: u16) -> Answer {
        Answer {
            key: key.to_owned(),
            fingerprint: String::new(),
            status,
            body: String::new(),
        }
    }

    #[test]
    fn first_answer_stays_and_the_oldest_makes_room() {
        let mut answers = Answers::default();
        answers.remember(answer("a", 500));
        answers.remember(answer("a", 200));
        assert_eq!(answers.find("a").map(|answer| answer.status), Some(500));
        for number in 0..ANSWERS_MAX {
            answers.remember(answer(&number.to_string(), 200));
        }
        assert_eq!(answers.find("a"), None);
        assert!(answers.find("0").is_some());
        assert_eq!(answers.order.len(), answers.by_key.len());
    }
}
