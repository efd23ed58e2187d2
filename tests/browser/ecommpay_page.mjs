// The Payment Page in a real browser: a signed link, a choice of ways to pay, a visit to the wallet
// partner's page, and back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { DESKTOP, PHONE, Payer, startBrowser } from "../support/browser.mjs";
import { heading, payBy, result, typeCard } from "../support/checkout.mjs";
import { Demo, waitUntil } from "../support/demo.mjs";
import { freshId } from "../support/gate.mjs";
import { atPartner, choose, link } from "../support/page_shop.mjs";

const WORDS = {
  kk: {
    form: "Төлейтін сома",
    methods: "Төлем тәсілі",
    paid: "Төленді",
    again: "Төлем аяқталмады",
    wrong: "Төлем бетін ашу мүмкін болмады",
    declined: "Төлем өтпеді",
    unanswered: "немен аяқталғанын әлі білмейміз",
    tryAgain: "Қайталап көру",
  },
  ru: {
    form: "К оплате",
    methods: "Способ оплаты",
    paid: "Оплачено",
    again: "Оплата не завершена",
    wrong: "Не удалось открыть оплату",
    declined: "Оплата не прошла",
    unanswered: "чем закончилась оплата",
    tryAgain: "Попробовать ещё раз",
  },
  en: {
    form: "Amount to pay",
    methods: "How to pay",
    paid: "Paid",
    again: "Payment not finished",
    wrong: "could not be opened",
    declined: "did not go through",
    unanswered: "how your payment at",
    tryAgain: "Try again",
  },
};

const WALLET = { force_payment_method: "wallet-partner" };
const SHOP = "https://shop.example";

let demo;
let browser;

