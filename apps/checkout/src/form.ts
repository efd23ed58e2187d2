// The forms that pay: masks, what is wrong while a card is typed, one submit.

import type { Errors } from "@altyn/widget/messages";
import { askShop, isAsked, setAskable, tellErrors, tellMethod, tellSent } from "./around";
import {
  codeFault,
  digitsOf,
  expiryFault,
  formatExpiry,
  formatNumber,
  kindOf,
  numberFault,
  usualLength,
} from "./card";
import { mask } from "./mask";

interface Field {
  input: HTMLInputElement;
  /** What a shop calls it. */
  name: string;
  /** What is wrong, in words; empty if nothing is. */
  fault: () => string;
  /** Whether nothing can be missing any more, so that it may be judged before the payer leaves it. */
  isFull: () => boolean;
}

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

function show(field: Field, words: string): void {
  const message = element(`${field.input.id}-message`);
  if (message.textContent !== words) message.textContent = words;
  if (words) field.input.setAttribute("aria-invalid", "true");
  else field.input.removeAttribute("aria-invalid");
}

function fieldsOf(form: HTMLFormElement): Field[] {
  const number = element<HTMLInputElement>("cc-number");
  const expiry = element<HTMLInputElement>("cc-exp");
  const code = element<HTMLInputElement>("cc-csc");
  const month = form.dataset.month ?? "";
  return [
    {
      input: number,
      name: "pan",
      fault: () => number.dataset[numberFault(number.value)] ?? "",
      isFull: () => {
        const digits = digitsOf(number.value);
        return digits.length >= usualLength(digits);
      },
    },
    {
      input: expiry,
      name: "expiry",
      fault: () => expiry.dataset[expiryFault(expiry.value, month)] ?? "",
      isFull: () => digitsOf(expiry.value).length >= 4,
    },
    {
      input: code,
      name: "cvv",
      fault: () => {
        if (!codeFault(code.value, number.value)) return "";
        const isLong = kindOf(digitsOf(number.value)).codeLength === 4;
        return (isLong ? code.dataset.lengthAmex : code.dataset.length) ?? "";
      },
      isFull: () => code.value.length >= kindOf(digitsOf(number.value)).codeLength,
    },
  ];
}

function watch(field: Field, next: HTMLElement | undefined): void {
  const { input } = field;
  input.addEventListener("input", (event) => {
    if (input.getAttribute("aria-invalid") || field.isFull()) show(field, field.fault());
    const atEnd = input.selectionStart === input.value.length;
    const typed = (event as InputEvent).inputType === "insertText";
    if (typed && atEnd && field.isFull() && !field.fault()) next?.focus();
  });
  input.addEventListener("blur", () => {
    // An empty field that the payer only passes by is not yet a mistake.
    if (input.value) show(field, field.fault());
  });
}

function showBrand(number: HTMLInputElement, code: HTMLInputElement): void {
  const { brand, codeLength } = kindOf(digitsOf(number.value));
  const icon = element("brand");
  if (icon.dataset.brand !== brand) icon.dataset.brand = brand;
  code.maxLength = codeLength;
}

/** Makes the fields of a card help; gives them. */
function prepareCard(form: HTMLFormElement): Field[] {
  const fields = fieldsOf(form);
  const [number, expiry, code] = fields.map((field) => field.input) as [
    HTMLInputElement,
    HTMLInputElement,
    HTMLInputElement,
  ];
  form.noValidate = true;
  (form.elements.namedItem("script") as HTMLInputElement).value = "1";
  mask(number, formatNumber);
  mask(expiry, formatExpiry);
  mask(code, (digits) => digits.slice(0, 4));
  number.addEventListener("input", () => showBrand(number, code));
  for (const [place, field] of fields.entries()) watch(field, fields[place + 1]?.input);
  number.value = formatNumber(digitsOf(number.value));
  showBrand(number, code);
  return fields;
}

/** Shows what is wrong, and gives it by the names that a shop knows. */
function check(fields: Field[]): Errors {
  const errors: Errors = {};
  for (const field of fields) {
    const fault = field.fault();
    show(field, fault);
    if (fault) errors[field.name] = fault;
  }
  return errors;
}

/** Sends a form once, and not before its fields are right and the shop around it agrees. */
function sendOnce(form: HTMLFormElement, fields: Field[]): void {
  const pay = form.querySelector<HTMLButtonElement>("button[type=submit]");
  if (!pay) return;
  const ready = pay.textContent ?? "";
  let isAllowed = false;
  const lock = () => {
    form.setAttribute("aria-busy", "true");
    pay.setAttribute("aria-disabled", "true");
    pay.textContent = form.dataset.sending ?? "";
  };
  const unlock = () => {
    isAllowed = false;
    pay.removeAttribute("aria-disabled");
    form.removeAttribute("aria-busy");
    pay.textContent = ready;
  };
  form.addEventListener("submit", (event) => {
    if (isAllowed) return;
    if (form.getAttribute("aria-busy")) {
      event.preventDefault();
      return;
    }
    const errors = check(fields);
    const wrong = fields.find((field) => field.name in errors);
    if (wrong) {
      event.preventDefault();
      tellErrors(errors);
      wrong.input.focus();
      return;
    }
    lock();
    if (!isAsked()) {
      tellSent();
      return;
    }
    event.preventDefault();
    void askShop(form.dataset.code ?? "").then((goes) => {
      if (!goes) return unlock();
      isAllowed = true;
      tellSent();
      form.requestSubmit();
    });
  });
  // A page that comes back from the browser's memory may be out of date: the server knows.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
    else unlock();
  });
}

/** The form of the way of paying that is open. */
function openForm(): HTMLFormElement | null {
  const chosen = document.querySelector<HTMLFormElement>("details[open] .pay-form");
  return chosen ?? document.querySelector<HTMLFormElement>(".pay-form");
}

export function startForm(): void {
  const fieldsOfForm = new Map<HTMLFormElement, Field[]>();
  for (const form of document.querySelectorAll<HTMLFormElement>(".pay-form")) {
    const fields = form.id === "card" ? prepareCard(form) : [];
    fieldsOfForm.set(form, fields);
    sendOnce(form, fields);
    const choice = form.closest("details");
    choice?.addEventListener("toggle", () => {
      if (choice.open) tellMethod(form);
    });
  }
  const first = openForm();
  if (first) tellMethod(first);
  setAskable({
    check: () => check(fieldsOfForm.get(openForm() as HTMLFormElement) ?? []),
    submit: () => openForm()?.requestSubmit(),
  });
}
