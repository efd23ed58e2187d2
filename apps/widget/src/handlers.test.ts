import { describe, expect, it } from "vitest";
import { Story } from "./handlers";
import type { FromFrame, Told } from "./messages";

const SIZE = { width: 1, height: 2 };
const TOLD: Told = {
  payment_id: "p",
  type: "purchase",
  status: "",
  amount: 1,
  currency: "INR",
  request_id: "r",
};

function page(role: string, standing: string, told: Partial<Told> | null = {}): FromFrame {
  const whole = told && { ...TOLD, ...told };
  return { message: "epframe.page", role, standing, told: whole, heading: "h", size: SIZE };
}

/** The handlers that were called, in their order. */
function follow(...said: FromFrame[]): string[] {
  const calls: string[] = [];
  const config = new Proxy({}, { get: (_, name) => () => void calls.push(String(name)) });
  const story = new Story(config);
  for (const each of said) story.hear(each);
  story.close();
  return calls;
}

const SENT: FromFrame = { message: "epframe.sent" };
const LEAVING: FromFrame = { message: "epframe.leaving" };
const FORM = page("form", "draft", null);

describe("a shop hears", () => {
  it.each([
    ["a window that is closed", [FORM], ["onLoaded", "onDestroy"]],
    [
      "a payment",
      [FORM, SENT, page("wait", "waiting"), page("message", "paid")],
      [
        "onLoaded",
        "onPaymentSent",
        "onShowLoader",
        "onPaymentSubmitResult",
        "onHideLoader",
        "onPaymentSuccess",
        "onExit",
      ],
    ],
    [
      "a journey there and back",
      [FORM, SENT, page("steps", "asked"), LEAVING, LEAVING, page("message", "held")],
      [
        "onLoaded",
        "onPaymentSent",
        "onShowLoader",
        "onPaymentSubmitResult",
        "onRedirectIframe",
        "onRedirectIframeComplete",
        "onHideLoader",
        "onPaymentSuccess",
        "onExit",
      ],
    ],
    [
      "a refusal with another try",
      [FORM, SENT, page("message", "open"), page("form", "open")],
      [
        "onLoaded",
        "onPaymentSent",
        "onShowLoader",
        "onPaymentSubmitResult",
        "onHideLoader",
        "onDestroy",
      ],
    ],
    [
      "the last refusal, once",
      [FORM, page("message", "declined"), page("message", "declined")],
      ["onLoaded", "onPaymentSubmitResult", "onPaymentFail", "onExit"],
    ],
    [
      "a check of a card",
      [page("message", "verified", { type: "account verification" })],
      ["onLoaded", "onPaymentSubmitResult", "onCardVerifySuccess", "onExit"],
    ],
    [
      "a check that failed",
      [page("message", "expired", { type: "account verification", request_id: "" })],
      ["onLoaded", "onCardVerifyFail", "onExit"],
    ],
    ["a wrong link", [page("message", "failed", null)], ["onFailLoading", "onDestroy"]],
  ] as [string, FromFrame[], string[]][])("%s", (_, said, calls) => {
    expect(follow(...said)).toEqual(calls);
  });
});
