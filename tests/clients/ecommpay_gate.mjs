// ecommpay 0.1.7: its signer for Gate requests, its Callback for every callback.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import ecommpay from "ecommpay";

import { Demo } from "../support/demo.mjs";
import { BUYER, Shop, freshId } from "../support/gate.mjs";
import { press } from "../support/wallet.mjs";

process.env.NO_PROXY = process.env.no_proxy = "127.0.0.1";

let demo;
let shop;

before(async () => {
  demo = await Demo.start();
  shop = await Shop.start(demo);
});

after(async () => {
  const received = shop?.receiver.received ?? [];
  await shop?.stop();
  await demo?.stop();
  // Every callback that came is looked at once more.
  for (const { body } of received) shop.believe(body);
});

const WAITING = "awaiting redirect result";

/** A sale by wallet with the payer at the partner's page; gives the last callback. */
async function byWallet(paymentId, action = "pay", members = {}) {
  const requestId = await shop.walletSale(paymentId, members);
  const { redirect_data: redirectData } = await shop.callback(requestId, WAITING);
  await press(redirectData, action);
  return shop.callback(requestId, action === "pay" ? "success" : "decline");
}

/** Payment's status and sum, operation's type, status, code and message. */
function summary({ payment, operation }) {
  const { type, status, code, message } = operation;
  return [payment.status, payment.sum.amount, type, status, code, message];
}

test("the payer is sent to the wallet", async () => {
  const paymentId = freshId();
  const callback = await shop.callback(await shop.walletSale(paymentId), WAITING);

  const told = [WAITING, 15_000, "sale", WAITING, "9999", "Awaiting processing"];
  assert.deepEqual(summary(callback), told);
  assert.equal(callback.payment.id, paymentId);
  assert.match(callback.redirect_data.url, /^http:/u);
  assert.ok(shop.disbelieveChanges(callback) > 300);
  assert.equal((await shop.status(paymentId)).payment.status, WAITING);
});

test("a wallet pays", async () => {
  const callback = await byWallet(freshId());

  assert.deepEqual(summary(callback), ["success", 15_000, "sale", "success", "0", "Success"]);
  assert.ok(Number.isSafeInteger(callback.operation.id));
  assert.ok(shop.disbelieveChanges(callback) > 300);
});

test("a wallet refuses", async () => {
  const callback = await byWallet(freshId(), "decline");

  const told = ["decline", 15_000, "sale", "decline", "20000", "General decline"];
  assert.deepEqual(summary(callback), told);
  assert.ok(shop.disbelieveChanges(callback) > 300);
});

test("a wallet gives all money back, and no more", async () => {
  const paymentId = freshId();
  await byWallet(paymentId);

  const tooMuch = { amount: 15_001, currency: "INR", merchant_refund_id: freshId() };
  const refusedId = await shop.refund("wallet-partner/refund", paymentId, tooMuch);
  const refused = await shop.callback(refusedId, "decline");
  const doneId = await shop.refund("wallet-partner/refund", paymentId);
  const done = await shop.callback(doneId, "success");

  const message = "Refund amount more than init amount";
  assert.deepEqual(summary(refused), ["success", 15_000, "refund", "decline", "3283", message]);
  assert.deepEqual(summary(done), ["refunded", 0, "refund", "success", "0", "Success"]);
  for (const callback of [refused, done]) assert.ok(shop.disbelieveChanges(callback) > 300);
});

test("a card pays", async () => {
  const callback = await shop.callback(await shop.byCard("sale", freshId()), "success");

  assert.deepEqual(summary(callback), ["success", 20_000, "sale", "success", "0", "Success"]);
  assert.equal(callback.account.expiry_year, "2030");
  assert.ok(shop.disbelieveChanges(callback) > 300);
});

test("a card is refused", async () => {
  const requestId = await shop.byCard("sale", freshId(), "declined_insufficient_funds");
  const callback = await shop.callback(requestId, "decline");

  const message = "Insufficient funds on card";
  assert.deepEqual(summary(callback), ["decline", 20_000, "sale", "decline", "10105", message]);
  assert.ok(shop.disbelieveChanges(callback) > 300);
});

