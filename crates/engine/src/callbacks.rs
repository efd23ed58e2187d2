//! Delivery of callbacks: at least once, retried as the endpoint says, every attempt recorded, and no
//! receiver in the way of another.

use std::collections::HashMap;

use altyn_domain::{
    CallbackFormat, CallbackMessage, Command, Delivery, DeliveryAttempt, DeliveryState, Endpoint,
    Event, HttpMethod, HttpRequest, Project, TimerChange, TimerKey, TimerKind,
};
use altyn_storage::{DeliveryKey, LeasedTimer, Telling};
use tracing::{info, warn};

use crate::http::NoResponse;
use crate::receivers::Entry;
use crate::timers::lease;
use crate::{Engine, EngineError, Owner, crash};

/// How much of a receiver's answer is kept, in bytes.
const ANSWER_KEPT: usize = 1_024;

/// What an attempt came to.
struct Tried {
    status: Option<u16>,
    error: Option<String>,
    answer: String,
}

impl Engine {
    /// What callback timers are about, read at once. One that could not be read is left out and read by
    /// itself later, so that a broken row is nobody else's trouble.
    pub(crate) async fn tellings(&self, timers: &[LeasedTimer]) -> HashMap<TimerKey, Telling> {
        let callbacks = timers
            .iter()
            .filter(|timer| timer.key.kind == TimerKind::Callback);
        let keys: Vec<_> = callbacks
            .map(|timer| DeliveryKey {
                payment_id: timer.key.payment_id,
                number: timer.key.subject,
            })
            .collect();
        if keys.is_empty() {
            return HashMap::new();
        }
        let tellings = self.storage().deliveries(&keys).await.unwrap_or_default();
        let by_timer = tellings.into_iter().map(|telling| {
            let timer = TimerKey {
                payment_id: telling.payment_id,
                kind: TimerKind::Callback,
                subject: telling.delivery.number,
            };
            (timer, telling)
        });
        by_timer.collect()
    }

    /// Delivers one callback: one attempt, its record, and the next timer if it failed.
    pub(crate) async fn deliver(
        &self,
        owner: &Owner,
        timer: LeasedTimer,
        telling: Option<Telling>,
    ) -> Result<(), EngineError> {
        let payment_id = timer.key.payment_id;
        let (delivery, event) = match telling {
            Some(telling) => (telling.delivery, telling.event),
            None => self
                .storage()
                .delivery(payment_id, timer.key.subject)
                .await?
                .ok_or_else(|| {
                    EngineError::Fault(format!("{payment_id}: a timer without a delivery"))
                })?,
        };
        let settings = &owner.project().settings;
        let endpoint = settings
            .endpoints
            .iter()
            .chain(&settings.dynamic_endpoint)
            .find(|endpoint| endpoint.id == delivery.endpoint);
        let format = endpoint.and_then(|endpoint| self.format(&endpoint.format));
        let (Some(endpoint), Some(format)) = (endpoint, format) else {
            // The endpoint was removed: nobody wants this any more.
            return self.give_up(owner, timer, delivery).await;
        };
        let rendered = match render(
            &delivery,
            &event,
            owner.project(),
            (endpoint, format.as_ref()),
        ) {
            Ok(Some(message)) => message,
            Ok(None) => return self.finish_untold(owner, timer, delivery).await,
            Err(error) => {
                warn!(%payment_id, %error, "a callback could not be made");
                return self.give_up(owner, timer, delivery).await;
            }
        };
        self.attempt(
            owner,
            timer,
            delivery,
            (endpoint, format.as_ref()),
            rendered,
        )
        .await
    }

