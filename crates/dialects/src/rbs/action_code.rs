//! Action codes: why an order stands where it stands, as a number and as a sentence.

use altyn_domain::{DeclineCode, Language};

/// An action code of the family that this gateway tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ActionCode {
    /// No attempt to pay yet.
    NoAttempt,
    /// The payer is on the way through 3-D Secure.
    Started,
    /// The end of an attempt is not known yet.
    OutcomePending,
    /// Done.
    Success,
    /// The time to pay is over.
    TimeOver,
    /// All attempts are used up.
    AttemptsUsedUp,
    /// The merchant withdrew the order.
    DeclinedByMerchant,
    /// The order is paid already.
    AlreadyPaid,
    /// Some of the card data is wrong.
    CardDataWrong,
    /// The bank, or we, refused an attempt.
    Declined(DeclineCode),
}

impl ActionCode {
    /// The number on the wire.
    pub(super) const fn number(self) -> i32 {
        match self {
            Self::NoAttempt => -100,
            Self::Started => -9000,
            Self::OutcomePending => -30001,
            Self::Success => 0,
            Self::TimeOver => -2007,
            Self::AttemptsUsedUp => -2013,
            Self::DeclinedByMerchant => 4005,
            Self::AlreadyPaid => 2007,
            Self::CardDataWrong => 71015,
            Self::Declined(code) => match code {
                DeclineCode::General => 5,
                DeclineCode::InsufficientFunds => 116,
                DeclineCode::ExpiredCard => 101,
                DeclineCode::InvalidCard => 111,
                DeclineCode::SecurityCode => 82,
                DeclineCode::AuthenticationFailed => -2006,
                DeclineCode::AuthenticationRequired => 1434,
                DeclineCode::LimitExceeded => 121,
                DeclineCode::BlockedCard => 4,
                DeclineCode::NotAllowed => 120,
                DeclineCode::SuspectedFraud => 999,
                DeclineCode::IssuerUnavailable => 907,
                DeclineCode::InvalidAmount => 110,
                DeclineCode::OriginalNotFound => 914,
                DeclineCode::Interrupted => 151_018,
                DeclineCode::Technical => 909,
                DeclineCode::CancelledByPayer => 2003,
                DeclineCode::TimeOver => 151_019,
                DeclineCode::AmountTooLarge => 2001,
                DeclineCode::AmountTooSmall => 2002,
                DeclineCode::CurrencyNotPossible => 2004,
                DeclineCode::CountryNotPossible => 2005,
                DeclineCode::OperationNotAllowed => 2008,
                DeclineCode::RefundExceeds => 2009,
                DeclineCode::PartialRefundImpossible => 2010,
                DeclineCode::RefundImpossible => 2011,
            },
        }
    }

    /// The sentence for people.
    pub(super) const fn description(self, language: Language) -> &'static str {
        let [en, ru, kk] = self.texts();
        match language {
            Language::En => en,
            Language::Ru => ru,
            Language::Kk => kk,
        }
    }

    #[rustfmt::skip]
    const fn texts(self) -> [&'static str; 3] {
        match self {
            Self::NoAttempt => [
                "No payment attempts yet", "Попыток оплаты ещё не было", "Төлеу әрекеттері әлі болған жоқ"],
            Self::Started => [
                "The payer is confirming the payment", "Плательщик подтверждает платёж", "Төлеуші төлемді растауда"],
            Self::OutcomePending => [
                "The bank has not told the outcome yet", "Банк ещё не сообщил результат", "Банк нәтижені әлі хабарлаған жоқ"],
            Self::Success => [
                "Request processed successfully", "Запрос успешно обработан", "Сұрау сәтті өңделді"],
            Self::TimeOver => [
                "The time to pay is over", "Время на оплату истекло", "Төлеу уақыты аяқталды"],
            Self::AttemptsUsedUp => [
                "All payment attempts are used up", "Все попытки оплаты исчерпаны", "Төлеу әрекеттерінің бәрі таусылды"],
            Self::DeclinedByMerchant => [
                "Declined by the merchant", "Отклонено мерчантом", "Мерчант қабылдамады"],
            Self::AlreadyPaid => [
                "The order is paid already", "Заказ уже оплачен", "Тапсырыс төленіп қойған"],
            Self::CardDataWrong => [
                "Card data is wrong", "Неверные данные карты", "Карта деректері қате"],
            Self::Declined(code) => declined_texts(code),
        }
    }
}

