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
    /// All messages.
    #[cfg(test)]
    pub(super) const ALL: [Self; 56] = {
        use Message as M;
        [
            M::Success,
            M::AccessDenied,
            M::LanguageInvalid,
            M::MerchantLoginWrong,
            M::OrderNumberTaken,
            M::OrderNumberInvalid,
            M::OrderNumberEmpty,
            M::AmountEmpty,
            M::AmountInvalid,
            M::CurrencyUnknown,
            M::CurrencyDiffers,
            M::ReturnUrlEmpty,
            M::ReturnUrlInvalid,
            M::FailUrlInvalid,
            M::CallbackUrlInvalid,
            M::ParameterEmpty,
            M::ParameterInvalid,
            M::MarkupForbidden,
            M::DatesExclude,
            M::PreAuthOnly,
            M::FeatureUnknown,
            M::FeatureUnavailable,
            M::FeaturesExclude,
            M::CartMalformed,
            M::CartSumDiffers,
            M::CartCurrencyDiffers,
            M::System,
            M::Busy,
            M::OrderUnknown,
            M::OrderExpected,
            M::DepositInvalid,
            M::DepositExceeds,
            M::DepositState,
            M::ReverseState,
            M::RefundExceeds,
            M::RefundState,
            M::RefundUnexpected,
            M::DeclineState,
            M::InProgress,
            M::Refused,
            M::Unsupported,
            M::NothingFound,
            M::NoBinding,
            M::SizeOutOfRange,
            M::CardNumber,
            M::CardExpiry,
            M::CardExpired,
            M::CardCode,
            M::CardDeclined,
            M::AlreadyPaid,
            M::OrderEnded,
            M::StepUnexpected,
            M::Redirecting,
            M::CheckDevice,
            M::GoToIssuer,
            M::OrderDeclined,
        ]
    };

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
    #[rustfmt::skip]
    const fn texts(self) -> [&'static str; 3] {
        match self {
            Self::Success => ["Success", "Успешно", "Сәтті"],
            Self::AccessDenied => ["Access denied", "Доступ запрещён", "Кіруге тыйым салынған"],
            Self::LanguageInvalid => [
                "Merchant language is invalid: use ru, kk or en",
                "Неверно указан язык мерчанта: допустимы ru, kk и en",
                "Мерчант тілі қате көрсетілген: ru, kk немесе en қолданыңыз"],
            Self::MerchantLoginWrong => [
                "Merchant login is wrong",
                "Неверный логин мерчанта",
                "Мерчант логині қате"],
            Self::OrderNumberTaken => [
                "Order number is duplicated, order with given order number is processed already",
                "Заказ с таким номером уже обработан",
                "Мұндай нөмірлі тапсырыс өңделіп қойған"],
            Self::OrderNumberInvalid => [
                "Order number is invalid",
                "Неверный номер заказа",
                "Тапсырыс нөмірі қате"],
            Self::OrderNumberEmpty => [
                "Order number is empty",
                "Номер заказа не указан",
                "Тапсырыс нөмірі көрсетілмеген"],
            Self::AmountEmpty => ["Empty amount", "Сумма не указана", "Сома көрсетілмеген"],
            Self::AmountInvalid => ["Amount is invalid", "Неверная сумма", "Сома қате"],
            Self::CurrencyUnknown => ["Unknown currency", "Неизвестная валюта", "Белгісіз валюта"],
            Self::CurrencyDiffers => [
                "Currency differs from the currency of the order",
                "Валюта не совпадает с валютой заказа",
                "Валюта тапсырыс валютасына сәйкес келмейді"],
            Self::ReturnUrlEmpty => [
                "Return URL is empty",
                "Адрес возврата не указан",
                "Қайту мекенжайы көрсетілмеген"],
            Self::ReturnUrlInvalid => [
                "The return URL is invalid",
                "Неверный адрес возврата",
                "Қайту мекенжайы қате"],
            Self::FailUrlInvalid => [
                "The fail URL is invalid",
                "Неверный адрес возврата при неудаче",
                "Сәтсіз төлемнен кейінгі қайту мекенжайы қате"],
            Self::CallbackUrlInvalid => [
                "The callback URL is invalid or not allowed",
                "Адрес уведомлений неверен или не разрешён",
                "Хабарлама мекенжайы қате немесе оған рұқсат жоқ"],
            Self::ParameterEmpty => ["[{}] is empty", "[{}] не указан", "[{}] көрсетілмеген"],
            Self::ParameterInvalid => [
                "[{}] is invalid",
                "Неверное значение [{}]",
                "[{}] мәні қате"],
            Self::MarkupForbidden => [
                "[{}] must not contain HTML or scripts",
                "[{}] не может содержать HTML или скрипты",
                "[{}] ішінде HTML не скрипт болмауы керек"],
            Self::DatesExclude => [
                "[autocompletionDate] and [autoReverseDate] exclude each other",
                "[autocompletionDate] и [autoReverseDate] нельзя указать вместе",
                "[autocompletionDate] пен [autoReverseDate] қатар көрсетілмейді"],
            Self::PreAuthOnly => [
                "[{}] is only for pre-authorized orders",
                "[{}] допустим только для заказов с предавторизацией",
                "[{}] тек алдын ала авторландырылатын тапсырыстарға арналған"],
            Self::FeatureUnknown => [
                "[features] has an unknown value",
                "[features] содержит неизвестное значение",
                "[features] ішінде белгісіз мән бар"],
            Self::FeatureUnavailable => [
                "Feature {} is not available to the merchant",
                "Мерчанту недоступна возможность {}",
                "{} мүмкіндігі мерчантқа қолжетімсіз"],
            Self::FeaturesExclude => [
                "These features cannot be combined",
                "Такое сочетание features недопустимо",
                "Мұндай features мәндерін бірге қолдануға болмайды"],
            Self::CartMalformed => [
                "[orderBundle] is invalid: {}",
                "Неверная корзина [orderBundle]: {}",
                "[orderBundle] себеті қате: {}"],
            Self::CartSumDiffers => [
                "The sum of the cart items differs from the amount of the order",
                "Сумма позиций корзины не равна сумме заказа",
                "Себеттегі тауарлар сомасы тапсырыс сомасына тең емес"],
            Self::CartCurrencyDiffers => [
                "The currency of a cart item differs from the currency of the order",
                "Валюта позиции корзины не совпадает с валютой заказа",
                "Себеттегі тауар валютасы тапсырыс валютасына сәйкес келмейді"],
            Self::System => ["System error", "Системная ошибка", "Жүйелік қате"],
            Self::Busy => [
                "The gateway is busy, repeat the request later",
                "Шлюз перегружен, повторите запрос позже",
                "Шлюз бос емес, сұрауды кейінірек қайталаңыз"],
            Self::OrderUnknown => ["Order not found", "Заказ не найден", "Тапсырыс табылмады"],
            Self::OrderExpected => [
                "Expected [orderId] or [orderNumber]",
                "Ожидается [orderId] или [orderNumber]",
                "[orderId] немесе [orderNumber] көрсетілуі керек"],
            Self::DepositInvalid => [
                "deposit amount is invalid",
                "Неверная сумма завершения",
                "Аяқтау сомасы қате"],
            Self::DepositExceeds => [
                "deposited amount is exceeding approved amount",
                "Сумма завершения больше удержанной суммы",
                "Аяқтау сомасы ұсталған сомадан асады"],
            Self::DepositState => [
                "Payment must be in approved state",
                "Платёж должен быть в состоянии «сумма удержана»",
                "Төлем сомасы ұсталған күйде болуы керек"],
            Self::ReverseState => [
                "Reversal is impossible for current transaction state",
                "Отмена невозможна в текущем состоянии платежа",
                "Төлемнің қазіргі күйінде оны болдырмау мүмкін емес"],
            Self::RefundExceeds => [
                "Refund amount exceeds deposited amount",
                "Сумма возврата больше списанной суммы",
                "Қайтару сомасы алынған сомадан асады"],
            Self::RefundState => [
                "Refund is impossible for current transaction state",
                "Возврат невозможен в текущем состоянии платежа",
                "Төлемнің қазіргі күйінде ақша қайтару мүмкін емес"],
            Self::RefundUnexpected => [
                "Deposited amount differs from [expectedDepositedAmount]",
                "Списанная сумма не равна [expectedDepositedAmount]",
                "Алынған сома [expectedDepositedAmount] мәніне тең емес"],
            Self::DeclineState => [
                "Only an unpaid order can be declined",
                "Отклонить можно только неоплаченный заказ",
                "Тек төленбеген тапсырысты қабылдамауға болады"],
            Self::InProgress => [
                "An operation on the order is in progress, ask for the order status",
                "Операция по заказу ещё выполняется, запросите состояние заказа",
                "Тапсырыс бойынша операция әлі орындалуда, тапсырыс күйін сұраңыз"],
            Self::Refused => [
                "The bank refused the operation: {}",
                "Банк отказал в операции: {}",
                "Банк операциядан бас тартты: {}"],
            Self::Unsupported => [
                "{} is not supported",
                "{} не поддерживается",
                "{} қолдау таппайды"],
            Self::NothingFound => ["Data not found", "Информация не найдена", "Деректер табылмады"],
            Self::NoBinding => ["No binding found", "Связка не найдена", "Байланыстырылған карта табылмады"],
            Self::SizeOutOfRange => [
                "[size] must be from 1 to 200",
                "[size] должен быть от 1 до 200",
                "[size] 1 мен 200 аралығында болуы керек"],
            Self::CardNumber => [
                "Card number is invalid",
                "Неверный номер карты",
                "Карта нөмірі қате"],
            Self::CardExpiry => [
                "Card expiry is invalid",
                "Неверный срок действия карты",
                "Картаның жарамдылық мерзімі қате"],
            Self::CardExpired => [
                "Card has expired",
                "Срок действия карты истёк",
                "Картаның жарамдылық мерзімі өтіп кеткен"],
            Self::CardCode => [
                "Card security code is invalid",
                "Неверный код безопасности карты",
                "Картаның қауіпсіздік коды қате"],
            Self::CardDeclined => [
                "Payment is declined: {}",
                "Платёж отклонён: {}",
                "Төлем қабылданбады: {}"],
            Self::AlreadyPaid => [
                "Order is paid already",
                "Заказ уже оплачен",
                "Тапсырыс төленіп қойған"],
            Self::OrderEnded => [
                "Order can no longer be paid: {}",
                "Заказ больше нельзя оплатить: {}",
                "Тапсырысты енді төлеу мүмкін емес: {}"],
            Self::StepUnexpected => [
                "This step of 3-D Secure is not expected",
                "Этот шаг 3-D Secure не ожидается",
                "3-D Secure бұл қадамы күтілмейді"],
            Self::Redirecting => [
                "Your order is processed, redirecting...",
                "Ваш заказ обработан, происходит переход...",
                "Тапсырысыңыз өңделді, бет ауыстырылуда..."],
            Self::CheckDevice => [
                "Run the 3-D Secure method, then repeat the request",
                "Выполните метод 3-D Secure и повторите запрос",
                "3-D Secure әдісін орындап, сұрауды қайталаңыз"],
            Self::GoToIssuer => [
                "Send the payer to the issuer's page",
                "Отправьте плательщика на страницу банка-эмитента",
                "Төлеушіні эмитент банктің бетіне бағыттаңыз"],
            Self::OrderDeclined => [
                "Order is declined because of payment details",
                "Заказ отклонён из-за платёжных данных",
                "Тапсырыс төлем деректеріне байланысты қабылданбады"],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_message_is_there_in_three_languages() {
        for message in Message::ALL {
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
        let texts: HashSet<_> = Message::ALL.iter().map(|m| m.texts()).collect();
        assert_eq!(
            texts.len(),
            Message::ALL.len(),
            "two messages share their texts"
        );
    }

    #[test]
    fn no_text_is_longer_than_the_wire_allows() {
        for message in Message::ALL {
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
