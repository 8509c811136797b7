import { parseShell, plain, type Script, type Simple, type Word } from './shell.js'
import { awk, sed } from './text-tools.js'

/** What is wrong with the arguments of a command that may be run; undefined: it only reads. */
type Rule = (args: readonly Word[], at: Script) => string | undefined

const said = (args: readonly Word[]): readonly string[] => args.map(({ text, raw }) => text ?? raw)
const isOption = (arg: string): boolean => arg.startsWith('-')
const any: Rule = () => undefined
const without =
  (pattern: RegExp): Rule =>
  (args) =>
    said(args).find((arg) => pattern.test(arg))
/** The first argument that is no option is one of these; an expansion is none. */
const verb =
  (...verbs: readonly string[]): Rule =>
  (args) => {
    const first = args.find(({ raw }) => !isOption(raw))
    return first?.text !== undefined && verbs.includes(first.text) ? undefined : (first?.raw ?? 'no verb')
  }
/** The first argument is an option, and each option is one of these. */
const options =
  (pattern: RegExp): Rule =>
  (args) => {
    const words = said(args)
    return isOption(words[0] ?? '')
      ? words.find((arg) => isOption(arg) && !pattern.test(arg))
      : (words[0] ?? 'no option')
  }
/** The rest is a command of its own. */
const runs =
  (skip: (args: readonly Word[]) => number): Rule =>
  (args, at) =>
    args.length > skip(args) ? judge({ words: args.slice(skip(args)) }, at) : undefined
const inner = (script: Word | undefined): string | undefined =>
  script?.text === undefined ? 'a script that is not literal' : violations(script.text)[0]

const showing = /^(show|list|ls|lst|get)$/
const ip: Rule = (args) => {
  const [object, act = 'show', ...more] = said(args).filter((arg) => !isOption(arg))
  if (!/^(a|addr|address|l|link|r|route|ru|rule|n|neigh)$/.test(object ?? '')) return object ?? 'ip'
  // `ip addr dev eth0` shows, too.
  return showing.test(act) || (act === 'dev' && more.length === 1) ? undefined : act
}
const select = /^(list|get|select|with|values|describe|terminate|connect (to [^ ]+|reset)$|\?)( |$)/i
const db2: Rule = (args) => {
  const statement = args.filter(({ raw }) => !/^[-+][a-z]+$/.test(raw))
  const first = statement[0]?.text
  if (first === undefined) return statement[0]?.raw ?? 'db2 without a statement'
  const text = said(statement).join(' ').trim()
  if (args.some(({ raw }) => /^-[a-z]*[frlz]/.test(raw))) return 'a file'
  return select.test(text) && !/\b(insert|update|delete|merge|call|nextval)\b|;/i.test(text) ? undefined : text
}
const timeoutSkip = (args: readonly Word[]): number => {
  const seconds = args.findIndex(({ raw }) => /^[\d.]+[smh]?$/.test(raw))
  return seconds + 1
}
const runuser: Rule = (args, at) => {
  const dashes = args.findIndex(({ raw }) => raw === '--')
  const c = args.findIndex(({ raw }) => raw === '-c')
  if (dashes >= 0) return judge({ words: args.slice(dashes + 1) }, at)
  return c >= 0 ? inner(args[c + 1]) : 'runuser without a command'
}
const shell: Rule = (args) => {
  const c = args.findIndex(({ raw }) => /^-[a-z]*c$/.test(raw))
  return c === 0 ? inner(args[1]) : 'a shell without -c'
}

