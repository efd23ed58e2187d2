// A real browser for tests, and payers who use it. A payer notices everything that no page of ours
// may do: a script error, a broken policy, a request to somebody else, a page without its headers.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

import { chromium } from "playwright-core";

/** The longest that a payer waits for anything. */
export const PATIENCE_MS = 20_000;

/** The two screens that every page is looked at on. */
export const PHONE = { width: 360, height: 800 };
export const DESKTOP = { width: 1280, height: 800 };

/** Where pictures of pages are put; none are taken without it. */
const PICTURES = process.env.ALTYN_SCREENSHOTS;

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Starts a browser that speaks to nobody by itself. */
export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.ALTYN_CHROMIUM ?? "/usr/bin/chromium",
    timeout: 60_000,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Runs within every page before its own script: what it notices comes out of `observed`. */
function observe() {
  const seen = { shift: 0, moved: [], violations: [] };
  Object.defineProperty(window, "observed", { value: seen });
  document.addEventListener("securitypolicyviolation", (event) => {
    seen.violations.push(`${event.effectiveDirective} ${event.blockedURI}`);
    window.reportViolation?.(
      `${location.pathname}: ${event.effectiveDirective} ${event.blockedURI}`,
    );
  });
  const shifts = new PerformanceObserver((list) => {
    for (const { hadRecentInput, value, sources } of list.getEntries()) {
      if (hadRecentInput) continue;
      seen.shift += value;
      const names = sources.map(({ node }) => node?.parentElement?.outerHTML ?? node?.nodeName);
      seen.moved.push(...names);
    }
  });
  shifts.observe({ type: "layout-shift", buffered: true });
  const paints = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) seen.lcp = entry.startTime;
  });
  paints.observe({ type: "largest-contentful-paint", buffered: true });
}

/** Somebody with a browser window of their own. */
export class Payer {
  #context;
  #demo;
  /** Everything that went wrong in the background. */
  problems = [];
  /** Every request: `url`, `type`, `from` (the page's address). */
  requests = [];

