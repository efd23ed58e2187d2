// The card form with its script: masks, what is wrong while it is typed, what comes back from the server.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { PHONE, Payer, startBrowser } from "../support/browser.mjs";
import { BankRecord, buy, heading, payBy, typeCard } from "../support/checkout.mjs";
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
  payer = await Payer.arrive(browser, demo);
  page = payer.page;
  await bank.begin();
});

afterEach(() => payer.leave());

const value = (id) => page.locator(`#${id}`).inputValue();
const message = (id) => page.locator(`#${id}-message`).innerText();

/** Types into a field as a person does and leaves it. */
async function typeInto(id, text) {
  await page.locator(`#${id}`).fill("");
  await page.locator(`#${id}`).pressSequentially(text);
  await page.locator(`#${id}`).blur();
}

test("every wrong field is named while it is typed, and nothing is sent", async () => {
  await buy(page, demo);
  const table = [
    ["cc-number", "4444 5555", "В номере карты от 12 до 19 цифр."],
    ["cc-number", "4444555511113334", "В номере опечатка: проверьте цифры."],
    ["cc-number", "4444555511113333", ""],
    ["cc-exp", "13/30", "Введите ММ/ГГ."],
    ["cc-exp", "12/2", "Введите ММ/ГГ."],
    ["cc-exp", "01/20", "Срок карты истёк."],
    ["cc-exp", "12/30", ""],
    ["cc-csc", "12", "Нужны 3 цифры."],
    ["cc-csc", "123", ""],
  ];
  for (const [id, text, wanted] of table) {
    await typeInto(id, text);
    assert.equal(await message(id), wanted, `${id}: ${text}`);
    const invalid = await page.locator(`#${id}`).getAttribute("aria-invalid");
    assert.equal(invalid, wanted ? "true" : null, `${id}: ${text}`);
  }
  assert.deepEqual(await bank.authorizations(), []);
});

test("an empty form is not sent, and every field says what it wants", async () => {
  await buy(page, demo);
  await page.locator("#pay").click();
  assert.equal(await message("cc-number"), "Введите номер карты.");
  assert.equal(await message("cc-exp"), "Введите ММ/ГГ.");
  assert.equal(await message("cc-csc"), "Нужны 3 цифры.");
  assert.equal(await page.evaluate(() => document.activeElement.id), "cc-number");
  assert.ok(!payer.requests.some(({ url }) => /\/pay\b/.test(url)));
  await payBy(page, demo.card("approved"));
  await heading(page, "Оплачено");
});

test("every message has room on a phone, in every language", async () => {
  await page.setViewportSize(PHONE);
  for (const language of ["kk", "ru", "en"]) {
    const { formUrl } = await demo.register({ amount: "720000", language });
    await page.goto(formUrl);
    const tooLong = await page.evaluate(() =>
      ["cc-number", "cc-exp", "cc-csc"].flatMap((id) => {
        const message = document.getElementById(`${id}-message`);
        const empty = message.clientHeight;
        return Object.values(document.getElementById(id).dataset).filter((words) => {
          message.textContent = words;
          const grown = message.clientHeight > empty;
          message.textContent = "";
          return grown;
        });
      }),
    );
    assert.deepEqual(tooLong, [], language);
  }
});

test("numbers are grouped and their brand is shown, however they are put in", async () => {
  await buy(page, demo);
  const table = [
    ["4444555511113333", "4444 5555 1111 3333", "visa"],
    ["5555-5555-5555-4444", "5555 5555 5555 4444", "mastercard"],
    ["3782 822463 10005", "3782 822463 10005", "amex"],
    ["2200000000000038", "2200 0000 0000 0038", "mir"],
  ];
  for (const [text, shown, brand] of table) {
    await page.locator("#cc-number").fill(text);
    assert.equal(await value("cc-number"), shown);
    await page.locator(`#brand[data-brand=${brand}]`).waitFor();
  }
  await page.locator("#cc-number").fill("378282246310005");
  await typeInto("cc-csc", "123");
  assert.equal(await message("cc-csc"), "Нужны 4 цифры.");
});

test("a digit in the middle can be put right", async () => {
  await buy(page, demo);
  const number = page.locator("#cc-number");
  await number.pressSequentially("4444555511123333");
  assert.equal(await message("cc-number"), "В номере опечатка: проверьте цифры.");
  // Back to just behind the wrong digit: "4444 5555 1112|3333".
  for (let keys = 0; keys < 5; keys += 1) await number.press("ArrowLeft");
  await number.press("Backspace");
  await number.pressSequentially("1");
  assert.equal(await value("cc-number"), "4444 5555 1111 3333");
  assert.equal(await message("cc-number"), "");
});

test("what the server finds wrong is said like what the script finds wrong", async () => {
  await buy(page, demo);
  await page.locator("#cc-name").fill("HOLDER");
  await typeCard(page, { pan: "4444555511113334", expiry: "203012", cvc: "123" });
  // Past the script, as a broken one would let it.
  await page.evaluate(() => document.getElementById("card").submit());
  await page.locator(".notice.bad").waitFor();
  assert.equal(await message("cc-number"), "В номере опечатка: проверьте цифры.");
  assert.deepEqual([await value("cc-number"), await value("cc-csc")], ["", ""]);
  assert.deepEqual([await value("cc-exp"), await value("cc-name")], ["12 / 30", "HOLDER"]);
  assert.equal(await page.evaluate(() => document.activeElement.id), "cc-number");
  assert.deepEqual(await bank.authorizations(), []);
});

test("what was typed before a slow script came is kept and paid", async () => {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  await page.route("**/assets/*.js", async (route) => {
    await released;
    await route.continue();
  });
  const { formUrl } = await demo.register({ amount: "720000" });
  await page.goto(formUrl, { waitUntil: "commit" });
  await page.locator("#cc-number").pressSequentially("4444555511113333");
  await page.locator("#cc-exp").pressSequentially("1230");
  release();
  await page.locator("#brand[data-brand=visa]").waitFor();
  assert.equal(await value("cc-number"), "4444 5555 1111 3333");
  await page.locator("#cc-csc").fill("123");
  await page.locator("#pay").click();
  await heading(page, "Оплачено");
  await bank.chargedOnce();
});

test("a script that does not come at all costs nobody the payment", async () => {
  await page.route("**/assets/*.js", (route) => route.abort());
  await buy(page, demo);
  await payBy(page, demo.card("challenge_approved"));
  await page.locator("#challenge button").click();
  await page.locator("[data-acs=challenge]").waitFor();
  // The browser's own complaint about what this test did to it.
  payer.problems = payer.problems.filter((text) => !/ERR_FAILED/.test(text));
});

test("browsers know the fields of a card and bring the right keyboard", async () => {
  await buy(page, demo);
  for (const id of ["cc-number", "cc-exp", "cc-csc", "cc-name"]) {
    const field = page.locator(`#${id}`);
    assert.equal(await field.getAttribute("autocomplete"), id);
    const size = await field.evaluate((element) => parseFloat(getComputedStyle(element).fontSize));
    assert.ok(size >= 16, `${id}: phones zoom into a field of ${size} px`);
    if (id !== "cc-name") assert.equal(await field.getAttribute("inputmode"), "numeric");
  }
});

test("the time that is left is counted", async () => {
  await buy(page, demo);
  await page.locator("#countdown", { hasText: /^19:\d\d$/ }).waitFor();
  const first = await page.locator("#countdown").innerText();
  await page.locator("#countdown").filter({ hasNotText: first }).waitFor();
});
