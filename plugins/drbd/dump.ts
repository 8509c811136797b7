import { ask, type Probe, sh } from 'ha-provision'
import { parseConf, type Section } from './conf.js'

export interface ConfFact {
  /** drbdadm is there. */
  readonly installed: boolean
  /** The file that drbdadm reads first; undefined where there is none. */
  readonly main?: string
  /** The whole configuration, includes followed, in one form; undefined when drbdadm refuses it. */
  readonly conf?: Section
  /** Why it was refused: places and words of drbdadm, no values. */
  readonly refused?: string
  /** Files that hold a key, with their mode in four octal digits. */
  readonly secrets: readonly { readonly mode: string; readonly path: string }[]
}

/** drbdadm's own order. */
const mains = ['drbd-90', 'drbd-84', 'drbd-83', 'drbd-82', 'drbd-08', 'drbd'].map((name) => `/etc/${name}.conf`)

/** Errors are told by place only: what drbdadm quotes could be a key. */
const placesOf = (stderr: string): string =>
  [
    ...new Set(
      stderr
        .split('\n')
        .flatMap((line) =>
          [
            /^(\S+:\d+:) (?:Parse error: )?/.exec(line)?.[1]?.replace(/:$/, ''),
            /^(?:\S+: )?(in resource [^:,]+, on [^:]+):$/.exec(line)?.[1],
            /^\s*(IP \S+ not found on this host)/.exec(line)?.[1],
          ].filter((part) => part !== undefined),
        ),
    ),
  ].join(', ')

/**
 * What drbdadm makes of the configuration, wherever it is written. drbdadm(8)
 * With `usage-count yes` nearly every command of drbdadm may register the node with LINBIT, in /var/lib/drbd and over the
 * network; INIT_VERSION, which its own unit sets too, keeps it from that (`uc_node()` in drbd-utils).
 */
export const confProbe: Probe<ConfFact> = ask(
  sh`command -v drbdadm >/dev/null || exit 9
for f in ${mains}; do [ -e "$f" ] && printf '@@main %s\n' "$f" && break; done
for f in /etc/drbd*.conf /etc/drbd.d/*; do [ -f "$f" ] && grep -q '^[^#]*shared-secret' "$f" && stat -L -c '@@secret %04a %n' -- "$f"; done
echo @@dump; INIT_VERSION=1 drbdadm dump </dev/null; printf '@@code %s\n' "$?"`,
  ({ code, stdout, stderr }) => {
    if (code === 9) return { installed: false, secrets: [] }
    const [head = '', dump] = stdout.split(/^@@dump\n/m)
    const [, text = '', status] = /^([\s\S]*?)@@code (\d+)$/m.exec(dump ?? '') ?? []
    if (status === undefined) throw new Error('the answer of drbdadm dump is cut off')
    const main = /^@@main (.+)$/m.exec(head)?.[1]
    const secrets = [...head.matchAll(/^@@secret (\d+) (.+)$/gm)].map(([, mode = '', path = '']) => ({ mode, path }))
    return {
      installed: true,
      secrets,
      ...(main === undefined ? {} : { main }),
      ...(status === '0' ? { conf: parseConf(text) } : { refused: placesOf(stderr) || `exit status ${status}` }),
    }
  },
)
