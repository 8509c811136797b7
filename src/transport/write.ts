import { type Command, quote } from './command.js'
import type { Secret } from './secret.js'

/**
 * Writes a whole file or none of it: to a temporary name beside it, then renamed. Parent directories are made.
 * The content travels on stdin, so that it is neither in an argument list nor in a log.
 */
export function writeCommand(
  path: string,
  content: string | Uint8Array | Secret,
  { mode, owner }: { mode: string; owner?: string },
): Command {
  const own = owner === undefined ? '' : `chown ${quote(owner)} "$t" &&`
  return {
    script: `p=${quote(path)}; mkdir -p "$(dirname "$p")" && t="$p.ha-provision.$$" && trap 'rm -f "$t"' EXIT && (umask 077; cat > "$t") && chmod ${quote(mode)} "$t" && ${own} sync "$t" && mv -fT "$t" "$p"`,
    stdin: content,
  }
}
