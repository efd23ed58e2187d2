//! What the wallet page says, in each language.

use crate::web::Language;

/// The sentences of the page.
pub struct Texts {
    /// Above the buttons.
    pub heading: &'static str,
    /// What the payer is asked to do.
    pub explanation: &'static str,
    /// Label of the shop.
    pub merchant: &'static str,
    /// Label of the order.
    pub order: &'static str,
    /// Label of the note.
    pub note: &'static str,
    /// Label of the sum.
    pub amount: &'static str,
    /// Button.
    pub pay: &'static str,
    /// Button.
    pub decline: &'static str,
    /// Button: back without a decision.
    pub leave: &'static str,
    /// Heading and sentence of a paid order.
    pub paid: [&'static str; 2],
    /// Heading and sentence of a payment that failed.
    pub failed: [&'static str; 2],
    /// Heading and sentence of a payment that the wallet still works on.
    pub waiting: [&'static str; 2],
    /// Heading and sentence of an order whose time is over.
    pub expired: [&'static str; 2],
    /// Heading and sentence of an order that the shop ended.
    pub terminated: [&'static str; 2],
    /// Heading and sentence of a payment that went back to the payer.
    pub returned: [&'static str; 2],
    /// Heading and sentence of a link that leads nowhere.
    pub unknown: [&'static str; 2],
    /// Heading and sentence of a form that cannot be accepted.
    pub refused: [&'static str; 2],
    /// The way back.
    pub back: &'static str,
    /// While the browser goes back.
    pub returning: &'static str,
    /// Button for browsers without script.
    pub go_on: &'static str,
    /// When there is nowhere to go.
    pub close: &'static str,
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

static EN: Texts = Texts {
    heading: "Pay from your wallet",
    explanation: "Check the payment and confirm it.",
    merchant: "Shop",
    order: "Order",
    note: "Note",
    amount: "Amount",
    pay: "Pay",
    decline: "Decline the payment",
    leave: "Leave without deciding",
    paid: ["Payment made", "The money has left your wallet."],
    failed: ["Payment declined", "No money has left your wallet."],
    waiting: ["Payment in progress", "The wallet has not answered yet."],
    expired: ["Time is over", "This order can no longer be paid."],
    terminated: ["Order closed", "The shop has closed this order."],
    returned: [
        "Payment returned",
        "It came too late; the money goes back to your wallet.",
    ],
    unknown: [
        "Link not found",
        "Go back to the shop and start the payment again.",
    ],
    refused: [
        "Payment not started",
        "The shop sent a form that is not right.",
    ],
    back: "Back to the shop",
    returning: "Taking you back to the shop…",
    go_on: "Continue",
    close: "You may close this page and return to the shop.",
    sandbox: "Sandbox wallet: no real money",
};

static RU: Texts = Texts {
    heading: "Оплата из кошелька",
    explanation: "Проверьте платёж и подтвердите его.",
    merchant: "Магазин",
    order: "Заказ",
    note: "Назначение",
    amount: "Сумма",
    pay: "Оплатить",
    decline: "Отклонить платёж",
    leave: "Уйти, ничего не решив",
    paid: ["Платёж прошёл", "Деньги списаны с кошелька."],
    failed: ["Платёж отклонён", "Деньги из кошелька не списаны."],
    waiting: ["Платёж выполняется", "Кошелёк ещё не ответил."],
    expired: ["Время истекло", "Этот заказ больше нельзя оплатить."],
    terminated: ["Заказ закрыт", "Магазин закрыл этот заказ."],
    returned: [
        "Платёж возвращён",
        "Он пришёл слишком поздно: деньги вернутся в кошелёк.",
    ],
    unknown: [
        "Ссылка не найдена",
        "Вернитесь в магазин и начните оплату ещё раз.",
    ],
    refused: ["Платёж не начат", "Магазин прислал неверную форму."],
    back: "Вернуться в магазин",
    returning: "Возвращаем вас в магазин…",
    go_on: "Продолжить",
    close: "Эту страницу можно закрыть и вернуться в магазин.",
    sandbox: "Учебный кошелёк: деньги не настоящие",
};

static KK: Texts = Texts {
    heading: "Әмияннан төлеу",
    explanation: "Төлемді тексеріп, растаңыз.",
    merchant: "Дүкен",
    order: "Тапсырыс",
    note: "Мақсаты",
    amount: "Сома",
    pay: "Төлеу",
    decline: "Төлемнен бас тарту",
    leave: "Шешпей шығу",
    paid: ["Төлем өтті", "Ақша әмияннан алынды."],
    failed: ["Төлем қабылданбады", "Әмияннан ақша алынған жоқ."],
    waiting: ["Төлем орындалып жатыр", "Әмиян әлі жауап берген жоқ."],
    expired: ["Уақыт бітті", "Бұл тапсырысты енді төлеуге болмайды."],
    terminated: ["Тапсырыс жабылды", "Дүкен бұл тапсырысты жапты."],
    returned: [
        "Төлем қайтарылды",
        "Ол тым кеш келді: ақша әмиянға қайтады.",
    ],
    unknown: [
        "Сілтеме табылмады",
        "Дүкенге оралып, төлемді қайта бастаңыз.",
    ],
    refused: ["Төлем басталмады", "Дүкен қате форма жіберді."],
    back: "Дүкенге оралу",
    returning: "Сізді дүкенге қайтарып жатырмыз…",
    go_on: "Жалғастыру",
    close: "Бұл бетті жауып, дүкенге оралуға болады.",
    sandbox: "Оқу әмияны: ақша шынайы емес",
};
