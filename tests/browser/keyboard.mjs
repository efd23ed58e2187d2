// Row 100: paying with the keyboard alone. Nothing here points at anything: keys are pressed, and what
// has the focus is looked at.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { Payer, startBrowser } from "../support/browser.mjs";
import { buy, heading, result, shopKnows } from "../support/checkout.mjs";
import { Demo } from "../support/demo.mjs";

/** No page has more stops than this. */
const TABS_MAX = 30;

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
  payer = await Payer.arrive(browser, demo);
  page = payer.page;
  await buy(page, demo);
  await page.locator("#cc-number:focus").waitFor();
});

afterEach(() => payer.leave());

const press = (key) => page.keyboard.press(key);
const type = (text) => page.keyboard.type(text);
const focused = () => page.evaluate(() => document.activeElement?.id ?? "");

/** Presses Tab until the focus is on what the selector names. */
async function tabTo(selector) {
  for (let tabs = 0; tabs < TABS_MAX; tabs += 1) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await press("Tab");
  }
  assert.fail(`${selector} is not reached by ${TABS_MAX} tabs on ${page.url()}`);
}

/** A ring or a border says where the focus is. */
async function focusIsSeen() {
  const seen = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    return outlined || style.boxShadow !== "none";
  });
  assert.ok(seen, `the focus on ${await focused()} is not seen`);
}

test("the focus starts in the card number and moves on by itself as fields are full", async () => {
  assert.equal(await focused(), "cc-number");
  await focusIsSeen();
  await type("4444555511113333");
  assert.equal(await focused(), "cc-exp");
  await type("1230");
  assert.equal(await focused(), "cc-csc");
  await type("123");
  assert.equal(await page.locator("#cc-number").inputValue(), "4444 5555 1111 3333");
  assert.equal(await page.locator("#cc-exp").inputValue(), "12 / 30");
  await press("Enter");
  await heading(page, "Оплачено");
});

test("a decline, a second card, a challenge, and back to the shop", async () => {
  await type("4000000000001166");
  await tabTo("#cc-exp");
  await type("1230");
  await tabTo("#cc-csc");
  await type("123");
  await tabTo("#pay");
  await focusIsSeen();
  await press("Space");
  await result(page, "no");

  await tabTo("main a.primary");
  await focusIsSeen();
  await press("Enter");
  await page.locator("#card").waitFor();
  await tabTo("#cc-number");
  await type("55555555555555991230123");
  await tabTo("#cc-name");
  await type("HOLDER");
  await tabTo("#pay");
  await press("Enter");

  const code = await page.locator("output[data-code]").getAttribute("data-code");
  await tabTo("#code");
  await type(code);
  await press("Enter");
  await heading(page, "Оплачено");
  await tabTo("#leave");
  await focusIsSeen();
  await press("Enter");
  await page.waitForURL(/\/orders\/DALA-/);
  assert.equal((await shopKnows(page)).status, "paid");
});

test("the wrong field gets the focus and its message is tied to it", async () => {
  await type("4444555511113334");
  assert.equal(await focused(), "cc-number", "a wrong number is not left by itself");
  await tabTo("#cc-exp");
  await type("1230");
  await type("123");
  await press("Enter");
  assert.equal(await focused(), "cc-number");
  const described = await page.locator("#cc-number").getAttribute("aria-describedby");
  const message = page.locator(`#${described}`);
  assert.equal(await message.innerText(), "В номере опечатка: проверьте цифры.");
  assert.equal(await message.getAttribute("aria-live"), "polite");
});

test("every stop of the form is seen and in the order of reading", async () => {
  const stop = () =>
    page.evaluate(() => {
      const { activeElement } = document;
      return activeElement === document.body ? "" : activeElement.id || activeElement.textContent;
    });
  // The focus starts in the middle: to the end of the page first, then through all of it.
  for (let tabs = 0; tabs < TABS_MAX && (await stop()); tabs += 1) await press("Tab");
  const stops = [];
  for (let tabs = 0; tabs < TABS_MAX; tabs += 1) {
    await press("Tab");
    const name = await stop();
    if (!name) break;
    await focusIsSeen();
    stops.push(name);
  }
  const form = ["cc-number", "cc-exp", "cc-csc", "cc-name", "pay", "Вернуться в магазин"];
  const languages = ["Қазақша", "Русский", "English"];
  assert.deepEqual(stops.slice(0, 3).sort(), languages.sort());
  assert.deepEqual(stops.slice(3), form);
});