    async fn attempt(
        &self,
        owner: &Owner,
        timer: LeasedTimer,
        mut delivery: Delivery,
        (endpoint, format): (&Endpoint, &dyn CallbackFormat),
        message: CallbackMessage,
    ) -> Result<(), EngineError> {
        let receiver = self.callback_places().at(host_of(&delivery.url));
        let place = match receiver.enter(self.now()).await {
            Entry::Place(place) => place,
            Entry::Later(due_at) => {
                let again = TimerChange::Set {
                    due_at,
                    attempt: timer.attempt,
                };
                return self.record(owner, timer, delivery, None, again).await;
            }
        };
        let began = self.now();
        delivery.rendered = serde_json::to_string(&message).ok();
        let tried = self.call(message).await;
        let duration_ms = self.now().millis_since(began);
        receiver.lasted(duration_ms);
        // The receiver is free again; what follows is our own business.
        drop(place);
        crash::point("callback.answered");
        delivery.attempts += 1;
        let accepted = tried.status.is_some_and(|status| format.accepts(status));
        let pause_ms = format.retry_pause_ms(endpoint, delivery.attempts);
        let change = match (accepted, pause_ms) {
            (true, _) => {
                delivery.state = DeliveryState::Delivered;
                TimerChange::Clear
            }
            (false, None) => {
                delivery.state = DeliveryState::Failed;
                TimerChange::Clear
            }
            (false, Some(pause_ms)) => TimerChange::Set {
                due_at: self.now().plus_millis(pause_ms),
                attempt: delivery.attempts,
            },
        };
        info!(payment.id = %timer.key.payment_id, delivery = delivery.number, attempt = delivery.attempts,
            status = tried.status, error = tried.error, duration_ms, "callback");
        metrics::counter!("altyn_callbacks_total", "delivered" => if accepted { "yes" } else { "no" })
            .increment(1);
        let attempt = DeliveryAttempt {
            delivery: delivery.number,
            attempt: delivery.attempts,
            at: began,
            duration_ms,
            status: tried.status,
            error: tried.error,
            answer: tried.answer,
        };
        self.record(owner, timer, delivery, Some(attempt), change)
            .await?;
        crash::point("callback.recorded");
        Ok(())
    }

    async fn call(&self, message: CallbackMessage) -> Tried {
        // Checked again at every call: the address may have been saved under other rules.
        if let Err(refused) = self.url_guard().check(&message.url) {
            return Tried {
                status: None,
                error: Some(refused.to_string()),
                answer: String::new(),
            };
        }
        let headers = message
            .content_type
            .map(|value| ("content-type", value))
            .into_iter()
            .collect();
        let request = HttpRequest {
            method: message.method,
            url: message.url,
            headers,
            body: if message.method == HttpMethod::Post {
                message.body.into()
            } else {
                Vec::new()
            },
        };
        match self.receivers().send(request, Some(ANSWER_KEPT), &[]).await {
            Ok(response) => Tried {
                status: Some(response.status),
                error: None,
                answer: printable(&response.body),
            },
            Err(NoResponse::NotSent(why) | NoResponse::Lost(why)) => Tried {
                status: None,
                error: Some(why),
                answer: String::new(),
            },
        }
    }

    async fn give_up(
        &self,
        owner: &Owner,
        timer: LeasedTimer,
        mut delivery: Delivery,
    ) -> Result<(), EngineError> {
        delivery.state = DeliveryState::Failed;
        self.record(owner, timer, delivery, None, TimerChange::Clear)
            .await
    }

    /// The format has no words for this event: nothing is sent and nothing is left to do.
    async fn finish_untold(
        &self,
        owner: &Owner,
        timer: LeasedTimer,
        mut delivery: Delivery,
    ) -> Result<(), EngineError> {
        delivery.state = DeliveryState::Delivered;
        self.record(owner, timer, delivery, None, TimerChange::Clear)
            .await
    }

    async fn record(
        &self,
        owner: &Owner,
        timer: LeasedTimer,
        delivery: Delivery,
        attempt: Option<DeliveryAttempt>,
        change: TimerChange,
    ) -> Result<(), EngineError> {
        let command = Command::RecordDelivery {
            payment_id: timer.key.payment_id,
            delivery: Box::new(delivery),
            attempt: attempt.map(Box::new),
            timer: change,
        };
        self.execute(owner, command, lease(timer)).await.map(drop)
    }
}

/// The message as it was first made, or made now.
fn render(
    delivery: &Delivery,
    event: &Event,
    project: &Project,
    (endpoint, format): (&Endpoint, &dyn CallbackFormat),
) -> Result<Option<CallbackMessage>, altyn_domain::RenderError> {
    let stored = delivery
        .rendered
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    match stored {
        Some(message) => Ok(Some(message)),
        None => format.render(event, project, endpoint, &delivery.url),
    }
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

/// The beginning of an answer as text of one line, control characters replaced.
fn printable(body: &[u8]) -> String {
    String::from_utf8_lossy(body)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_are_told_apart_by_host_and_port() {
        assert_eq!(host_of("http://a.kz:81/cb?x=/"), "a.kz:81");
        assert_eq!(host_of("https://b.kz?x"), "b.kz");
        assert_eq!(printable(b"a\r\nb\xff"), "a  b\u{fffd}");
    }
}
