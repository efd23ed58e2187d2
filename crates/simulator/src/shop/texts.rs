//! What the shop says, in each language.

use super::http::GatewayError;
use super::order::State;
use crate::bank::card::Behaviour;
use crate::web::Language;

/// The sentences of the pages.
pub struct Texts {
    /// Under the name of the shop.
    pub tagline: &'static str,
    /// Heading of the front page.
    pub welcome: &'static str,
    /// Below it.
    pub lead: &'static str,
    /// Link to the list.
    pub orders: &'static str,
    /// Link to the goods.
    pub goods: &'static str,
    /// Button.
    pub buy: &'static str,
    /// Label.
    pub quantity: &'static str,
    /// Checkbox.
    pub hold_first: &'static str,
    /// What the checkbox means.
    pub hold_hint: &'static str,
    /// Button that goes to the payment page.
    pub pay: &'static str,
    /// Where the button leads.
    pub pay_hint: &'static str,
    /// Heading of the box.
    pub test_cards: &'static str,
    /// Below the cards.
    pub test_cards_hint: &'static str,
    /// Word before an order number.
    pub order: &'static str,
    /// When there are none.
    pub no_orders: &'static str,
    /// Label.
    pub amount: &'static str,
    /// Label.
    pub card: &'static str,
    /// Label.
    pub created: &'static str,
    /// Label.
    pub held: &'static str,
    /// Label.
    pub captured: &'static str,
    /// Label.
    pub refunded: &'static str,
    /// Heading of the two facts.
    pub facts: &'static str,
    /// First fact.
    pub status_request: &'static str,
    /// Second fact.
    pub callback: &'static str,
    /// When none came.
    pub no_callback: &'static str,
    /// When the status request failed.
    pub no_status: &'static str,
    /// Refused operation in a callback.
    pub not_succeeded: &'static str,
    /// Button.
    pub capture: &'static str,
    /// Button.
    pub release: &'static str,
    /// Button.
    pub refund: &'static str,
    /// Label of the sum to capture or refund.
    pub part: &'static str,
    /// Below it.
    pub part_hint: &'static str,
    /// Heading of the buttons.
    pub actions: &'static str,
    /// Link to the payment page of an unpaid order.
    pub continue_payment: &'static str,
    /// Link to the same good.
    pub buy_again: &'static str,
    /// Link.
    pub check_again: &'static str,
    /// After a capture.
    pub done_captured: &'static str,
    /// After a release.
    pub done_released: &'static str,
    /// After a refund.
    pub done_refunded: &'static str,
    /// A sum that cannot be read.
    pub wrong_amount: &'static str,
    /// The gateway did not answer.
    pub silent: &'static str,
    /// The gateway answered something else.
    pub strange: &'static str,
    /// Before the gateway's own words.
    pub refused: &'static str,
    /// Heading of the error page.
    pub problem: &'static str,
    /// For a wrong address.
    pub not_found: &'static str,
    /// On the page between shop and gateway.
    pub going_to_pay: &'static str,
    /// At the bottom.
    pub sandbox: &'static str,
    /// Link at the bottom.
    pub bank: &'static str,
    /// Link at the bottom.
    pub partner: &'static str,
    /// Name of the switch of cashiers.
    pub currency: &'static str,
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

    /// Why the gateway did not do it, in plain words.
    pub fn gateway(&self, error: &GatewayError) -> String {
        match error {
            GatewayError::Silent(_) => self.silent.to_owned(),
            GatewayError::Strange(status) => format!("{} (HTTP {status})", self.strange),
            GatewayError::Refused { code, message } => {
                format!("{} {message} ({code})", self.refused)
            }
        }
    }
}

/// Title and explanation of a state.
pub fn state(state: State, language: Language) -> (&'static str, &'static str) {
    match language {
        Language::Kk => state_kk(state),
        Language::Ru => state_ru(state),
        Language::En => state_en(state),
    }
}

