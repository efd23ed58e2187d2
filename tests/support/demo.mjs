// Starts and stops an `altyn demo` of a test's own, pays its orders and receives its callbacks.
//
// A demo listens on free ports of loopback, keeps everything in a folder of its own and ends when
// its standard input does, so none outlives the test that started it, however the test ends.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const START_MAX_MS = 60_000;
const STOP_MAX_MS = 30_000;
const WAIT_MAX_MS = 20_000;
const LOOK_EVERY_MS = 20;

/**
 * Asks again and again until `look` gives something true, which is returned.
 *
 * @param {string} what named in the error when the deadline passes
 * @param {() => any} look may be asynchronous
 */
export async function waitUntil(what, look, maxMs = WAIT_MAX_MS) {
  const deadline = performance.now() + maxMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`no ${what} within ${maxMs} ms`);
    await pause(LOOK_EVERY_MS);
  }
}

/** A running `altyn demo`. */
export class Demo {
  #child;
  #ownsData;
  #ended;

  /**
   * @param {object} options
   * @param {boolean} [options.manualClock] so that `advance` moves the demo's time
   * @param {string} [options.data] a data folder to use and to keep; else a new one, removed later
   * @param {string[]} [options.more] further arguments of the program
   */
  static async start({ manualClock = false, data, more = [] } = {}) {
    const folder = data ?? (await mkdtemp(join(tmpdir(), "altyn-test-")));
    // Left from an earlier run, it would be read before the program takes it away.
    await rm(join(folder, "demo.json"), { force: true });
    const demo = new Demo(folder, data === undefined, manualClock, more);
    try {
      await demo.#ready();
    } catch (error) {
      await demo.stop().catch(() => undefined);
      throw error;
    }
    return demo;
  }

