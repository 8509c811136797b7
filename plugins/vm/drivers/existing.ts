import { sh } from 'ha-provision'
import type { Driver } from './types.js'

const none = () => sh`echo 'vm.driver is "existing": it makes no machines' >&2; exit 1`

/** Servers that are there already: nothing is made, started or stopped. */
export const existing: Driver = {
  name: 'existing',
  makes: false,
  programs: [],
  connect: async () => ({}),
  probe: () => ({ command: sh`true`, parse: () => ({ state: 'running', files: {}, usedPorts: [], medium: false }) }),
  make: none,
  grow: none,
  start: none,
  detach: none,
  stop: none,
  destroy: none,
}
