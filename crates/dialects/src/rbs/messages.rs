//! Every message that this dialect tells, in English, Russian and Kazakh. `{}` is replaced by the name
//! of a parameter or by the bank's reason.

use altyn_domain::Language;

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    Success,
    AccessDenied,
    LanguageInvalid,
    MerchantLoginWrong,
    OrderNumberTaken,
    OrderNumberInvalid,
    OrderNumberEmpty,
    AmountEmpty,
    AmountInvalid,
    CurrencyUnknown,
    CurrencyDiffers,
    ReturnUrlEmpty,
    ReturnUrlInvalid,
    FailUrlInvalid,
    CallbackUrlInvalid,
    ParameterEmpty,
    ParameterInvalid,
    MarkupForbidden,
    DatesExclude,
    PreAuthOnly,
    FeatureUnknown,
    FeatureUnavailable,
    FeaturesExclude,
    CartMalformed,
    CartSumDiffers,
    CartCurrencyDiffers,
    System,
    Busy,
    OrderUnknown,
    OrderExpected,
    DepositInvalid,
    DepositExceeds,
    DepositState,
    ReverseState,
    RefundExceeds,
    RefundState,
    RefundUnexpected,
    DeclineState,
    InProgress,
    Refused,
    Unsupported,
    NothingFound,
    NoBinding,
    SizeOutOfRange,
    CardNumber,
    CardExpiry,
    CardExpired,
    CardCode,
    CardDeclined,
    AlreadyPaid,
    OrderEnded,
    StepUnexpected,
    Redirecting,
    CheckDevice,
    GoToIssuer,
    OrderDeclined,
}

impl Message {
    /// The last of the list above.
    const LAST: Self = Self::OrderDeclined;

    /// The text in a language; `about` takes the place of `{}`.
    pub(super) fn text(self, language: Language, about: &str) -> String {
        let [en, ru, kk] = self.texts();
        let template = match language {
            Language::En => en,
            Language::Ru => ru,
            Language::Kk => kk,
        };
        template.replacen("{}", about, 1)
    }

    /// English, Russian, Kazakh.
    const fn texts(self) -> [&'static str; 3] {
        TEXTS[self as usize].1
    }
}

