import { inspect } from 'node:util'

/** A value that must not be printed: every way of turning it into text gives `[redacted]`; only a transport reveals it. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  reveal(): string {
    return this.#value
  }
  toString(): string {
    return '[redacted]'
  }
  toJSON(): string {
    return '[redacted]'
  }
  [inspect.custom](): string {
    return '[redacted]'
  }
}

export const reveal = (value: string | Secret): string => (typeof value === 'string' ? value : value.reveal())

/** The bytes that a transport sends. */
export const bytesOf = (value: string | Uint8Array | Secret): Buffer =>
  value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(reveal(value))
