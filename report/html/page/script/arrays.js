"use strict";
(async () => {
  /* ---- what is packed: gzip of texts, and typed arrays of numbers, in base64 ---- */
  const $ = (id) => document.getElementById(id);
  const bytesOf = (text) => {
    const letters = atob(text);
    const bytes = new Uint8Array(letters.length);
    for (let at = 0; at < letters.length; at += 1) bytes[at] = letters.charCodeAt(at);
    return bytes;
  };
  const unzipped = (id) => {
    const packed = new Blob([bytesOf($(id).textContent)]).stream();
    return new Response(packed.pipeThrough(new DecompressionStream("gzip")));
  };
  // Arrays of numbers as report/html/arrays.py packs them, none that is not a number as null.
  const TYPES = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array };
  const reviver = (numbers) => (key, value) => {
    // A dataset may be called type or at, but has no text and no number under both.
    if (value === null || typeof value !== "object" || typeof value.type !== "string" || typeof value.at !== "number") return value;
    const kind = TYPES[value.type.replace(/^[dq]/, "u")];
    const size = kind.BYTES_PER_ELEMENT;
    const bytes = new Uint8Array(value.length * size);
    for (let at = 0; at < bytes.length; at += 1) bytes[(at % value.length) * size + Math.floor(at / value.length)] = numbers[value.at + at];
    const found = new kind(bytes.buffer);
    let sum = 0;
    if (value.type[0] === "d") return Array.from(found, (step) => { sum += step; return sum; });
    if (value.type[0] === "q") return Array.from(found, (level) => (level > 254 ? null : value.low + (value.high - value.low) * level / 254));
    return Array.from(found, (one) => (Number.isNaN(one) ? null : one));
  };
  const unpackedData = async () => {
    const numbers = new Uint8Array(await (await unzipped("numbers")).arrayBuffer());
    return JSON.parse(await (await unzipped("data")).text(), reviver(numbers));
  };
