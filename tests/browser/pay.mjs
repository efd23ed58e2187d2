// Paying by card in a real browser, from the demo shop's shelf to "paid" in its list of orders.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { DESKTOP, Payer, startBrowser } from "../support/browser.mjs";
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
  [demo, browser] = await Promise.all([Demo.start(), startBrowser()]);
  bank = new BankRecord(demo);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

beforeEach(async () => {
  payer = await Payer.arrive(browser, demo, { screen: DESKTOP });
  page = payer.page;
  await bank.begin();
});

afterEach(() => payer.leave());

test("a card without a challenge is paid at once and the shop hears of it", async () => {
  await buy(page, demo);
  await heading(page, "7 200");
  await payBy(page, demo.card("approved"));
  await heading(page, "Оплачено");

  const { status, callback, amount, deposited, orderId } = await backToShop(page);

  assert.deepEqual(
    { status, callback, amount, deposited },
    {
      status: "paid",
      callback: "deposited",
      amount: "720000",
      deposited: "720000",
    },
  );
  const returned = new URL(page.url());
  assert.equal(returned.searchParams.get("orderId"), orderId);
  assert.equal(returned.searchParams.get("lang"), "ru");
  assert.equal((await bank.chargedOnce()).amount, 720_000);
});

test("a challenge with the hidden frame before it is paid", async () => {
  await buy(page, demo);
  await payBy(page, demo.card("challenge_approved"));
  await confirm(page);
  await heading(page, "Оплачено");

  assert.equal((await backToShop(page)).status, "paid");

  const method = payer.requests.filter(({ url }) => url.endsWith("/acs/method"));
  assert.equal(method.length, 1);
  assert.ok(
    payer.requests.some(({ url }) => url.endsWith("/3ds/method")),
    "the frame came back",
  );
  await bank.chargedOnce();
});

test("the hidden frame alone is enough for a card that needs no challenge", async () => {
  await buy(page, demo);
  await payBy(page, demo.card("frictionless"));
  await heading(page, "Оплачено");
  assert.ok(payer.requests.some(({ url }) => url.endsWith("/acs/method")));
  assert.equal((await backToShop(page)).status, "paid");
});

test("a wrong code may be typed again", async () => {
  await buy(page, demo);
  await payBy(page, demo.card("challenge_approved"));
  const code = await page.locator("output[data-code]").getAttribute("data-code");
  const wrong = code === "000000" ? "111111" : "000000";
  await page.locator("#code").fill(wrong);
  await page.locator("button[value=submit]").click();
  await page.locator("#wrong").waitFor();
  await confirm(page);
  await heading(page, "Оплачено");
  await bank.chargedOnce();
});

test("a challenge given up is a decline in plain words, and a second card pays", async () => {
  await buy(page, demo);
  await payBy(page, demo.card("challenge_approved"));
  await page.locator("button[value=cancel]").click();
  await result(page, "no");
  const words = await page.locator(".words").innerText();
  assert.match(words, /Оплата не подтверждена на странице банка/);
  assert.match(words, /Осталось попыток: 2/);

  await page.getByRole("link", { name: "Попробовать ещё раз" }).click();
  await payBy(page, demo.card("approved"));
  await heading(page, "Оплачено");

  assert.equal((await backToShop(page)).status, "paid");
  const statuses = (await bank.authorizations()).map(({ status, code }) => `${status} ${code}`);
  assert.deepEqual(statuses, ["declined 120", "approved 000"]);
});

test("a decline says why in plain words, and a second card pays", async () => {
  await buy(page, demo);
  await payBy(page, demo.card("declined_insufficient_funds"));
  await result(page, "no");
  assert.match(await page.locator(".words").innerText(), /На карте недостаточно денег/);

  await page.getByRole("link", { name: "Попробовать ещё раз" }).click();
  // The form repeats it, so that the reason is at hand where it is needed.
  await page.locator(".notice", { hasText: "На карте недостаточно денег" }).waitFor();
  await payBy(page, demo.card("approved"));
  await heading(page, "Оплачено");

  assert.equal((await backToShop(page)).status, "paid");
  const codes = (await bank.authorizations()).map(({ code }) => code);
  assert.deepEqual(codes, ["116", "000"]);
});

test("a right code does not help a card that is declined afterwards", async () => {
  await buy(page, demo);
  await payBy(page, demo.card("challenge_declined"));
  await confirm(page);
  await result(page, "no");
  assert.match(await page.locator(".words").innerText(), /На карте недостаточно денег/);
});

test("three declined cards are the end, and the shop knows", async () => {
  await buy(page, demo);
  for (const left of [2, 1]) {
    await payBy(page, demo.card("declined_insufficient_funds"));
    await result(page, "no");
    await page.locator(".words", { hasText: `Осталось попыток: ${left}` }).waitFor();
    await page.getByRole("link", { name: "Попробовать ещё раз" }).click();
  }
  await payBy(page, demo.card("declined_expired"));
  await result(page, "no");
  const words = await page.locator(".words").innerText();
  assert.match(words, /Срок действия карты истёк/);
  assert.match(words, /Попыток больше не осталось/);

  assert.equal((await backToShop(page, "deposited 0")).status, "declined");
});

test("an amount that is only held is said to be", async () => {
  await buy(page, demo, { hold: true });
  await page.locator(".note").waitFor();
  await payBy(page, demo.card("approved"));
  await heading(page, "Сумма зарезервирована");
  const { status, deposited } = await backToShop(page, "approved 1");
  assert.deepEqual([status, deposited], ["held", "0"]);
});

test("who does nothing after paying is taken back to the shop", async () => {
  await buy(page, demo);
  await payBy(page, demo.card("approved"));
  await page.locator("#leaving", { hasText: /Вернёмся в магазин через \d с/ }).waitFor();
  await page.waitForURL(/\/orders\/DALA-.*orderId=/);
  assert.equal(await page.locator("main").getAttribute("data-status"), "paid");
});

test("who wants to stay after paying may", async () => {
  await buy(page, demo);
  await payBy(page, demo.card("approved"));
  await page.getByRole("button", { name: "Остаться здесь" }).click();
  await page.locator("#leaving").filter({ hasText: /^$/ }).waitFor({ state: "attached" });
  assert.equal(await page.evaluate(() => document.activeElement.id), "leave");
});