  constructor(folder, ownsData, manualClock, more) {
    this.data = folder;
    this.#ownsData = ownsData;
    const program =
      process.env.ALTYN_BIN ?? fileURLToPath(new URL("../../target/debug/altyn", import.meta.url));
    const words = ["demo", "--listen", "127.0.0.1:0", "--data", folder, "--stop-with-stdin"];
    if (manualClock) words.push("--manual-clock");
    const log = openSync(join(folder, "program.log"), "a", 0o600);
    // Its welcome tells the test cards, which no log may.
    this.#child = spawn(program, [...words, ...more], { stdio: ["pipe", "ignore", log] });
    closeSync(log);
    this.#child.stdin.on("error", () => undefined);
    this.#ended = new Promise((resolve) => {
      this.#child.once("error", resolve);
      this.#child.once("exit", (code, signal) => resolve(code ?? signal));
    });
  }

  async #ready() {
    const file = join(this.data, "demo.json");
    let ended;
    this.#ended.then((code) => (ended = { code }));
    const text = await waitUntil(
      "demo.json",
      () => {
        if (ended) throw new Error(`the demo ended with ${ended.code}:\n${this.log}`);
        return readFile(file, "utf8").catch(() => undefined);
      },
      START_MAX_MS,
    );
    const known = JSON.parse(text);
    /** Where the gateway listens, without a slash at the end. */
    this.baseUrl = known.base_url;
    this.shopUrl = known.shop_url;
    this.simulatorUrl = known.simulator_url;
    /** `base_url`, `user_name`, `password`, `token`, `callback_secret`. */
    this.rbs = known.rbs;
    /** `project_id`, `secret`, `gate_url`, `payment_page_url`. */
    this.ecommpay = known.ecommpay;
    /** The wallet partner, without a slash at the end. */
    this.partnerUrl = known.wallet.partner_url;
    this.terminalKey = known.simulator.terminal_key;
    this.testCards = known.test_cards;
    await waitUntil("readiness", () =>
      fetch(`${this.baseUrl}/health/ready`).then((answer) => answer.ok).catch(() => false),
    );
  }

  get pid() {
    return this.#child.pid;
  }

  /** What the program has logged so far. */
  get log() {
    return readFileSync(join(this.data, "program.log"), "utf8");
  }

  /** The test card with a behaviour, such as `approved`. */
  card(behaviour) {
    const card = this.testCards.find((each) => each.behaviour === behaviour);
    if (!card) throw new Error(`no test card is ${behaviour}`);
    return card;
  }

  /** One call of the `register.do` family, the shop's credentials included. */
  async rbsCall(method, fields = {}) {
    const { base_url: base, user_name: userName, password } = this.rbs;
    const body = new URLSearchParams({ userName, password, ...fields });
    const answer = await fetch(`${base}${method}.do`, { method: "POST", body });
    if (answer.status !== 200) {
      throw new Error(`${method}.do answered ${answer.status}: ${await answer.text()}`);
    }
    return answer.json();
  }

  /** Registers an order; gives `orderId` and `formUrl`. */
  async register(fields, { preAuth = false } = {}) {
    const answer = await this.rbsCall(preAuth ? "registerPreAuth" : "register", {
      returnUrl: `${this.shopUrl}/done`,
      ...fields,
    });
    if (!answer.orderId) throw new Error(`register: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Pays an order with a test card, as a shop that takes cards itself does. */
  pay(orderId, behaviour = "approved") {
    const { pan, expiry, cvc } = this.card(behaviour);
    return this.rbsCall("paymentorder", {
      MDORDER: orderId,
      $PAN: pan,
      $EXPIRY: expiry,
      $CVC: cvc,
      TEXT: "TEST CARD",
    });
  }

  /** Moves the time of a demo with a manual clock; its timers fire as they would. */
  async advance(seconds) {
    const answer = await fetch(`${this.baseUrl}/test/clock`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ advance_s: seconds }),
    });
    if (!answer.ok) throw new Error(`/test/clock answered ${answer.status}`);
    return answer.json();
  }

  /** Ends the demo; an error if it does not end by itself and well. */
  async stop() {
    this.#child.stdin.end();
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(() => {
        this.#child.kill("SIGKILL");
        resolve("nothing: it had to be killed");
      }, STOP_MAX_MS);
    });
    const code = await Promise.race([this.#ended, late]);
    clearTimeout(timer);
    const log = this.log;
    await this.#leave();
    if (code !== 0) throw new Error(`the demo ended with ${code}:\n${log}`);
  }

  /** Leaves a copy of all files for the search for card data, if one is wanted. */
  async #leave() {
    const place = process.env.ALTYN_TEST_ARTIFACTS;
    if (place) await cp(this.data, join(place, basename(this.data)), { recursive: true });
    if (this.#ownsData) await rm(this.data, { recursive: true, force: true });
  }
}

/** A shop's address for callbacks: a server on loopback that keeps what it is sent. */
export class CallbackReceiver {
  #server;
  /** Every request: `method`, `path`, `params` (an object), `body`. */
  received = [];
  /** The status that is answered. */
  status = 200;

  static async start() {
    const receiver = new CallbackReceiver();
    await receiver.#listen();
    return receiver;
  }

  async #listen() {
    this.#server = createServer((request, response) => {
      const chunks = [];
      request.on("data", (chunk) => chunks.push(chunk));
      request.on("end", () => {
        const url = new URL(request.url, "http://localhost");
        this.received.push({
          method: request.method,
          path: url.pathname,
          params: Object.fromEntries(url.searchParams),
          body: Buffer.concat(chunks).toString("utf8"),
        });
        response.writeHead(this.status).end();
      });
    });
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${this.#server.address().port}/callback`;
  }

  /** The first request, come or coming, of which the condition is true. */
  waitFor(condition, maxMs = WAIT_MAX_MS) {
    return waitUntil("such callback", () => this.received.find(condition), maxMs);
  }

  /** The callback of an order that tells of an operation, such as `deposited`. */
  operation(orderId, operation) {
    const matches = ({ params }) => params.mdOrder === orderId && params.operation === operation;
    return this.waitFor(matches);
  }

  async stop() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
