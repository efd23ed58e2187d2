// Which of the shop's handlers are called for what a page in the frame says, and in which order.

import type { Errors, FromFrame, Size, Told } from "./messages";

/** What a shop may want to hear. */
export interface Handlers {
  onLoaded?(size: Size): void;
  onFailLoading?(fault: { message: string; config: object }): void;
  onPaymentMethodSelect?(method: {
    name: string;
    payment_method_type: 1 | 2;
    payment_method_code: string;
  }): void;
  onPaymentSent?(): void;
  onPaymentSubmitResult?(result: { request_id: string }): void;
  onRedirectIframe?(): void;
  onRedirectIframeComplete?(): void;
  onResize?(size: Size): void;
  onPaymentSuccess?(result: Told): void;
  onPaymentFail?(result: Told): void;
  onCardVerifySuccess?(result: Told): void;
  onCardVerifyFail?(result: Told): void;
  onDestroy?(): void;
  onExit?(): void;
  onEnterKeyPressed?(): void;
  onEmbeddedModeCheckValidationResponse?(errors: Errors): void;
  onValidationError?(errors: Errors): void;
  onCheckSubmit?(data: { method: string }, resolve: () => void, reject: () => void): void;
  onShowLoader?(): void;
  onHideLoader?(): void;
}

/** Standings with which a payment is over. */
const GOOD = ["paid", "held", "verified"];
const BAD = ["declined", "tries_over", "cancelled", "expired"];

/** What the page in one frame has said so far. */
export class Story {
  #config: object & Handlers;
  #isLoaded = false;
  #isOver = false;
  #isAway = false;
  #isLoading = false;
  #request = "";

  constructor(config: object & Handlers) {
    this.#config = config;
  }

  /** Whether the payment has come to its end before the payer's eyes. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Nothing of ours came in time, or it cannot be shown. */
  fail(message: string): void {
    if (!this.#isLoaded) this.#config.onFailLoading?.({ message, config: this.#config });
  }

  /** The widget is gone. */
  close(): void {
    if (this.#isOver) this.#config.onExit?.();
    else this.#config.onDestroy?.();
  }

  /** Goes on with what the page says. */
  hear(said: FromFrame): void {
    const config = this.#config;
    switch (said.message) {
      case "epframe.page":
        this.#turnTo(said);
        break;
      case "epframe.resize":
        config.onResize?.(said.size);
        break;
      case "epframe.method":
        config.onPaymentMethodSelect?.({
          name: said.name,
          payment_method_type: said.kind === "card" ? 1 : 2,
          payment_method_code: said.code,
        });
        break;
      case "epframe.checked":
        if (said.asked) config.onEmbeddedModeCheckValidationResponse?.(said.errors);
        if (Object.keys(said.errors).length) config.onValidationError?.(said.errors);
        break;
      case "epframe.sent":
        config.onPaymentSent?.();
        this.#isLoading = true;
        config.onShowLoader?.();
        break;
      case "epframe.leaving":
        if (!this.#isAway) config.onRedirectIframe?.();
        this.#isAway = true;
        break;
      case "epframe.enter":
        config.onEnterKeyPressed?.();
        break;
      case "epframe.submit":
      case "epframe.back":
      case "epframe.escape":
        break;
    }
  }

  #turnTo(page: Extract<FromFrame, { message: "epframe.page" }>): void {
    const config = this.#config;
    if (page.standing === "failed") {
      this.fail(page.heading);
      return;
    }
    if (!this.#isLoaded) {
      this.#isLoaded = true;
      config.onLoaded?.(page.size);
    }
    const isOnTheWay = ["wait", "steps", "away"].includes(page.role);
    const request = page.told?.request_id ?? "";
    if (request && request !== this.#request) {
      this.#request = request;
      config.onPaymentSubmitResult?.({ request_id: request });
    }
    if (this.#isAway && page.role !== "away") {
      this.#isAway = false;
      config.onRedirectIframeComplete?.();
    }
    if (this.#isLoading && !isOnTheWay) {
      this.#isLoading = false;
      config.onHideLoader?.();
    }
    if (page.told) this.#end(page.standing, page.told);
  }

  #end(standing: string, told: Told): void {
    if (this.#isOver) return;
    const config = this.#config;
    const isCheck = told.type === "account verification";
    if (GOOD.includes(standing)) {
      this.#isOver = true;
      if (isCheck) config.onCardVerifySuccess?.(told);
      else config.onPaymentSuccess?.(told);
    } else if (BAD.includes(standing)) {
      this.#isOver = true;
      if (isCheck) config.onCardVerifyFail?.(told);
      else config.onPaymentFail?.(told);
    }
  }
}
