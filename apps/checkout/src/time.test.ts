import { expect, it } from "vitest";
import { clock } from "./countdown";
import { nextPause } from "./wait";

it.each([
  [0, "0:00"],
  [7, "0:07"],
  [1172, "19:32"],
  [3909, "1:05:09"],
])("%d seconds are shown as %s", (seconds, text) => {
  expect(clock(seconds)).toBe(text);
});

it("asks less and less often, but never stops growing beyond its limit", () => {
  let pause = 1000;
  for (let asked = 0; asked < 20; asked += 1) {
    const next = nextPause(pause);
    expect(next).toBeGreaterThanOrEqual(pause);
    pause = next;
  }
  expect(pause).toBe(15_000);
});
