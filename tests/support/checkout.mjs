// What payers do, in their own words: buy in the demo shop, type a card, confirm at the bank; and
// what the bank then knows of it.

import assert from "node:assert/strict";

import { waitUntil } from "./demo.mjs";

/** Buys one thing in the demo shop; ends at the payment page. */
export async function buy(page, demo, { good = "honey", language = "ru", hold = false } = {}) {
  await page.goto(`${demo.shopUrl}/goods/${good}?lang=${language}`);
  if (hold) await page.locator("input[name=hold]").check();
  await page.locator("[data-action=pay]").click();
  await page.locator("#card").waitFor();
  await page.waitForLoadState();
}

/** An expiry as it stands on the card. */
const typedExpiry = ({ expiry }) => `${expiry.slice(4)}/${expiry.slice(2, 4)}`;

/** Types a test card, all but pressing the button. */
export async function typeCard(page, card) {
  await page.locator("#cc-number").fill(card.pan);
  await page.locator("#cc-exp").fill(typedExpiry(card));
  await page.locator("#cc-csc").fill(card.cvc);
}

/** Types a test card and presses the button. */
export async function payBy(page, card) {
  await typeCard(page, card);
  await page.locator("#pay").click();
}

/** Types the code that the bank's page shows and sends it; waits for the page first. */
export async function confirm(page) {
  const shown = page.locator("[data-acs=challenge] output[data-code]");
  const code = await shown.getAttribute("data-code");
  await page.locator("#code").fill(code);
  await page.locator("button[value=submit]").click();
}

/** Waits until the page's heading is this text. */
export async function heading(page, text) {
  await page.locator("h1", { hasText: text }).waitFor();
}

/** Waits for a result page: `ok`, `no`, `info` or `wait`. */
export async function result(page, kind) {
  await page.locator(`main .message.${kind} h1`).waitFor();
}

/**
 * Follows the link back to the shop, which must learn by callback what became of the order: the
 * callback's operation and whether it succeeded. Gives the order as the shop shows it.
 */
export async function backToShop(page, callback = "deposited 1") {
  const link = page.locator("a[href*='/return']");
  await Promise.all([page.waitForURL(/\/orders\/DALA-/), link.click()]);
  return shopKnows(page, callback);
}

/** Waits, looking at the shop's page again and again, until this callback is the newest. */
export async function shopKnows(page, callback = "deposited 1") {
  const main = page.locator("main[data-page=order]");
  await waitUntil(`callback ${callback}`, async () => {
    const newest = await main.evaluate(({ dataset }) => [dataset.callback, dataset.callbackStatus]);
    if (newest.join(" ") === callback) return true;
    await page.reload();
    return false;
  });
  return main.evaluate((element) => ({ ...element.dataset }));
}

/** The bank's own record, from which tests count what was really charged. */
export class BankRecord {
  #demo;
  #after = 0;

  constructor(demo) {
    this.#demo = demo;
  }

  /** Everything before now is forgotten. */
  async begin() {
    const operations = await this.#read();
    this.#after = operations.at(-1)?.number ?? this.#after;
  }

  /** The authorizations since then. */
  async authorizations() {
    const operations = await this.#read();
    return operations.filter(({ kind }) => kind === "authorization");
  }

  /** Exactly one authorization since then, asked for once and approved; gives it. */
  async chargedOnce() {
    const all = await this.authorizations();
    const approved = all.filter(({ status }) => status === "approved");
    assert.equal(approved.length, 1, JSON.stringify(all));
    assert.equal(all.length, 1, JSON.stringify(all));
    return approved[0];
  }

  async #read() {
    const url = `${this.#demo.simulatorUrl}/bank/v1/log?after=${this.#after}&limit=10000`;
    const authorization = `Bearer ${this.#demo.terminalKey}`;
    const answer = await fetch(url, { headers: { authorization } });
    assert.equal(answer.status, 200);
    const { operations, more } = await answer.json();
    assert.equal(more, false);
    return operations;
  }
}