/** Commands that read. What is not here does not belong into a probe, or is added with its rule. */
const rules: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(
    (
      'cat head tail cut tr grep egrep fgrep wc ls stat readlink dirname basename realpath echo printf test [ true false : getent ps pgrep id uname mountpoint ' +
      'df lsblk findmnt base64 od cmp comm sha256sum md5sum expr seq lsmod modinfo lvs pvs vgs db2ls db2ilist db2level netstat getconf nproc ' +
      'set shift export unset local read return exit break continue cd umask wait type readonly dpkg-query arch lscpu cl_status'
    )
      .split(' ')
      .map((name) => [name, any]),
  ),
  sort: without(/^(-[a-zA-Z]*o|--output|--compress-program)/),
  uniq: (args) => said(args).filter((arg) => !isOption(arg))[1],
  find: without(/^-(delete|exec|execdir|ok|okdir|fprint0?|fprintf|fls)$/),
  sed,
  awk,
  hostname: (args) =>
    said(args).find((arg) => !/^-[fsdiIA]$|^--(fqdn|short|domain|ip-address|all-ip-addresses)$/.test(arg)),
  date: (args) => said(args).find((arg) => !/^(\+|-u$|--utc$|-d$|--date=)/.test(arg)),
  ss: without(/^(-[a-zA-Z]*K|--kill)/),
  ip,
  blkid: (args) => (said(args).some((arg) => /^-[a-z]*p$/.test(arg)) ? undefined : 'without -p it writes its cache'),
  wipefs: (args) => (said(args).some((arg) => /^(-n|--no-act)$/.test(arg)) ? undefined : 'without --no-act'),
  // Drops clean pages of the page cache; what is dirty would be written a moment later anyway.
  blockdev: options(/^--(get\w+|report|flushbufs)$/),
  swapon: options(/^(--show|--noheadings|-s|--bytes)(=|$)/),
  mount: (args) => args[0]?.raw,
  losetup: options(/^(-l|-a|-j|-n|-O|--list|--all|--associated|--noheadings|--output|--raw)(=|$)/),
  dd: without(/^of=(?!\/dev\/null$)/),
  sfdisk: options(/^(-J|-l|-d|--json|--list|--dump|--)$/),
  lvm: verb('fullreport', 'lvs', 'pvs', 'vgs', 'version'),
  'ha-db2-backup': verb('covered', 'last', 'progress'),
  // Answers of the network, not of a disk.
  ping: without(/^-[a-zA-Z]*f/),
  dmsetup: verb('ls', 'info', 'table', 'status', 'deps'),
  udevadm: verb('info'),
  sysctl: (args) => said(args).find((arg) => /=|^-[a-z]*[wp]|^--(system|load|write)/.test(arg)),
  systemctl: verb(
    'show',
    'cat',
    'is-active',
    'is-enabled',
    'is-failed',
    'list-units',
    'list-unit-files',
    'list-timers',
    'status',
    'get-default',
  ),
  timedatectl: verb('show', 'status'),
  chronyc: verb('tracking', 'sources', 'sourcestats', 'activity', 'authdata', 'serverstats'),
  ntpq: (args) => {
    const words = said(args)
    return words.find(
      (arg, i) =>
        !(
          /^-[cnpw46]+$/.test(arg) ||
          ((words[i - 1] ?? '').endsWith('c') && /^(rv|peers|as|associations|sysinfo|sysstats|pe)\b/.test(arg))
        ),
    )
  },
  journalctl: without(/^--(vacuum|rotate|flush|sync|relinquish|smart|setup|update)/),
  rpm: (args) => (/^-(q|-query)/.test(args[0]?.raw ?? '') ? undefined : 'rpm without -q'),
  dpkg: options(/^(-l|-s|-L|-S|--print-architecture|--list|--status)$/),
  drbdadm: (args, at) =>
    verb(
      'dump',
      'status',
      'role',
      'cstate',
      'dstate',
      'sh-nop',
      'sh-resources',
      'sh-dev',
      'sh-minor',
      'sh-ll-dev',
      'sh-md-dev',
      'get-gi',
    )(args, at) &&
    (/^(--version|-d|--dry-run)$/.test(args[0]?.raw ?? '') ? undefined : `drbdadm ${said(args).join(' ')}`),
  // -S asks for the status; -T would act.
  stonith: (args) =>
    said(args).includes('-S') && !said(args).some((arg) => /^-[a-zA-Z]*T/.test(arg)) ? undefined : 'stonith without -S',
  drbdsetup: verb('status', 'show', 'show-gi', 'get-gi'),
  db2,
  db2set: (args) => said(args).find((arg) => !/^-(all|lr|i)$|^[A-Z0-9_]+$/.test(arg)),
  db2greg: options(/^-(dump|g|getinstrec|getservrec)$/),
  db2licm: options(/^-(l|v)$/),
  db2pd: without(/^-(file|dump|stacks?|load|fmp)/i),
  command: (args, at) => (/^-[vV]$/.test(args[0]?.raw ?? '') ? undefined : judge({ words: args }, at)),
  exec: (args, at) => (args.length === 0 ? undefined : judge({ words: args }, at)),
  '.': (args) => (args.length === 1 && args[0]?.tail.endsWith('sqllib/db2profile') ? undefined : args[0]?.raw),
  trap: (args) => (args[0]?.text === '' || args[0]?.text === '-' ? undefined : inner(args[0])),
  kill: (args) => (args[0]?.raw === '-0' ? undefined : 'kill'),
  eval: (args) => inner(args.length === 1 ? args[0] : undefined),
  sh: shell,
  bash: shell,
  runuser,
  timeout: runs(timeoutSkip),
  nice: runs((args) => (args[0]?.raw === '-n' ? 2 : 0)),
  env: runs((args) => args.findIndex(({ raw }) => !isOption(raw) && !/^\w+=/.test(raw))),
  xargs: (args, at) => {
    const words = said(args)
    if (words.some((arg) => isOption(arg) && !/^-(0|r|0r|r0|n1?|1)$/.test(arg) && arg === words[0])) return words[0]
    const from = words.findIndex((arg) => !isOption(arg) && !/^\d+$/.test(arg))
    return from < 0 ? undefined : judge({ words: args.slice(from) }, at)
  },
}

