// A shop's page around this one: what it is told, and what it may ask for. It is spoken to by the widget's
// messages, and only if the address of this page said whose it is; everybody else is not heard.

import { type Errors, type FromFrame, read, type ToFrame, type Told } from "@altyn/widget/messages";

/** What the form can be asked for. */
export interface Askable {
  /** Looks at the fields; gives what is wrong, by field. */
  check(): Errors;
  /** Presses the button that pays. */
  submit(): void;
}

const parentOrigin = document.body.dataset.parent ?? "";
const isFramed = window.parent !== window;
/** Whether there is somebody to speak to. */
const isHeard = isFramed && parentOrigin !== "";

let askable: Askable | undefined;
let checks = false;
let enters = false;
let allow: ((goes: boolean) => void) | undefined;

function tell(said: FromFrame): void {
  if (isHeard) window.parent.postMessage(JSON.stringify(said), parentOrigin);
}

/** The size of what there is to see, whatever the frame's own size is. */
function size() {
  const { width, height } = document.body.getBoundingClientRect();
  return { width: Math.ceil(width), height: Math.ceil(height) };
}

function told(): Told | null {
  try {
    return JSON.parse(document.body.dataset.told ?? "") as Told;
  } catch {
    return null;
  }
}

function hear(event: MessageEvent): void {
  if (event.source !== window.parent || event.origin !== parentOrigin) return;
  const said = read<ToFrame>(event.data);
  switch (said?.message) {
    case "epframe.wishes":
      checks = said.checks === true;
      enters = said.enters === true;
      break;
    case "epframe.go_on":
      allow?.(said.goes === true);
      break;
    case "epframe.embedded_mode.check_validation":
      if (askable) tell({ message: "epframe.checked", errors: askable.check(), asked: true });
      break;
    case "epframe.embedded_mode.submit":
      askable?.submit();
      break;
    default:
      break;
  }
}

function watchKeys(event: KeyboardEvent): void {
  if (event.key === "Escape" && !event.defaultPrevented) tell({ message: "epframe.escape" });
  if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
  tell({ message: "epframe.enter" });
  // The shop's own button pays.
  if (enters && document.body.dataset.mode === "embedded") event.preventDefault();
}

/** Tells that this page is there. */
export function startAround(): void {
  if (!isFramed) return;
  document.body.classList.add("scripted");
  if (!isHeard) return;
  window.addEventListener("message", hear);
  document.addEventListener("keydown", watchKeys);
  const { page: role = "", standing = "" } = document.body.dataset;
  const heading = document.querySelector("h1")?.textContent ?? "";
  tell({ message: "epframe.page", role, standing, told: told(), heading, size: size() });
  let last = size();
  new ResizeObserver(() => {
    const now = size();
    if (now.width === last.width && now.height === last.height) return;
    last = now;
    tell({ message: "epframe.resize", size: now });
  }).observe(document.body);
}

/** What the shop's page may ask of the form. */
export function setAskable(form: Askable): void {
  askable = form;
}

let shown: HTMLFormElement | undefined;

/** The payer has this way of paying before the eyes. */
export function tellMethod(form: HTMLFormElement): void {
  if (form === shown) return;
  shown = form;
  const { name = "", code = "", kind } = form.dataset;
  tell({ message: "epframe.method", name, code, kind: kind === "card" ? "card" : "wallet" });
}

/** The fields were looked at when the payer wanted to pay. */
export function tellErrors(errors: Errors): void {
  tell({ message: "epframe.checked", errors, asked: false });
}

/** Whether the shop wants to be asked before the payer pays. */
export function isAsked(): boolean {
  return isHeard && checks;
}

/** Asks the shop; the answer may never come, and another question takes the place of this one. */
export function askShop(method: string): Promise<boolean> {
  tell({ message: "epframe.submit", method });
  return new Promise((resolve) => {
    allow = resolve;
  });
}

export function tellSent(): void {
  tell({ message: "epframe.sent" });
}

export function tellLeaving(): void {
  tell({ message: "epframe.leaving" });
}

/** Back to the shop by itself, in the window that the link names. */
export function goBack(link: HTMLAnchorElement): void {
  if (!isFramed || link.target === "_self") location.assign(link.href);
  else if (isHeard) tell({ message: "epframe.back", url: link.href });
  // Without a widget around, a browser lets a frame move its page only for a click.
}
