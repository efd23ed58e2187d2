// The demo shop sells for rupees by ECommPay's API: every way to pay in a real browser, from the shelf
// to "paid" by callback, and back again by a refund.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { DESKTOP, PHONE, Payer, startBrowser } from "../support/browser.mjs";
import { heading, payBy, result } from "../support/checkout.mjs";
import { Demo, waitUntil } from "../support/demo.mjs";
import { atPartner, choose } from "../support/page_shop.mjs";

/** A pot of honey, in paise. */
const AMOUNT = "124050";

let demo;
let browser;
let payer;
let page;

before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

beforeEach(async () => {
  payer = await Payer.arrive(browser, demo, { screen: DESKTOP });
  page = payer.page;
});

afterEach(() => payer.leave());

/** Buys a pot of honey, to be paid this way; ends wherever the button leads. */
async function buy(way, { language = "ru", phone } = {}) {
  await page.goto(`${demo.shopUrl}/goods/honey?lang=${language}&currency=INR`);
  await page.locator(`input[name=way][value=${way}]`).check();
  if (phone) await page.locator("#phone").fill(phone);
  await page.locator("[data-action=pay]").click();
}

/** Waits, looking at the order's page again and again, until it is as wanted; gives all it says. */
async function shopKnows(wanted) {
  const main = page.locator("main[data-page=order]");
  let known;
  await waitUntil(JSON.stringify(wanted), async () => {
    known = await main.evaluate((element) => ({ ...element.dataset }));
    if (Object.entries(wanted).every(([name, value]) => known[name] === value)) return true;
    await page.reload();
    return false;
  });
  return known;
}

/** The page as it is now: whole, still, readable; kept as a picture if pictures are wanted. */
async function look(name, except = []) {
  await payer.fits();
  const { shift, moved, violations } = await payer.observed();
  assert.equal(shift, 0, `${name} moves while it loads: ${moved.join("; ")}`);
  assert.deepEqual(violations, [], name);
  await payer.picture(`shop-india-${name}`);
  assert.deepEqual(await payer.faults({ except }), [], name);
}

/** Back from the gateway's page to the order. */
async function backToShop() {
  await Promise.all([
    page.waitForURL(/\/india\/orders\/DALA-/),
    page.locator("a[href*='/return']").click(),
  ]);
}

test("Payment Page: paid by wallet, and the shop hears of it", async () => {
  await buy("page");
  await (await choose(page, "wallet-partner")).locator("button").click();
  await atPartner(page, "pay");
  await heading(page, "Оплачено");
  await backToShop();
  const known = await shopKnows({ status: "paid", callback: "sale success" });
  assert.deepEqual(
    [known.way, known.method, known.amount, known.told],
    ["page", "wallet-partner", AMOUNT, "success"],
  );
});

test("Payment Page: paid by card, and given back to the card", async () => {
  await buy("page");
  await choose(page, "card");
  await payBy(page, demo.card("approved"));
  await heading(page, "Оплачено");
  await backToShop();
  const known = await shopKnows({ status: "paid", callback: "sale success" });
  assert.equal(known.method, "card");
  await page.locator("[data-action=refund]").click();
  await shopKnows({ status: "refunded", refund: "done" });
});

test("Payment Page: who leaves the wallet comes back to the order and pays later", async () => {
  await buy("page");
  await (await choose(page, "wallet-partner")).locator("button").click();
  await atPartner(page, "leave");
  await heading(page, "Оплата не завершена");
  await page.goto(`${demo.shopUrl}/orders`);
  await page.locator("[data-order]").first().click();
  const { status } = await shopKnows({ way: "page" });
  assert.equal(status, "waiting");
  await page.locator("[data-action=continue]").click();
  await page.locator("#go button").click();
  await atPartner(page, "pay");
  await heading(page, "Оплачено");
  await backToShop();
  await shopKnows({ status: "paid", callback: "sale success" });
});

test("Payment Page: a refusal of the wallet is told to the shop", async () => {
  await buy("page");
  await (await choose(page, "wallet-partner")).locator("button").click();
  await atPartner(page, "decline");
  await result(page, "no");
  await page.goto(`${demo.shopUrl}/orders`);
  await page.locator("[data-order]").first().click();
  // Another try is allowed, so it is not over.
  await shopKnows({ callback: "sale decline", status: "waiting" });
});

test("window: the gateway's page over the shop's, paid by wallet", async () => {
  await buy("widget");
  const frame = page.frameLocator("iframe.epay-frame");
  const wallet = frame.locator('details[data-method="wallet-partner"]');
  await wallet.locator("summary").click();
  await wallet.locator("button").click();
  await frame.locator("button[value=pay]").click();
  await frame.locator("h1", { hasText: "Оплачено" }).waitFor();
  await Promise.all([
    page.waitForURL(/\/india\/orders\/DALA-[^/]*$/),
    page.locator(".epay-close").click(),
  ]);
  await shopKnows({ status: "paid", callback: "sale success", way: "widget" });
});

test("window: closed at once, it can be opened again", async () => {
  await buy("widget");
  await page.frameLocator("iframe.epay-frame").locator("h1").waitFor();
  await Promise.all([
    page.waitForURL(/\/india\/orders\/DALA-[^/]*$/),
    page.locator(".epay-close").click(),
  ]);
  await shopKnows({ status: "registered", told: "error" });
  await page.locator("[data-action=continue]").click();
  await page.frameLocator("iframe.epay-frame").locator("h1").waitFor();
});

