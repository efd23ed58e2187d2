//! Every order of events that a payment with up to two tries can meet, each step held against the rows of
//! the table in `docs/life-of-a-payment.md` that fit it. `ALTYN_TEST_FULL=1` plays three tries.
//!
//! The search goes breadth first, so the events it prints when a row is broken are the fewest that break it.
//! Worlds that go on alike are played on once: what is left has an end, and the search comes to it.

mod always;
mod rules;
mod table;
mod world;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use altyn_domain::{SurplusPolicy, Way};

use rules::Step;
use table::Row;
use world::{Act, Case, Choice, World};

/// Far more than the longest of them.
const EVENTS_MAX: usize = 100;

/// Purchases that no balance pays for.
#[test]
fn lifecycle_table_holds_for_every_order_of_events_of_purchases() {
    play(
        &[
            (Way::Purchase, SurplusPolicy::Return, PLAIN),
            (Way::Purchase, SurplusPolicy::Balance, PLAIN),
        ],
        &[
            (Way::Purchase, SurplusPolicy::Return, PLAIN),
            (Way::Purchase, SurplusPolicy::Manual, PLAIN),
        ],
        &[20],
    );
}

/// Purchases of which the customer's balance pays a part. They begin with a try that it pays nothing of.
#[test]
fn lifecycle_table_holds_for_every_order_of_events_of_purchases_with_a_balance() {
    play(
        &[
            (Way::Purchase, SurplusPolicy::Return, PARTLY),
            (Way::Purchase, SurplusPolicy::Manual, PARTLY),
            (Way::Purchase, SurplusPolicy::Balance, PARTLY),
        ],
        &[(Way::Purchase, SurplusPolicy::Balance, PARTLY)],
        &[20],
    );
}

#[test]
fn lifecycle_table_holds_for_every_order_of_events_of_holds() {
    play(
        &[
            (Way::Hold, SurplusPolicy::Return, PLAIN),
            (Way::Hold, SurplusPolicy::Manual, PLAIN),
            (Way::Hold, SurplusPolicy::Balance, CUSTOMER),
        ],
        &[(Way::Hold, SurplusPolicy::Return, PLAIN)],
        &[],
    );
}

/// Whether the merchant names the customer, and whether its balance pays a part of later tries.
type Customer = (bool, bool);
const PLAIN: Customer = (false, false);
const CUSTOMER: Customer = (true, false);
const PARTLY: Customer = (true, true);

/// Plays every case of these kinds with two tries, and the long ones with three if there is time: there no
/// surplus is given back. Rows in `not_met` speak of what such payments do not meet.
fn play(
    kinds: &[(Way, SurplusPolicy, Customer)],
    long: &[(Way, SurplusPolicy, Customer)],
    not_met: &[u32],
) {
    let rows = table::rows();
    let numbers: Vec<u32> = rows.iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=22).collect::<Vec<_>>());
    let full = std::env::var("ALTYN_TEST_FULL").is_ok_and(|value| value == "1");
    let mut search = Search::new(&rows);
    for choice in every_tries_max(kinds) {
        search.everything(choice, 2);
    }
    for choice in every_tries_max(long).into_iter().filter(|_| full) {
        search.everything(choice, 3);
    }
    println!(
        "{} worlds, {} steps, at most {} events deep",
        search.worlds, search.steps, search.depth
    );
    for (number, hits) in &search.hits {
        println!("row {number:2}: {hits}");
    }
    let never = search.hits.iter().filter(|(_, hits)| **hits == 0);
    let never: Vec<u32> = never.map(|(number, _)| *number).collect();
    assert_eq!(never, not_met, "rows that nothing fits");
}

fn every_tries_max(kinds: &[(Way, SurplusPolicy, Customer)]) -> Vec<Choice> {
    let mut all = Vec::new();
    for (way, policy, (customer, partly)) in kinds {
        all.extend((1..=3).map(|tries_max| Choice {
            way: *way,
            policy: *policy,
            customer: *customer,
            partly: *partly,
            tries_max,
        }));
    }
    all
}

/// What was played so far, of all cases.
struct Search<'a> {
    rows: &'a [Row],
    hits: BTreeMap<u32, u64>,
    worlds: usize,
    steps: usize,
    depth: usize,
}

/// How a world came about: the one before it, and what happened there.
struct Origin {
    parent: usize,
    act: Option<Act>,
    depth: usize,
}

impl<'a> Search<'a> {
    fn new(rows: &'a [Row]) -> Self {
        Self {
            rows,
            hits: rows.iter().map(|row| (row.number, 0)).collect(),
            worlds: 0,
            steps: 0,
            depth: 0,
        }
    }

    /// Plays every order of events of one case with so many tries.
    fn everything(&mut self, choice: Choice, tries: usize) {
        let (case, world) = Case::open(choice, tries);
        let mut seen = HashSet::from([world.key()]);
        let mut origins = vec![Origin {
            parent: 0,
            act: None,
            depth: 0,
        }];
        let mut queue = VecDeque::from([(0, world)]);
        while let Some((place, world)) = queue.pop_front() {
            let depth = origins[place].depth + 1;
            assert!(depth < EVENTS_MAX, "the search has no end");
            for act in world.acts(&case) {
                let mut after = world.clone();
                let played = AssertUnwindSafe(|| self.step(&case, &world, act, &mut after));
                if catch_unwind(played).is_err() {
                    let path = path(&origins, place);
                    panic!("{choice:?}: {path:?}, then {act:?}");
                }
                if seen.insert(after.key()) {
                    assert!(!after.has_doubts(), "doubts lead nowhere else");
                    self.depth = self.depth.max(depth);
                    let act = Some(act);
                    origins.push(Origin {
                        parent: place,
                        act,
                        depth,
                    });
                    queue.push_back((origins.len() - 1, after));
                }
            }
        }
        self.worlds += origins.len();
    }

    /// Lets something happen, and holds it against the rows that fit it and against what is always so.
    fn step(&mut self, case: &Case, before: &World, act: Act, after: &mut World) {
        self.steps += 1;
        let decision = match after.play(case, act) {
            Ok(Some(decision)) => decision,
            Ok(None) => return,
            Err(_) => {
                assert_eq!(before.payment, after.payment, "a refusal changes nothing");
                return always::may_be_refused(case, before, after, act);
            }
        };
        let step = Step {
            case,
            before,
            act,
            after,
            decision: &decision,
        };
        let mut fitting = 0;
        for row in self.rows.iter().filter(|row| row.fits(&step)) {
            *self.hits.entry(row.number).or_default() += 1;
            fitting += 1;
            if catch_unwind(AssertUnwindSafe(|| row.hold(&step))).is_err() {
                panic!("row {} is broken", row.number);
            }
        }
        assert!(
            fitting > 0 || !step.concerns_the_table(),
            "the table has no row for this"
        );
        always::check(&step);
    }
}

/// What happened until this world, from the first event.
fn path(origins: &[Origin], place: usize) -> Vec<Act> {
    let mut acts = Vec::new();
    let mut place = place;
    while let Some(act) = origins[place].act {
        acts.push(act);
        place = origins[place].parent;
    }
    acts.reverse();
    acts
}
