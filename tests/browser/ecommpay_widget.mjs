// The widget on a shop's page: over it, within it, instead of it; what the shop hears, and what nobody
// else may say.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, beforeEach, afterEach, test } from "node:test";

import { DESKTOP, PATIENCE_MS, PHONE, startBrowser } from "../support/browser.mjs";
import { confirm, typeCard } from "../support/checkout.mjs";
import { Demo, waitUntil } from "../support/demo.mjs";
import { atPartner, choose, link, signed } from "../support/page_shop.mjs";
import { WidgetShop } from "../support/widget_shop.mjs";

let demo;
let browser;
let shop;
let context;
let page;
let problems;

before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), startBrowser()]);
  shop = await WidgetShop.start(demo.baseUrl);
});

after(async () => {
  await browser?.close();
  await shop?.stop();
  await demo?.stop();
});

beforeEach(() => visit());

afterEach(async () => {
  await context?.close();
  assert.deepEqual(problems, []);
});

/** A shop's page is open. */
async function visit(options = {}) {
  await context?.close();
  problems = [];
  context = await browser.newContext({
    viewport: DESKTOP,
    locale: "en-GB",
    reducedMotion: "reduce",
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  page = await context.newPage();
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    const isOurs = message.location().url.startsWith(demo.baseUrl);
    const isMeant = /status of (400|422)/.test(message.text());
    if (message.type() === "error" && isOurs && !isMeant) problems.push(message.text());
  });
  await page.goto(shop.url);
}

const CARD = { force_payment_method: "card", language_code: "en" };

/** Opens the widget as a shop would; `extra` is script text that adds to the configuration. */
async function open(parameters, { call = "run", method, added = {}, extra = "" } = {}) {
  const config = { ...signed(demo, parameters), ...added };
  await page.evaluate(
    ({ config, call, method, extra }) => {
      const made = window.withHandlers(config);
      // biome-ignore lint/security/noGlobalEval: the test's own words
      if (extra) Object.assign(made, eval(`(${extra})`));
      window.opened = window.EPayWidget[call](made, method);
    },
    { config, call, method, extra },
  );
  return page.frameLocator("iframe");
}

const names = () => page.evaluate(() => window.calls.map(([name]) => name));
const calls = (name) =>
  page.evaluate((wanted) => window.calls.filter(([known]) => known === wanted), name);

/** Waits for a handler's call; gives its first argument. */
async function called(name) {
  await waitUntil(`${name}, after ${await names()}`, async () => (await calls(name)).length > 0);
  return (await calls(name))[0][1];
}

for (const method of ["GET", "POST"]) {
  test(`a modal window opened by ${method}: every handler in its turn`, async () => {
    const frame = await open(CARD, { method });
    const { width, height } = await called("onLoaded");
    assert.ok(width > 300 && height > 300);
    await typeCard(frame, demo.card("approved"));
    await frame.locator("#pay").click();
    const result = await called("onPaymentSuccess");
    assert.equal(result.status, "success");
    assert.deepEqual([result.amount, result.currency], [15000, "INR"]);
    await page.keyboard.press("Escape");
    await called("onExit");
    assert.deepEqual(await names(), [
      "onLoaded",
      "onPaymentMethodSelect",
      "onPaymentSent",
      "onShowLoader",
      "onPaymentSubmitResult",
      "onHideLoader",
      "onPaymentSuccess",
      "onExit",
    ]);
    const [, chosen] = (await calls("onPaymentMethodSelect"))[0];
    assert.deepEqual(chosen, {
      name: "Bank card",
      payment_method_type: 1,
      payment_method_code: "card",
    });
    const { request_id } = await called("onPaymentSubmitResult");
    assert.equal(request_id, result.request_id);
    assert.equal(await page.locator("dialog, iframe").count(), 0);
  });
}

