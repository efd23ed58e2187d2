// ecommpay 0.1.7 makes addresses of the Payment Page: each opens our form as it is, and with one
// other character it opens nothing.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import ecommpay from "ecommpay";

import { Demo, waitUntil } from "../support/demo.mjs";
import { Shop, freshId } from "../support/gate.mjs";
import { readPage } from "../support/payment_page.mjs";
import { press } from "../support/wallet.mjs";

process.env.NO_PROXY = process.env.no_proxy = "127.0.0.1";

const SHOP_NAME = "Altyn Demo India";
const BOTH = ["card", "wallet-partner"];

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
  for (const { body } of received) shop.believe(body);
});

/** A payment of 150 rupees, made by the constructor with these members too. */
function payment(members = {}, key = demo.ecommpay.secret) {
  const usual = {
    payment_id: freshId(),
    payment_amount: 15_000,
    payment_currency: "INR",
    customer_id: "customer1",
  };
  const { project_id: projectId, gate_url: host } = demo.ecommpay;
  return new ecommpay.Payment(projectId, key, { ...usual, ...members }, host);
}

async function get(url, options) {
  const headers = { "accept-language": "en" };
  const answer = await fetch(url, { redirect: "manual", headers, ...options });
  return { status: answer.status, answer, ...readPage(await answer.text()) };
}

/** Posts the parameters of an address. */
function post(url) {
  const { origin, pathname, searchParams } = new URL(url);
  return get(origin + pathname, { method: "POST", body: new URLSearchParams(searchParams) });
}

function assertForm(page, { amount = "₹150.00", ways = BOTH } = {}) {
  assert.equal(page.status, 200);
  assert.equal(page.shop, SHOP_NAME);
  assert.equal(page.amount, amount);
  assert.deepEqual([...page.ways.keys()].sort(), ways);
}

function assertErrorPage(page, what) {
  assert.equal(page.status, 400, what);
  assert.ok(page.isMessage, what);
  assert.equal(page.ways.size, 0, what);
}

async function assertUnknown(paymentId) {
  const { errors } = await shop.status(paymentId);
  assert.equal(errors[0].code, "3061");
  const told = shop.receiver.received.map(({ body }) => JSON.parse(body).payment.id);
  assert.ok(!told.includes(paymentId));
}

test("an address opens the form", async () => {
  const paymentId = freshId();

  assertForm(await get(payment({ payment_id: paymentId }).getUrl()));

  await assertUnknown(paymentId);
});

test("properties in the package's own spelling", async () => {
  const made = payment();
  made.paymentDescription = "Чай + 2";
  made.customerFirstName = "Мария";
  made.customerPhone = "919999999999";
  made.customerCountry = "IN";
  made.merchantSuccessUrl = "https://shop.example/done?order=1&a=b";
  made.cashierPredefinedAmounts = [100, 200, 300];
  made.cashVoucherData = { positions: [{ text: "Чай + сахар >>>" }] };
  made.redirectOnMobile = false;
  made.closeOnMissclick = true;
  made.frameMode = "popup";
  made.baseurl = demo.baseUrl;
  made.terminalId = 7;
  const url = made.getUrl();
  assert.match(url, /cashier_predefined_amounts=100%2C200%2C300/u);
  assert.match(url, /redirect_on_mobile=false/u);

  const page = await get(url);

  assertForm(page);
  assert.equal(page.description, "Чай + 2");
});

const TEXTS = {
  cyrillic: "Чай",
  plus: "1+1 = 2 + 0",
  marks: "100% & more? #1 \"'<b>/\\=:|",
  emoji: "🫖 чай\u200d☕",
  accents: "é e\u0301 ß İ ı",
  rtl: "שלום مرحبا",
  escaped: "%D0%A7&amp+%2B",
  unreserved: "!*'()~.-_",
};

for (const [name, text] of Object.entries(TEXTS)) {
  test(`texts are shown as they were written: ${name}`, async () => {
    const members = { payment_description: text, customer_first_name: text, customer_id: text };
    const page = await get(payment(members).getUrl());

    assertForm(page);
    assert.equal(page.description, text);
  });
}

for (const truth of [true, false, 1, 0, "1", "0"]) {
  test(`truths open the form: ${JSON.stringify(truth)}`, async () => {
    const names = ["redirect", "recurring_register", "close_on_missclick", "force_acs_new_window"];
    const members = Object.fromEntries(names.map((name) => [name, truth]));

    assertForm(await get(payment(members).getUrl()));
    assertForm(await post(payment(members).getUrl()));
  });
}

