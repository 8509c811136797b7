import { type Command, quote } from './command.js'
import type { Secret } from './secret.js'

const whole = (path: string, mode: string, owner: string, arrived: string): string =>
  `p=${quote(path)}; mkdir -p "$(dirname "$p")" && t="$p.ha-provision.$$" && trap 'rm -f "$t"' EXIT && (umask 077; cat > "$t") && ${arrived}chmod ${quote(mode)} "$t" && ${owner}sync "$t" && mv -fT "$t" "$p"`

/**
 * Writes a whole file or none of it: to a temporary name beside it, then renamed. Parent directories are made.
 * The content travels on stdin, so that it is neither in an argument list nor in a log.
 */
export function writeCommand(
  path: string,
  content: string | Uint8Array | Secret,
  { mode, owner }: { mode: string; owner?: string },
): Command {
  return {
    script: whole(path, mode, owner === undefined ? '' : `chown ${quote(owner)} "$t" && `, ''),
    stdin: content,
  }
}

/** The same for a stream: what arrived is compared with the checksum of what was sent before it gets its name. */
export const uploadScript = (path: string, mode: string, sha256: string): string =>
  `export PATH="$PATH:/usr/sbin:/sbin"; ${whole(
    path,
    mode,
    '',
    `{ [ "$(sha256sum < "$t")" = '${sha256}  -' ] || { echo 'it did not arrive whole' >&2; false; }; } && `,
  )}`
