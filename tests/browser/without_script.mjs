// The whole way in a browser that runs no script: every step has a button of its own.

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
  typeCard,
} from "../support/checkout.mjs";
import { Demo } from "../support/demo.mjs";

let demo;
let browser;
let payer;
let page;
let bank;

before(async () => {
  // The bank answers timeout cards late, but not so late that a test takes long.
  const more = ["--bank-late-ms", "3000", "--exchange-deadline-ms", "1000"];
  [demo, browser] = await Promise.all([Demo.start({ more }), startBrowser()]);
  bank = new BankRecord(demo);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

beforeEach(async () => {
  payer = await Payer.arrive(browser, demo, { script: false });
  page = payer.page;
  await bank.begin();
});

afterEach(() => payer.leave());

/** Presses the buttons that a script would press: to the bank's page, and back from it. */
const toBank = () => page.locator("#challenge button").click();
const fromBank = () => page.locator("form[data-onward] button").click();

test("a card is paid without script", async () => {
  await buy(page, demo);
  await payBy(page, demo.card("approved"));
  await heading(page, "Оплачено");
  assert.equal((await backToShop(page)).status, "paid");
  await bank.chargedOnce();
});

test("a challenge is passed without script, and no hidden frame is tried", async () => {
  await buy(page, demo);
  await payBy(page, demo.card("challenge_approved"));
  await toBank();
  await confirm(page);
  await fromBank();
  await heading(page, "Оплачено");

  assert.equal((await backToShop(page)).status, "paid");
  assert.ok(
    !payer.requests.some(({ url }) => url.includes("method")),
    "the method step is skipped",
  );
  await bank.chargedOnce();
});

test("a challenge is given up without script, and a second card pays", async () => {
  await buy(page, demo);
  await payBy(page, demo.card("challenge_approved"));
  await toBank();
  await page.locator("button[value=cancel]").click();
  await fromBank();
  await result(page, "no");
  assert.match(await page.locator(".words").innerText(), /не подтверждена на странице банка/);

  await page.getByRole("link", { name: "Попробовать ещё раз" }).click();
  await payBy(page, demo.card("approved"));
  await heading(page, "Оплачено");
  assert.equal((await backToShop(page)).status, "paid");
});

test("a bank that answers late is waited for without script", async () => {
  await buy(page, demo);
  await payBy(page, demo.card("timeout_then_approved"));
  await result(page, "wait");
  // The page asks for itself anew.
  await heading(page, "Оплачено");
  assert.equal((await backToShop(page)).status, "paid");
  await bank.chargedOnce();
});

test("an impatient second click without script charges once", async () => {
  await buy(page, demo);
  await typeCard(page, demo.card("approved"));
  await page.locator("#pay").dblclick();
  await heading(page, "плачен");
  await bank.chargedOnce();
});

test("wrong fields are named by the server, and what is no secret is kept", async () => {
  await buy(page, demo);
  await page.locator("#cc-name").fill("TEST HOLDER");
  await typeCard(page, { pan: "4444555511113334", expiry: "203012", cvc: "12" });
  await page.locator("#pay").click();

  await page.locator(".notice.bad", { hasText: "Проверьте отмеченные поля" }).waitFor();
  assert.equal(
    await page.locator("#cc-number-message").innerText(),
    "В номере опечатка: проверьте цифры.",
  );
  assert.equal(await page.locator("#cc-exp-message").innerText(), "");
  assert.equal(await page.locator("#cc-csc-message").innerText(), "Нужны 3 цифры.");
  const values = await fieldValues();
  assert.deepEqual(values, ["", "12/30", "", "TEST HOLDER"]);
  for (const [id, isWrong] of [
    ["cc-number", true],
    ["cc-exp", false],
    ["cc-csc", true],
  ]) {
    const invalid = await page.locator(`#${id}`).getAttribute("aria-invalid");
    assert.equal(invalid, isWrong ? "true" : null, id);
  }

  await typeCard(page, { ...demo.card("approved"), expiry: "202001" });
  await page.locator("#pay").click();
  await page.locator("#cc-exp-message", { hasText: "Срок карты истёк." }).waitFor();
  await payBy(page, demo.card("approved"));
  await heading(page, "Оплачено");
  await bank.chargedOnce();
});

async function fieldValues() {
  const values = [];
  for (const id of ["cc-number", "cc-exp", "cc-csc", "cc-name"]) {
    values.push(await page.locator(`#${id}`).inputValue());
  }
  return values;
}

test("the language can be changed without script and stays to the end", async () => {
  await buy(page, demo);
  await page.getByRole("link", { name: "Қазақша" }).click();
  await page.getByText("Карта деректері").waitFor();
  await payBy(page, demo.card("challenge_approved"));
  await heading(page, "Төлемді банкте растаңыз");
  await toBank();
  await heading(page, "Төлемді растаңыз");
  await confirm(page);
  await fromBank();
  await heading(page, "Төленді");
});
