import { ask, files, sh, units } from 'ha-provision'
import { agentPath, paths, service } from './layout.js'

/** What a node says before any setting is known. */
export const probes = {
  files: files({
    config: paths.config,
    resources: paths.resources,
    key: paths.key,
    agent: agentPath('drbddisk'),
  }),
  units: units(service),
  /** Units that systemd starts, agents that this tool wrote for other plugins, and whether Db2 keeps a registry here. */
  signs: ask(
    sh`systemctl list-unit-files --type=service --state=enabled --no-legend 2>/dev/null | while read -r unit rest; do echo "enabled $unit"; done
for f in ${agentPath('')}*; do grep -q '^# Written by ha-provision' "$f" 2>/dev/null && echo "agent $f"; done
[ -s /var/db2/global.reg ] && echo db2
true`,
    ({ stdout }) => {
      const all = (word: string) =>
        [...stdout.matchAll(new RegExp(`^${word} (\\S+)$`, 'gm'))].map(([, name = '']) => name)
      return {
        enabled: all('enabled'),
        ownAgents: all('agent').map((path) => path.slice(agentPath('').length)),
        db2: /^db2$/m.test(stdout),
      }
    },
  ),
}
export type Facts = { readonly [K in keyof typeof probes]: ReturnType<(typeof probes)[K]['parse']> }
export type Nodes = Readonly<Record<string, Facts>>
