import { type AnyPlugin, ask, finding, sh, type Task, type TaskBuilder } from 'ha-provision'
import type { Network } from './layout.js'
import { resolvConf } from './render.js'

const path = '/etc/resolv.conf'

/** name servers and search domains, in order */
const read = (content: string): string =>
  content
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([word]) => word === 'nameserver' || word === 'search' || word === 'domain')
    .map(([word, ...rest]) => `${word === 'domain' ? 'search' : word} ${rest.join(' ')}`)
    .sort((a, b) => (a[0] ?? '').localeCompare(b[0] ?? ''))
    .join('\n')

export const resolverTask = (t: TaskBuilder<Network, AnyPlugin>): Task =>
  t.perNode({
    id: 'resolver',
    title: 'resolver',
    probes: () => ({
      // A link below /run belongs to systemd-resolved, NetworkManager or resolvconf, which would overwrite ours.
      file: ask(sh`readlink -f ${path} || echo ${path}; cat ${path} 2>/dev/null || true`, ({ stdout }) => {
        const [target = path, ...lines] = stdout.split('\n')
        return { target, content: lines.join('\n') }
      }),
    }),
    check({ settings: { resolvers, search }, facts: { file } }) {
      const desired = resolvConf(file.content, resolvers, search)
      if (read(desired) === read(file.content)) return []
      const id = file.target === path ? 'resolver' : 'resolver-by-hand'
      return [finding(id, { subject: file.target, desired, actual: file.content })]
    },
    fix: {
      resolver: ({ finding: { desired } }) => [{ kind: 'write', path, content: String(desired), mode: '0644' }],
      'resolver-by-hand': {
        manual:
          'Another program writes this file. Give the name servers to it: resolvectl or /etc/systemd/resolved.conf.d, nmcli, resolvconf.',
      },
    },
  })
