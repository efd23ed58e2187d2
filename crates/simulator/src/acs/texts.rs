//! What the ACS says, in each language.

use crate::web::Language;

/// The sentences of the pages.
pub struct Texts {
    /// Title of all pages.
    pub title: &'static str,
    /// Above the form.
    pub heading: &'static str,
    /// What the payer is asked to do.
    pub explanation: &'static str,
    /// Label of the order.
    pub order: &'static str,
    /// Label of the sum.
    pub amount: &'static str,
    /// Label of the card.
    pub card: &'static str,
    /// Before the code, which a real bank would send by message.
    pub your_code: &'static str,
    /// Label of the input.
    pub code: &'static str,
    /// Button.
    pub submit: &'static str,
    /// Button.
    pub cancel: &'static str,
    /// After a wrong code.
    pub wrong_code: &'static str,
    /// Before the number of tries.
    pub tries_left: &'static str,
    /// Heading when the payer passed.
    pub passed: &'static str,
    /// Heading when the payer did not pass.
    pub failed: &'static str,
    /// Under that heading.
    pub returning: &'static str,
    /// Button for browsers without script.
    pub go_on: &'static str,
    /// When there is nowhere to go.
    pub close: &'static str,
    /// Heading of the error page.
    pub problem: &'static str,
    /// What to do about it.
    pub start_again: &'static str,
    /// The line at the bottom.
    pub sandbox: &'static str,
}

impl Texts {
    /// The sentences of a language.
    pub fn of(language: Language) -> &'static Texts {
        match language {
            Language::Ru => &RU,
            Language::Kk => &KK,
            Language::En => &EN,
        }
    }
}

static RU: Texts = Texts {
    title: "Подтверждение платежа",
    heading: "Подтвердите платёж",
    explanation: "Введите код, чтобы подтвердить, что платите вы.",
    order: "Заказ",
    amount: "Сумма",
    card: "Карта",
    your_code: "Код из «сообщения банка»",
    code: "Код подтверждения",
    submit: "Подтвердить",
    cancel: "Отменить платёж",
    wrong_code: "Неверный код.",
    tries_left: "Осталось попыток:",
    passed: "Платёж подтверждён",
    failed: "Платёж не подтверждён",
    returning: "Возвращаем вас на страницу оплаты…",
    go_on: "Продолжить",
    close: "Эту страницу можно закрыть и вернуться в магазин.",
    problem: "Запрос не найден",
    start_again: "Вернитесь в магазин и начните оплату ещё раз.",
    sandbox: "Учебный банк: деньги не настоящие",
};

static KK: Texts = Texts {
    title: "Төлемді растау",
    heading: "Төлемді растаңыз",
    explanation: "Төлеп жатқан өзіңіз екенін растау үшін кодты енгізіңіз.",
    order: "Тапсырыс",
    amount: "Сома",
    card: "Карта",
    your_code: "«Банк хабарламасындағы» код",
    code: "Растау коды",
    submit: "Растау",
    cancel: "Төлемнен бас тарту",
    wrong_code: "Код қате.",
    tries_left: "Қалған әрекет саны:",
    passed: "Төлем расталды",
    failed: "Төлем расталмады",
    returning: "Төлем бетіне қайтарып жатырмыз…",
    go_on: "Жалғастыру",
    close: "Бұл бетті жауып, дүкенге оралуға болады.",
    problem: "Сұрау табылмады",
    start_again: "Дүкенге оралып, төлемді қайта бастаңыз.",
    sandbox: "Оқу банкі: ақша шынайы емес",
};

static EN: Texts = Texts {
    title: "Payment confirmation",
    heading: "Confirm the payment",
    explanation: "Type the code to confirm that it is you who pays.",
    order: "Order",
    amount: "Amount",
    card: "Card",
    your_code: "Code from “the bank's message”",
    code: "Confirmation code",
    submit: "Confirm",
    cancel: "Cancel the payment",
    wrong_code: "Wrong code.",
    tries_left: "Tries left:",
    passed: "Payment confirmed",
    failed: "Payment not confirmed",
    returning: "Taking you back to the payment page…",
    go_on: "Continue",
    close: "You may close this page and return to the shop.",
    problem: "Request not found",
    start_again: "Go back to the shop and start the payment again.",
    sandbox: "Sandbox bank: no real money",
};
