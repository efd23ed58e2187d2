// Banks that answer late, break off or say nothing: the payer waits with words and ends at the truth.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { Payer, startBrowser } from "../support/browser.mjs";
import {
  BankRecord,
  backToShop,
  buy,
  confirm,
  heading,
  payBy,
  result,
} from "../support/checkout.mjs";
import { Demo } from "../support/demo.mjs";

let demo;
let browser;
let payer;
let page;
let bank;

before(async () => {
  // Late enough for a page that waits, not so late that a test takes long.
  const more = ["--bank-late-ms", "3000", "--exchange-deadline-ms", "1000"];
  [demo, browser] = await Promise.all([Demo.start({ more }), startBrowser()]);
  bank = new BankRecord(demo);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

beforeEach(async () => {
  payer = await Payer.arrive(browser, demo);
  page = payer.page;
  await bank.begin();
});

afterEach(() => payer.leave());

test("a payment that the bank confirms late is paid before the payer's eyes", async () => {
  await buy(page, demo);
  await payBy(page, demo.card("timeout_then_approved"));
  await result(page, "wait");
  assert.match(await page.locator(".words").innerText(), /Не платите ещё раз/);
  await heading(page, "Оплачено");

  const asked = payer.requests.filter(({ url }) => /\/state\b/.test(url));
  assert.ok(asked.length >= 1, "the page asked what became of it");
  assert.equal((await backToShop(page)).status, "paid");
  await bank.chargedOnce();
});

test("a payment that the bank declines late may be paid by another card", async () => {
  await buy(page, demo);
  await payBy(page, demo.card("timeout_then_declined"));
  await result(page, "wait");
  await result(page, "no");
  await page.getByRole("link", { name: "Попробовать ещё раз" }).click();
  await payBy(page, demo.card("approved"));
  await heading(page, "Оплачено");
  assert.equal((await backToShop(page)).status, "paid");
});

test("a broken connection is asked about, not paid again", async () => {
  await buy(page, demo);
  await payBy(page, demo.card("connection_drop"));
  await heading(page, "Оплачено");
  assert.equal((await backToShop(page)).status, "paid");
  await bank.chargedOnce();
});

test("who looks away while the bank works finds the truth at the same address", async () => {
  await buy(page, demo);
  const form = page.url();
  await payBy(page, demo.card("timeout_then_approved"));
  await result(page, "wait");
  // The form of a payment under way is no form: it waits as well.
  const other = await payer.newTab();
  await other.goto(form);
  assert.equal(await other.locator("#card").count(), 0);
  await heading(other, "плачен");
  await heading(page, "Оплачено");
  await bank.chargedOnce();
});

test("a network that fails while the page waits does no harm", async () => {
  await buy(page, demo);
  await payBy(page, demo.card("timeout_then_approved"));
  await result(page, "wait");
  let failures = 0;
  await page.route("**/state*", (route) => {
    failures += 1;
    return failures === 1 ? route.abort() : route.continue();
  });
  await heading(page, "Оплачено");
  payer.problems = payer.problems.filter((text) => !/ERR_FAILED/.test(text));
  await bank.chargedOnce();
});

test("who waits long is told that the page may be closed", async () => {
  await page.clock.install();
  await page.route("**/state*", (route) =>
    route.fulfill({ json: { status: "waiting", next: null } }),
  );
  await buy(page, demo);
  await payBy(page, demo.card("timeout_then_approved"));
  await result(page, "wait");
  assert.equal(await page.locator("[data-late]").count(), 0);
  await page.clock.runFor(40_000);
  await page.locator("[data-late]", { hasText: "Страницу можно закрыть" }).waitFor();
  assert.equal(await page.locator("[data-late]").count(), 1, "and told so once");
  // The answers of this test end, and the truth is shown.
  await page.unroute("**/state*");
  await page.clock.runFor(20_000);
  await heading(page, "Оплачено");
});

test("a hidden frame that never ends is waited for ten seconds, not longer", async () => {
  await page.clock.install();
  await page.route("**/acs/method", (route) => route.fulfill({ body: "" }));
  await buy(page, demo);
  await payBy(page, demo.card("challenge_approved"));
  await heading(page, "Банк проверяет карту");
  await page.clock.runFor(9_000);
  await heading(page, "Банк проверяет карту");
  await page.clock.runFor(1_500);
  await confirm(page);
  await heading(page, "Оплачено");
  await bank.chargedOnce();
});
