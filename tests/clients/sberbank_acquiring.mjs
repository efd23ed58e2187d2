// sberbank-acquiring 1.2.2: amounts in major units, values that are empty, errors thrown.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";

import Acquiring from "sberbank-acquiring";

import { CallbackReceiver, Demo } from "../support/demo.mjs";

process.env.NO_PROXY = process.env.no_proxy = "127.0.0.1";

const RETURN_URL = "https://shop.example.kz/orders/{order}/done";

let demo;
let client;
let orders = 0;

before(async () => {
  demo = await Demo.start();
  client = clientWith({ userName: demo.rbs.user_name, password: demo.rbs.password });
});

after(() => demo?.stop());

/** The client, told where the gateway is. */
function clientWith(credentials) {
  const made = new Acquiring(credentials, RETURN_URL);
  made.entry = demo.rbs.base_url;
  return made;
}

const orderNumber = () => `NODE-${++orders}`;

/** An order of 1 500.50 tenge that is paid. */
async function paid() {
  const { orderId } = await client.register(orderNumber(), 1500.5, "Tea");
  assert.equal((await demo.pay(orderId)).errorCode, "0");
  return orderId;
}

/** What the client throws: the gateway's code and message. */
function refusal(code, message = /./u) {
  return (error) => {
    assert.equal(error.sberErrorCode, code);
    assert.match(error.message, message);
    return true;
  };
}

async function amounts(orderId) {
  const { orderStatus, paymentAmountInfo: info } = await client.get(orderId);
  return [orderStatus, info.approvedAmount, info.depositedAmount, info.refundedAmount];
}

test("an order is registered in major units and paid", async () => {
  const number = orderNumber();
  const answer = await client.register(number, 1500.5, "Чай, 2 пачки & сахар");

  assert.deepEqual(Object.keys(answer).sort(), ["formUrl", "orderId"]);
  assert.equal(new URL(answer.formUrl).searchParams.get("mdOrder"), answer.orderId);
  assert.equal(await client.status(answer.orderId), 0);
  const { redirect } = await demo.pay(answer.orderId);
  const home = `https://shop.example.kz/orders/${number}/done?orderId=${answer.orderId}&lang=ru`;
  assert.equal(redirect, home);
  assert.equal(await client.status(answer.orderId), 2);
  const order = await client.get(answer.orderId);
  assert.equal(order.orderNumber, number);
  assert.equal(order.amount, 150_050);
  assert.equal(order.currency, "398");
  assert.equal(order.orderDescription, "Чай, 2 пачки & сахар");
  assert.equal(order.cardAuthInfo.maskedPan, "444455**3333");
  assert.deepEqual(await amounts(answer.orderId), [2, 150_050, 150_050, 0]);
});

test("amounts that no binary fraction holds are rounded by the client", async () => {
  for (const [major, minor] of [[1.1, 110], [0.29, 29], [4.35, 435], [1_000_000.01, 100_000_001]]) {
    const { orderId } = await client.register(orderNumber(), major);
    assert.equal((await client.get(orderId)).amount, minor);
  }
});

test("empty values are absent", async () => {
  const { orderId } = await client.register(orderNumber(), 7, "", {
    failUrl: "",
    clientId: undefined,
    bindingId: null,
    jsonParams: "",
    language: "",
    sessionTimeoutSecs: "",
  });

  const order = await client.get(orderId);
  assert.equal(order.amount, 700);
  assert.deepEqual(order.merchantOrderParams, []);
  assert.equal(order.orderDescription ?? "", "");
});

test("further parameters are passed on", async () => {
  const { orderId, formUrl } = await client.register(orderNumber(), 7, "Tea", {
    language: "en",
    currency: 840,
    jsonParams: JSON.stringify({ email: "a@example.kz" }),
  });

  assert.match(formUrl, /payment_en\.html/u);
  const order = await client.get(orderId);
  assert.equal(order.currency, "840");
  assert.deepEqual(order.merchantOrderParams, [{ name: "email", value: "a@example.kz" }]);
});

test("an order is found by the shop's number", async () => {
  const number = orderNumber();
  const { orderId } = await client.register(number, 7);
  await demo.pay(orderId);

  assert.equal(await client.status(null, number), 2);
  const order = await client.get(null, number);
  assert.deepEqual(order.attributes, [{ name: "mdOrder", value: orderId }]);
});