/// Every message with its texts, in the order of the messages.
#[rustfmt::skip]
const TEXTS: [(Message, [&str; 3]); 56] = {
    use Message as M;
    [
        (M::Success, ["Success", "Успешно", "Сәтті"]),
        (M::AccessDenied, ["Access denied", "Доступ запрещён", "Кіруге тыйым салынған"]),
        (M::LanguageInvalid, [
            "Merchant language is invalid: use ru, kk or en",
            "Неверно указан язык мерчанта: допустимы ru, kk и en",
            "Мерчант тілі қате көрсетілген: ru, kk немесе en қолданыңыз"]),
        (M::MerchantLoginWrong, [
            "Merchant login is wrong",
            "Неверный логин мерчанта",
            "Мерчант логині қате"]),
        (M::OrderNumberTaken, [
            "Order number is duplicated, order with given order number is processed already",
            "Заказ с таким номером уже обработан",
            "Мұндай нөмірлі тапсырыс өңделіп қойған"]),
        (M::OrderNumberInvalid, [
            "Order number is invalid",
            "Неверный номер заказа",
            "Тапсырыс нөмірі қате"]),
        (M::OrderNumberEmpty, [
            "Order number is empty",
            "Номер заказа не указан",
            "Тапсырыс нөмірі көрсетілмеген"]),
        (M::AmountEmpty, ["Empty amount", "Сумма не указана", "Сома көрсетілмеген"]),
        (M::AmountInvalid, ["Amount is invalid", "Неверная сумма", "Сома қате"]),
        (M::CurrencyUnknown, ["Unknown currency", "Неизвестная валюта", "Белгісіз валюта"]),
        (M::CurrencyDiffers, [
            "Currency differs from the currency of the order",
            "Валюта не совпадает с валютой заказа",
            "Валюта тапсырыс валютасына сәйкес келмейді"]),
        (M::ReturnUrlEmpty, [
            "Return URL is empty",
            "Адрес возврата не указан",
            "Қайту мекенжайы көрсетілмеген"]),
        (M::ReturnUrlInvalid, [
            "The return URL is invalid",
            "Неверный адрес возврата",
            "Қайту мекенжайы қате"]),
        (M::FailUrlInvalid, [
            "The fail URL is invalid",
            "Неверный адрес возврата при неудаче",
            "Сәтсіз төлемнен кейінгі қайту мекенжайы қате"]),
        (M::CallbackUrlInvalid, [
            "The callback URL is invalid or not allowed",
            "Адрес уведомлений неверен или не разрешён",
            "Хабарлама мекенжайы қате немесе оған рұқсат жоқ"]),
        (M::ParameterEmpty, ["[{}] is empty", "[{}] не указан", "[{}] көрсетілмеген"]),
        (M::ParameterInvalid, [
            "[{}] is invalid",
            "Неверное значение [{}]",
            "[{}] мәні қате"]),
        (M::MarkupForbidden, [
            "[{}] must not contain HTML or scripts",
            "[{}] не может содержать HTML или скрипты",
            "[{}] ішінде HTML не скрипт болмауы керек"]),
        (M::DatesExclude, [
            "[autocompletionDate] and [autoReverseDate] exclude each other",
            "[autocompletionDate] и [autoReverseDate] нельзя указать вместе",
            "[autocompletionDate] пен [autoReverseDate] қатар көрсетілмейді"]),
        (M::PreAuthOnly, [
            "[{}] is only for pre-authorized orders",
            "[{}] допустим только для заказов с предавторизацией",
            "[{}] тек алдын ала авторландырылатын тапсырыстарға арналған"]),
        (M::FeatureUnknown, [
            "[features] has an unknown value",
            "[features] содержит неизвестное значение",
            "[features] ішінде белгісіз мән бар"]),
        (M::FeatureUnavailable, [
            "Feature {} is not available to the merchant",
            "Мерчанту недоступна возможность {}",
            "{} мүмкіндігі мерчантқа қолжетімсіз"]),
        (M::FeaturesExclude, [
            "These features cannot be combined",
            "Такое сочетание features недопустимо",
            "Мұндай features мәндерін бірге қолдануға болмайды"]),
        (M::CartMalformed, [
            "[orderBundle] is invalid: {}",
            "Неверная корзина [orderBundle]: {}",
            "[orderBundle] себеті қате: {}"]),
        (M::CartSumDiffers, [
            "The sum of the cart items differs from the amount of the order",
            "Сумма позиций корзины не равна сумме заказа",
            "Себеттегі тауарлар сомасы тапсырыс сомасына тең емес"]),
        (M::CartCurrencyDiffers, [
            "The currency of a cart item differs from the currency of the order",
            "Валюта позиции корзины не совпадает с валютой заказа",
            "Себеттегі тауар валютасы тапсырыс валютасына сәйкес келмейді"]),
        (M::System, ["System error", "Системная ошибка", "Жүйелік қате"]),
        (M::Busy, [
            "The gateway is busy, repeat the request later",
            "Шлюз перегружен, повторите запрос позже",
            "Шлюз бос емес, сұрауды кейінірек қайталаңыз"]),
        (M::OrderUnknown, ["Order not found", "Заказ не найден", "Тапсырыс табылмады"]),
        (M::OrderExpected, [
            "Expected [orderId] or [orderNumber]",
            "Ожидается [orderId] или [orderNumber]",
            "[orderId] немесе [orderNumber] көрсетілуі керек"]),
        (M::DepositInvalid, [
            "deposit amount is invalid",
            "Неверная сумма завершения",
            "Аяқтау сомасы қате"]),
        (M::DepositExceeds, [
            "deposited amount is exceeding approved amount",
            "Сумма завершения больше удержанной суммы",
            "Аяқтау сомасы ұсталған сомадан асады"]),
        (M::DepositState, [
            "Payment must be in approved state",
            "Платёж должен быть в состоянии «сумма удержана»",
            "Төлем сомасы ұсталған күйде болуы керек"]),
        (M::ReverseState, [
            "Reversal is impossible for current transaction state",
            "Отмена невозможна в текущем состоянии платежа",
            "Төлемнің қазіргі күйінде оның күшін жою мүмкін емес"]),
        (M::RefundExceeds, [
            "Refund amount exceeds deposited amount",
            "Сумма возврата больше списанной суммы",
            "Қайтару сомасы есептен шығарылған сомадан асады"]),
        (M::RefundState, [
            "Refund is impossible for current transaction state",
            "Возврат невозможен в текущем состоянии платежа",
            "Төлемнің қазіргі күйінде ақша қайтару мүмкін емес"]),
        (M::RefundUnexpected, [
            "Deposited amount differs from [expectedDepositedAmount]",
            "Списанная сумма не равна [expectedDepositedAmount]",
            "Есептен шығарылған сома [expectedDepositedAmount] мәніне тең емес"]),
        (M::DeclineState, [
            "Only an unpaid order can be declined",
            "Отклонить можно только неоплаченный заказ",
            "Тек төленбеген тапсырыстан бас тартуға болады"]),
        (M::InProgress, [
            "An operation on the order is in progress, ask for the order status",
            "Операция по заказу ещё выполняется, запросите состояние заказа",
            "Тапсырыс бойынша операция әлі орындалуда, тапсырыс күйін сұраңыз"]),
        (M::Refused, [
            "The bank refused the operation: {}",
            "Банк отказал в операции: {}",
            "Банк операциядан бас тартты: {}"]),
        (M::Unsupported, [
            "{} is not supported",
            "{} не поддерживается",
            "Қолдау көрсетілмейді: {}"]),
        (M::NothingFound, ["Data not found", "Информация не найдена", "Деректер табылмады"]),
        (M::NoBinding, ["No binding found", "Связка не найдена", "Байланыстырылған карта табылмады"]),
        (M::SizeOutOfRange, [
            "[size] must be from 1 to 200",
            "[size] должен быть от 1 до 200",
            "[size] 1 мен 200 аралығында болуы керек"]),
        (M::CardNumber, [
            "Card number is invalid",
            "Неверный номер карты",
            "Карта нөмірі қате"]),
        (M::CardExpiry, [
            "Card expiry is invalid",
            "Неверный срок действия карты",
            "Картаның жарамдылық мерзімі қате"]),
        (M::CardExpired, [
            "Card has expired",
            "Срок действия карты истёк",
            "Картаның жарамдылық мерзімі өтіп кеткен"]),
        (M::CardCode, [
            "Card security code is invalid",
            "Неверный код безопасности карты",
            "Картаның қауіпсіздік коды қате"]),
        (M::CardDeclined, [
            "Payment is declined: {}",
            "Платёж отклонён: {}",
            "Төлем қабылданбады: {}"]),
        (M::AlreadyPaid, [
            "Order is paid already",
            "Заказ уже оплачен",
            "Тапсырыс төленіп қойған"]),
        (M::OrderEnded, [
            "Order can no longer be paid: {}",
            "Заказ больше нельзя оплатить: {}",
            "Тапсырысты енді төлеу мүмкін емес: {}"]),
        (M::StepUnexpected, [
            "This step of 3-D Secure is not expected",
            "Этот шаг 3-D Secure не ожидается",
            "3-D Secure рәсімінің бұл қадамы күтілмеген"]),
        (M::Redirecting, [
            "Your order is processed, redirecting...",
            "Ваш заказ обработан, происходит переход...",
            "Тапсырысыңыз өңделді, басқа бетке өту орындалуда..."]),
        (M::CheckDevice, [
            "Run the 3-D Secure method, then repeat the request",
            "Выполните метод 3-D Secure и повторите запрос",
            "3-D Secure әдісін орындап, сұрауды қайталаңыз"]),
        (M::GoToIssuer, [
            "Send the payer to the issuer's page",
            "Отправьте плательщика на страницу банка-эмитента",
            "Төлеушіні эмитент банктің бетіне бағыттаңыз"]),
        (M::OrderDeclined, [
            "Order is declined because of payment details",
            "Заказ отклонён из-за платёжных данных",
            "Тапсырыс төлем деректеріне байланысты қабылданбады"]),
    ]
};