test("3-D Secure is done within the window, and the shop hears of the way there and back", async () => {
  const frame = await open(CARD);
  await typeCard(frame, demo.card("challenge_approved"));
  await frame.locator("#pay").click();
  await called("onRedirectIframe");
  await confirm(frame);
  await called("onPaymentSuccess");
  const order = await names();
  const places = ["onPaymentSent", "onRedirectIframe", "onRedirectIframeComplete", "onPaymentSuccess"];
  const at = places.map((name) => order.indexOf(name));
  assert.deepEqual([...at].sort((a, b) => a - b), at, `${order}`);
  assert.ok(at.every((place) => place >= 0), `${order}`);
});

test("a wallet's page is shown within the window", async () => {
  const frame = await open({ force_payment_method: "wallet-partner", language_code: "en" });
  await frame.locator(".wallet button").click();
  await atPartner(frame, "pay");
  const result = await called("onPaymentSuccess");
  assert.equal(result.method, "wallet-partner");
  assert.ok((await names()).includes("onRedirectIframeComplete"));
});

test("a refusal is no end while there are tries, and the last one is", async () => {
  const frame = await open({
    ...CARD,
    merchant_fail_url: `${shop.url}/sorry`,
    merchant_fail_enabled: "2",
    merchant_fail_redirect_mode: "blank_page",
  });
  await typeCard(frame, demo.card("declined_insufficient_funds"));
  await frame.locator("#pay").click();
  const result = await called("onPaymentFail");
  assert.equal(result.status, "decline");
  assert.equal(result.return_url, `${shop.url}/sorry`);

  await page.evaluate(() => (window.calls = []));
  await page.keyboard.press("Escape");
  const again = await open(CARD);
  await typeCard(again, demo.card("declined_insufficient_funds"));
  await again.locator("#pay").click();
  await called("onHideLoader");
  assert.ok(!(await names()).includes("onPaymentFail"));
  await again.getByRole("link", { name: "Try again" }).click();
  await typeCard(again, demo.card("approved"));
  await again.locator("#pay").click();
  await called("onPaymentSuccess");
  assert.equal((await calls("onPaymentSubmitResult")).length, 2);
});

test("the window keeps the keyboard, and gives it back", async () => {
  await page.locator("#buy").focus();
  await page.evaluate(
    (config) => window.EPayWidget.bind("buy", window.withHandlers(config)),
    signed(demo, CARD),
  );
  await page.keyboard.press("Enter");
  await called("onLoaded");
  assert.equal(await page.locator("dialog").getAttribute("aria-label"), "Payment");
  for (let presses = 0; presses < 25; presses += 1) {
    await page.keyboard.press("Tab");
    const where = await page.evaluate(() => document.activeElement?.id ?? "");
    assert.ok(!["buy", "own"].includes(where), where);
  }
  await page.locator(".epay-close").click();
  await called("onDestroy");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "buy");
  assert.ok(!(await names()).includes("onExit"));
  await page.keyboard.press("Enter");
  await page.frameLocator("iframe").locator("#cc-number").press("Escape");
  await waitUntil("a second end", async () => (await calls("onDestroy")).length === 2);
});

test("a click beside the window closes it where the shop wants that", async () => {
  await open(CARD);
  await called("onLoaded");
  await page.mouse.click(5, 5);
  assert.equal(await page.locator("dialog").count(), 1);
  await page.keyboard.press("Escape");
  await open({ ...CARD, close_on_missclick: "1", css_modal_wrap: "mine too" });
  await waitUntil("the second window", async () => (await calls("onLoaded")).length === 2);
  assert.equal(await page.locator("dialog.mine.too").count(), 1);
  await page.mouse.click(5, 5);
  await waitUntil("its end", async () => (await page.locator("dialog").count()) === 0);
});

