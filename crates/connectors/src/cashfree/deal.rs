//! What an exchange is about in the partner's terms: an order, or a refund of one.

use altyn_domain::{
    ConnectorError, ExchangeKind, ExchangeRequest, Money, Operation, OperationKind,
};

use super::amount::RUPEE;
use super::id;
use super::settings::Settings;

/// One exchange, checked and named.
pub(super) struct Deal<'a> {
    pub(super) exchange: &'a ExchangeRequest<'a>,
    pub(super) settings: Settings<'a>,
    /// The try, whose order it is.
    pub(super) order: &'a Operation,
    /// The partner's name of it.
    pub(super) order_id: String,
    /// The partner's name of the refund, if the exchange is about one.
    pub(super) refund_id: Option<String>,
}

/// What is to be done.
pub(super) enum Task<'a> {
    /// Make the order and lead the payer to it.
    Order,
    /// Ask what became of the order.
    OrderStatus,
    /// Give its money back; the refund has this name.
    Refund(&'a str),
    /// Ask what became of the refund with this name.
    RefundStatus(&'a str),
}

impl<'a> Deal<'a> {
    pub(super) fn read(exchange: &'a ExchangeRequest<'a>) -> Result<Self, ConnectorError> {
        let settings = Settings::read(exchange.settings)?;
        if exchange.payment.amount.currency().alpha() != RUPEE {
            return Err(ConnectorError::Unsupported);
        }
        let operation = exchange.operation;
        let (order, refund) = match operation.kind {
            OperationKind::Sale => (operation, None),
            OperationKind::Refund | OperationKind::Reversal => {
                let parent = exchange.parent().ok_or(ConnectorError::Unsupported)?;
                (parent, Some(operation))
            }
            OperationKind::Auth
            | OperationKind::Verify
            | OperationKind::Capture
            | OperationKind::Void
            | OperationKind::Chargeback
            | OperationKind::Payout => return Err(ConnectorError::Unsupported),
        };
        let payment = exchange.payment.id;
        Ok(Self {
            order_id: id::of(payment, order.number),
            refund_id: refund.map(|refund| id::of(payment, refund.number)),
            exchange,
            settings,
            order,
        })
    }

    pub(super) fn task(&self) -> Result<Task<'_>, ConnectorError> {
        match (self.exchange.kind, self.refund_id.as_deref()) {
            (ExchangeKind::Begin { .. }, None) => Ok(Task::Order),
            (ExchangeKind::Begin { .. }, Some(refund)) => Ok(Task::Refund(refund)),
            (ExchangeKind::Enquire, None) => Ok(Task::OrderStatus),
            (ExchangeKind::Enquire, Some(refund)) => Ok(Task::RefundStatus(refund)),
            (ExchangeKind::DeviceChecked { .. } | ExchangeKind::Challenged { .. }, _) => {
                Err(ConnectorError::Unsupported)
            }
        }
    }

    /// The amount of the operation that the exchange is about.
    pub(super) fn money(&self) -> Money {
        self.exchange.money()
    }
}
