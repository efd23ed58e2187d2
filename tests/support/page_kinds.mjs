// Every kind of page that payers see, and how one gets to it. `open` leads a tab there; `about` is the
// heading by which one knows to have arrived.

import { buy, payBy, typeCard } from "./checkout.mjs";

const AMOUNT = "4990000";
const DESCRIPTION = "Текемет 140 × 200 см, валяная шерсть, и доставка до двери в Алматы";

let orders = 0;

/** An order with this standing at the gateway, reached without a browser. */
async function order(demo, { preAuth = false, pay = [], ...fields } = {}) {
  const wanted = {
    amount: AMOUNT,
    description: DESCRIPTION,
    language: "ru",
    orderNumber: `DALA-2026-${++orders}`,
    ...fields,
  };
  const registered = await demo.register(wanted, { preAuth });
  for (const behaviour of pay) await demo.pay(registered.orderId, behaviour);
  return { ...registered, url: `${demo.baseUrl}/checkout/${registered.orderId}` };
}

/** A page of an order made for it. */
function ofOrder(options, path = "", then = async () => undefined) {
  return async (page, demo) => {
    const made = await order(demo, options);
    await then(demo, made);
    await page.goto(`${made.url}${path}`);
  };
}

/** The form, filled in with this card and sent. */
function afterPaying(behaviour, prepare = async () => undefined) {
  return async (page, demo) => {
    const { formUrl } = await order(demo);
    await page.goto(formUrl);
    await prepare(page);
    await payBy(page, demo.card(behaviour));
  };
}

/** A page of the ACS that goes nowhere, so that ours stays open. */
const hold = (pattern, answer) => (page) => page.route(pattern, (route) => route.fulfill(answer));

async function wrongFields(page, demo) {
  const { formUrl } = await order(demo);
  await page.goto(formUrl);
  await typeCard(page, { pan: "4444555511113334", expiry: "202001", cvc: "1" });
  await page.evaluate(() => document.getElementById("card").submit());
  await page.locator(".notice.bad").waitFor();
}

async function markedFields(page, demo) {
  const { formUrl } = await order(demo);
  await page.goto(formUrl);
  await page.locator("#pay").click();
  await page.locator("#cc-csc[aria-invalid]").waitFor();
}

async function wrongCode(page, demo) {
  await afterPaying("challenge_approved")(page, demo);
  await page.locator("#code").fill("000000");
  await page.locator("button[value=submit]").click();
  await page.locator("#wrong").waitFor();
}

async function shopOrder(page, demo, behaviour) {
  await buy(page, demo);
  if (behaviour) {
    await payBy(page, demo.card(behaviour));
    await page.locator("main .message").waitFor();
  }
  await page.locator("a[href*='/return']").click();
  await page.locator("main[data-page=order]").waitFor();
}

/** The pages of Checkout. */
export const CHECKOUT = {
  form: { about: "К оплате", open: ofOrder({}) },
  "form-bare": { about: "К оплате", open: ofOrder({ description: "", orderNumber: "1" }) },
  "form-hold": { about: "Будет зарезервировано", open: ofOrder({ preAuth: true }) },
  "form-verify": {
    about: "Проверка карты",
    open: ofOrder({ amount: "0", features: "VERIFY" }),
  },
  "form-second-card": {
    about: "К оплате",
    open: ofOrder({ pay: ["declined_insufficient_funds"] }),
  },
  "form-wrong-fields": { about: "К оплате", open: wrongFields },
  "form-marked-fields": { about: "К оплате", open: markedFields },
  "form-kazakh": { about: "Төлейтін сома", open: ofOrder({ language: "kk" }) },
  "form-english": { about: "Amount to pay", open: ofOrder({ language: "en" }) },
  "device-check": {
    about: "Банк проверяет карту",
    open: afterPaying("challenge_approved", hold("**/acs/method", { body: "" })),
    once: true,
  },
  challenge: {
    about: "Подтвердите оплату в банке",
    open: afterPaying("challenge_approved", hold("**/acs/challenge", { status: 204 })),
    once: true,
  },
  wait: { about: "Ждём ответа банка", open: afterPaying("timeout_then_approved") },
  paid: { about: "Оплачено", open: ofOrder({ pay: ["approved"] }, "/result") },
  "already-paid": { about: "Заказ уже оплачен", open: ofOrder({ pay: ["approved"] }) },
  held: { about: "Сумма зарезервирована", open: ofOrder({ preAuth: true, pay: ["approved"] }) },
  verified: {
    about: "Карта проверена",
    open: ofOrder({ amount: "0", features: "VERIFY", pay: ["approved"] }, "/result"),
  },
  "returned-in-part": {
    about: "Оплачено",
    open: ofOrder({ pay: ["approved"] }, "/result", (demo, { orderId }) =>
      demo.rbsCall("refund", { orderId, amount: "1000000" }),
    ),
  },
  returned: {
    about: "Оплата отменена",
    open: ofOrder({ pay: ["approved"] }, "/result", (demo, { orderId }) =>
      demo.rbsCall("refund", { orderId, amount: AMOUNT }),
    ),
  },
  declined: {
    about: "Оплата не прошла",
    open: ofOrder({ pay: ["declined_insufficient_funds"] }, "/result"),
  },
  "declined-for-good": {
    about: "Оплата не прошла",
    open: ofOrder({
      pay: ["declined_expired", "declined_expired", "declined_insufficient_funds"],
    }),
  },
  cancelled: {
    about: "Заказ отменён",
    open: ofOrder({}, "", (demo, { orderId }) => demo.rbsCall("decline", { orderId })),
  },
  expired: {
    about: "Время на оплату истекло",
    open: ofOrder({ sessionTimeoutSecs: "60" }, "", (demo) => demo.advance(61)),
  },
  unknown: {
    about: "Заказ не найден",
    open: (page, demo) => page.goto(`${demo.baseUrl}/checkout/no-such-order`),
  },
};

// The demo shop runs no script: while an order is open its page asks for itself anew.
const except = ["meta-refresh"];

/** The simulated bank's and the demo shop's pages, which payers see in between. */
export const AROUND = {
  "acs-challenge": { about: "Подтвердите платёж", open: afterPaying("challenge_approved") },
  "acs-wrong-code": { about: "Подтвердите платёж", open: wrongCode, once: true },
  "shop-front": { about: "", open: (page, demo) => page.goto(`${demo.shopUrl}/?lang=ru`) },
  "shop-good": {
    about: "Алтайский мёд",
    open: (page, demo) => page.goto(`${demo.shopUrl}/goods/honey?lang=ru`),
  },
  "shop-orders": { about: "", open: (page, demo) => page.goto(`${demo.shopUrl}/orders?lang=ru`) },
  "shop-order-open": { about: "", open: (page, demo) => shopOrder(page, demo), except },
  "shop-order-paid": { about: "", open: (page, demo) => shopOrder(page, demo, "approved") },
  "shop-order-declined": {
    about: "",
    open: (page, demo) => shopOrder(page, demo, "declined_expired"),
    except,
  },
  "shop-problem": { about: "", open: (page, demo) => page.goto(`${demo.shopUrl}/nowhere?lang=ru`) },
};