test("a part of the page grows with what it shows", async () => {
  const frame = await open({ language_code: "en", target_element: "place" });
  await called("onLoaded");
  assert.equal(await page.locator("dialog").count(), 0);
  await choose(frame, "card");
  const tall = await page.locator("#place iframe").evaluate((element) => element.clientHeight);
  await choose(frame, "wallet-partner");
  await waitUntil("a smaller frame", async () => {
    const now = await page.locator("#place iframe").evaluate((element) => element.clientHeight);
    return now < tall - 100;
  });
  assert.ok((await page.evaluate(() => window.sized.length)) >= 1);
  const codes = (await calls("onPaymentMethodSelect")).map(([, method]) => method.payment_method_code);
  assert.deepEqual([...new Set(codes)].sort(), ["card", "wallet-partner"]);
  const fits = await frame.locator("body").evaluate((body) => body.ownerDocument.documentElement.scrollHeight <= innerHeight + 1);
  assert.ok(fits, "nothing is cut off");
});

test("embedded fields: the shop's button pays, and the shop may say no", async () => {
  const frame = await open(
    { ...CARD, target_element: "place" },
    {
      call: "runEmbedded",
      extra: `{ onCheckSubmit: (data, resolve, reject) => {
        calls.push(["onCheckSubmit", data]);
        window.answers = { resolve, reject };
      } }`,
    },
  );
  await called("onLoaded");
  assert.equal(await frame.locator("#pay").isVisible(), false);
  const submit = () => page.evaluate(() => window.opened.trySubmit());
  await submit();
  const errors = await called("onValidationError");
  assert.deepEqual(Object.keys(errors).sort(), ["cvv", "expiry", "pan"]);
  assert.ok(!(await names()).includes("onCheckSubmit"));

  await typeCard(frame, demo.card("approved"));
  await frame.locator("#cc-name").press("Enter");
  await called("onEnterKeyPressed");
  assert.ok(!(await names()).includes("onPaymentSent"));
  await submit();
  assert.deepEqual(await called("onCheckSubmit"), { method: "card" });
  await page.evaluate(() => window.answers.reject());
  await waitUntil("an unlocked form", () =>
    frame.locator("#card").evaluate((form) => !form.hasAttribute("aria-busy")),
  );
  await submit();
  await waitUntil("a second question", async () => (await calls("onCheckSubmit")).length === 2);
  await page.evaluate(() => window.answers.resolve());
  await called("onPaymentSuccess");
});

test("a shop's own messages look at the fields and pay", async () => {
  const frame = await open({ ...CARD, target_element: "place" }, { call: "runEmbedded" });
  await called("onLoaded");
  const say = (message) =>
    page.evaluate((text) => {
      document.querySelector("iframe").contentWindow.postMessage(text, "*");
    }, JSON.stringify({ message, from_another_domain: true, fields: { "BillingInfo[city]": "x" } }));
  await say("epframe.embedded_mode.check_validation");
  const errors = await called("onEmbeddedModeCheckValidationResponse");
  assert.deepEqual(Object.keys(errors).sort(), ["cvv", "expiry", "pan"]);
  await typeCard(frame, demo.card("approved"));
  await say("epframe.embedded_mode.submit");
  await called("onPaymentSuccess");
});

test("a check of a card has handlers of its own", async () => {
  const check = { ...CARD, mode: "card_verify", payment_amount: "0" };
  const frame = await open(check);
  await typeCard(frame, demo.card("approved"));
  await frame.locator("#pay").click();
  await called("onCardVerifySuccess");
  assert.ok(!(await names()).includes("onPaymentSuccess"));
});

test("a link that is wrong fails to load", async () => {
  await open(CARD, { added: { payment_amount: "1" } });
  const { message, config } = await called("onFailLoading");
  assert.match(message, /could not be opened/);
  assert.equal(config.payment_amount, "1");
  assert.ok(!(await names()).includes("onLoaded"));
});

