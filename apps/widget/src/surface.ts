// Where the frame is put: over the shop's page or into a part of it.

import type { Size } from "./messages";

/** The words that the widget itself shows, by language. */
const CLOSE = { ru: "Закрыть", kk: "Жабу", en: "Close" };
const TITLE = { ru: "Оплата", kk: "Төлем", en: "Payment" };

export interface Surface {
  /** Shows the frame. */
  open(frame: HTMLIFrameElement): void;
  resize(size: Size): void;
  /** The page in the frame is there. */
  settle(): void;
  remove(): void;
}

function word(table: typeof CLOSE, language: unknown): string {
  return table[language as keyof typeof CLOSE] ?? table.en;
}

export function makeFrame(name: string, language: unknown): HTMLIFrameElement {
  const frame = document.createElement("iframe");
  frame.name = name;
  frame.title = word(TITLE, language);
  frame.className = "epay-frame";
  frame.allow = "payment";
  return frame;
}

/** A window over the page. The browser keeps the keyboard within it and gives it back afterwards. */
export class Modal implements Surface {
  #dialog = document.createElement("dialog");

  constructor(options: {
    language: unknown;
    wrapClass: unknown;
    closesOnMissclick: boolean;
    close: () => void;
  }) {
    const { language, wrapClass, closesOnMissclick, close } = options;
    const dialog = this.#dialog;
    dialog.className = "epay-modal epay-waits";
    if (typeof wrapClass === "string") {
      dialog.classList.add(...wrapClass.split(/\s+/).filter((name) => name));
    }
    dialog.setAttribute("aria-label", word(TITLE, language));
    const button = document.createElement("button");
    button.type = "button";
    button.className = "epay-close";
    button.setAttribute("aria-label", word(CLOSE, language));
    button.addEventListener("click", close);
    dialog.append(button);
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      close();
    });
    if (closesOnMissclick) {
      dialog.addEventListener("click", (event) => {
        if (event.target === dialog) close();
      });
    }
  }

  open(frame: HTMLIFrameElement): void {
    this.#dialog.append(frame);
    document.body.append(this.#dialog);
    document.documentElement.classList.add("epay-open");
    this.#dialog.showModal();
    frame.focus();
  }

  resize({ height }: Size): void {
    this.#dialog.style.setProperty("--epay-height", `${Math.ceil(height)}px`);
  }

  settle(): void {
    this.#dialog.classList.remove("epay-waits");
  }

  remove(): void {
    this.#dialog.close();
    this.#dialog.remove();
    document.documentElement.classList.remove("epay-open");
  }
}

/** A part of the page. */
export class Inline implements Surface {
  #place: HTMLElement;
  #frame: HTMLIFrameElement | undefined;

  constructor(place: HTMLElement) {
    this.#place = place;
  }

  open(frame: HTMLIFrameElement): void {
    this.#frame = frame;
    frame.classList.add("epay-inline");
    this.#place.replaceChildren(frame);
  }

  resize({ height }: Size): void {
    if (this.#frame) this.#frame.style.height = `${Math.ceil(height)}px`;
  }

  settle(): void {}

  remove(): void {
    this.#frame?.remove();
  }
}