test("a hold is taken and partly given back", async () => {
  const paymentId = freshId();
  const held = await shop.callback(await shop.byCard("auth", paymentId), "success");
  const taken = await shop.callback(await shop.accepted("card/capture", paymentId), "success");
  const part = { amount: 5_000, currency: "EUR" };
  const refundId = await shop.refund("card/refund", paymentId, part);
  const refunded = await shop.callback(refundId, "success");

  assert.deepEqual(summary(held), ["awaiting capture", 20_000, "auth", "success", "0", "Success"]);
  assert.deepEqual(summary(taken), ["success", 20_000, "capture", "success", "0", "Success"]);
  const told = ["partially refunded", 15_000, "refund", "success", "0", "Success"];
  assert.deepEqual(summary(refunded), told);
  for (const callback of [held, taken, refunded]) {
    assert.ok(shop.disbelieveChanges(callback) > 300);
  }
  const types = (await shop.status(paymentId)).operations.map(({ type }) => type);
  assert.deepEqual(types, ["auth", "capture", "refund"]);
});

test("a hold is given up", async () => {
  const paymentId = freshId();
  await shop.callback(await shop.byCard("auth", paymentId), "success");
  const callback = await shop.callback(await shop.accepted("card/cancel", paymentId), "success");

  assert.equal(callback.payment.status, "canceled");
  assert.deepEqual(summary(callback).slice(2), ["cancel", "success", "0", "Success"]);
  assert.ok(shop.disbelieveChanges(callback) > 300);
});

test("texts are told as they came", async () => {
  const text = "Чай + 2 & \u00e9 e\u0301 🫖; a:b \"'\\/<>\n\t שלום";
  const requestId = await shop.walletSale(freshId(), {
    payment: { amount: 100, currency: "INR", description: text },
    customer: { ...BUYER, id: text, first_name: text },
  });

  const callback = await shop.callback(requestId, WAITING);

  assert.equal(callback.payment.description, text);
  assert.equal(callback.customer.id, text);
});

// Members that no schema names, and that clients sort or sign each in their own way.
const ODD = {
  digits: { note2: "x", note10: "y" },
  numbers: { 10: "ten", 9: "nine" },
  prefixes: { a: "1", a1: "2", "a-b": "3", A: "4", _low: "5" },
  frame: { frame_mode: "popup" },
  colon: { "a:b": "colon", "a::b": "colons" },
  letters: { é: "6", "🫖": "7", "\uff5e": "8" },
  values: { save: true, weight: 1.5, nothing: null, empty: "" },
  nested: { list: Array(12).fill("a"), object: { a: { x: 1 }, b: 2 } },
};

for (const [name, members] of Object.entries(ODD)) {
  test(`callbacks are believed whatever a shop tells of its payer: ${name}`, async () => {
    const requestId = await shop.walletSale(freshId(), { customer: { ...BUYER, ...members } });

    const callback = await shop.callback(requestId, WAITING);

    assert.equal(callback.customer.id, BUYER.id);
  });
}

test("requests are signed as the package signs them", async () => {
  await shop.walletSale(freshId(), {
    receipt_data: { positions: Array(12).fill({ quantity: 1.5, amount: 100, tax: 2.0 }) },
    addendum: { a: { x: 1 }, a1: 2, "a-b": 3, a_b: 4, "a:b": { "c:d": 5 }, Z: 6, n10: 7, n9: 8 },
    booking_info: { positions: [], object: {}, save: true, nothing: null },
    frame_mode: "popup",
  });
});

test("the status of a payment and of a request is signed", async () => {
  const paymentId = freshId();
  const { operation } = await byWallet(paymentId);

  const status = await shop.status(paymentId);
  const ofRequest = await shop.statusOfRequest(operation.request_id);

  assert.equal(status.payment.status, "success");
  assert.deepEqual(status.operations.map(({ id }) => id), [operation.id]);
  assert.equal(ofRequest.payment_id, paymentId);
  assert.deepEqual([ofRequest.status, ofRequest.code], ["success", "0"]);
});

test("an unknown payment is an answer", async () => {
  const paymentId = freshId();
  const { payment, errors } = await shop.status(paymentId);

  assert.deepEqual([payment.id, payment.status], [paymentId, "error"]);
  assert.deepEqual(errors, [{ code: "3061", message: "Transaction not found" }]);
});

test("another key signs nothing", async () => {
  const callback = await shop.callback(await shop.walletSale(freshId()), WAITING);
  const { Callback, signer } = ecommpay;
  assert.throws(() => new Callback(`${shop.secret}x`, callback), /Invalid signature/u);

  const general = { project_id: shop.projectId, payment_id: freshId() };
  const signature = signer({ general }, `${shop.secret}x`);
  const answer = await fetch(`${demo.ecommpay.gate_url}/v2/payment/status`, {
    method: "POST",
    body: JSON.stringify({ general: { ...general, signature } }),
  });

  assert.equal(answer.status, 400);
  assert.equal((await answer.json()).code, "3261");
});
