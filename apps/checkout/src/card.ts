// What can be said of a card while it is typed. The server decides again by its own rules.

import creditCardType from "credit-card-type";

/** A payment system as the page shows it. */
export type Brand = "visa" | "mastercard" | "amex" | "jcb" | "unionpay" | "mir" | "";

export interface Kind {
  brand: Brand;
  /** After how many digits a space stands. */
  gaps: number[];
  /** How many digits a number may have. */
  lengths: number[];
  /** How many digits the security code has. */
  codeLength: number;
}

/** What the server takes from any system. */
const SHORTEST = 12;
const LONGEST = 19;

const BRANDS: Record<string, Brand> = {
  visa: "visa",
  mastercard: "mastercard",
  maestro: "mastercard",
  "american-express": "amex",
  jcb: "jcb",
  unionpay: "unionpay",
  mir: "mir",
};

export function digitsOf(text: string): string {
  return text.replace(/\D/g, "");
}

/** The kind of card that these leading digits belong to; unknown while several are possible. */
export function kindOf(digits: string): Kind {
  const found = digits ? creditCardType(digits) : [];
  const sure = found.length === 1 ? found[0] : undefined;
  return {
    brand: (sure && BRANDS[sure.type]) ?? "",
    gaps: sure?.gaps ?? [4, 8, 12, 16],
    lengths: sure?.lengths ?? [],
    codeLength: sure?.type === "american-express" ? 4 : 3,
  };
}

/**
 * How many digits a number of this kind has as a rule. Systems whose numbers start at 16 digits have
 * longer ones almost never; of the others nothing can be said before the longest.
 */
export function usualLength(digits: string): number {
  const { lengths } = kindOf(digits);
  if (!lengths.length) return LONGEST;
  const shortest = Math.min(...lengths);
  return shortest === 16 ? shortest : Math.max(...lengths);
}

export function formatNumber(digits: string): string {
  const { gaps, lengths } = kindOf(digits);
  const longest = lengths.length ? Math.max(...lengths) : LONGEST;
  let text = "";
  for (const [place, digit] of [...digits.slice(0, longest)].entries()) {
    text += gaps.includes(place) ? ` ${digit}` : digit;
  }
  return text;
}

/** `08 / 29`; a first digit above 1 can only be a month of its own. */
export function formatExpiry(digits: string): string {
  const full = /^[2-9]/.test(digits) ? `0${digits}` : digits;
  // A saved card may bring four digits of the year.
  const year = /^\d{2}20\d{2}/.test(full) ? full.slice(4, 6) : full.slice(2, 4);
  return full.length < 2 ? full : `${full.slice(0, 2)} / ${year}`;
}

export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (const [place, digit] of [...digits].reverse().entries()) {
    const value = Number(digit) * (place % 2 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 === 0;
}

export type NumberFault = "missing" | "length" | "check" | "";

export function numberFault(text: string): NumberFault {
  const digits = digitsOf(text);
  if (!digits) return "missing";
  const { lengths } = kindOf(digits);
  const fits = lengths.length
    ? lengths.includes(digits.length)
    : digits.length >= SHORTEST && digits.length <= LONGEST;
  if (!fits) return "length";
  return passesLuhn(digits) ? "" : "check";
}

export type ExpiryFault = "malformed" | "expired" | "";

/** `month` is the present one, `YYYYMM`. */
export function expiryFault(text: string, month: string): ExpiryFault {
  const digits = digitsOf(formatExpiry(digitsOf(text)));
  if (!/^(0[1-9]|1[0-2])\d{2}$/.test(digits)) return "malformed";
  return `20${digits.slice(2)}${digits.slice(0, 2)}` < month ? "expired" : "";
}

export function codeFault(text: string, number: string): boolean {
  const { codeLength } = kindOf(digitsOf(number));
  return text.length !== codeLength || /\D/.test(text);
}
