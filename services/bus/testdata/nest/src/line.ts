import { createInterface } from 'node:readline';

/** Prints one JSON line. Bytes become {"$bytes": base64}. */
export function print(line: Record<string, unknown>): void {
  process.stdout.write(JSON.stringify(line, bytesAsText) + '\n');
}

function bytesAsText(this: any, key: string, value: unknown): unknown {
  const raw = this[key]; // value has been through toJSON
  return Buffer.isBuffer(raw) ? { $bytes: raw.toString('base64') } : value;
}

/** Undoes what print does to bytes, in an order's data. */
export function withBytes(value: any): any {
  return typeof value?.$bytes === 'string' ? Buffer.from(value.$bytes, 'base64') : value;
}

/** Calls fn for each JSON line of stdin. */
export function eachOrder<T>(fn: (order: T) => void): void {
  createInterface({ input: process.stdin }).on('line', (text) => fn(JSON.parse(text)));
}