test("a tab of its own, or the whole page", async () => {
  const [tab] = await Promise.all([
    context.waitForEvent("page"),
    open({ ...CARD, redirect: "1" }),
  ]);
  await tab.locator("#cc-number").waitFor();
  assert.equal(await page.locator("iframe").count(), 0);
  const answer = await tab.request.get(tab.url());
  assert.match(answer.headers()["content-security-policy"], /frame-ancestors 'none'/);
  await open({ ...CARD, redirect_on_mobile: "1" });
  await called("onLoaded");

  await visit({
    viewport: PHONE,
    userAgent: "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130 Mobile Safari/537.36",
  });
  const [phoneTab] = await Promise.all([
    context.waitForEvent("page"),
    open({ ...CARD, redirect_on_mobile: "1" }, { method: "POST" }),
  ]);
  await phoneTab.locator("#cc-number").waitFor();
});

test("back to the shop by itself, in place of the shop's page", async () => {
  const frame = await open({
    ...CARD,
    merchant_success_url: `${shop.url}/thanks`,
    merchant_success_enabled: "2",
    merchant_success_redirect_mode: "parent_page",
  });
  await typeCard(frame, demo.card("approved"));
  await frame.locator("#pay").click();
  await page.waitForURL(`${shop.url}/thanks`);
});

test("row 70: nobody but the two sides is heard", async () => {
  const frame = await open({ ...CARD, target_element: "place" }, { call: "runEmbedded" });
  await called("onLoaded");
  await typeCard(frame, demo.card("approved"));
  const before = await names();
  // A page of another origin, in a frame of the shop's page, speaks to both.
  await page.evaluate(
    ({ url, gateway }) =>
      new Promise((done) => {
        const other = document.createElement("iframe");
        other.id = "other";
        other.src = url;
        other.onload = done;
        document.body.append(other);
        window.gateway = gateway;
      }),
    { url: shop.url.replace("127.0.0.1", "localhost"), gateway: demo.baseUrl },
  );
  const other = page.frames().find((known) => known.url().includes("localhost"));
  await other.evaluate(() => {
    const say = (to, said) => to.postMessage(JSON.stringify(said), "*");
    const told = { payment_id: "1", type: "purchase", status: "success", amount: 1, currency: "INR" };
    say(parent, { message: "epframe.page", role: "message", standing: "paid", told, heading: "", size: { width: 1, height: 1 } });
    say(parent, { message: "epframe.back", url: "https://evil.example/" });
    for (let place = 0; place < parent.frames.length; place += 1) {
      say(parent.frames[place], { message: "epframe.embedded_mode.submit" });
    }
  });
  // The shop's own page says what only the gateway may, and things that are no messages.
  await page.evaluate(() => {
    const said = { message: "epframe.page", role: "message", standing: "paid", told: null, size: {} };
    for (const data of [JSON.stringify(said), said, "{", "null", 7, '{"message":7}']) postMessage(data, "*");
  });
  const look = page.evaluate(() => window.heard.length);
  await waitUntil("the messages", async () => (await look) >= 2);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 300))));
  assert.deepEqual(await names(), before);
  assert.equal(page.url(), `${shop.url}/`);
});