before(async () => {
  [demo, browser] = await Promise.all([Demo.start({ manualClock: true }), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** Somebody with a link before the eyes. */
async function arrive(more = {}, { added = {}, ...options } = {}) {
  const payer = await Payer.arrive(browser, demo, options);
  const url = link(demo, { language_code: "ru", ...more }, added);
  await payer.page.goto(url);
  return { payer, page: payer.page, url };
}

test("a card pays what the link says, and the link then shows that it is paid", async () => {
  const { payer, page, url } = await arrive();
  await heading(page, WORDS.ru.form);
  await page.getByText(WORDS.ru.methods).first().waitFor();
  await choose(page, "card");
  await payBy(page, demo.card("approved"));
  await heading(page, WORDS.ru.paid);
  await page.goto(url);
  await heading(page, "Заказ уже оплачен");
  await payer.leave();
});

test("row 100: a wallet is chosen, paid and come back from by keyboard alone", async () => {
  const { payer, page } = await arrive({}, { screen: PHONE });
  const way = page.locator('details[data-method="wallet-partner"] summary');
  for (let presses = 0; presses < 30; presses += 1) {
    await page.keyboard.press("Tab");
    if (await way.evaluate((element) => element === document.activeElement)) break;
  }
  if (!(await page.locator('details[data-method="wallet-partner"]').evaluate((d) => d.open))) {
    await page.keyboard.press("Enter");
  }
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator("[data-wallet=open]").waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await heading(page, WORDS.ru.paid);
  await payer.leave();
});

test("without script a wallet is paid to the end", async () => {
  const { payer, page } = await arrive(WALLET, { script: false, screen: PHONE });
  await page.locator(".wallet button").click();
  await page.locator("#go .primary").click();
  await atPartner(page, "pay");
  await heading(page, WORDS.ru.paid);
  await payer.leave();
});

test("without script the ways of paying open and close", async () => {
  const { payer, page } = await arrive({}, { script: false });
  await choose(page, "card");
  await page.locator("#cc-number").fill("4");
  const wallet = await choose(page, "wallet-partner");
  await wallet.locator("button").click();
  await page.locator("#go .primary").waitFor();
  await payer.leave();
});

test("who comes back from the partner unfinished goes on, and hears when it is paid", async () => {
  const { payer, page, url } = await arrive(WALLET);
  await page.locator(".wallet button").click();
  await page.locator("[data-wallet=open]").waitFor();
  const other = await payer.newTab();
  await other.goto(url);
  await heading(other, WORDS.ru.again);
  await atPartner(page, "leave");
  await heading(page, WORDS.ru.again);
  assert.ok(!page.url().includes("/go"));
  await page.locator("#go .primary").click();
  await atPartner(page, "pay");
  await heading(page, WORDS.ru.paid);
  // The window that only waited learns of it by itself.
  await heading(other, WORDS.ru.paid);
  await payer.leave();
});

test("who goes back by the browser's own button is not sent away again", async () => {
  const { payer, page } = await arrive(WALLET);
  await page.locator(".wallet button").click();
  await page.locator("[data-wallet=open]").waitFor();
  await page.goBack();
  await heading(page, WORDS.ru.again);
  await payer.leave();
});

test("a refusal of the wallet says nothing of cards, and there is another try", async () => {
  const { payer, page } = await arrive(WALLET);
  await page.locator(".wallet button").click();
  await atPartner(page, "decline");
  await result(page, "no");
  assert.doesNotMatch(await page.locator(".words").innerText(), /карт/i);
  await page.getByRole("link", { name: WORDS.ru.tryAgain }).click();
  await page.locator(".wallet button").click();
  await atPartner(page, "pay");
  await heading(page, WORDS.ru.paid);
  await payer.leave();
});

test("row 25: two windows and many clicks make one payment", async () => {
  const { payer, page, url } = await arrive();
  const other = await payer.newTab();
  await other.goto(url);
  for (const window of [page, other]) {
    await choose(window, "card");
    await typeCard(window, demo.card("approved"));
  }
  await Promise.all([page.locator("#pay").dblclick(), other.locator("#pay").dblclick()]);
  for (const window of [page, other]) {
    await window.locator("main .message.ok h1").waitFor();
  }
  const ids = [page, other].map((window) => window.url().match(/checkout\/([^/?]+)/)[1]);
  assert.equal(ids[0], ids[1]);
  await payer.leave();
});

test("row 65: one changed character opens nothing, in every language", async () => {
  for (const [language, words] of Object.entries(WORDS)) {
    const { payer, page, url } = await arrive({ language_code: language });
    for (const changed of [
      url.replace("payment_amount=15000", "payment_amount=14000"),
      url.replace(/signature=./, "signature=%2F"),
      `${url}&payment_amount=1`,
    ]) {
      const answer = await page.goto(changed);
      assert.equal(answer.status(), 400);
      await heading(page, words.wrong);
      assert.equal(await page.locator("form.pay-form").count(), 0);
    }
    await payer.leave();
  }
});

test("the ways back: by a button with the host's name, and by itself", async () => {
  const by = (enabled) => ({
    ...WALLET,
    merchant_success_url: `${demo.shopUrl}/?thanks=1`,
    merchant_success_enabled: enabled,
    merchant_return_url: `${SHOP}/basket`,
  });
  const { payer, page } = await arrive(by("1"));
  const basket = page.locator(".away a");
  assert.equal(await basket.getAttribute("href"), `${SHOP}/basket`);
  await page.locator(".host", { hasText: "shop.example" }).waitFor();
  await page.locator(".wallet button").click();
  await atPartner(page, "pay");
  await heading(page, WORDS.ru.paid);
  await page.locator(".host", { hasText: "127.0.0.1" }).waitFor();
  assert.equal(await page.locator("#leave").count(), 0);
  await page.getByRole("link", { name: "Вернуться в магазин" }).click();
  await page.waitForURL(/thanks=1/);

  await page.goto(link(demo, { language_code: "ru", ...by("2") }));
  await page.locator(".wallet button").click();
  await atPartner(page, "pay");
  await page.waitForURL(/thanks=1/);
  await payer.leave();
});

test("another language is chosen before there is a payment, and kept", async () => {
  const { payer, page } = await arrive(WALLET);
  await page.getByRole("button", { name: "Қазақша" }).click();
  await heading(page, WORDS.kk.form);
  await page.locator(".wallet button").click();
  await page.locator("[data-wallet=open]").waitFor();
  await atPartner(page, "pay");
  await heading(page, WORDS.kk.paid);
  await payer.leave();
});

/** The page as it is now: nothing stands out, moves, or is hard to read. */
async function inspect(payer, name) {
  const { width } = payer.page.viewportSize();
  await payer.fits();
  const { shift, moved, violations } = await payer.observed();
  assert.equal(shift, 0, `${name} at ${width} moves while it loads: ${moved.join("; ")}`);
  assert.deepEqual(violations, [], name);
  await payer.picture(`ecommpay-${name}`);
  assert.deepEqual(await payer.faults(), [], `${name} at ${width}`);
}

/** The whole way by wallet, looked at on every page of ours. */
async function wholeWay(language, screen) {
  const words = WORDS[language];
  const payment_id = freshId();
  const more = { language_code: language, payment_id, merchant_success_url: `${SHOP}/thanks` };
  const { payer, page, url } = await arrive(more, { screen });
  const look = (name) => inspect(payer, `${name}-${language}`);
  await heading(page, words.form);
  await look("methods");
  const way = await choose(page, "wallet-partner");
  await payer.picture(`ecommpay-wallet-open-${language}`);
  await way.locator("button").click();
  await page.locator("[data-wallet=open]").waitFor();
  await page.goto(url);
  await heading(page, words.again);
  await look("again");
  await page.locator("#go .primary").click();
  await atPartner(page, "decline");
  await heading(page, words.declined);
  await look("declined");
  await page.getByRole("link", { name: words.tryAgain }).click();
  await (await choose(page, "wallet-partner")).locator("button").click();
  await page.locator("[data-wallet=open]").waitFor();
  await demo.advance(601);
  await page.goto(url);
  await page.locator("h1").waitFor();
  await look("over");
  await payer.leave();
}

for (const language of Object.keys(WORDS)) {
  for (const [name, screen] of Object.entries({ phone: PHONE, desk: DESKTOP })) {
    test(`row 100: every page of the way by wallet on a ${name} in ${language}`, () =>
      wholeWay(language, screen));
  }
}

for (const language of Object.keys(WORDS)) {
  test(`row 100: one wallet, a paid payment and a wrong link in ${language}`, async () => {
    for (const screen of [PHONE, DESKTOP]) {
      const more = { ...WALLET, language_code: language, merchant_success_url: `${SHOP}/thanks` };
      const { payer, page, url } = await arrive(more, { screen });
      await inspect(payer, `wallet-${language}`);
      await page.locator(".wallet button").click();
      await atPartner(page, "pay");
      await heading(page, WORDS[language].paid);
      await inspect(payer, `paid-${language}`);
      await page.goto(url.replace("customer1", "customer2"));
      await heading(page, WORDS[language].wrong);
      await inspect(payer, `wrong-${language}`);
      await payer.leave();
    }
  });
}

test("a try that nobody waits for any more leaves room for another", async () => {
  const best_before = new Date(Date.now() + 3 * 86_400_000).toISOString().replace("Z", "+00:00");
  const { payer, page, url } = await arrive({ best_before });
  await (await choose(page, "wallet-partner")).locator("button").click();
  await page.locator("[data-wallet=open]").waitFor();
  const partner = page.url();
  await demo.advance(601);
  await waitUntil("another try", async () => {
    await page.goto(url);
    return page.locator("details[open] .pay-form").isVisible();
  });
  await page.locator(".notice", { hasText: WORDS.ru.unanswered }).waitFor();
  await inspect(payer, "unanswered-ru");
  await page.setViewportSize(PHONE);
  await inspect(payer, "unanswered-ru");
  // The first try ends well all the same (life-cycle row 6).
  const late = await payer.newTab();
  await late.goto(partner);
  await atPartner(late, "pay");
  await heading(late, WORDS.ru.paid);
  await page.goto(url);
  await heading(page, "Заказ уже оплачен");
  await payer.leave();
});

test("the first view of the form is small", async (t) => {
  const payer = await Payer.arrive(browser, demo, { screen: PHONE });
  const tools = await payer.devTools();
  await tools.send("Network.enable");
  await tools.send("Network.setExtraHTTPHeaders", { headers: { "accept-encoding": "gzip" } });
  let sum = 0;
  tools.on("Network.loadingFinished", ({ encodedDataLength }) => (sum += encodedDataLength));
  await payer.page.goto(link(demo), { waitUntil: "networkidle" });
  t.diagnostic(`${sum} bytes`);
  assert.ok(sum <= 40_000, `${sum} bytes`);
  await payer.leave();
});
