import { describe, expect, it } from "vitest";
import {
  codeFault,
  expiryFault,
  formatExpiry,
  formatNumber,
  kindOf,
  numberFault,
  passesLuhn,
  usualLength,
} from "./card";

describe("a card number", () => {
  it.each([
    ["4444555511113333", "4444 5555 1111 3333", "visa"],
    ["5555555555554444", "5555 5555 5555 4444", "mastercard"],
    ["2200000000000038", "2200 0000 0000 0038", "mir"],
    ["378282246310005", "3782 822463 10005", "amex"],
    ["3530111333300000", "3530 1113 3330 0000", "jcb"],
    ["6200000000000005", "6200 0000 0000 0005", "unionpay"],
    ["", "", ""],
  ])("%s is written %s", (digits, text, brand) => {
    expect(formatNumber(digits)).toBe(text);
    expect(kindOf(digits).brand).toBe(brand);
  });

  it("takes no more digits than its system has", () => {
    expect(formatNumber("3782822463100059999")).toBe("3782 822463 10005");
  });

  it.each([
    ["", "missing"],
    ["   ", "missing"],
    ["4444 5555 1111", "length"],
    ["4444 5555 1111 3334", "check"],
    ["4444 5555 1111 3333", ""],
    ["4000 0000 0000 9979", ""],
  ])("%s has the fault %s", (text, fault) => {
    expect(numberFault(text)).toBe(fault);
  });

  it.each([
    ["4444", 16],
    ["2200", 16],
    ["37", 15],
    ["62", 19],
    ["4", 19],
    ["", 19],
  ])("%s… is judged at %d digits", (digits, length) => {
    expect(usualLength(digits)).toBe(length);
  });

  it("notices one wrong digit and two swapped ones", () => {
    expect(passesLuhn("4111111111111111")).toBe(true);
    expect(passesLuhn("4111111111111121")).toBe(false);
    expect(passesLuhn("4444555511131333")).toBe(false);
  });
});

describe("an expiry", () => {
  it.each([
    ["", ""],
    ["1", "1"],
    ["5", "05 / "],
    ["12", "12 / "],
    ["123", "12 / 3"],
    ["1230", "12 / 30"],
    ["122030", "12 / 30"],
    ["12309", "12 / 30"],
  ])("%s is written %s", (digits, text) => {
    expect(formatExpiry(digits)).toBe(text);
  });

  it.each([
    ["", "malformed"],
    ["13 / 30", "malformed"],
    ["00 / 30", "malformed"],
    ["12 / 3", "malformed"],
    ["10 / 26", "expired"],
    ["11 / 26", ""],
    ["01 / 27", ""],
  ])("%s has the fault %s in November 2026", (text, fault) => {
    expect(expiryFault(text, "202611")).toBe(fault);
  });
});

it("asks four digits of code for American Express only", () => {
  expect(codeFault("123", "4444 5555 1111 3333")).toBe(false);
  expect(codeFault("1234", "4444 5555 1111 3333")).toBe(true);
  expect(codeFault("1234", "3782 822463 10005")).toBe(false);
  expect(codeFault("12a", "")).toBe(true);
});
