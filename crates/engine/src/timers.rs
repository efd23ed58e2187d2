//! Timers: rows with a due time, leased with a fencing number that is checked in the commit of the effect.

use std::sync::Arc;
use std::time::Duration;

use altyn_domain::{
    Command, ExchangeKind, FireTimer, Outcome, ReportOutcome, SendOperation, TimerKind,
};
use altyn_storage::{Lease, LeasedTimer, Telling};
use tokio::sync::{Semaphore, mpsc};
use tracing::{debug, error, warn};

use crate::handover::Handed;
use crate::repeats::REQUESTS_KEPT_MS;
use crate::undo::PLAIN_EXCHANGE;
use crate::{Engine, EngineError, Owner};

/// Timers that move money or end payments.
const MONEY: [TimerKind; 6] = [
    TimerKind::Exchange,
    TimerKind::Enquiry,
    TimerKind::ProcessingPeriod,
    TimerKind::Expiry,
    TimerKind::AutoCapture,
    TimerKind::AutoVoid,
];

const CALLBACKS: [TimerKind; 1] = [TimerKind::Callback];

/// How long batch ids are kept: far longer than a lost commit is looked for.
const BATCHES_KEPT_MS: i64 = 3_600_000;

impl Engine {
    /// Starts the timers: those of money and those of callbacks apart, so that neither delays the other,
    /// and the housekeeping. They end with [`Engine::stop`].
    pub fn run_timers(&self) {
        let (money, callbacks, house) = (self.clone(), self.clone(), self.clone());
        let money_max = self.config().timers_max;
        let money_places = Arc::new(Semaphore::new(money_max));
        let callback_places = self.handover().places().clone();
        self.tasks()
            .spawn(async move { money.work(&MONEY, money_places).await });
        self.tasks()
            .spawn(async move { callbacks.work(&CALLBACKS, callback_places).await });
        if let Some(handed) = self.take_handed() {
            let engine = self.clone();
            self.handover().set_open(true);
            self.tasks()
                .spawn(async move { engine.deliver_handed(handed).await });
        }
        self.tasks().spawn(async move { house.keep_house().await });
    }

    /// Delivers what the writer hands over.
    async fn deliver_handed(&self, mut handed: mpsc::UnboundedReceiver<Handed>) {
        loop {
            let callback = tokio::select! {
                callback = handed.recv() => callback,
                () = self.stopping().cancelled() => return,
            };
            let Some(callback) = callback else { return };
            let engine = self.clone();
            self.tasks().spawn(async move {
                engine.fire(callback.timer, Some(callback.telling)).await;
                drop(callback.place);
            });
        }
    }

