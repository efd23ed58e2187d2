// Writes a text anew while it is typed and keeps the caret behind the same digit.

export interface Written {
  text: string;
  caret: number;
}

/**
 * `format` makes a text of digits. The caret stays behind as many digits as were before it; at the end of
 * the text it stays at the end, so that a separator that was just written is passed.
 */
export function rewrite(text: string, caret: number, format: (digits: string) => string): Written {
  const before = text.slice(0, caret).replace(/\D/g, "").length;
  const digits = text.replace(/\D/g, "");
  const formatted = format(digits);
  if (before >= digits.length) return { text: formatted, caret: formatted.length };
  // Digits that the format put in front (the zero of a month) move the caret too.
  const added = Math.max(formatted.replace(/\D/g, "").length - digits.length, 0);
  let left = before ? before + added : 0;
  let place = 0;
  while (left > 0 && place < formatted.length) {
    if (/\d/.test(formatted.charAt(place))) left -= 1;
    place += 1;
  }
  return { text: formatted, caret: place };
}

/** Whether a key erased a separator only: then the digit next to it is meant. */
export function erasedSeparator(before: string, after: string, caret: number): string | undefined {
  const same = before.replace(/\D/g, "") === after.replace(/\D/g, "");
  if (!same || after.length >= before.length) return undefined;
  const head = after.slice(0, caret).replace(/\D/g, "");
  const tail = after.slice(caret).replace(/\D/g, "");
  return head ? head.slice(0, -1) + tail : undefined;
}

export function mask(input: HTMLInputElement, format: (digits: string) => string): void {
  let last = input.value;
  input.addEventListener("input", (event) => {
    let caret = input.selectionStart ?? input.value.length;
    let text = input.value;
    const kind = (event as InputEvent).inputType ?? "";
    if (kind === "deleteContentBackward") {
      const meant = erasedSeparator(last, text, caret);
      if (meant !== undefined) {
        caret = text.slice(0, caret).replace(/\D/g, "").length - 1;
        text = meant;
      }
    }
    // While something is erased nothing is completed: a lone "/" could never be deleted.
    const isShorter = kind.startsWith("delete");
    const written = rewrite(text, caret, (digits) =>
      isShorter ? format(digits).replace(/\D+$/, "") : format(digits),
    );
    last = written.text;
    if (input.value !== written.text) input.value = written.text;
    if (document.activeElement === input) input.setSelectionRange(written.caret, written.caret);
  });
}
