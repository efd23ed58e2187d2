import { expect, it } from "vitest";
import { formatExpiry, formatNumber } from "./card";
import { erasedSeparator, rewrite } from "./mask";

/** Marks the caret with `|`. */
function typed(marked: string, format: (digits: string) => string): string {
  const caret = marked.indexOf("|");
  const { text, caret: after } = rewrite(marked.replace("|", ""), caret, format);
  return `${text.slice(0, after)}|${text.slice(after)}`;
}

it.each([
  ["|", "|"],
  ["4|", "4|"],
  ["44445|", "4444 5|"],
  ["4444 55551|", "4444 5555 1|"],
  // In the middle the caret stays behind the digit that was typed.
  ["44|44 5555 1111 3333", "44|44 5555 1111 3333"],
  ["449|44 5555 1111 333", "449|4 4555 5111 1333"],
  ["4444 9|5555 1111", "4444 9|555 5111 1"],
  ["|4444 5555", "|4444 5555"],
  ["4444-5555-1111-3333|", "4444 5555 1111 3333|"],
  ["4444 a|5555", "4444| 5555"],
])("a number: %s becomes %s", (before, after) => {
  expect(typed(before, formatNumber)).toBe(after);
});

it.each([
  ["5|", "05 / |"],
  ["12|", "12 / |"],
  ["12 / 3|", "12 / 3|"],
  ["1|2 / 30", "1|2 / 30"],
  ["5|/30", "05| / 30"],
])("an expiry: %s becomes %s", (before, after) => {
  expect(typed(before, formatExpiry)).toBe(after);
});

it("erasing a space erases the digit before it", () => {
  expect(erasedSeparator("4444 5555", "44445555", 4)).toBe("4445555");
  expect(erasedSeparator("4444 5555", "444 5555", 3)).toBeUndefined();
  expect(erasedSeparator(" 4", "4", 0)).toBeUndefined();
});