const CASES = [
  [{ payment_amount: 1001, payment_currency: "USD" }, { amount: "$10.01", ways: ["card"] }],
  [{ payment_amount: 40_000_000 }, { amount: "₹400,000.00" }],
  [{ payment_amount: 40_000_001 }, { amount: "₹400,000.01", ways: ["card"] }],
  [{ mode: "purchase" }, {}],
  [{ force_payment_method: "wallet-partner" }, { ways: ["wallet-partner"] }],
  [{ force_payment_method: "card" }, { ways: ["card"] }],
  [{ card_operation_type: "auth" }, { ways: ["card"] }],
  [{ language_code: "ru" }, { amount: "150,00\u00a0₹" }],
  [{ frame_mode: "iframe", recurring_register: true }, {}],
  [{ best_before: new Date(Date.now() + 86_400_000).toISOString() }, {}],
  [{ customer_state: "" }, {}],
  [{ no_such_parameter: "x" }, {}],
];

for (const [members, expected] of CASES) {
  test(`the form is as the parameters say: ${JSON.stringify(members)}`, async () => {
    assertForm(await get(payment(members).getUrl()), expected);
  });
}

test("a card is checked without money", async () => {
  const page = await get(payment({ mode: "card_verify", payment_amount: 0 }).getUrl());

  assert.equal(page.status, 200);
  assert.deepEqual([...page.ways.keys()], ["card"]);
});

test("what cannot be paid opens no form", async () => {
  const cases = [
    { payment_amount: 0 },
    { payment_amount: 10.5 },
    { payment_amount: undefined },
    { payment_currency: "GBP" },
    { customer_id: "" },
    { payment_description: "a;b" },
    { mode: "payout" },
    { force_payment_method: "no-such-method" },
  ];
  for (const members of cases) {
    assertErrorPage(await get(payment(members).getUrl()), JSON.stringify(members));
  }
});

test("another key opens no form", async () => {
  assertErrorPage(await get(payment({}, `${demo.ecommpay.secret}x`).getUrl()));
});

/** A text with each of its characters changed, one at a time; with one more; with one less. */
function* changes(text) {
  const characters = [...text];
  for (const [place, old] of characters.entries()) {
    const isPlain = /[a-z0-9]/iu.test(old);
    const mark = old === "_" ? "-" : "_";
    const changed = isPlain ? String.fromCodePoint(old.codePointAt(0) ^ 1) : mark;
    yield characters.with(place, changed).join("");
  }
  yield `${text}x`;
  yield characters.slice(0, -1).join("");
}

test("one other character opens no form", async () => {
  const paymentId = freshId();
  const members = { payment_id: paymentId, payment_description: "Чай + 2", redirect: true };
  const url = payment(members).getUrl();
  assertForm(await get(url));
  assertForm(await post(url));
  const known = [...new URL(url).searchParams];
  let tried = 0;
  for (const [place, [name, value]] of known.entries()) {
    for (const changed of changes(value)) {
      const pairs = known.with(place, [name, changed]);
      const address = `${demo.ecommpay.payment_page_url}?${new URLSearchParams(pairs)}`;
      assertErrorPage(await get(address), address);
      tried += 1;
    }
    const pairs = known.toSpliced(place, 1);
    assertErrorPage(await post(`${demo.ecommpay.payment_page_url}?${new URLSearchParams(pairs)}`));
  }
  assert.ok(tried > 150, `${tried}`);
  await assertUnknown(paymentId);
});

test("a payer pays by wallet", async () => {
  const paymentId = freshId();
  const members = { payment_id: paymentId, merchant_callback_url: shop.receiver.url };
  const { ways } = await get(payment(members).getUrl());
  const { action, fields } = ways.get("wallet-partner");
  const body = new URLSearchParams(fields);

  const { answer } = await get(new URL(action, demo.baseUrl), { method: "POST", body });

  assert.equal(answer.status, 303);
  const link = await linkToPartner(new URL(answer.headers.get("location"), demo.baseUrl));
  await press({ url: link, method: "POST" }, "pay");
  const { body: text } = await shop.receiver.waitFor((request) => {
    const told = JSON.parse(request.body);
    return told.payment.id === paymentId && told.payment.status === "success";
  });
  shop.believe(text);
  assert.ok(shop.disbelieveChanges(JSON.parse(text)) > 200);
});

/** Where a page of ours sends the payer to the wallet. */
async function linkToPartner(url) {
  return waitUntil("link to the wallet", async () => {
    const html = await (await fetch(url)).text();
    return html.split('"').find((text) => text.startsWith(demo.partnerUrl));
  });
}