  /**
   * @param {import("playwright-core").Browser} browser
   * @param {import("./demo.mjs").Demo} demo
   * @param {object} options
   * @param {{width: number, height: number}} [options.screen]
   * @param {boolean} [options.script] whether the browser runs scripts
   * @param {string} [options.locale] what the browser asks pages to speak
   */
  static async arrive(browser, demo, options = {}) {
    const { screen = DESKTOP, script = true, locale = "ru-KZ" } = options;
    const context = await browser.newContext({
      viewport: screen,
      javaScriptEnabled: script,
      locale,
      colorScheme: options.colorScheme ?? "light",
      reducedMotion: "reduce",
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const payer = new Payer(context, demo);
    await context.exposeBinding("reportViolation", (_, text) => payer.problems.push(`CSP ${text}`));
    await context.addInitScript(observe);
    payer.page = await payer.newTab();
    return payer;
  }

  constructor(context, demo) {
    this.#context = context;
    this.#demo = demo;
  }

  /** Another window of the same browser. */
  async newTab() {
    const page = await this.#context.newPage();
    page.on("pageerror", (error) => this.problems.push(`script error: ${error.message}`));
    page.on("console", (message) => this.#hear(message));
    page.on("request", (request) => this.#see(request));
    page.on("response", (response) => this.#judge(response));
    page.on("crash", () => this.problems.push("the page crashed"));
    return page;
  }

  /** Closes the windows. Nothing may have gone wrong in them, whatever the test looked at. */
  async leave() {
    await this.#context.close();
    assert.deepEqual(this.problems, []);
  }

  /** The browser's own words: DevTools of the first window. */
  devTools() {
    return this.#context.newCDPSession(this.page);
  }

  #hear(message) {
    if (message.type() !== "error" && message.type() !== "warning") return;
    // A page that says "not found" or "wrong field" by its status is meant to.
    const text = message.text();
    if (/status of (400|404|422)/.test(text) && this.#isPage(message.location().url)) return;
    this.problems.push(`console: ${text} (${message.location().url})`);
  }

  #isPage(url) {
    const { baseUrl, shopUrl } = this.#demo;
    const known = [baseUrl, shopUrl].some((own) => url.startsWith(`${own}/`));
    return known && !url.includes("/assets/");
  }

  #see(request) {
    const url = request.url();
    if (url.startsWith("data:") || url.startsWith("about:")) return;
    const { baseUrl, simulatorUrl, shopUrl, partnerUrl } = this.#demo;
    const all = [baseUrl, simulatorUrl, shopUrl, partnerUrl];
    const known = all.some((own) => url.startsWith(`${own}/`));
    if (!known) this.problems.push(`a request to somebody else: ${url}`);
    let from = "";
    if (!request.isNavigationRequest()) from = request.frame().url();
    this.requests.push({ url, type: request.resourceType(), from });
    const ours = from.startsWith(`${baseUrl}/`);
    if (ours && !url.startsWith(`${baseUrl}/`)) this.problems.push(`${from} asked for ${url}`);
  }

  #judge(response) {
    const url = response.url();
    if (!url.startsWith(`${this.#demo.baseUrl}/`)) return;
    const headers = response.headers();
    if (response.status() >= 500) this.problems.push(`${response.status()} from ${url}`);
    if (response.request().resourceType() !== "document") return;
    const missing = missingProtection(headers, this.#framer(response.request()));
    if (missing.length) this.problems.push(`${url} lacks ${missing.join(", ")}`);
  }

  /** Who may show a page in a frame: the page itself, the shop around the frame, or nobody. */
  #framer(request) {
    if (new URL(request.url()).pathname.endsWith("/3ds/method")) return "'self'";
    const around = request.frame().parentFrame();
    return around ? `'self' ${new URL(around.url()).origin}` : "'none'";
  }

  // What can be said of the page that is open.

  /** No part of the page stands out of the window. */
  async fits(page = this.page) {
    const { inner, wide } = await page.evaluate(() => ({
      inner: document.documentElement.clientWidth,
      wide: document.documentElement.scrollWidth,
    }));
    assert.ok(wide <= inner, `${page.url()} is ${wide} wide in a window of ${inner}`);
  }

  /** What axe finds serious or critical, but for these rules. */
  async faults({ except = [], page = this.page } = {}) {
    await page.evaluate(await axeSource());
    const rules = Object.fromEntries(except.map((rule) => [rule, { enabled: false }]));
    const options = { rules, iframes: false, resultTypes: ["violations"] };
    const { violations } = await page.evaluate((wanted) => window.axe.run(wanted), options);
    const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    return grave.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
  }

  /** What `observe` has noticed on this page. */
  observed(page = this.page) {
    return page.evaluate(() => window.observed);
  }

  /** Keeps a picture of the whole page, if pictures are wanted. */
  async picture(name, page = this.page) {
    if (!PICTURES) return;
    const { width } = page.viewportSize();
    const path = join(PICTURES, `${name}-${width}.png`);
    await page.screenshot({ path, fullPage: true, animations: "disabled" });
  }
}

let axe;

function axeSource() {
  axe ??= readFile(AXE, "utf8").then((text) => `${text};undefined`);
  return axe;
}

/** The headers that a page of Checkout must have and has not. */
export function missingProtection(headers, framer = "'none'") {
  const policy = headers["content-security-policy"] ?? "";
  const directives = policy.split(";").map((directive) => directive.trim());
  const has = (directive) => directives.includes(directive);
  const wanted = {
    "default-src 'none'": has("default-src 'none'"),
    "script-src 'self'": has("script-src 'self'"),
    "style-src 'self'": has("style-src 'self'"),
    "base-uri 'none'": has("base-uri 'none'"),
    "frame-ancestors": has(`frame-ancestors ${framer}`),
    "a policy without exceptions": !/unsafe|\*|https?:(?!\/\/)/.test(policy),
    nosniff: headers["x-content-type-options"] === "nosniff",
    "x-frame-options": framer !== "'none'" || headers["x-frame-options"] === "DENY",
    "no-store": headers["cache-control"] === "no-store",
    "referrer-policy": headers["referrer-policy"] === "same-origin",
  };
  return Object.keys(wanted).filter((name) => !wanted[name]);
}
