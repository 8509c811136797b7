import { createHmac, randomBytes } from 'node:crypto'

let salt: Buffer | undefined
function mark(text: string): string {
  salt ??= randomBytes(16)
  return createHmac('sha256', salt).update(text).digest('hex').slice(0, 6)
}

/** The same text without what devices for fencing are told: passwords stand there. Different ones keep a different mark. */
export const masked = (config: string): string =>
  config.replace(
    /^([ \t]*stonith(?:_host)?[ \t]+\S+[ \t]+\S+)[ \t]+(\S.*)$/gm,
    (_, head, told) => `${head} [hidden ${mark(told)}]`,
  )