// Nothing is missing and nothing is out of place.
const _: () = {
    assert!(TEXTS.len() == Message::LAST as usize + 1);
    let mut at = 0;
    while at < TEXTS.len() {
        assert!(TEXTS[at].0 as usize == at);
        at += 1;
    }
};

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_message_is_there_in_three_languages() {
        for (message, _) in TEXTS {
            let [en, ru, kk] = message.texts();
            assert!(en.is_ascii() && !en.is_empty(), "{message:?}");
            let cyrillic = |text: &str| text.chars().any(|c| ('\u{400}'..='\u{4ff}').contains(&c));
            assert!(cyrillic(ru) && cyrillic(kk), "{message:?}");
            assert_ne!(ru, kk, "{message:?}");
            let holes = |text: &str| text.matches("{}").count();
            assert_eq!(
                (holes(ru), holes(kk)),
                (holes(en), holes(en)),
                "{message:?}"
            );
            assert!(holes(en) <= 1, "{message:?}");
        }
        let texts: HashSet<_> = TEXTS.iter().map(|(_, texts)| texts).collect();
        assert_eq!(texts.len(), TEXTS.len(), "two messages share their texts");
    }

    #[test]
    fn no_text_is_longer_than_the_wire_allows() {
        for (message, _) in TEXTS {
            for language in Language::ALL {
                let about = "x".repeat(200);
                assert!(
                    message.text(language, &about).chars().count() <= 512,
                    "{message:?}"
                );
            }
        }
    }

    #[test]
    fn the_words_that_clients_compare_with_are_exact() {
        let en = |message: Message| message.text(Language::En, "orderId");
        assert_eq!(en(Message::AccessDenied), "Access denied");
        assert_eq!(en(Message::OrderUnknown), "Order not found");
        assert_eq!(en(Message::NothingFound), "Data not found");
        assert_eq!(en(Message::System), "System error");
        assert_eq!(
            en(Message::RefundExceeds),
            "Refund amount exceeds deposited amount"
        );
        assert_eq!(en(Message::ParameterEmpty), "[orderId] is empty");
        let ru = |message: Message| message.text(Language::Ru, "");
        assert_eq!(ru(Message::AccessDenied), "Доступ запрещён");
        assert_eq!(
            ru(Message::OrderNumberTaken),
            "Заказ с таким номером уже обработан"
        );
        assert_eq!(ru(Message::NothingFound), "Информация не найдена");
    }
}
