// What the first look at the payment page costs: bytes, requests, time, and nothing of anybody else.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { DESKTOP, PHONE, Payer, startBrowser } from "../support/browser.mjs";
import { buy, heading, payBy } from "../support/checkout.mjs";
import { Demo, waitUntil } from "../support/demo.mjs";

/** All transfers of a first view: what is promised, and what is aimed at. */
const BYTES_MAX = 40_000;
const BYTES_GOAL = 30_000;

let demo;
let browser;

before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** Opens an address with DevTools listening; gives what came over the wire, request by request. */
async function transfers(payer, url) {
  const tools = await payer.devTools();
  await tools.send("Network.enable");
  // Brotli would be smaller still, but browsers ask for it over TLS and on this machine only.
  await tools.send("Network.setExtraHTTPHeaders", { headers: { "accept-encoding": "gzip" } });
  await tools.send("Network.setCacheDisabled", { cacheDisabled: true });
  const open = new Map();
  const done = [];
  tools.on("Network.requestWillBeSent", ({ requestId, request }) =>
    open.set(requestId, request.url),
  );
  tools.on("Network.responseReceived", ({ requestId, response }) => {
    open.set(requestId, { url: response.url, coding: response.headers["content-encoding"] });
  });
  tools.on("Network.loadingFailed", ({ errorText }) => done.push({ url: errorText, bytes: NaN }));
  tools.on("Network.loadingFinished", ({ requestId, encodedDataLength: bytes }) => {
    done.push({ ...open.get(requestId), bytes });
  });
  await payer.page.goto(url, { waitUntil: "networkidle" });
  return done.filter(({ url: from }) => !from?.startsWith("data:"));
}

/** The first paint and the largest one, in milliseconds. */
async function paints(payer) {
  await waitUntil("paint", async () => (await payer.observed()).lcp);
  const fcp = await payer.page.evaluate(
    () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
  );
  const { lcp, shift } = await payer.observed();
  return { fcp: Math.round(fcp), lcp: Math.round(lcp), shift };
}

for (const [name, screen] of Object.entries({ phone: PHONE, desk: DESKTOP })) {
  test(`the first view on a ${name} is small, ours alone and stands still`, async (t) => {
    const payer = await Payer.arrive(browser, demo, { screen });
    const description = "Текемет 140 × 200 см";
    const { formUrl } = await demo.register({ amount: "720000", description });

    const all = await transfers(payer, formUrl);
    const sum = all.reduce((bytes, transfer) => bytes + transfer.bytes, 0);
    const { fcp, lcp, shift } = await paints(payer);

    for (const { url, bytes, coding } of all) {
      t.diagnostic(`${bytes} bytes, ${coding ?? "plain"}: ${new URL(url).pathname}`);
    }
    t.diagnostic(
      `${sum} bytes in ${all.length} requests; FCP ${fcp} ms, LCP ${lcp} ms, CLS ${shift}`,
    );
    assert.ok(sum <= BYTES_MAX, `${sum} bytes are more than ${BYTES_MAX}`);
    assert.ok(sum <= BYTES_GOAL, `${sum} bytes are more than the goal of ${BYTES_GOAL}`);
    assert.equal(all.length, 3, "the page, its look, its script");
    for (const { url, coding } of all) {
      assert.ok(url.startsWith(`${demo.baseUrl}/`), url);
      assert.equal(coding, "gzip", url);
    }
    assert.equal(shift, 0);
    assert.ok(Number.isFinite(fcp) && Number.isFinite(lcp));
    await payer.leave();
  });
}

test("typing, a mistake and its message move nothing", async () => {
  const payer = await Payer.arrive(browser, demo, { screen: PHONE });
  await buy(payer.page, demo);
  const places = () =>
    payer.page.evaluate(() =>
      ["cc-number", "cc-exp", "cc-csc", "cc-name", "pay"].map(
        (id) => document.getElementById(id).getBoundingClientRect().top + window.scrollY,
      ),
    );
  const before = await places();
  await payer.page.locator("#cc-number").fill("4444555511113334");
  await payer.page.locator("#cc-exp").fill("0120");
  await payer.page.locator("#cc-csc").fill("1");
  await payer.page.locator("#cc-csc").blur();
  await payer.page.locator("#cc-csc-message", { hasText: /./ }).waitFor();
  assert.deepEqual(await places(), before);
  await payer.leave();
});

test("look and script are kept by the browser, pages are not", async () => {
  const payer = await Payer.arrive(browser, demo);
  const { page } = payer;
  await buy(page, demo);
  const own = payer.requests.filter(({ url }) => url.includes("/checkout/assets/"));
  assert.equal(own.length, 2);
  const answer = await fetch(own[0].url);
  assert.match(answer.headers.get("cache-control"), /max-age=31536000, immutable/);
  for (const tag of ["link[rel=stylesheet]", "script"]) {
    assert.match(await page.locator(tag).getAttribute("integrity"), /^sha384-/);
  }

  await payBy(page, demo.card("approved"));
  await heading(page, "Оплачено");
  const transferred = await page.evaluate(() =>
    performance.getEntriesByType("resource").map(({ transferSize }) => transferSize),
  );
  assert.deepEqual(transferred, [0, 0], "the next page brings nothing of it again");
  await payer.leave();
});
