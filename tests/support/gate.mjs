// A shop that takes payments through the Gate: the published package signs what it asks for and
// reads what it is told.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import ecommpay from "ecommpay";

import { CallbackReceiver } from "./demo.mjs";

const { Callback, signer } = ecommpay;

/** The buyer of the documented example. */
export const BUYER = {
  id: "customer123",
  ip_address: "1.1.1.1",
  first_name: "Mary",
  last_name: "Smith",
  phone: "76575657657676",
  email: "smith@example.com",
};
const RETURN_URL = { success: "http://example.com/success" };

const RUN = randomUUID().slice(0, 8);
let payments = 0;

/** A payment's id that was never used. */
export const freshId = () => `NODE_${RUN}_${++payments}`;

/** The demo's project in India. */
export class Shop {
  static async start(demo) {
    return new Shop(demo, await CallbackReceiver.start());
  }

  constructor(demo, receiver) {
    this.demo = demo;
    this.receiver = receiver;
    this.projectId = demo.ecommpay.project_id;
    this.secret = demo.ecommpay.secret;
  }

  stop() {
    return this.receiver.stop();
  }

  /** Posts a body with its signature in `general`, or at the root. */
  async send(path, body, atRoot = false) {
    const signature = signer(body, this.secret);
    const signed = atRoot
      ? { ...body, signature }
      : { ...body, general: { ...body.general, signature } };
    return fetch(`${this.demo.ecommpay.gate_url}/v2/payment/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(signed),
    });
  }

  /** A request that must be taken; gives its id. */
  async accepted(path, paymentId, members = {}) {
    const general = {
      project_id: this.projectId,
      payment_id: paymentId,
      merchant_callback_url: this.receiver.url,
    };
    const answer = await this.send(path, { general, ...members });
    const body = await answer.json();
    assert.equal(answer.status, 200, JSON.stringify(body));
    assert.equal(body.status, "success");
    return body.request_id;
  }

  walletSale(paymentId, { amount = 15_000, ...members } = {}) {
    return this.accepted("wallet-partner/sale", paymentId, {
      payment: { amount, currency: "INR", description: "TEST" },
      customer: BUYER,
      return_url: RETURN_URL,
      ...members,
    });
  }

  byCard(operation, paymentId, behaviour = "approved") {
    const { pan, expiry, cvc } = this.demo.card(behaviour);
    const [year, month] = [Number(expiry.slice(0, 4)), Number(expiry.slice(4))];
    return this.accepted(`card/${operation}`, paymentId, {
      payment: { amount: 20_000, currency: "EUR", description: "TEST" },
      customer: BUYER,
      card: { pan, year, month, card_holder: "MARY SMITH", cvv: cvc },
    });
  }

  refund(path, paymentId, payment = {}) {
    return this.accepted(path, paymentId, { payment: { description: "test_refund", ...payment } });
  }

  /** The callback, come or coming, about the operation that a request began; it is believed. */
  async callback(requestId, status) {
    const { body } = await this.receiver.waitFor((request) => {
      const { operation } = JSON.parse(request.body);
      return operation?.request_id === requestId && operation.status === status;
    });
    const told = JSON.parse(body);
    this.believe(body);
    return told;
  }

  /** What the package makes of a callback: it must accept it, as text and as an object. */
  believe(text) {
    const { payment, signature } = JSON.parse(text);
    for (const data of [text, JSON.parse(text)]) {
      const read = new Callback(this.secret, data);
      assert.equal(read.getPaymentId(), payment.id);
      assert.equal(read.isPaymentSuccess(), payment.status === "success");
      assert.equal(read.signature, signature);
    }
  }

  /** One other character anywhere in a value, and the package refuses the callback. */
  disbelieveChanges(told) {
    let refused = 0;
    for (const changed of withOneChange(told)) {
      const text = JSON.stringify(changed);
      assert.throws(() => new Callback(this.secret, text), /^Error: Invalid signature$/u, text);
      refused += 1;
    }
    return refused;
  }

  /** The body of a signed answer, its signature found right and taken away. */
  async verified(answer) {
    const { signature, ...body } = await answer.json();
    assert.equal(answer.status, 200, JSON.stringify(body));
    assert.equal(signer(body, this.secret), signature);
    return body;
  }

  async status(paymentId) {
    const general = { project_id: this.projectId, payment_id: paymentId };
    return this.verified(await this.send("status", { general }));
  }

  async statusOfRequest(requestId) {
    const body = { project_id: this.projectId, request_id: requestId };
    return this.verified(await this.send("status/request", body, true));
  }
}

/** Copies of a message, each with one character of one value changed. */
function* withOneChange(message) {
  for (const path of leaves(message)) {
    const value = path.reduce((holder, name) => holder[name], message);
    for (const changed of changes(value)) {
      const copy = structuredClone(message);
      const holder = path.slice(0, -1).reduce((inner, name) => inner[name], copy);
      holder[path.at(-1)] = changed;
      yield copy;
    }
  }
}

function* leaves(value, path = []) {
  for (const [name, member] of Object.entries(value)) {
    if (member !== null && typeof member === "object") {
      yield* leaves(member, [...path, name]);
    } else {
      // Clients sign anything else each in their own way.
      assert.ok(["string", "number"].includes(typeof member), [...path, name].join("."));
      yield [...path, name];
    }
  }
}

function* changes(value) {
  const characters = [...String(value)];
  for (const [place, old] of characters.entries()) {
    const isPlain = /[a-z0-9]/iu.test(old);
    const mark = old === "_" ? "-" : "_";
    let changed = isPlain ? String.fromCodePoint(old.codePointAt(0) ^ 1) : mark;
    const leads = typeof value === "number" && place === 0 && characters.length > 1;
    if (leads && changed === "0") changed = "3";
    const text = characters.with(place, changed).join("");
    yield typeof value === "number" ? Number(text) : text;
  }
  if (value === "") yield "_";
}
