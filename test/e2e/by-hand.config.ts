import { defineConfig } from 'ha-provision'

/** Two new machines for what test/e2e/by-hand.sh sets up. Beyond `vm` and `iso` this only names the packages on their medium. */
export default defineConfig({
  cluster: 'by-hand',
  nodes: { 'db-a': {}, 'db-b': {} },
  vm: { memoryMiB: 512, dataDisks: { data: { sizeMiB: 512 } } },
  iso: {},
  network: {
    interfaces: {
      mgmt: { dhcp: true },
      link0: { addresses: { 'db-a': '10.77.0.1/24', 'db-b': '10.77.0.2/24' } },
      link1: { addresses: { 'db-a': '10.77.1.1/24', 'db-b': '10.77.1.2/24' } },
    },
  },
  ntp: { daemon: 'ntpsec' },
  storage: {
    volumeGroups: { none: { devices: ['/dev/disk/by-id/virtio-data'] } },
    volumes: { 'none/r0': { sizeMiB: 64 } },
  },
  drbd: { primary: 'db-a', resources: { r0: { volume: 'none/r0', minor: 0, port: 7788, interface: 'link0' } } },
  heartbeat: { udpPort: 6942, links: [{ interface: 'link0' }] },
})