fn state_kk(state: State) -> (&'static str, &'static str) {
    match state {
        State::NotRegistered => (
            "Төлем басталмады",
            "Төлем шлюзі тапсырысты қабылдамады. Қайта тапсырыс беріңіз.",
        ),
        State::Registered => ("Төлем күтілуде", "Тапсырыс тіркелді, енді оны төлеу керек."),
        State::Authentication => ("Банк растауды күтуде", "Төлемді банк бетінде растаңыз."),
        State::Waiting => (
            "Төлем өңделуде",
            "Банк әлі жауап берген жоқ. Қайта төлемеңіз, сәл күтіңіз.",
        ),
        State::Held => (
            "Ақша ұсталып тұр",
            "Сома картада бұғатталды. Дүкен оны алады немесе босатады.",
        ),
        State::Paid => ("Төленді", "Рақмет! Тапсырысыңызды жинап жатырмыз."),
        State::Released => ("Босатылды", "Ұсталған сома картаға қайтарылды."),
        State::Refunded => ("Ақша қайтарылды", "Барлық сома картаға қайтарылды."),
        State::PartiallyRefunded => (
            "Бір бөлігі қайтарылды",
            "Соманың бір бөлігі картаға қайтарылды.",
        ),
        State::Declined => ("Төленбеді", "Төлем өтпеді, ақша алынған жоқ."),
        State::Mismatch => (
            "Деректер сәйкес емес",
            "Шлюз басқа тапсырыс не сома туралы айтты. Тауар берілмейді.",
        ),
    }
}

fn state_ru(state: State) -> (&'static str, &'static str) {
    match state {
        State::NotRegistered => (
            "Оплата не начата",
            "Шлюз не принял заказ. Оформите его ещё раз.",
        ),
        State::Registered => (
            "Ждёт оплаты",
            "Заказ зарегистрирован, осталось его оплатить.",
        ),
        State::Authentication => (
            "Банк ждёт подтверждения",
            "Подтвердите платёж на странице банка.",
        ),
        State::Waiting => (
            "Платёж обрабатывается",
            "Банк ещё не ответил. Не платите второй раз, подождите.",
        ),
        State::Held => (
            "Деньги удержаны",
            "Сумма заблокирована на карте. Магазин её спишет или отпустит.",
        ),
        State::Paid => ("Оплачено", "Спасибо! Уже собираем ваш заказ."),
        State::Released => (
            "Удержание снято",
            "Удержанная сумма снова доступна на карте.",
        ),
        State::Refunded => ("Деньги возвращены", "Вся сумма возвращена на карту."),
        State::PartiallyRefunded => ("Часть возвращена", "Часть суммы возвращена на карту."),
        State::Declined => ("Не оплачено", "Платёж не прошёл, деньги не списаны."),
        State::Mismatch => (
            "Данные не сходятся",
            "Шлюз сообщил о другом заказе или сумме. Товар не выдаём.",
        ),
    }
}

fn state_en(state: State) -> (&'static str, &'static str) {
    match state {
        State::NotRegistered => (
            "Payment not started",
            "The gateway did not take the order. Please order again.",
        ),
        State::Registered => (
            "Awaiting payment",
            "The order is registered and can be paid.",
        ),
        State::Authentication => (
            "The bank awaits confirmation",
            "Confirm the payment on the bank's page.",
        ),
        State::Waiting => (
            "Payment in progress",
            "The bank has not answered yet. Do not pay twice, just wait.",
        ),
        State::Held => (
            "Money is held",
            "The sum is blocked on the card. The shop captures or releases it.",
        ),
        State::Paid => ("Paid", "Thank you! We are packing your order."),
        State::Released => ("Released", "The held sum is available on the card again."),
        State::Refunded => ("Refunded", "The whole sum went back to the card."),
        State::PartiallyRefunded => (
            "Partly refunded",
            "A part of the sum went back to the card.",
        ),
        State::Declined => (
            "Not paid",
            "The payment did not succeed; no money was taken.",
        ),
        State::Mismatch => (
            "Details do not match",
            "The gateway told of another order or sum. Nothing is shipped.",
        ),
    }
}

