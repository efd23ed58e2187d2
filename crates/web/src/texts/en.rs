//! English.

use altyn_domain::Language;

use super::{Message, Texts};

pub(crate) const TEXTS: Texts = Texts {
    language: Language::En,
    language_name: "English",
    choose_language: "Page language",
    secure: "Secure payment",

    page_title: "Pay for your order",
    to_pay: "Amount to pay",
    to_hold: "Amount to reserve",
    to_verify: "Card check",
    no_charge: "No charge",
    hold_note: "The amount stays on your card but is reserved until the shop confirms the order.",
    verify_note: "We only check the card. No money is taken.",
    shop: "Shop",
    order: "Order",
    card: "Card",
    amount: "Amount",
    refunded: "Refunded",
    approval_code: "Authorization code",
    time_left: "Time left",
    days: "{} d",
    hours: "{} h",
    minutes: "{} min",

    card_details: "Card details",
    card_number: "Card number",
    expiry: "Expiry date",
    expiry_hint: "MM/YY",
    code: "CVC/CVV code",
    code_hint: "Three digits on the back of the card",
    holder: "Name on card",
    optional: "optional",
    pay: "Pay {}",
    hold: "Reserve {}",
    verify: "Check the card",
    sending: "Contacting your bank…",
    privacy: "The shop never sees your card number or its code.",

    fix_fields: "Please check the marked fields.",
    number_missing: "Enter the card number.",
    number_length: "A card number has 12 to 19 digits.",
    number_check: "A digit is wrong: check the number.",
    expiry_malformed: "Enter month, year.",
    expired_card: "Card has expired.",
    code_length: "Enter 3 digits.",
    code_length_amex: "Enter 4 digits.",

    last_try_failed: "Your last attempt did not go through.",
    unanswered: "The bank has not told us yet what became of your last attempt. Before you pay again, check in your bank's app that no money was taken.",
    tries_left: "Attempts left: {}",
    try_again: "Try again",
    back_to_shop: "Back to the shop",
    returning: "Back to the shop in {} s.",
    stay: "Stay here",
    refresh: "Refresh",
    go_on: "Continue",
    open_bank: "Open your bank's page",

    wait: Message {
        title: "Waiting for your bank",
        text: "This usually takes a few seconds. Do not pay again: this page updates by itself.",
    },
    wait_long: "Your bank is taking longer than usual. You may close this page: the shop will learn the result without it.",
    device_check: Message {
        title: "Your bank is checking the card",
        text: "This takes 10 seconds at most. Please keep this page open.",
    },
    challenge: Message {
        title: "Confirm the payment with your bank",
        text: "Your bank shows a page to confirm it. You will come back here afterwards.",
    },
    challenge_again: "Your bank's page ended without an answer. Please open it again.",
    paid: Message {
        title: "Paid",
        text: "Thank you! Your payment went through.",
    },
    held: Message {
        title: "Amount reserved",
        text: "The shop will take it when it confirms the order.",
    },
    verified: Message {
        title: "Card checked",
        text: "No money was taken.",
    },
    returned: Message {
        title: "Payment returned",
        text: "The money is on its way back to your card. How long it takes depends on your bank.",
    },
    already_paid: Message {
        title: "This order is already paid",
        text: "There is no need to pay again.",
    },
    declined: Message {
        title: "Payment did not go through",
        text: "No money was taken.",
    },
    declined_for_good: "No attempts are left. Please place the order in the shop again.",
    tries_over: Message {
        title: "No attempts are left",
        text: "The bank has not answered about the last attempt yet. If it goes through, the shop will know.",
    },
    cancelled: Message {
        title: "Order cancelled",
        text: "The shop has cancelled this order; it can no longer be paid.",
    },
    expired: Message {
        title: "Time to pay is over",
        text: "Please place the order in the shop again.",
    },
    unknown_order: Message {
        title: "Order not found",
        text: "Check the link, or open the payment from the shop once more.",
    },
    trouble: Message {
        title: "Service temporarily unavailable",
        text: "Refresh this page in a few seconds. It will show whether the payment went through: do not pay again before that.",
    },
    no_method: Message {
        title: "Card payment is unavailable",
        text: "The shop does not take cards at the moment. Please let the shop know.",
    },

    decline_general: "Your bank declined the payment without giving a reason. Try another card or call your bank.",
    decline_insufficient_funds: "There is not enough money on the card. Top it up or use another card.",
    decline_expired_card: "This card has expired. Please use another card.",
    decline_invalid_card: "The bank knows no card with this number. Please check the number.",
    decline_security_code: "The CVC/CVV code is wrong. Check the digits on the back of the card.",
    decline_authentication_failed: "The payment was not confirmed on your bank's page. Please try again.",
    decline_authentication_required: "Your bank wants a confirmation that is not available for this card. Please use another card.",
    decline_limit_exceeded: "This is over the card's limit. Change the limit in your bank's app or use another card.",
    decline_blocked_card: "This card is blocked. Use another card or call your bank.",
    decline_not_allowed: "Your bank does not allow such payments with this card. Turn on internet payments or use another card.",
    decline_suspected_fraud: "Your bank found the payment suspicious. Call your bank or use another card.",
    decline_issuer_unavailable: "The bank that issued the card does not answer. Try again later or use another card.",
    decline_invalid_amount: "The bank cannot take a payment of this amount. Please contact the shop.",
    decline_original_not_found: "The bank does not know the original operation. Please contact the shop.",
    decline_interrupted: "The connection broke before anything was sent to the bank. Please try again.",
    decline_technical: "Something failed at the bank. Please try again a little later.",
};