test("row 68: another origin cannot show what was opened for this one", async () => {
  const foreign = shop.url.replace("127.0.0.1", "localhost");
  const refused = [
    link(demo, CARD),
    link(demo, CARD, { frame_mode: "iframe", _origin: "https://shop.example" }),
    `${demo.baseUrl}/checkout/unknown`,
  ];
  await page.goto(foreign);
  // The browser says so aloud.
  page.removeAllListeners("console");
  for (const url of refused) {
    await page.evaluate(
      (src) =>
        new Promise((done) => {
          const frame = document.createElement("iframe");
          frame.src = src;
          frame.onload = done;
          document.getElementById("place").replaceChildren(frame);
        }),
      url,
    );
    const inner = page.frames().find((known) => known.parentFrame());
    assert.match(inner.url(), /^(chrome-error:|$)/, url);
    // The browser may put its error page into another process meanwhile: the frame is looked up anew.
    const shown = page.frameLocator("#place iframe").locator("main");
    await shown.waitFor({ state: "detached", timeout: 5_000 });
  }
  const raw = link(demo, CARD, { frame_mode: "iframe" });
  await page.evaluate((src) => {
    document.getElementById("place").innerHTML = `<iframe src="${src}"></iframe>`;
  }, raw);
  await page.frameLocator("iframe").locator("#cc-number").waitFor();
});

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** The shop's page and the page in its frame: whole, and nothing that axe finds serious. */
async function inspect(name) {
  const folder = process.env.ALTYN_SCREENSHOTS;
  if (folder) await page.screenshot({ path: `${folder}/widget-${name}.png`, animations: "disabled" });
  for (const part of [page.mainFrame(), page.frames().find((known) => known.parentFrame())]) {
    const { wide, room } = await part.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      room: document.documentElement.clientWidth,
    }));
    assert.ok(wide <= room, `${name}: ${wide} in ${room}`);
    await part.evaluate(`${await readFile(AXE, "utf8")};undefined`);
    const { violations } = await part.evaluate(() =>
      window.axe.run({ iframes: false, resultTypes: ["violations"] }),
    );
    const grave = violations.filter(({ impact }) => /serious|critical/.test(impact));
    assert.deepEqual(
      grave.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`),
      [],
      name,
    );
  }
}

for (const [place, added] of Object.entries({
  modal: { call: "run" },
  inline: { call: "run", target: "place" },
  embedded: { call: "runEmbedded", target: "place" },
})) {
  test(`row 100: every page of a payment, ${place}, on both screens`, async () => {
    for (const viewport of [DESKTOP, PHONE]) {
      await visit({ viewport });
      const look = (name) => inspect(`${place}-${name}-${viewport.width}`);
      const parameters = { language_code: "ru", target_element: added.target };
      const frame = await open(parameters, { call: added.call });
      await called("onLoaded");
      await look("form");
      const way = await choose(frame, "wallet-partner");
      await look("wallet");
      if (added.call === "run") await way.locator("button").click();
      else await page.evaluate(() => window.opened.trySubmit());
      await frame.locator("button[value=pay]").waitFor();
      await atPartner(frame, "leave");
      await frame.locator("#go .primary").waitFor();
      await look("again");
      await frame.locator("#go .primary").click();
      await atPartner(frame, "decline");
      await frame.locator("main .message.no").waitFor();
      await look("declined");
      await frame.locator("a.primary").click();
      await choose(frame, "card");
      await typeCard(frame, demo.card("challenge_approved"));
      await frame.locator("#cc-number").fill("4444555511113334");
      await page.evaluate(() => window.opened.trySubmit());
      await frame.locator("#cc-number[aria-invalid]").waitFor();
      await look("mistake");
      await typeCard(frame, demo.card("challenge_approved"));
      await page.evaluate(() => window.opened.trySubmit());
      await confirm(frame);
      await called("onPaymentSuccess");
      await look("paid");
    }
  });
}

test("row 100: the window on both screens, looked at", async () => {
  for (const [viewport, colorScheme] of [[DESKTOP, "light"], [PHONE, "light"], [DESKTOP, "dark"]]) {
    await visit({ viewport, colorScheme });
    for (const language_code of ["ru", "kk", "en"]) {
      await page.evaluate(() => (window.calls = []));
      await open({ language_code, payment_currency: "INR" });
      await called("onLoaded");
      const folder = process.env.ALTYN_SCREENSHOTS;
      const name = `widget-${language_code}-${viewport.width}-${colorScheme}.png`;
      if (folder) await page.screenshot({ path: `${folder}/${name}`, animations: "disabled" });
      const inner = page.frames().find((known) => known.parentFrame());
      const { wide, room } = await inner.evaluate(() => ({
        wide: document.documentElement.scrollWidth,
        room: document.documentElement.clientWidth,
      }));
      assert.ok(wide <= room, `${name}: ${wide} in ${room}`);
      await page.keyboard.press("Escape");
    }
  }
});