/// What a test card does.
pub fn card(behaviour: Behaviour, language: Language) -> &'static str {
    let (kk, ru, en) = match behaviour {
        Behaviour::Approved => ("бірден төленеді", "оплата проходит сразу", "paid at once"),
        Behaviour::InsufficientFunds => ("ақша жетпейді", "не хватает денег", "not enough money"),
        Behaviour::Expired => ("мерзімі өткен", "срок карты истёк", "card expired"),
        Behaviour::ChallengeApproved => (
            "кодты сұрайды, төленеді",
            "спросит код, оплата пройдёт",
            "asks for a code, then paid",
        ),
        Behaviour::ChallengeDeclined => (
            "кодты сұрайды, бас тартады",
            "спросит код и откажет",
            "asks for a code, then declined",
        ),
        Behaviour::Frictionless => (
            "кодсыз тексеріледі",
            "проверка без кода",
            "checked without a code",
        ),
        Behaviour::TimeoutThenApproved => (
            "банк кешігіп мақұлдайды",
            "банк одобрит с задержкой",
            "approved late",
        ),
        Behaviour::TimeoutThenDeclined => (
            "банк кешігіп бас тартады",
            "банк откажет с задержкой",
            "declined late",
        ),
        Behaviour::ConnectionDrop => (
            "байланыс үзіледі, төленеді",
            "связь оборвётся, оплата пройдёт",
            "line drops, yet paid",
        ),
        Behaviour::BadNumber => ("карта нөмірі емес", "не номер карты", "not a card number"),
    };
    match language {
        Language::Kk => kk,
        Language::Ru => ru,
        Language::En => en,
    }
}

static RU: Texts = Texts {
    tagline: "вещи степи",
    welcome: "Вещи с характером степи",
    lead: "Шесть вещей от мастеров со всего Казахстана. Магазин учебный: платите тестовой картой.",
    orders: "Заказы",
    goods: "Все товары",
    buy: "Купить",
    quantity: "Количество",
    hold_first: "Сначала удержать деньги",
    hold_hint: "Сумма блокируется на карте, а списывает её магазин отдельной кнопкой.",
    pay: "Перейти к оплате",
    pay_hint: "Номер карты вы введёте на странице платёжного шлюза, магазин его не увидит.",
    test_cards: "Тестовые карты",
    test_cards_hint: "Любой будущий срок и любой CVC. Другой правильный номер — оплата сразу.",
    order: "Заказ",
    no_orders: "Заказов пока нет.",
    amount: "Сумма",
    card: "Карта",
    created: "Создан, UTC",
    held: "Удержано",
    captured: "Списано",
    refunded: "Возвращено",
    facts: "Откуда мы это знаем",
    status_request: "Запрос статуса",
    callback: "Уведомление шлюза",
    no_callback: "ещё не пришло",
    no_status: "шлюз не ответил",
    not_succeeded: "не удалось",
    capture: "Списать",
    release: "Отпустить",
    refund: "Вернуть деньги",
    part: "Сумма, ₸",
    part_hint: "Пусто — вся сумма",
    actions: "Действия магазина",
    continue_payment: "Оплатить",
    buy_again: "Заказать ещё раз",
    check_again: "Проверить ещё раз",
    done_captured: "Деньги списаны.",
    done_released: "Удержание снято.",
    done_refunded: "Возврат принят.",
    wrong_amount: "Такую сумму провести нельзя: проверьте, что она больше нуля \
                   и не больше доступной.",
    silent: "Платёжный шлюз не ответил. Неизвестно, выполнил ли он \
             запрос: сначала проверьте статус.",
    strange: "Платёжный шлюз ответил непонятно. Сначала проверьте статус заказа.",
    refused: "Платёжный шлюз отказал:",
    problem: "Не получилось",
    not_found: "Такой страницы нет.",
    going_to_pay: "Переходим к оплате…",
    sandbox: "Учебный магазин: ничего не продаётся, деньги не настоящие",
    bank: "Что видит банк",
    partner: "Что видит партнёр",
    currency: "Валюта",
};

