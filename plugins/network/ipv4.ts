/** An IPv4 address with its prefix length, as numbers. */
export interface Cidr {
  readonly text: string
  readonly address: number
  readonly prefix: number
  /** First and last address of the subnet. */
  readonly first: number
  readonly last: number
}

/** Undefined when the text is no dotted quad. */
export function ipv4(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255))
    return undefined
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0)
}

/** Undefined when the text is no `address/prefix`. */
export function cidr(text: string): Cidr | undefined {
  const [, quad = '', bits = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? []
  const address = ipv4(quad)
  const prefix = Number(bits)
  if (address === undefined || bits === '' || prefix > 32) return undefined
  const size = 2 ** (32 - prefix)
  const first = address - (address % size)
  return { text, address, prefix, first, last: first + size - 1 }
}

export const contains = (net: Cidr, address: number): boolean => net.first <= address && address <= net.last
export const overlap = (a: Cidr, b: Cidr): boolean => a.first <= b.last && b.first <= a.last

/** Dotted quad of a number. */
export const quad = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')

/** `10.77.0.1/24` → `10.77.0.1`. */
export const bare = (text: string): string => text.replace(/\/.*$/, '')
