//! Which method a path names, in whatever letter case and with whatever slashes.

use super::answer::Shape;
use super::auth::Access;
use super::request::Params;

/// A method of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Register,
    RegisterPreAuth,
    StatusExtended,
    Status,
    Deposit,
    Reverse,
    Refund,
    Decline,
    LastOrders,
    PaymentOrder,
    VerifyEnrollment,
    Bindings,
    BindingsByCard,
    BindingChange,
    /// Known to the family, not had here.
    Unsupported(&'static str),
    /// The same, answered as wallets are, and called without credentials.
    UnsupportedWallet(&'static str),
    /// The same, called by a payment page without credentials.
    UnsupportedPage(&'static str),
}

const METHODS: [(&str, Method); 17] = [
    ("register.do", Method::Register),
    ("registerpreauth.do", Method::RegisterPreAuth),
    ("getorderstatusextended.do", Method::StatusExtended),
    ("getorderstatus.do", Method::Status),
    ("deposit.do", Method::Deposit),
    ("reverse.do", Method::Reverse),
    ("refund.do", Method::Refund),
    ("decline.do", Method::Decline),
    ("getlastordersformerchants.do", Method::LastOrders),
    ("paymentorder.do", Method::PaymentOrder),
    ("verifyenrollment.do", Method::VerifyEnrollment),
    ("getbindings.do", Method::Bindings),
    ("getbindingsbycardorid.do", Method::BindingsByCard),
    ("bindcard.do", Method::BindingChange),
    ("unbindcard.do", Method::BindingChange),
    ("extendbinding.do", Method::BindingChange),
    (
        "createbindingnopayment.do",
        Method::Unsupported("createBindingNoPayment.do"),
    ),
];

const UNSUPPORTED: [&str; 17] = [
    "instantPayment.do",
    "motoPayment.do",
    "verifyCard.do",
    "paymentOrderBinding.do",
    "instantRefund.do",
    "processRawSumRefund.do",
    "processRawPositionRefund.do",
    "autoCompletion.do",
    "autoRefund.do",
    "addParams.do",
    "closeOfdReceipt.do",
    "getReceiptStatus.do",
    "updateSSLCardList.do",
    "3ds/continue.do",
    "finish3dsPayment.do",
    "finish3dsVer2Payment.do",
    "sbercredit/register.do",
];

const UNSUPPORTED_FAMILIES: [&str; 3] = ["templates/", "sbp/", "recurrent/v1/task/"];

const UNSUPPORTED_WALLETS: [&str; 10] = [
    "applepay/payment.do",
    "applepay/paymentDirect.do",
    "google/payment.do",
    "google/paymentDirect.do",
    "samsung/payment.do",
    "samsung/paymentDirect.do",
    "mir/payment.do",
    "mir/paymentDirect.do",
    "recurrentPayment.do",
    "installmentPayment.do",
];

const UNSUPPORTED_PAGES: [&str; 7] = [
    "getSessionStatus.do",
    "processform.do",
    "processBindingForm.do",
    "getFee.do",
    "isMaestroCard.do",
    "showErrors.do",
    "unbindcardanon.do",
];

impl Method {
    /// The method that a path names: `/payment/rest/<name>.do` or `/payment/<name>.do`.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        let parts = path.split('/').filter(|part| !part.is_empty());
        let mut parts = parts.skip(1).peekable();
        if parts
            .peek()
            .is_some_and(|part| part.eq_ignore_ascii_case("rest"))
        {
            parts.next();
        }
        let name = parts.collect::<Vec<_>>().join("/").to_ascii_lowercase();
        if let Some((_, method)) = METHODS.iter().find(|(known, _)| *known == name) {
            return Some(*method);
        }
        let one_of = |names: &[&'static str]| {
            names
                .iter()
                .copied()
                .find(|known| known.eq_ignore_ascii_case(&name))
        };
        let family = || {
            let known = UNSUPPORTED_FAMILIES
                .iter()
                .find(|family| name.starts_with(**family));
            known
                .copied()
                .filter(|_| name.ends_with(".do") || name.starts_with("recurrent/"))
        };
        one_of(&UNSUPPORTED)
            .or_else(family)
            .map(Self::Unsupported)
            .or_else(|| one_of(&UNSUPPORTED_WALLETS).map(Self::UnsupportedWallet))
            .or_else(|| one_of(&UNSUPPORTED_PAGES).map(Self::UnsupportedPage))
    }

    /// How it tells that it did not work.
    pub(super) const fn shape(self) -> Shape {
        match self {
            Self::Status => Shape::MixedCase,
            Self::PaymentOrder => Shape::CardPayment,
            Self::UnsupportedWallet(_) => Shape::Wallet,
            Self::Register
            | Self::RegisterPreAuth
            | Self::StatusExtended
            | Self::Deposit
            | Self::Reverse
            | Self::Refund
            | Self::Decline
            | Self::LastOrders
            | Self::VerifyEnrollment
            | Self::Bindings
            | Self::BindingsByCard
            | Self::BindingChange
            | Self::Unsupported(_)
            | Self::UnsupportedPage(_) => Shape::Plain,
        }
    }

    /// With what it may be called; `None` if the family calls it without credentials.
    pub(super) fn access(self, params: &Params) -> Option<Access> {
        match self {
            Self::Register | Self::RegisterPreAuth => Some(Access::PasswordOrToken),
            // A token may be public: it opens only what is already known by its unguessable id.
            Self::StatusExtended if params.text("orderId").is_some() => {
                Some(Access::PasswordOrToken)
            }
            Self::StatusExtended
            | Self::Status
            | Self::Deposit
            | Self::Reverse
            | Self::Refund
            | Self::Decline
            | Self::LastOrders
            | Self::PaymentOrder
            | Self::VerifyEnrollment
            | Self::Bindings
            | Self::BindingsByCard
            | Self::BindingChange
            | Self::Unsupported(_) => Some(Access::Password),
            Self::UnsupportedWallet(_) | Self::UnsupportedPage(_) => None,
        }
    }

    /// The name of what is not supported.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Unsupported(name)
            | Self::UnsupportedWallet(name)
            | Self::UnsupportedPage(name) => name,
            Self::Register
            | Self::RegisterPreAuth
            | Self::StatusExtended
            | Self::Status
            | Self::Deposit
            | Self::Reverse
            | Self::Refund
            | Self::Decline
            | Self::LastOrders
            | Self::PaymentOrder
            | Self::VerifyEnrollment
            | Self::Bindings
            | Self::BindingsByCard
            | Self::BindingChange => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_methods_in_every_spelling() {
        let table = [
            ("/payment/rest/register.do", Method::Register),
            ("/payment/rest//register.do", Method::Register),
            ("/payment//rest///REGISTER.DO", Method::Register),
            ("/payment/register.do", Method::Register),
            ("/payment/rest/registerPreAuth.do", Method::RegisterPreAuth),
            ("/payment/rest/paymentOrder.do", Method::PaymentOrder),
            ("/payment/rest/paymentorder.do", Method::PaymentOrder),
            ("/payment/rest/unBindCard.do", Method::BindingChange),
            ("/payment/rest/getOrderStatus.do", Method::Status),
            (
                "/payment/rest/instantPayment.do",
                Method::Unsupported("instantPayment.do"),
            ),
            (
                "/payment/rest/templates/getList.do",
                Method::Unsupported("templates/"),
            ),
            (
                "/payment/applepay/payment.do",
                Method::UnsupportedWallet("applepay/payment.do"),
            ),
            (
                "/payment/recurrentPayment.do",
                Method::UnsupportedWallet("recurrentPayment.do"),
            ),
            (
                "/payment/rest/processform.do",
                Method::UnsupportedPage("processform.do"),
            ),
        ];
        for (path, method) in table {
            assert_eq!(Method::of_path(path), Some(method), "{path}");
        }
        for path in [
            "/payment/rest/",
            "/payment/rest/register",
            "/payment/rest/steal.do",
            "/payment/rest/rest/register.do",
            "/payment/rest/register.do/x",
            "/payment/templates/../register.do/x",
        ] {
            assert_eq!(Method::of_path(path), None, "{path}");
        }
    }

    #[test]
    fn a_token_opens_little() {
        let read = |query: &str| Params::read(query, b"").unwrap();
        let by_id = read("orderId=1");
        assert_eq!(
            Method::Register.access(&by_id),
            Some(Access::PasswordOrToken)
        );
        assert_eq!(
            Method::StatusExtended.access(&by_id),
            Some(Access::PasswordOrToken)
        );
        assert_eq!(
            Method::StatusExtended.access(&read("orderNumber=1")),
            Some(Access::Password)
        );
        for method in [
            Method::Refund,
            Method::Reverse,
            Method::Deposit,
            Method::Status,
            Method::PaymentOrder,
        ] {
            assert_eq!(method.access(&by_id), Some(Access::Password), "{method:?}");
        }
    }
}