test("an order that is not there is null", async () => {
  assert.equal(await client.status(randomUUID()), null);
  assert.equal(await client.status(null, "no such number"), null);
  await assert.rejects(client.get(randomUUID()), refusal("6", /^Заказ не найден$/u));
});

test("refunds in parts, then all that is left", async () => {
  const orderId = await paid();

  assert.deepEqual(await client.refund(orderId, 0.5), { errorCode: "0", errorMessage: "Успешно" });
  assert.deepEqual(await amounts(orderId), [4, 150_050, 150_000, 50]);
  await assert.rejects(client.refund(orderId, 1500.25), refusal("7"));
  await client.refund(orderId, 1000, { reason: "damaged" });
  assert.deepEqual(await amounts(orderId), [4, 150_050, 50_000, 100_050]);
  await client.refund(orderId, 0);
  assert.deepEqual(await amounts(orderId), [4, 150_050, 0, 150_050]);
  assert.equal(await client.status(orderId), 4);
});

test("a refund that the client did not round is refused and nothing is refunded", async () => {
  const orderId = await paid();
  assert.equal(1.1 * 100, 110.00000000000001);

  await assert.rejects(client.refund(orderId, 1.1), refusal("5", /^Неверная сумма$/u));

  assert.deepEqual(await amounts(orderId), [2, 150_050, 150_050, 0]);
});

test("an unpaid order is not refunded", async () => {
  const { orderId } = await client.register(orderNumber(), 7);

  await assert.rejects(client.refund(orderId, 1), refusal("7", /^Возврат невозможен/u));
});

test("a refused card is shown by its code", async () => {
  const { orderId } = await client.register(orderNumber(), 7);
  await demo.pay(orderId, "declined_insufficient_funds");

  assert.equal((await client.get(orderId)).actionCode, 116);
  assert.equal(await client.status(orderId), 0);
});

test("a number is used once", async () => {
  const number = orderNumber();
  await client.register(number, 7);

  const taken = refusal("1", /^Заказ с таким номером уже обработан$/u);
  await assert.rejects(client.register(number, 7), taken);
});

test("a wrong password is error 5", async () => {
  const stranger = clientWith({ userName: demo.rbs.user_name, password: "wrong" });
  const orderId = await paid();

  const denied = refusal("5", /^Access denied$/u);
  await assert.rejects(stranger.register(orderNumber(), 7), denied);
  await assert.rejects(stranger.status(orderId), denied);
  await assert.rejects(stranger.refund(orderId, 1), denied);
  assert.deepEqual(await amounts(orderId), [2, 150_050, 150_050, 0]);
});

test("amounts and currencies that are wrong are told so", async () => {
  await assert.rejects(client.register(orderNumber(), 0), refusal("5"));
  await assert.rejects(client.register(orderNumber(), -1), refusal("5"));
  // The client writes what is no number as an empty value.
  await assert.rejects(client.register(orderNumber(), Number.NaN), refusal("4"));
  const unknown = { currency: 999 };
  await assert.rejects(client.register(orderNumber(), 7, "", unknown), refusal("3"));
});

test("a payer without saved cards has none", async () => {
  await assert.rejects(client.getBindings("payer-7"), refusal("2", /^Информация не найдена$/u));
  await assert.rejects(client.unBindCard(randomUUID()), refusal("2", /^Связка не найдена$/u));
});

test("callbacks reach the address that came with the order", async () => {
  const receiver = await CallbackReceiver.start();
  try {
    const { orderId } = await client.register(orderNumber(), 7, "Tea", {
      dynamicCallbackUrl: `${receiver.url}?shop=7`,
    });
    await demo.pay(orderId);
    await client.refund(orderId, 2);

    const deposited = await receiver.operation(orderId, "deposited");
    const refunded = await receiver.operation(orderId, "refunded");
    assert.equal(deposited.params.shop, "7");
    assert.equal(deposited.params.status, "1");
    assert.equal(refunded.params.operationRefundedAmount, "200");
  } finally {
    await receiver.stop();
  }
});