test("Gate: straight to the wallet, paid, and given back", async () => {
  await buy("gate");
  await atPartner(page, "pay");
  await backToShop();
  const paid = await shopKnows({ status: "paid", callback: "sale success", told: "success" });
  assert.equal(paid.callbacks, "sale awaiting redirect result 1;sale success 1;");
  await page.locator("[data-action=refund]").click();
  const { callbacks } = await shopKnows({ status: "refunded", callback: "refund success" });
  assert.equal(callbacks.split(";").filter((one) => one.startsWith("refund success")).length, 1);
  assert.equal(await page.locator("[data-action=refund]").count(), 0);
});

test("Gate: a payer who declines reads so in the shop", async () => {
  await buy("gate");
  await atPartner(page, "decline");
  await backToShop();
  await shopKnows({ status: "declined", callback: "sale decline" });
  await page.locator("[data-reason]", { hasText: "20000" }).waitFor();
  await page.locator("[data-action=again]").click();
  await page.locator("main[data-page=basket]").waitFor();
});

test("Gate: who leaves the wallet goes on from the order", async () => {
  await buy("gate");
  await atPartner(page, "leave");
  await backToShop();
  await shopKnows({ status: "waiting", callback: "sale awaiting redirect result" });
  await page.locator("[data-action=continue]").click();
  await atPartner(page, "pay");
  await backToShop();
  await shopKnows({ status: "paid", callback: "sale success" });
});

test("Gate: a phone that pays by itself needs no page of the wallet", async () => {
  await buy("gate", { phone: "9999900001" });
  await page.waitForURL(/\/india\/orders\/DALA-|billpay/);
  await page.goto(`${demo.shopUrl}/orders`);
  await page.locator("[data-order]").first().click();
  await shopKnows({ status: "paid", callback: "sale success" });
});

/** Makes the partner slow to take one order. */
async function delayPartner(delay_ms) {
  const answer = await fetch(`${demo.partnerUrl}/partner/control/faults`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ call: "create_order", fault: "delay", delay_ms, count: 1 }),
  });
  assert.equal(answer.status, 200);
}

for (const screen of [PHONE, DESKTOP]) {
  test(`Gate: the way to the wallet is awaited on a page at ${screen.width}`, async () => {
    await page.setViewportSize(screen);
    // The shop waits three seconds before it shows anything, the gateway five for the partner.
    await delayPartner(4_500);
    await buy("gate");
    await page.locator("main[data-page=to-wallet][data-ready=false]").waitFor();
    await look("waiting-ru", ["meta-refresh"]);
    await atPartner(page, "pay");
    await backToShop();
    await shopKnows({ status: "paid", callback: "sale success" });
  });

  test(`without script every way leads to payment by a button at ${screen.width}`, async () => {
    const windowless = await Payer.arrive(browser, demo, { screen, script: false });
    const plain = windowless.page;
    const start = async (way) => {
      await plain.goto(`${demo.shopUrl}/goods/honey?lang=ru&currency=INR`);
      await plain.locator(`input[name=way][value=${way}]`).check();
      await plain.locator("[data-action=pay]").click();
    };
    await start("widget");
    await plain.locator("noscript, .problem").first().waitFor({ state: "attached" });
    await windowless.fits();
    await windowless.picture("shop-india-no-window-ru", plain);
    await plain.locator("[data-action=page]").click();
    await heading(plain, "К оплате");
    await start("gate");
    await plain.locator("main[data-ready=true]").waitFor();
    await windowless.fits();
    await windowless.picture("shop-india-to-wallet-ru", plain);
    await plain.locator("[data-action=continue]").click();
    await plain.locator("[data-wallet=open]").waitFor();
    await windowless.leave();
  });
}

test("a wrong payer is told before anybody is asked for money", async () => {
  await buy("gate", { phone: "call me" });
  await page.locator("main[data-page=problem] [data-problem]").waitFor();
});

const TITLES = { ru: "Оплачено", kk: "Төленді", en: "Paid" };

for (const [language, title] of Object.entries(TITLES)) {
  for (const screen of [PHONE, DESKTOP]) {
    test(`row 100: every page of the cashier in ${language} at ${screen.width}`, async () => {
      await page.setViewportSize(screen);
      await page.goto(`${demo.shopUrl}/?lang=${language}&currency=INR`);
      await look(`front-${language}`);
      await page.locator("[data-good=honey] [data-action=choose]").click();
      await page.locator("main[data-page=basket]").waitFor();
      await look(`basket-${language}`);
      await page.locator("input[name=way][value=widget]").check();
      await page.locator("[data-action=pay]").click();
      await page.frameLocator("iframe.epay-frame").locator("h1").waitFor();
      await payer.fits();
      await payer.picture(`shop-india-window-${language}`);
      await page.locator(".epay-close").click();
      await page.locator("main[data-page=order]").waitFor();
      // The page of an open order looks again by itself, which no script does for it.
      await look(`registered-${language}`, ["meta-refresh"]);

      await buy("gate", { language });
      await page.locator("[data-wallet=open]").waitFor();
      await atPartner(page, "pay");
      await backToShop();
      await shopKnows({ status: "paid", callback: "sale success" });
      await heading(page, title);
      await look(`paid-${language}`);
      await page.locator("[data-action=refund]").click();
      await shopKnows({ status: "refunded", refund: "done" });
      await look(`refunded-${language}`);
      await page.goto(`${demo.shopUrl}/orders`);
      await look(`orders-${language}`);
    });
  }
}
