import { isAbsolute, relative, resolve } from 'node:path'
import { coreSchema } from '../config/core.js'
import { errors } from '../errors.js'
import type { Endpoint } from '../transport/types.js'

/** What holds for all nodes that a command names. */
export interface Access {
  readonly jump?: string
  readonly identity?: string
  readonly knownHosts?: string
  readonly sudo?: boolean
}

/** One node as the person named it. */
export interface Destination {
  /** The word without its `NAME=`. */
  readonly word: string
  /** The node's own name, where it was said. */
  readonly name?: string
  /** What `--accept-host-key` calls it: its name, else the word. */
  readonly label: string
  readonly endpoint: Endpoint
}

const {
  host: hostRule,
  user: userRule,
  jump: jumpRule,
} = coreSchema.nodes.additionalProperties.properties.ssh.properties
const fits = (rule: { readonly pattern: string }, text: string): boolean => new RegExp(rule.pattern).test(text)

/** `[NAME=][user@]host[:port]`; an IPv6 address stands in brackets where a port follows. @throws a usage error */
export function destination(given: string, { jump, identity, knownHosts, sudo }: Access): Destination {
  const [, name, word = ''] = /^(?:([^=@-][^=@]*|)=)?(.*)$/s.exec(given) ?? []
  const [, user, bracketed, plain = '', port] =
    /^(?:([^@]*)@)?(?:\[([^\]]+)\]|([^:[\]]+|[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-zA-Z:.%]*))(?::(\d+))?$/.exec(word) ?? []
  const host = bracketed ?? plain
  const wrong = (what: string) =>
    errors.usage(`"${given}": ${what}`, 'give [NAME=][user@]host[:port]; host may be a Host of your ssh config')
  if (!fits(hostRule, host)) throw wrong('this is no destination')
  if (user !== undefined && !fits(userRule, user)) throw wrong(`"${user}" is no user name`)
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65535)) throw wrong(`${port} is no port`)
  if (name !== undefined && !fits(coreSchema.nodes.propertyNames, name))
    throw wrong(`the name "${name}" ${coreSchema.nodes.propertyNames.errorMessage}`)
  if (jump !== undefined && !fits(jumpRule, jump))
    throw errors.usage(`--jump ${jump}: ${jumpRule.errorMessage}`, 'as in ssh -J')
  return {
    word,
    ...(name === undefined ? {} : { name }),
    label: name ?? word,
    endpoint: {
      host,
      ...(port ? { port: Number(port) } : {}),
      ...(user ? { user } : {}),
      ...(identity ? { identityFile: identity } : {}),
      ...(knownHosts ? { knownHostsFile: knownHosts } : {}),
      ...(jump ? { jump } : {}),
      ...(sudo ? { sudo: true } : {}),
    },
  }
}

/** What goes into `nodes`: nothing where the name alone reaches it. Paths in a config start at the config file. */
export function sshOf(name: string, { host, ...rest }: Endpoint, cwd: string, configDir: string): object {
  const path = (file: string): string =>
    isAbsolute(file) || file.startsWith('~/') ? file : relative(configDir, resolve(cwd, file))
  const ssh = {
    ...(host === name ? {} : { host }),
    ...rest,
    ...(rest.identityFile ? { identityFile: path(rest.identityFile) } : {}),
    ...(rest.knownHostsFile ? { knownHostsFile: path(rest.knownHostsFile) } : {}),
  }
  return Object.keys(ssh).length > 0 ? { ssh } : {}
}

/** `db-a` and `db-b` are of a cluster `db`. */
export function clusterName(nodes: readonly string[]): string {
  const [first = '', ...rest] = nodes.map((node) => (node.split('.')[0] ?? node).toLowerCase())
  let length = first.length
  for (const other of rest) while (!other.startsWith(first.slice(0, length))) length--
  const common = rest.length > 0 ? first.slice(0, length) : first
  const name = (/[a-z0-9]/.test(common) ? common : [first, ...rest].join('-'))
    .replace(/[^a-z0-9-]/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '')
  return name === '' ? 'cluster' : name
}
