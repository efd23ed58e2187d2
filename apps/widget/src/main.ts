// EPayWidget: opens the payment page over a shop's page, in a part of it, or instead of it.

import "./merchant.css";
import { type Handlers, Story } from "./handlers";
import { type Config, type Frame, isOn, pageUrl, parametersOf } from "./link";
import { type FromFrame, read, type ToFrame } from "./messages";
import { Inline, Modal, makeFrame, type Surface } from "./surface";

type Options = Config & Handlers;

/** How long the first page may take. */
const PATIENCE_MS = 30_000;

/** This script's own address; it is known only while the script is read. */
const SCRIPT = (document.currentScript as HTMLScriptElement | null)?.src || location.href;

let opened = 0;

/** A payment page that is open in a frame. */
export interface Opened {
  /** Pays with what is typed, if it is right. */
  trySubmit(): void;
  /** Takes the page away. */
  close(): void;
}

class Widget implements Opened {
  #config: Options;
  #frame: HTMLIFrameElement;
  #surface: Surface;
  #story: Story;
  #page: URL;
  #timer: number;

  constructor(config: Options, mode: Frame["mode"], method: string) {
    this.#config = config;
    this.#page = new URL(pageUrl(config, SCRIPT));
    this.#story = new Story(config);
    opened += 1;
    this.#frame = makeFrame(`epay-frame-${opened}`, config.language_code);
    this.#surface = this.#makeSurface();
    window.addEventListener("message", this.#hear);
    this.#timer = window.setTimeout(
      () => this.#story.fail("the payment page did not open in time"),
      PATIENCE_MS,
    );
    const pairs = parametersOf(config, { mode, origin: location.origin });
    if (method === "POST") {
      this.#surface.open(this.#frame);
      post(this.#page.href, pairs, this.#frame.name);
    } else {
      this.#frame.src = `${this.#page.href}?${new URLSearchParams(pairs)}`;
      this.#surface.open(this.#frame);
    }
  }

  #makeSurface(): Surface {
    const { target_element, language_code, css_modal_wrap, close_on_missclick } = this.#config;
    const place = document.getElementById(String(target_element ?? ""));
    if (place) return new Inline(place);
    return new Modal({
      language: language_code,
      wrapClass: css_modal_wrap,
      closesOnMissclick: isOn(close_on_missclick),
      close: () => this.close(),
    });
  }

  trySubmit(): void {
    this.#tell({ message: "epframe.embedded_mode.submit" });
  }

  close(): void {
    if (!this.#frame.isConnected) return;
    window.removeEventListener("message", this.#hear);
    clearTimeout(this.#timer);
    this.#surface.remove();
    this.#story.close();
  }

  #tell(said: ToFrame): void {
    this.#frame.contentWindow?.postMessage(JSON.stringify(said), this.#page.origin);
  }

  #hear = (event: MessageEvent): void => {
    if (event.origin !== this.#page.origin || event.source !== this.#frame.contentWindow) return;
    const said = read<FromFrame>(event.data);
    if (said) this.#follow(said);
  };

  #follow(said: FromFrame): void {
    switch (said.message) {
      case "epframe.page":
        clearTimeout(this.#timer);
        this.#surface.settle();
        this.#surface.resize(said.size);
        this.#tell({
          message: "epframe.wishes",
          checks: typeof this.#config.onCheckSubmit === "function",
          enters: typeof this.#config.onEnterKeyPressed === "function",
        });
        break;
      case "epframe.resize":
        this.#surface.resize(said.size);
        break;
      case "epframe.submit":
        this.#ask(said.method);
        break;
      case "epframe.back":
        leave(said.url, this.#page.origin);
        break;
      case "epframe.escape":
        if (!this.#config.target_element) this.close();
        break;
      default:
        break;
    }
    this.#story.hear(said);
  }

  /** The shop says whether the payer may pay now; only its first word counts. */
  #ask(method: string): void {
    let isAnswered = false;
    const answer = (goes: boolean) => () => {
      if (isAnswered) return;
      isAnswered = true;
      this.#tell({ message: "epframe.go_on", goes });
    };
    this.#config.onCheckSubmit?.({ method }, answer(true), answer(false));
  }
}

/** Sends a form to a window by its name. */
function post(url: string, pairs: [string, string][], target: string): void {
  const form = document.createElement("form");
  form.method = "post";
  form.action = url;
  form.target = target;
  form.hidden = true;
  for (const [name, value] of pairs) {
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = name;
    input.value = value;
    form.append(input);
  }
  document.body.append(form);
  form.submit();
  form.remove();
}

/** Back to the shop, by the gateway's own address, which knows where that is. */
function leave(url: string, origin: string): void {
  try {
    const target = new URL(url);
    if (target.origin === origin) location.assign(target.href);
  } catch {
    // No address: the payer stays.
  }
}

/** The page in a window of its own, or instead of the shop's where the browser allows no new one. */
function openWindow(config: Options, method: string): void {
  const url = pageUrl(config, SCRIPT);
  const pairs = parametersOf(config);
  if (method === "POST") {
    // Without a click behind it a new window would be swallowed without a word.
    post(url, pairs, navigator.userActivation?.isActive === false ? "_self" : "_blank");
    return;
  }
  const address = `${url}?${new URLSearchParams(pairs)}`;
  if (!window.open(address, "_blank")) location.assign(address);
}

function isPhone(): boolean {
  return /Android|iPhone|iPad|iPod|Mobile/i.test(navigator.userAgent);
}

function open(config: Options, mode: Frame["mode"] | undefined, method = "GET"): Opened {
  const verb = method.toUpperCase() === "POST" ? "POST" : "GET";
  const { redirect, redirect_on_mobile, target_element } = config;
  if (isOn(redirect) || (isOn(redirect_on_mobile) && isPhone())) {
    openWindow(config, verb);
    return { trySubmit() {}, close() {} };
  }
  return new Widget(config, mode ?? (target_element ? "iframe" : "popup"), verb);
}

/** Opens the payment page. */
export function run(config: Options, method?: string): Opened {
  return open(config, undefined, method);
}

/** Opens it whenever a button is clicked. */
export function bind(buttonId: string, config: Options, method?: string): void {
  document.getElementById(buttonId)?.addEventListener("click", (event) => {
    event.preventDefault();
    run(config, method);
  });
}

/** Opens its fields only: the button that pays is the shop's. */
export function runEmbedded(config: Options): Opened {
  return open(config, "embedded");
}