#[rustfmt::skip]
const fn declined_texts(code: DeclineCode) -> [&'static str; 3] {
    match code {
        DeclineCode::General => [
            "The bank refused the payment", "Банк отказал в платеже", "Банк төлемнен бас тартты"],
        DeclineCode::InsufficientFunds => [
            "Not enough money on the card", "Недостаточно средств на карте", "Картада қаражат жеткіліксіз"],
        DeclineCode::ExpiredCard => [
            "The card has expired", "Срок действия карты истёк", "Картаның жарамдылық мерзімі өтіп кеткен"],
        DeclineCode::InvalidCard => [
            "The card number is wrong", "Неверный номер карты", "Карта нөмірі қате"],
        DeclineCode::SecurityCode => [
            "The security code is wrong", "Неверный код безопасности", "Қауіпсіздік коды қате"],
        DeclineCode::AuthenticationFailed => [
            "3-D Secure authentication failed", "Аутентификация 3-D Secure не пройдена", "3-D Secure аутентификациясы өтпеді"],
        DeclineCode::AuthenticationRequired => [
            "The issuer requires 3-D Secure", "Эмитент требует 3-D Secure", "Эмитент 3-D Secure талап етеді"],
        DeclineCode::LimitExceeded => [
            "The limit of the card is exceeded", "Превышен лимит карты", "Карта лимитінен асып кетті"],
        DeclineCode::BlockedCard => [
            "The card is blocked", "Карта заблокирована", "Карта бұғатталған"],
        DeclineCode::NotAllowed => [
            "The issuer does not allow the operation", "Эмитент не разрешает операцию", "Эмитент операцияға рұқсат бермейді"],
        DeclineCode::SuspectedFraud => [
            "Suspected fraud", "Подозрение на мошенничество", "Алаяқтыққа күдік бар"],
        DeclineCode::IssuerUnavailable => [
            "The issuer could not be reached", "Нет связи с эмитентом", "Эмитентпен байланыс жоқ"],
        DeclineCode::InvalidAmount => [
            "The amount is not possible", "Недопустимая сумма", "Сома жарамсыз"],
        DeclineCode::OriginalNotFound => [
            "The original operation was not found", "Исходная операция не найдена", "Бастапқы операция табылмады"],
        DeclineCode::Interrupted => [
            "The attempt was interrupted before it reached the bank", "Попытка прервана до отправки в банк", "Әрекет банкке жетпей үзілді"],
        DeclineCode::Technical => [
            "Technical fault at the bank", "Технический сбой в банке", "Банктегі техникалық ақау"],
        DeclineCode::CancelledByPayer => [
            "The payer cancelled the payment", "Плательщик отменил платёж", "Төлеуші төлемнен бас тартты"],
        DeclineCode::TimeOver => [
            "The time for paying at the gateway is over", "Время на оплату у провайдера истекло", "Провайдердегі төлеу уақыты аяқталды"],
        DeclineCode::AmountTooLarge => [
            "The amount is above the limit of the payment method", "Сумма больше лимита способа оплаты", "Сома төлем тәсілінің шегінен асады"],
        DeclineCode::AmountTooSmall => [
            "The amount is below the limit of the payment method", "Сумма меньше лимита способа оплаты", "Сома төлем тәсілінің ең аз шегінен кем"],
        DeclineCode::CurrencyNotPossible => [
            "The payment method does not take this currency", "Способ оплаты не принимает эту валюту", "Төлем тәсілі бұл валютаны қабылдамайды"],
        DeclineCode::CountryNotPossible => [
            "The payment method is not for payers of this country", "Способ оплаты недоступен для этой страны", "Төлем тәсілі бұл ел үшін қолжетімсіз"],
        DeclineCode::OperationNotAllowed => [
            "The payment method cannot do this operation", "Способ оплаты не поддерживает эту операцию", "Төлем тәсілі бұл операцияны қолдамайды"],
        DeclineCode::RefundExceeds => [
            "The refund is larger than what is left", "Возврат больше оставшейся суммы", "Қайтарым қалған сомадан артық"],
        DeclineCode::PartialRefundImpossible => [
            "The payment method refunds only the whole sum", "Способ оплаты возвращает только всю сумму", "Төлем тәсілі тек толық соманы қайтарады"],
        DeclineCode::RefundImpossible => [
            "The payment method makes no refunds", "Способ оплаты не делает возвратов", "Төлем тәсілі қайтарым жасамайды"],
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    #[test]
    fn codes_and_texts_tell_all_reasons_apart() {
        use ActionCode as A;
        let own = [
            A::NoAttempt,
            A::Started,
            A::OutcomePending,
            A::Success,
            A::TimeOver,
            A::AttemptsUsedUp,
            A::DeclinedByMerchant,
            A::AlreadyPaid,
            A::CardDataWrong,
        ];
        let all: Vec<_> = own
            .into_iter()
            .chain(DeclineCode::ALL.into_iter().map(A::Declined))
            .collect();
        let mut numbers: Vec<_> = all.iter().map(|code| code.number()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all.len());
        for code in all {
            let [en, ru, kk] = code.texts();
            assert!(en.is_ascii() && ru != kk && !kk.is_empty(), "{code:?}");
        }
    }

    #[test]
    fn the_common_refusals_have_the_family_s_numbers() {
        let number = |code| ActionCode::Declined(code).number();
        assert_eq!(number(DeclineCode::InsufficientFunds), 116);
        assert_eq!(number(DeclineCode::ExpiredCard), 101);
        assert_eq!(ActionCode::DeclinedByMerchant.number(), 4005);
        assert_eq!(ActionCode::TimeOver.number(), -2007);
    }
}