static KK: Texts = Texts {
    tagline: "дала бұйымдары",
    welcome: "Дала мінезді бұйымдар",
    lead: "Қазақстан шеберлерінің алты бұйымы. Дүкен оқу үшін: сынақ картасымен төлеңіз.",
    orders: "Тапсырыстар",
    goods: "Барлық тауар",
    buy: "Сатып алу",
    quantity: "Саны",
    hold_first: "Алдымен ақшаны ұстап тұру",
    hold_hint: "Сома картада бұғатталады, ал дүкен оны бөлек батырмамен алады.",
    pay: "Төлеуге өту",
    pay_hint: "Карта нөмірін төлем шлюзінің бетінде енгізесіз, дүкен оны көрмейді.",
    test_cards: "Сынақ карталары",
    test_cards_hint: "Кез келген болашақ мерзім мен CVC. Басқа дұрыс нөмір бірден төленеді.",
    order: "Тапсырыс",
    no_orders: "Әзірге тапсырыс жоқ.",
    amount: "Сома",
    card: "Карта",
    created: "Жасалған уақыты, UTC",
    held: "Ұсталған",
    captured: "Алынған",
    refunded: "Қайтарылған",
    facts: "Мұны қайдан білеміз",
    status_request: "Күй туралы сұрау",
    callback: "Шлюз хабарламасы",
    no_callback: "әлі келген жоқ",
    no_status: "шлюз жауап бермеді",
    not_succeeded: "сәтсіз",
    capture: "Ақшаны алу",
    release: "Босату",
    refund: "Ақшаны қайтару",
    part: "Сома, ₸",
    part_hint: "Бос болса — толық сома",
    actions: "Дүкен әрекеттері",
    continue_payment: "Төлеу",
    buy_again: "Қайта тапсырыс беру",
    check_again: "Қайта тексеру",
    done_captured: "Ақша алынды.",
    done_released: "Ұсталған сома босатылды.",
    done_refunded: "Қайтару қабылданды.",
    wrong_amount: "Мұндай соманы өткізуге болмайды: ол нөлден көп, қолда \
                   бардан артық болмауы керек.",
    silent: "Төлем шлюзі жауап бермеді. Сұрау орындалғаны белгісіз: алдымен күйін тексеріңіз.",
    strange: "Төлем шлюзі түсініксіз жауап берді. Алдымен тапсырыс күйін тексеріңіз.",
    refused: "Төлем шлюзі бас тартты:",
    problem: "Болмады",
    not_found: "Мұндай бет жоқ.",
    going_to_pay: "Төлеуге өтіп жатырмыз…",
    sandbox: "Оқу дүкені: ештеңе сатылмайды, ақша шынайы емес",
    bank: "Банк не көреді",
    partner: "Серіктес не көреді",
    currency: "Валюта",
};

static EN: Texts = Texts {
    tagline: "goods of the steppe",
    welcome: "Goods with the steppe in them",
    lead: "Six things by makers from all over Kazakhstan. A sandbox: pay with a test card.",
    orders: "Orders",
    goods: "All goods",
    buy: "Buy",
    quantity: "Quantity",
    hold_first: "Hold the money first",
    hold_hint: "The sum is blocked on the card; the shop captures it later with a button.",
    pay: "Go to payment",
    pay_hint: "You type the card number on the gateway's page; the shop never sees it.",
    test_cards: "Test cards",
    test_cards_hint: "Any expiry in the future, any CVC. Another valid number is paid at once.",
    order: "Order",
    no_orders: "No orders yet.",
    amount: "Amount",
    card: "Card",
    created: "Created, UTC",
    held: "Held",
    captured: "Captured",
    refunded: "Refunded",
    facts: "How we know",
    status_request: "Status request",
    callback: "Callback of the gateway",
    no_callback: "has not come yet",
    no_status: "the gateway did not answer",
    not_succeeded: "not succeeded",
    capture: "Capture",
    release: "Release",
    refund: "Refund",
    part: "Sum, ₸",
    part_hint: "Empty: all of it",
    actions: "What the shop can do",
    continue_payment: "Pay",
    buy_again: "Order again",
    check_again: "Check again",
    done_captured: "The money is captured.",
    done_released: "The hold is released.",
    done_refunded: "The refund is accepted.",
    wrong_amount: "This sum is not possible: it must be above zero and not \
                   above what is available.",
    silent: "The payment gateway did not answer. Whether it did the work \
             is not known: check first.",
    strange: "The payment gateway gave an answer we do not understand. Check the order first.",
    refused: "The payment gateway refused:",
    problem: "That did not work",
    not_found: "There is no such page.",
    going_to_pay: "Taking you to payment…",
    sandbox: "A sandbox shop: nothing is sold and the money is not real",
    bank: "What the bank sees",
    partner: "What the partner sees",
    currency: "Currency",
};
