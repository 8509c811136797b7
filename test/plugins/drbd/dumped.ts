import { parseConf, type Section } from '../../../plugins/drbd/conf.js'

const word = (value: string): string => (/^[\w./:+@\-[\]]+$/.test(value) ? value : `"${value}"`)
const statement = ([key = '', ...rest]: readonly string[]): string => {
  const minor = key === 'device' ? /^\/dev\/drbd(\d+)$/.exec(rest.join(' '))?.[1] : undefined
  if (minor !== undefined) return `device               /dev/drbd${minor} minor ${minor};`
  if (key === 'address') return `address          ipv4 ${rest.join(' ')};`
  if (key === 'meta-disk') return `meta-disk            ${rest.join(' ').replace(/\[/, ' [')};`
  return `${[key.padEnd(16), ...rest.map(word)].join(' ')};`
}
const print = ({ words, statements, sections }: Section, depth: string): string =>
  `${depth}${words.join(' ')} {\n${statements.map((own) => `${depth}    ${statement(own)}\n`).join('')}${sections
    .map((own) => print(own, `${depth}    `))
    .join('')}${depth}}\n`

/** What `confProbe` prints on a node with these files, in the form of drbdadm 9.22's `dump`; resources count where a file is theirs. */
export function dumped(
  node: string,
  files: Readonly<Record<string, string>>,
  more: { readonly secrets?: string; readonly nodeIds?: boolean } = {},
): string {
  const sections = Object.entries(files).flatMap(([path, content]) =>
    parseConf(content).sections.map((section) => ({ path, section })),
  )
  const text = sections.map(({ path, section }) => {
    if (section.words[0] !== 'resource') return `${print(section, '')}\n`
    const ids = section.sections.map((own, i) =>
      own.words[0] === 'on' && more.nodeIds
        ? { ...own, statements: [['node-id', `${i % 2}`], ...own.statements] }
        : own,
    )
    const from = `# resource ${section.words[1]} on ${node}: not ignored, not stacked\n# defined at ${path}:1\n`
    return `${from}${print({ ...section, sections: ids }, '')}\n`
  })
  return `@@main /etc/drbd.conf\n${more.secrets ?? ''}@@dump\n# /etc/drbd.conf\n${text.join('')}@@code 0\n`
}
