  /* ---- numbers of typed arrays, packed in base64: report/html/arrays.py ---- */
  const TYPES = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array, q2: Uint16Array };
  const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const unpacked = (key, value) => {
    // A dataset may be called type or base64, but has no text.
    if (value === null || typeof value !== "object" || typeof value.base64 !== "string" || !Object.hasOwn(TYPES, value.type)) return value;
    const numbers = new TYPES[value.type](bytesOf(value.base64).buffer);
    if (value.type !== "q2") return Array.from(numbers, (one) => (Number.isNaN(one) ? null : one));
    return Array.from(numbers, (one) => (one > 65534 ? null : value.low + (value.high - value.low) * one / 65534));
  };
