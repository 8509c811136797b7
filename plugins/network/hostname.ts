import { type AnyPlugin, ask, finding, sh, type Task, type TaskBuilder } from 'ha-provision'
import type { Network } from './layout.js'

export const hostnameTask = (t: TaskBuilder<Network, AnyPlugin>): Task =>
  t.perNode({
    id: 'hostname',
    title: 'host name',
    probes: () => ({
      names: ask(sh`uname -n; cat /etc/hostname 2>/dev/null || true`, ({ stdout }) => {
        const [running = '', ...kept] = stdout.split('\n').map((line) => line.trim())
        return { running, kept: kept.find((line) => line !== '' && !line.startsWith('#')) ?? '' }
      }),
    }),
    check({ node, facts: { names } }) {
      if (names.running === node && names.kept === node) return []
      return [
        finding('hostname', { desired: node, actual: `${names.running} now, ${names.kept || 'none'} after a reboot` }),
      ]
    },
    fix: {
      hostname: ({ node }) => [
        { kind: 'write', path: '/etc/hostname', content: `${node}\n`, mode: '0644' },
        // hostnamectl also tells the programs that watch it; it needs dbus, which a trimmed node may lack.
        { kind: 'run', title: `host name ${node}`, command: sh`hostnamectl hostname ${node} || hostname ${node}` },
      ],
    },
  })
