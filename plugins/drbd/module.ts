import { ask, finding, sh, type Task, units } from 'ha-provision'
import type { Builder } from './layout.js'
import { drbdProbe } from './status.js'

const service = 'drbd.service'

export const moduleTask = (t: Builder): Task =>
  t.perNode({
    id: 'module',
    title: 'kernel module, and the resources up at boot',
    probes: () => ({
      drbd: drbdProbe,
      units: units(service),
      tool: ask(sh`command -v drbdadm`, ({ code }) => code === 0),
    }),
    check({ facts }) {
      if (!facts.tool) return { waits: 'waits for drbd/packages: drbdadm is not installed' }
      return [
        ...(facts.drbd.module ? [] : [finding('no-module', { desired: 'module drbd', actual: 'not loaded' })]),
        // Nothing else brings resources up when a node boots; the cluster manager only promotes them.
        ...(facts.units[service].enabled === 'enabled'
          ? []
          : [
              finding('not-at-boot', {
                subject: service,
                desired: 'enabled',
                actual: facts.units[service].enabled || 'absent',
              }),
            ]),
      ]
    },
    fix: {
      'no-module': () => [{ kind: 'run', title: 'load the drbd module', command: sh`modprobe drbd` }],
      'not-at-boot': () => [
        {
          kind: 'run',
          title: 'bring resources up at boot',
          command: sh`SYSTEMCTL_SKIP_SYSV=1 systemctl enable -q ${service}`,
        },
      ],
    },
  })
