import { describe, expect, it } from "vitest";
import { isOn, pageUrl, parametersOf } from "./link";

describe("the page's address", () => {
  const script = "https://pay.example/shared/merchant.js?v=2";
  it.each([
    [{}, "https://pay.example/payment"],
    [{ baseUrl: "https://other.example" }, "https://other.example/payment"],
    [{ baseurl: "https://other.example/" }, "https://other.example/payment"],
    [{ baseUrl: "https://other.example/payment" }, "https://other.example/payment"],
    [{ baseUrl: "https://other.example/base/payment/" }, "https://other.example/base/payment"],
    [{ baseUrl: "https://other.example/base" }, "https://other.example/base/payment"],
    [{ baseUrl: "javascript:alert(1)" }, "https://pay.example/payment"],
    [{ baseUrl: 7 }, "https://pay.example/payment"],
  ])("%j leads to %s", (config, url) => {
    expect(pageUrl(config, script)).toBe(url);
  });

  it("stands beside the script wherever that is", () => {
    expect(pageUrl({}, "http://h:81/base/shared/merchant.js")).toBe("http://h:81/base/payment");
  });
});

describe("parameters", () => {
  it("travel as the shop wrote them, without handlers", () => {
    const config = {
      payment_amount: 1000,
      recurring_register: true,
      redirect: false,
      interface_type: '{"id": 24}',
      frame_mode: "iframe",
      _origin: "https://evil.example",
      nothing: undefined,
      none: null,
      onLoaded: () => undefined,
    };
    const frame = { mode: "popup", origin: "https://shop.example" } as const;
    expect(parametersOf(config, frame)).toEqual([
      ["payment_amount", "1000"],
      ["recurring_register", "1"],
      ["redirect", "0"],
      ["interface_type", '{"id": 24}'],
      ["frame_mode", "popup"],
      ["_origin", "https://shop.example"],
    ]);
    expect(parametersOf({ a: { b: 1 } })).toEqual([["a", '{"b":1}']]);
  });
});

it("knows a truth in every spelling", () => {
  for (const yes of [1, "1", true, "true", "True"]) expect(isOn(yes)).toBe(true);
  for (const no of [0, "0", false, "false", undefined, null, ""]) expect(isOn(no)).toBe(false);
});
