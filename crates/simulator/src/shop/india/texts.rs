//! What the cashier for India says, in each language.

use super::order::{RefundState, Way};
use super::pages::Decision;
use crate::shop::order::State;
use crate::web::Language;

/// The sentences of its pages.
pub struct IndiaTexts {
    /// Heading of the ways to pay.
    pub ways: &'static str,
    /// Heading of the payer's fields.
    pub payer: &'static str,
    /// Label.
    pub first_name: &'static str,
    /// Label.
    pub last_name: &'static str,
    /// Label.
    pub phone: &'static str,
    /// Label.
    pub email: &'static str,
    /// Below the button.
    pub pay_hint: &'static str,
    /// Heading of the box.
    pub phones: &'static str,
    /// Below the phones.
    pub phones_hint: &'static str,
    /// A payer that cannot be read.
    pub wrong_payer: &'static str,
    /// Heading while the way to the wallet is awaited.
    pub finding_wallet: &'static str,
    /// Below it.
    pub finding_wallet_hint: &'static str,
    /// Heading while the payer is carried to the wallet.
    pub going_to_wallet: &'static str,
    /// Button.
    pub to_wallet: &'static str,
    /// Heading of the page with the window.
    pub window: &'static str,
    /// Below it.
    pub window_hint: &'static str,
    /// Button.
    pub open_window: &'static str,
    /// Link.
    pub on_page: &'static str,
    /// When the window cannot be shown.
    pub no_window: &'static str,
    /// Link.
    pub to_order: &'static str,
    /// Label.
    pub way: &'static str,
    /// Label.
    pub method: &'static str,
    /// Label.
    pub who: &'static str,
    /// Label.
    pub refund: &'static str,
    /// Above the button.
    pub refund_hint: &'static str,
    /// A refund that is not possible now.
    pub not_refundable: &'static str,
    /// The gateway has no such payment yet.
    pub not_known: &'static str,
    /// Before the payment's status in a callback.
    pub payment: &'static str,
}

impl IndiaTexts {
    /// The sentences of a language.
    pub fn of(language: Language) -> &'static IndiaTexts {
        match language {
            Language::Ru => &RU,
            Language::Kk => &KK,
            Language::En => &EN,
        }
    }
}

