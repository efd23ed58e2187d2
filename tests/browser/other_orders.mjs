// Orders that cannot be paid, or no longer: each has a page that says so and what to do.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { PHONE, Payer, startBrowser } from "../support/browser.mjs";
import { BankRecord, heading, payBy, result, typeCard } from "../support/checkout.mjs";
import { Demo } from "../support/demo.mjs";

const EXPIRED = "Время на оплату истекло";
const UNKNOWN = "Заказ не найден";

let demo;
let browser;
let payer;
let page;
let bank;

before(async () => {
  [demo, browser] = await Promise.all([Demo.start({ manualClock: true }), startBrowser()]);
  bank = new BankRecord(demo);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

beforeEach(async () => {
  payer = await Payer.arrive(browser, demo, { screen: PHONE });
  page = payer.page;
  await bank.begin();
});

afterEach(() => payer.leave());

/** Registers an order and opens its page. */
async function open(fields) {
  const order = await demo.register({ amount: "720000", ...fields });
  await page.goto(order.formUrl);
  await page.locator("#card").waitFor();
  return order;
}

const status = (orderId) => demo.rbsCall("getOrderStatusExtended", { orderId });
const hasNoForm = async () => assert.equal(await page.locator("form, input").count(), 0);

test("an order whose time is over says so and leads back to the shop", async () => {
  const { orderId, formUrl } = await open({ sessionTimeoutSecs: "300" });
  await demo.advance(301);
  await page.goto(formUrl);
  await heading(page, EXPIRED);
  await hasNoForm();
  await page.getByText("Оформите заказ в магазине заново.").waitFor();
  const link = page.getByRole("link", { name: "Вернуться в магазин" });
  const target = await link.evaluate(({ href }) => href);
  const answer = await fetch(target, { redirect: "manual" });
  const back = new URL(answer.headers.get("location"));
  assert.equal(back.origin, demo.shopUrl);
  assert.equal(back.searchParams.get("orderId"), orderId);
  assert.equal((await status(orderId)).orderStatus, 6);
});

test("a form that is sent too late charges nothing", async () => {
  const { orderId } = await open({ sessionTimeoutSecs: "300" });
  await typeCard(page, demo.card("approved"));
  await demo.advance(301);
  await page.locator("#pay").click();
  await heading(page, EXPIRED);
  assert.deepEqual(await bank.authorizations(), []);
  assert.equal((await status(orderId)).orderStatus, 6);
});

test("a form whose time runs out under the payer's eyes becomes that page", async () => {
  const { formUrl } = await open({ sessionTimeoutSecs: "300" });
  await demo.advance(297);
  await page.goto(formUrl);
  await page.locator("#countdown.soon", { hasText: /^0:0\d$/ }).waitFor();
  await heading(page, EXPIRED);
});

test("an order whose time ends at the bank's page is paid or over, never both", async () => {
  const { orderId } = await open({ sessionTimeoutSecs: "300" });
  await payBy(page, demo.card("challenge_approved"));
  await page.locator("[data-acs=challenge]").waitFor();
  await demo.advance(301);
  const code = await page.locator("output[data-code]").getAttribute("data-code");
  await page.locator("#code").fill(code);
  await page.locator("button[value=submit]").click();
  await page.waitForURL(/\/result/);
  const shown = await page.locator("h1").innerText();
  const { orderStatus } = await status(orderId);
  const approved = (await bank.authorizations()).filter(({ status: word }) => word === "approved");
  const truth = { 2: ["Оплачено", 1], 6: [EXPIRED, 0] }[orderStatus];
  assert.deepEqual([shown, approved.length], truth, `status ${orderStatus}`);
});

test("a paid order's link shows the receipt and no form", async () => {
  const { orderId, formUrl } = await open({ orderNumber: "PAID-1" });
  await demo.pay(orderId);
  await page.goto(formUrl);
  await heading(page, "Заказ уже оплачен");
  await hasNoForm();
  const receipt = await page.locator("dl.facts").innerText();
  for (const text of ["PAID-1", "7 200,00 ₸", "Visa •••• 3333"]) {
    assert.ok(receipt.replace(/\u00a0/g, " ").includes(text), `${text} in ${receipt}`);
  }
  assert.doesNotMatch(receipt, /444455/, "no more of the number than its end");
});

test("an order that the shop withdrew while the form was open charges nothing", async () => {
  const { orderId } = await open();
  await typeCard(page, demo.card("approved"));
  await demo.rbsCall("decline", { orderId });
  await page.locator("#pay").click();
  await heading(page, "Заказ отменён");
  await hasNoForm();
  assert.deepEqual(await bank.authorizations(), []);
});

test("a refunded order says that the money is on its way back", async () => {
  const { orderId, formUrl } = await open();
  await demo.pay(orderId);
  await demo.rbsCall("refund", { orderId, amount: "720000" });
  await page.goto(formUrl);
  await result(page, "info");
  await heading(page, "Оплата отменена");
  await hasNoForm();
});

test("unknown, malformed and foreign orders look alike and tell nothing", async () => {
  const stranger = await Demo.start();
  const foreign = await stranger.register({ amount: "720000" });
  await stranger.stop();
  const ids = [
    randomUUID(),
    foreign.orderId,
    "00000000-0000-0000-0000-000000000000",
    "no-such-order",
    "pay_1",
    "%00",
    "%ff%fe",
    "..%2f..%2fetc%2fpasswd",
    "1%27%20OR%201%3D1--",
    "x".repeat(3000),
  ];
  const bodies = new Set();
  const own = `${demo.baseUrl}/checkout`;
  for (const id of ids) {
    for (const url of [
      `${own}/${id}`,
      `${own}/${id}/result`,
      `${own}/${id}/return`,
      `${own}/${id}/3ds`,
      `${demo.baseUrl}/payment/merchants/payment_ru.html?mdOrder=${id}`,
    ]) {
      const answer = await fetch(url, { redirect: "manual" });
      assert.equal(answer.status, 404, url);
      assert.match(answer.headers.get("content-type"), /^text\/html/, url);
      bodies.add(await answer.text());
    }
  }
  assert.equal(bodies.size, 1, "one page for all of them");

  for (const path of ["no-such-order", foreign.orderId, randomUUID()]) {
    await page.goto(`${own}/${path}`);
    await heading(page, UNKNOWN);
    await hasNoForm();
  }
  await page.goto(`${demo.baseUrl}/payment/merchants/payment_ru.html`);
  await heading(page, UNKNOWN);
});

test("a card that is sent to no order goes nowhere", async () => {
  const { pan, cvc } = demo.card("approved");
  const body = new URLSearchParams({ "cc-number": pan, "cc-exp": "12/30", "cc-csc": cvc });
  for (const id of [randomUUID(), "no-such-order"]) {
    const url = `${demo.baseUrl}/checkout/${id}/pay`;
    const answer = await fetch(url, { method: "POST", body, redirect: "manual" });
    assert.equal(answer.status, 404);
    assert.doesNotMatch(await answer.text(), /4444/);
  }
  assert.deepEqual(await bank.authorizations(), []);
});
