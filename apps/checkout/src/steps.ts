// 3-D Secure: the hidden frame that looks at the device, and the way to the issuer's page.

import { tellLeaving } from "./around";

/** What the end of the hidden frame says to the page around it. */
const DONE = "altyn:device-checked";
const METHOD_LIMIT_MS = 10_000;

function form(id: string): HTMLFormElement | null {
  return document.getElementById(id) as HTMLFormElement | null;
}

export function startSteps(): void {
  const method = form("method");
  const done = form("method-done");
  if (method && done) checkDevice(method, done);
  const challenge = form("challenge");
  challenge?.addEventListener("submit", tellLeaving);
  if (challenge?.hasAttribute("data-auto")) challenge.requestSubmit();
}

function checkDevice(method: HTMLFormElement, done: HTMLFormElement): void {
  const frame = document.getElementById("device-check") as HTMLIFrameElement;
  done.hidden = true;
  let isOver = false;
  const finish = (indicator: "Y" | "N") => {
    if (isOver) return;
    isOver = true;
    (done.elements.namedItem("indicator") as HTMLInputElement).value = indicator;
    done.submit();
  };
  window.addEventListener("message", (event) => {
    if (event.origin === location.origin && event.source === frame.contentWindow) {
      if (event.data === DONE) finish("Y");
    }
  });
  setTimeout(() => finish("N"), METHOD_LIMIT_MS);
  method.submit();
}

/** Within the frame, at its end. */
export function tellParent(): void {
  if (parent !== window) parent.postMessage(DONE, location.origin);
}
