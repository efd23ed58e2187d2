//! The suite that every implementation of the contract passes.
//!
//! A database's tests implement [`Fixture`] and call [`conformance_tests!`](crate::conformance_tests)
//! once; that makes one test of every case. Cases speak through [`crate::BatchWriter`] and
//! [`crate::Loaded::decide`] as the gateway's writer does, most of them over two handles that stand for
//! two processes. Cases that show a row of the list of faults carry its number.

use std::sync::Arc;

use async_trait::async_trait;

use crate::Storage;

pub mod audit;
pub mod customers;
pub mod fixture;
pub mod ledger;
pub mod lists;
pub mod people;
pub mod races;
pub mod requests;
pub mod search;
pub mod settings;
pub mod telling;
pub mod timers;
pub mod trail;
pub mod writing;

/// One database for one test, empty and migrated.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The first handle.
    async fn fresh(&self) -> Arc<dyn Storage>;

    /// One more handle to the same database, as another process would open it.
    async fn another(&self) -> Arc<dyn Storage>;

    /// Runs a statement past the program, with the rights that the program has.
    ///
    /// # Errors
    /// The database's own words.
    async fn raw_sql(&self, sql: &str) -> Result<(), String>;
}

/// Makes one test of every case; `$fixture` is evaluated anew, in async code, for each of them. The
/// calling crate needs tokio with `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! conformance_tests {
    ($fixture:expr) => {
        $crate::conformance_tests! { $fixture =>
            writing::payments_come_back_with_every_field,
            writing::every_end_of_a_payment_comes_back,
            writing::references_are_unique_for_good,
            writing::references_of_two_projects_are_independent,
            writing::commands_of_a_batch_see_each_other,
            writing::a_refused_command_leaves_its_batch_alone,
            writing::a_failing_batch_leaves_nothing,
            writing::an_abandoned_batch_leaves_nothing,
            writing::batches_are_known_by_their_id,
            writing::old_batches_are_forgotten,
            writing::a_corrupt_row_is_reported,
            races::row_29_parallel_refunds,
            races::row_10_overlapping_accounts_never_deadlock_for_good,
            races::another_writers_insert_wins,
            races::a_race_for_a_reference_has_one_winner,
            races::a_dropped_writer_lets_go,
            ledger::accounts_equal_postings_after_random_batches,
            ledger::row_29_raw_sql_cannot_pass_a_ceiling,
            ledger::row_37_unbalanced_postings_are_refused,
            ledger::row_38_postings_never_change,
            timers::row_11_each_due_timer_is_leased_once,
            timers::row_12_a_lost_lease_is_refused,
            timers::a_lease_has_one_effect,
            timers::a_fence_is_never_repeated,
            timers::an_ended_lease_gives_the_timer_back,
            timers::timers_are_leased_by_kind,
            timers::a_timer_can_be_set_and_leased_at_once,
            telling::events_and_deliveries_come_back,
            telling::attempts_come_back_oldest_first,
            lists::payments_are_listed,
            lists::incidents_are_opened_and_closed,
            lists::a_foreign_project_never_sees_a_payment,
            settings::settings_come_back,
            settings::serials_are_leased_once,
            settings::settings_are_saved_whole_or_not_at_all,
            settings::a_command_under_old_settings_is_refused,
            settings::settings_entries_come_back,
            settings::a_change_of_other_settings_is_a_conflict,
            settings::of_changes_on_one_version_one_wins,
            search::payments_are_searched,
            search::nothing_is_found_for_a_stranger,
            search::payments_are_found_by_order,
            search::events_come_back,
            search::incidents_are_searched,
            search::incidents_of_a_payment_are_searched,
            people::people_come_back,
            people::people_who_moved_are_a_conflict,
            people::tokens_are_ended_together,
            people::tokens_are_touched_and_forgotten,
            people::of_rival_changes_of_a_person_one_wins,
            people::people_are_listed,
            people::tokens_are_listed,
            customers::balances_are_loaded_and_kept,
            customers::balances_are_apart,
            customers::parallel_tries_never_overdraw_a_balance,
            customers::parallel_credits_add_up,
            customers::raw_sql_cannot_overdraw_a_balance,
            customers::statements_are_listed,
            customers::a_statement_is_of_one_moment,
            customers::customers_are_listed,
            requests::requests_are_recorded_once,
            requests::of_equal_requests_one_goes_on,
            requests::old_requests_are_forgotten,
            trail::audit_entries_come_back,
            trail::a_taken_place_of_a_chain_is_a_conflict,
            trail::audit_entries_are_searched,
            trail::audit_entries_never_change,
            audit::pages_cover_every_payment_once,
            audit::a_database_answers,
        }
    };
    ($fixture:expr => $($module:ident::$case:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let fixture = $fixture;
                $crate::conformance::$module::$case(&fixture).await;
            }
        )+
    };
}