/** What a command would do besides reading; undefined: nothing. */
function judge({ words, inside }: Simple, at: Script): string | undefined {
  const [head, ...args] = words
  if (!head) return 'no command'
  const told = (name: string): string =>
    `${name}: ${words
      .map(({ raw }) => raw)
      .join(' ')
      .slice(0, 120)}`
  if (head.variable === '@') return inside === undefined ? told('"$@"') : undefined
  const loop = head.variable === undefined ? undefined : at.loops.get(head.variable)
  if (head.variable !== undefined) {
    if (!loop) return told('a command in a variable')
    for (const name of loop) {
      const wrong = judge({ words: [plain(name), ...args] }, at)
      if (wrong) return wrong
    }
    return undefined
  }
  if (head.text === undefined && !head.tail.includes('/')) return told('a command with an expansion')
  const name = (head.text ?? head.tail).split('/').at(-1) ?? ''
  if (at.functions.has(name)) {
    // A function that runs its arguments runs what it is called with.
    const isWrapper = at.commands.some((one) => one.inside === name && one.words[0]?.variable === '@')
    return isWrapper ? judge({ words: args }, at) : undefined
  }
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
  if (!rule) return told('no known reader')
  const wrong = rule(args, at)
  return wrong === undefined ? undefined : `${told(name)}: ${wrong.slice(0, 120)}`
}

/** What a script would do besides reading, in words; empty: it only reads. */
export function violations(script: string): readonly string[] {
  let at: Script
  try {
    at = parseShell(script)
  } catch (error) {
    return [`cannot be parsed: ${(error as Error).message}`]
  }
  const writes = at.redirections.flatMap(({ operator, target }) => {
    if (operator === '<' || operator === '<&') return []
    if (operator === '>&' && /^(\d|-)$/.test(target.text ?? '')) return []
    // A connection of bash, no file.
    if (operator === '<>' && /^"?\/dev\/tcp\//.test(target.raw)) return []
    return target.text === '/dev/null' && operator !== '<>' ? [] : [`redirection: ${operator}${target.raw}`]
  })
  return [...writes, ...at.commands.flatMap((command) => judge(command, at) ?? [])]
}