fn pick(language: Language, kk: &'static str, ru: &'static str, en: &'static str) -> &'static str {
    match language {
        Language::Kk => kk,
        Language::Ru => ru,
        Language::En => en,
    }
}

/// The name of a way to pay, and what happens on it.
pub fn way(way: Way, language: Language) -> (&'static str, &'static str) {
    match (way, language) {
        (Way::Page, Language::Kk) => (
            "Төлем беті",
            "Шлюз бетіне өтесіз, онда әмиянды не картаны таңдайсыз.",
        ),
        (Way::Page, Language::Ru) => (
            "Платёжная страница",
            "Вы перейдёте на страницу шлюза и выберете там кошелёк или карту.",
        ),
        (Way::Page, Language::En) => (
            "Payment Page",
            "You go to the gateway's page and choose a wallet or a card there.",
        ),
        (Way::Widget, Language::Kk) => (
            "Төлем терезесі",
            "Сол бет дүкен үстіндегі терезеде ашылады.",
        ),
        (Way::Widget, Language::Ru) => (
            "Платёжное окно",
            "Та же страница откроется в окне поверх магазина.",
        ),
        (Way::Widget, Language::En) => (
            "Payment window",
            "The same page opens in a window over the shop.",
        ),
        (Way::Gate, Language::Kk) => (
            "Тікелей әмиянға",
            "Дүкен шлюзбен өзі сөйлесіп, сізді бірден әмиянға жібереді.",
        ),
        (Way::Gate, Language::Ru) => (
            "Сразу в кошелёк",
            "Магазин сам договорится со шлюзом и отправит вас прямо в кошелёк.",
        ),
        (Way::Gate, Language::En) => (
            "Straight to the wallet",
            "The shop speaks to the Gate and sends you to the wallet at once.",
        ),
    }
}

/// What a state means for the buyer.
pub fn hint(state: State, language: Language) -> &'static str {
    let (kk, ru, en) = match state {
        State::NotRegistered => (
            "Төлем шлюзі тапсырысты қабылдамады. Қайта тапсырыс беріңіз.",
            "Шлюз не принял заказ. Оформите его ещё раз.",
            "The gateway did not take the order. Please order again.",
        ),
        State::Registered => (
            "Тапсырыс дайын, енді оны төлеу керек.",
            "Заказ оформлен, осталось его оплатить.",
            "The order is made and can be paid.",
        ),
        State::Authentication | State::Waiting => (
            "Төлем басталды. Оны аяқтаңыз немесе нәтижесін күтіңіз.",
            "Оплата начата. Завершите её или подождите результата.",
            "The payment has begun. Finish it, or wait for its result.",
        ),
        State::Held => (
            "Сома бұғатталды, бірақ әлі алынған жоқ.",
            "Сумма заблокирована, но ещё не списана.",
            "The sum is blocked but not taken yet.",
        ),
        State::Paid => (
            "Рақмет! Тапсырысыңызды жинап жатырмыз.",
            "Спасибо! Уже собираем ваш заказ.",
            "Thank you! We are packing your order.",
        ),
        State::Released => (
            "Бұғатталған сома босатылды.",
            "Заблокированная сумма снова доступна.",
            "The blocked sum is available again.",
        ),
        State::Refunded => (
            "Барлық сома төлеушіге қайтарылды.",
            "Вся сумма возвращена плательщику.",
            "The whole sum went back to the payer.",
        ),
        State::PartiallyRefunded => (
            "Соманың бір бөлігі төлеушіге қайтарылды.",
            "Часть суммы возвращена плательщику.",
            "A part of the sum went back to the payer.",
        ),
        State::Declined => (
            "Төлем өтпеді, ақша алынған жоқ.",
            "Платёж не прошёл, деньги не списаны.",
            "The payment did not succeed; no money was taken.",
        ),
        State::Mismatch => (
            "Шлюз басқа тапсырыс не сома туралы айтты. Тауар берілмейді.",
            "Шлюз сообщил о другом заказе или сумме. Товар не выдаём.",
            "The gateway told of another order or sum. Nothing is shipped.",
        ),
    };
    pick(language, kk, ru, en)
}

/// What became of a refund.
pub fn refund(state: RefundState, language: Language) -> &'static str {
    let (kk, ru, en) = match state {
        RefundState::Sent => (
            "жіберілді, жауап келмеді",
            "отправлен, ответа не было",
            "sent, no answer came",
        ),
        RefundState::Accepted => (
            "қабылданды, нәтижесін күтеміз",
            "принят, ждём результата",
            "accepted, the result is to come",
        ),
        RefundState::Done => ("орындалды", "выполнен", "done"),
        RefundState::Declined => ("қабылданбады", "отклонён", "declined"),
    };
    pick(language, kk, ru, en)
}

/// What a test phone does.
pub fn phone(decision: Decision, language: Language) -> &'static str {
    let (kk, ru, en) = match decision {
        Decision::Pays => ("бірден төлейді", "платит сразу", "pays at once"),
        Decision::Declines => (
            "бірден бас тартады",
            "отказывается сразу",
            "declines at once",
        ),
        Decision::Leaves => ("бірден кетіп қалады", "сразу уходит", "goes away at once"),
    };
    pick(language, kk, ru, en)
}

