import { expect, it } from "vitest";
import { read } from "./messages";

it("reads what has a name of ours, and nothing else", () => {
  expect(read('{"message":"epframe.sent"}')).toEqual({ message: "epframe.sent" });
  const others = [
    '{"message":"other.sent"}',
    '{"message":7}',
    "{}",
    "{",
    "null",
    "[]",
    '"epframe.sent"',
    { message: "epframe.sent" },
    undefined,
    null,
    7,
  ];
  for (const data of others) expect(read(data)).toBeUndefined();
});