    async fn work(&self, kinds: &'static [TimerKind], permits: Arc<Semaphore>) {
        let pause = Duration::from_millis(self.config().timer_poll_ms);
        while !self.stopping().is_cancelled() {
            // With a place free there may be more by the time it is seen: all are filled at once.
            let one = tokio::select! {
                one = permits.acquire() => one,
                () = self.stopping().cancelled() => return,
            };
            drop(one);
            let free = u32::try_from(permits.available_permits()).unwrap_or(u32::MAX);
            let taken = self.take(kinds, free, &permits).await;
            if taken < free {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.stopping().cancelled() => return,
                }
            }
        }
    }

    async fn take(&self, kinds: &[TimerKind], limit: u32, permits: &Arc<Semaphore>) -> u32 {
        let now = self.now();
        let until = now.plus_millis(self.config().lease_ms);
        let leased = match self.storage().lease_timers(kinds, now, until, limit).await {
            Ok(leased) => leased,
            Err(error) => {
                warn!(%error, "timers could not be leased");
                return 0;
            }
        };
        let count = u32::try_from(leased.len()).unwrap_or(u32::MAX);
        let mut tellings = self.tellings(&leased).await;
        for timer in leased {
            let Ok(permit) = permits.clone().acquire_owned().await else {
                return count;
            };
            let engine = self.clone();
            let telling = tellings.remove(&timer.key);
            self.tasks().spawn(async move {
                engine.fire(timer, telling).await;
                drop(permit);
            });
        }
        count
    }

    async fn fire(&self, timer: LeasedTimer, telling: Option<Telling>) {
        let Some(owner) = self.owner_of(timer.project_id) else {
            warn!(payment.id = %timer.key.payment_id, "a timer of an unknown project");
            // Perhaps the project was made on another node a moment ago.
            let _ = self.refresh_settings().await;
            return;
        };
        let late_ms = self.now().millis_since(timer.due_at);
        debug!(payment.id = %timer.key.payment_id, kind = ?timer.key.kind, late_ms, "timer");
        let done = match timer.key.kind {
            TimerKind::Expiry
            | TimerKind::ProcessingPeriod
            | TimerKind::AutoCapture
            | TimerKind::AutoVoid => self.fire_in_domain(&owner, timer).await,
            TimerKind::Exchange => self.send_created(&owner, timer).await,
            TimerKind::Enquiry => self.enquire(&owner, timer).await,
            TimerKind::Callback => self.deliver(&owner, timer, telling).await,
        };
        match done {
            // Somebody else was faster, or the payment moved on: the timer is theirs now.
            Ok(()) | Err(EngineError::Refused(altyn_domain::Refusal::LeaseLost)) => {}
            Err(failure) => {
                // The lease ends by itself and the timer comes again.
                error!(payment.id = %timer.key.payment_id, kind = ?timer.key.kind, error = %failure,
                    "a timer's work failed");
            }
        }
    }

    async fn fire_in_domain(&self, owner: &Owner, timer: LeasedTimer) -> Result<(), EngineError> {
        let fired = FireTimer {
            payment_id: timer.key.payment_id,
            kind: timer.key.kind,
            subject: timer.key.subject,
        };
        self.execute(owner, Command::Fire(fired), lease(timer))
            .await
            .map(drop)
    }

    /// Sends an operation that a rule or a timer created, or that did not leave us before.
    async fn send_created(&self, owner: &Owner, timer: LeasedTimer) -> Result<(), EngineError> {
        let send = SendOperation {
            payment_id: timer.key.payment_id,
            operation: timer.key.subject,
            after_action: None,
        };
        let intent = self
            .execute(owner, Command::Send(send), lease(timer))
            .await?;
        self.finish_exchange(owner, intent, &PLAIN_EXCHANGE)
            .await
            .map(drop)
    }

    /// Asks the gateway what became of an operation.
    async fn enquire(&self, owner: &Owner, timer: LeasedTimer) -> Result<(), EngineError> {
        let payment_id = timer.key.payment_id;
        let operation = timer.key.subject;
        let Some(payment) = self.payment(owner, payment_id).await? else {
            return Ok(());
        };
        let report = self
            .exchange(owner, &payment, operation, &ExchangeKind::Enquire)
            .await;
        let enquiries = timer.attempt + 1;
        let news = ReportOutcome {
            payment_id,
            operation,
            report,
            enquiries,
        };
        let told = Command::Report(news.clone());
        match self.execute(owner, told, lease(timer)).await {
            // The timer is somebody else's meanwhile, and an end is an end whoever learnt it: with a gateway
            // that is slower than a lease nobody else would come further.
            Err(EngineError::Refused(altyn_domain::Refusal::LeaseLost)) if is_end(&news) => self
                .execute(owner, Command::Report(news), None)
                .await
                .map(drop),
            told => told.map(drop),
        }
    }

    async fn forget_old_requests(&self) {
        let before = self.now().plus_millis(-REQUESTS_KEPT_MS);
        if let Err(error) = self.storage().forget_requests(before).await {
            warn!(%error, "old requests with a key could not be forgotten");
        }
        if let Err(error) = self.storage().forget_tokens(before).await {
            warn!(%error, "old sessions and tokens could not be forgotten");
        }
    }

    async fn keep_house(&self) {
        let mut ticks: u32 = 0;
        while !self.stopping().is_cancelled() {
            if let Err(error) = self.refresh_settings().await {
                warn!(%error, "settings could not be refreshed");
            }
            if ticks.is_multiple_of(60) {
                let before = self.now().plus_millis(-BATCHES_KEPT_MS);
                if let Err(error) = self.storage().forget_batches(before).await {
                    warn!(%error, "old batch ids could not be forgotten");
                }
                self.forget_old_requests().await;
            }
            ticks = ticks.wrapping_add(1);
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = self.stopping().cancelled() => return,
            }
        }
    }
}

/// Whether it is known for good what became of the operation; "not found" is not, for it may be sent again.
fn is_end(news: &ReportOutcome) -> bool {
    match news.report.outcome {
        Outcome::Approved | Outcome::Declined(_) | Outcome::Voided => true,
        Outcome::Pending | Outcome::Unknown | Outcome::NotSent | Outcome::NotFound => false,
    }
}

pub(crate) fn lease(timer: LeasedTimer) -> Option<Lease> {
    Some(Lease {
        key: timer.key,
        fence: timer.fence,
    })
}
