// The whole way in every language and on a phone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { DESKTOP, PHONE, Payer, startBrowser } from "../support/browser.mjs";
import { backToShop, buy, confirm, heading, payBy, result } from "../support/checkout.mjs";
import { Demo } from "../support/demo.mjs";

let demo;
let browser;

before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

const WORDS = {
  kk: {
    locale: "kk-KZ",
    form: ["Төлейтін сома", "Карта нөмірі", "Дүкен картаңыздың нөмірі мен кодын көрмейді."],
    button: "7 200,00 ₸ төлеу",
    short: "Картада ақша жеткіліксіз",
    again: "Қайталап көру",
    bank: "Төлемді растаңыз",
    paid: "Төленді",
    back: "Дүкенге оралу",
    unknown: "Тапсырыс табылмады",
  },
  ru: {
    locale: "ru-KZ",
    form: ["К оплате", "Номер карты", "Магазин не видит номер вашей карты и её код."],
    button: "Оплатить 7 200,00 ₸",
    short: "На карте недостаточно денег",
    again: "Попробовать ещё раз",
    bank: "Подтвердите платёж",
    paid: "Оплачено",
    back: "Вернуться в магазин",
    unknown: "Заказ не найден",
  },
  en: {
    locale: "en-GB",
    form: ["Amount to pay", "Card number", "The shop never sees your card number or its code."],
    button: "Pay ₸7,200.00",
    short: "There is not enough money on the card",
    again: "Try again",
    bank: "Confirm the payment",
    paid: "Paid",
    back: "Back to the shop",
    unknown: "Order not found",
  },
};

/** The page speaks this language alone: what a screen reader is told, and no placeholder is left. */
async function speaks(page, language) {
  assert.equal(await page.locator("html").getAttribute("lang"), language);
  assert.doesNotMatch(await page.locator("body").innerText(), /\{\}|undefined|null|NaN/);
}

/** A decline, a second card with a challenge, and back to the shop; `look` is called on every page. */
async function wholeWay(page, language, look) {
  const words = WORDS[language];
  for (const text of words.form) await page.getByText(text).first().waitFor();
  const label = (await page.locator("#pay").innerText()).replace(/\s/g, " ");
  assert.equal(label, words.button);
  await look(language);

  await payBy(page, demo.card("declined_insufficient_funds"));
  await result(page, "no");
  await page.locator(".words", { hasText: words.short }).waitFor();
  await look(language);

  await page.getByRole("link", { name: words.again }).click();
  await page.locator("#card").waitFor();
  await look(language);
  await payBy(page, demo.card("challenge_approved"));
  await heading(page, words.bank);
  await look(language);
  await confirm(page);
  await heading(page, words.paid);
  await page.getByRole("link", { name: words.back }).waitFor();
  await look(language);

  const { status } = await backToShop(page);
  assert.equal(status, "paid");
  assert.equal(new URL(page.url()).searchParams.get("lang"), language);
  await look(language);
}

for (const language of Object.keys(WORDS)) {
  test(`row 100: an order of a shop that speaks ${language} is paid in it, on a phone`, async () => {
    // The browser would like another language: what the shop said wins.
    const payer = await Payer.arrive(browser, demo, { screen: PHONE, locale: "de-DE" });
    const { page } = payer;
    await buy(page, demo, { language });
    await wholeWay(page, language, async () => {
      await speaks(page, language);
      await payer.fits();
    });
    await payer.leave();
  });
}

test("row 100: the switch to Kazakh holds the whole way", async () => {
  const payer = await Payer.arrive(browser, demo, { screen: DESKTOP });
  const { page } = payer;
  await buy(page, demo, { language: "ru" });
  await page.getByRole("link", { name: "Қазақша" }).click();
  await wholeWay(page, "kk", () => speaks(page, "kk"));
  await payer.leave();
});

test("row 100: the language in the address is spoken, and may be changed on every page", async () => {
  const payer = await Payer.arrive(browser, demo);
  const { page } = payer;
  const { orderId } = await demo.register({ amount: "720000", language: "ru" });
  await page.goto(`${demo.baseUrl}/checkout/${orderId}?lang=kk`);
  await speaks(page, "kk");
  await page.getByRole("link", { name: "English" }).click();
  await page.getByLabel("Card number").waitFor();
  await speaks(page, "en");
  await payBy(page, demo.card("approved"));
  await heading(page, "Paid");
  await page.getByRole("link", { name: "Қазақша" }).click();
  await heading(page, "Төленді");
  await page.getByRole("link", { name: "Русский" }).click();
  await heading(page, "Оплачено");
  await speaks(page, "ru");
  await payer.leave();
});

for (const [language, { locale, unknown }] of Object.entries(WORDS)) {
  test(`a page about no order speaks the browser's language: ${language}`, async () => {
    const payer = await Payer.arrive(browser, demo, { locale });
    await payer.page.goto(`${demo.baseUrl}/checkout/no-such-order`);
    await heading(payer.page, unknown);
    await speaks(payer.page, language);
    await payer.leave();
  });
}

test("the whole way on a phone that is held sideways and on a narrow one", async () => {
  for (const screen of [
    { width: 740, height: 360 },
    { width: 320, height: 640 },
  ]) {
    const payer = await Payer.arrive(browser, demo, { screen });
    await buy(payer.page, demo, { language: "ru" });
    await wholeWay(payer.page, "ru", () => payer.fits());
    await payer.leave();
  }
});
