// One order is charged once, however often and from wherever the button is pressed.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { Payer, startBrowser } from "../support/browser.mjs";
import { BankRecord, backToShop, buy, confirm, heading, typeCard } from "../support/checkout.mjs";
import { Demo, waitUntil } from "../support/demo.mjs";

const PAID = "Оплачено";
const ALREADY_PAID = "Заказ уже оплачен";

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

/** The receipt of a result page, as lines. */
const receipt = (tab) => tab.locator("dl.facts").innerText();

/** How many forms have been sent. */
const posts = () => payer.requests.filter(({ url }) => /\/pay\b/.test(url)).length;

/** What the bank shall do with the next calls; taken back when `work` is done. */
async function withFault(fault, work) {
  const headers = {
    authorization: `Bearer ${demo.terminalKey}`,
    "content-type": "application/json",
  };
  const url = `${demo.simulatorUrl}/bank/v1/faults`;
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(fault) });
  assert.equal(answer.status, 200, await answer.text());
  try {
    await work();
  } finally {
    await fetch(url, { method: "DELETE", headers });
  }
}

test("row 25: a double click on Pay charges once", async () => {
  await buy(page, demo);
  await typeCard(page, demo.card("approved"));
  await page.locator("#pay").dblclick();
  await heading(page, PAID);
  assert.equal(posts(), 1, "the second click sends nothing");
  await bank.chargedOnce();
});

test("row 25: the button says that it is busy and sends nothing more", async () => {
  await buy(page, demo);
  await typeCard(page, demo.card("approved"));
  const [seen] = await Promise.all([
    new Promise((resolve) => page.exposeFunction("tell", resolve).then(() => pressTwice())),
    heading(page, PAID),
  ]);
  assert.deepEqual(seen, { text: "Связываемся с банком…", busy: "true", disabled: "true" });
  assert.equal(posts(), 1);
  await bank.chargedOnce();
});

/** Presses the button, and once more as soon as the page has seen to the first press. */
function pressTwice() {
  return page.evaluate(() => {
    const form = document.getElementById("card");
    const pay = document.getElementById("pay");
    pay.click();
    window.tell({
      text: pay.textContent,
      busy: form.getAttribute("aria-busy"),
      disabled: pay.getAttribute("aria-disabled"),
    });
    pay.click();
    form.requestSubmit();
  });
}

test("row 25: the back button after paying leads to what became of it", async () => {
  await buy(page, demo);
  await typeCard(page, demo.card("approved"));
  await page.locator("#pay").click();
  await heading(page, PAID);
  await page.goBack();
  await heading(page, ALREADY_PAID);
  assert.equal(await page.locator("#card").count(), 0, "there is no form to fill in again");
  assert.equal((await backToShop(page)).status, "paid");
  // And from the shop, back over all pages of the payment.
  await page.goBack();
  await heading(page, /плачен/);
  await bank.chargedOnce();
});

test("row 25: the back button from the bank's page pays nothing twice", async () => {
  await buy(page, demo);
  await typeCard(page, demo.card("challenge_approved"));
  await page.locator("#pay").click();
  await page.locator("[data-acs=challenge]").waitFor();
  await page.goBack();
  // The try is still under way: the payer is sent to the bank again, not to an empty form.
  await confirm(page);
  await heading(page, PAID);
  await bank.chargedOnce();
});

test("row 25: two tabs that pay at once charge once and show the same", async () => {
  await buy(page, demo);
  const other = await payer.newTab();
  await other.goto(page.url());
  await typeCard(page, demo.card("approved"));
  await typeCard(other, demo.card("approved"));
  await Promise.all([page.locator("#pay").click(), other.locator("#pay").click()]);
  await Promise.all([heading(page, PAID), heading(other, PAID)]);
  assert.equal(await receipt(page), await receipt(other));
  assert.equal(page.url(), other.url());
  await bank.chargedOnce();
});

test("row 25: two tabs with two cards at a slow bank charge one of them", async () => {
  await buy(page, demo);
  const other = await payer.newTab();
  await other.goto(page.url());
  await typeCard(page, demo.card("approved"));
  await typeCard(other, { ...demo.card("approved"), pan: "4012888888881881" });
  const fault = { operation: "authorization", fault: "delay", delay_ms: 1000, count: 1 };
  await withFault(fault, async () => {
    await Promise.all([page.locator("#pay").click(), other.locator("#pay").click()]);
    await Promise.all([heading(page, PAID), heading(other, PAID)]);
  });
  assert.equal(await receipt(page), await receipt(other));
  const charged = await bank.chargedOnce();
  assert.ok((await receipt(page)).includes(charged.masked_pan.slice(-4)));
});

test("row 25: a tab that comes late is told that the order is paid", async () => {
  await buy(page, demo);
  const late = await payer.newTab();
  await late.goto(page.url());
  await typeCard(late, demo.card("approved"));
  await typeCard(page, demo.card("approved"));
  await page.locator("#pay").click();
  await heading(page, PAID);
  await late.locator("#pay").click();
  await heading(late, PAID);
  assert.equal(await receipt(page), await receipt(late));
  await bank.chargedOnce();
});

test("row 25: two browsers at the bank's page end at one result", async () => {
  await buy(page, demo);
  await typeCard(page, demo.card("challenge_approved"));
  await page.locator("#pay").click();
  await page.locator("[data-acs=challenge]").waitFor();
  const link = payer.requests.find(({ url }) => /\/checkout\/[^/]+\/3ds$/.test(url)).url;
  const other = await payer.newTab();
  await other.goto(link);
  await other.locator("[data-acs=challenge]").waitFor();
  await confirm(page);
  await heading(page, PAID);
  // The second window answers a question that is answered already.
  await other.locator("button[value=cancel]").click();
  await heading(other, PAID);
  await bank.chargedOnce();
});

test("a form that is sent again by hand changes nothing", async () => {
  await buy(page, demo);
  const action = await page.locator("#card").evaluate((form) => form.action);
  await typeCard(page, demo.card("approved"));
  await page.locator("#pay").click();
  await heading(page, PAID);
  const card = demo.card("approved");
  const body = new URLSearchParams({
    "cc-number": card.pan,
    "cc-exp": "12/30",
    "cc-csc": card.cvc,
  });
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => fetch(action, { method: "POST", body, redirect: "manual" })),
  );
  for (const answer of answers) {
    assert.equal(answer.status, 303);
    assert.match(answer.headers.get("location"), /\/result$/);
  }
  await waitUntil("the bank's record", async () => (await bank.authorizations()).length > 0);
  await bank.chargedOnce();
});