static RU: IndiaTexts = IndiaTexts {
    ways: "Как платить",
    payer: "Кто платит",
    first_name: "Имя",
    last_name: "Фамилия",
    phone: "Телефон",
    email: "Эл. почта",
    pay_hint: "Данные выдуманы, их можно оставить как есть. Деньги не настоящие.",
    phones: "Плательщики без страницы",
    phones_hint: "Так кончается номер телефона. Все остальные решают сами на странице кошелька.",
    wrong_payer: "Проверьте имя, фамилию, телефон и почту: чего-то не хватает или есть \
                  лишний знак.",
    finding_wallet: "Ищем ваш кошелёк…",
    finding_wallet_hint: "Шлюз вот-вот сообщит, куда вас отправить. Страница обновится сама.",
    going_to_wallet: "Переходим в кошелёк…",
    to_wallet: "Перейти в кошелёк",
    window: "Оплата в окне",
    window_hint: "Окно шлюза открывается поверх этой страницы. Если его закрыть, заказ останется.",
    open_window: "Открыть окно",
    on_page: "Платить на отдельной странице",
    no_window: "Окно не открылось. Оплатите на отдельной странице.",
    to_order: "К заказу",
    way: "Способ",
    method: "Метод",
    who: "Плательщик",
    refund: "Возврат",
    refund_hint: "Возвращается вся сумма сразу, результат придёт уведомлением.",
    not_refundable: "Этот заказ сейчас вернуть нельзя.",
    not_known: "ещё не знает платежа",
    payment: "платёж",
};

static KK: IndiaTexts = IndiaTexts {
    ways: "Қалай төлейсіз",
    payer: "Кім төлейді",
    first_name: "Аты",
    last_name: "Тегі",
    phone: "Телефон",
    email: "Эл. пошта",
    pay_hint: "Деректер ойдан алынған, сол күйі қалдыра беруге болады. Ақша шынайы емес.",
    phones: "Бетсіз төлеушілер",
    phones_hint: "Телефон нөмірі осылай аяқталады. Қалғандары әмиян бетінде өзі шешеді.",
    wrong_payer: "Атын, тегін, телефонын және поштасын тексеріңіз: бірдеңе жетіспейді \
                  немесе артық таңба бар.",
    finding_wallet: "Әмияныңызды іздеп жатырмыз…",
    finding_wallet_hint: "Шлюз қайда жіберу керегін қазір айтады. Бет өзі жаңарады.",
    going_to_wallet: "Әмиянға өтіп жатырмыз…",
    to_wallet: "Әмиянға өту",
    window: "Терезеде төлеу",
    window_hint: "Шлюз терезесі осы беттің үстінде ашылады. Оны жапсаңыз, тапсырыс сақталады.",
    open_window: "Терезені ашу",
    on_page: "Бөлек бетте төлеу",
    no_window: "Терезе ашылмады. Бөлек бетте төлеңіз.",
    to_order: "Тапсырысқа",
    way: "Тәсіл",
    method: "Әдіс",
    who: "Төлеуші",
    refund: "Қайтару",
    refund_hint: "Барлық сома бірден қайтарылады, нәтижесі хабарламамен келеді.",
    not_refundable: "Бұл тапсырысты қазір қайтаруға болмайды.",
    not_known: "төлемді әлі білмейді",
    payment: "төлем",
};

static EN: IndiaTexts = IndiaTexts {
    ways: "How to pay",
    payer: "Who pays",
    first_name: "First name",
    last_name: "Last name",
    phone: "Phone",
    email: "E-mail",
    pay_hint: "The person is made up and may stay as it is. The money is not real.",
    phones: "Payers without a page",
    phones_hint: "So ends the phone number. All others decide on the wallet's page.",
    wrong_payer: "Check name, phone and e-mail: something is missing, or there is a \
                  character too many.",
    finding_wallet: "Finding your wallet…",
    finding_wallet_hint: "The gateway is about to say where to send you. The page looks by itself.",
    going_to_wallet: "Taking you to the wallet…",
    to_wallet: "Go to the wallet",
    window: "Paying in a window",
    window_hint: "The gateway's window opens over this page. If you close it, the order stays.",
    open_window: "Open the window",
    on_page: "Pay on a page of its own",
    no_window: "The window did not open. Pay on a page of its own.",
    to_order: "To the order",
    way: "Way",
    method: "Method",
    who: "Payer",
    refund: "Refund",
    refund_hint: "The whole sum goes back at once; the result comes by callback.",
    not_refundable: "This order cannot be given back now.",
    not_known: "does not know the payment yet",
    payment: "payment",
};
