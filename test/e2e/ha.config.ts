import { defineConfig } from 'ha-provision'
import sysctl from '../projects/user-plugin/sysctl.js'

/** The end-to-end cluster: that of `npm start`, a volume and disks to break, and a plugin of the user's. */
export default defineConfig({
  cluster: 'e2e',
  nodes: { 'db-a': {}, 'db-b': {} },
  plugins: [sysctl],
  vm: {
    memoryMiB: 768,
    fencing: true,
    dataDisks: { data: { sizeMiB: 1024 }, old: { sizeMiB: 64 }, foreign: { sizeMiB: 64 } },
  },
  iso: {},
  network: {
    interfaces: {
      mgmt: { dhcp: true },
      link0: { addresses: { 'db-a': '10.77.0.1/24', 'db-b': '10.77.0.2/24' } },
      link1: { addresses: { 'db-a': '10.77.1.1/24', 'db-b': '10.77.1.2/24' } },
    },
  },
  ntp: { source: 'db-a' },
  storage: {
    volumeGroups: { vg0: { devices: ['/dev/disk/by-id/virtio-data'] } },
    volumes: { 'vg0/data': { sizeMiB: 256 }, 'vg0/spare': { sizeMiB: 32 }, 'vg0/second': { sizeMiB: 96 } },
  },
  sysctl: { values: { 'vm.swappiness': '10' } },
  drbd: {
    primary: 'db-a',
    resources: {
      r0: {
        volume: 'vg0/data',
        minor: 0,
        port: 7788,
        interface: 'link0',
        disk: { fencing: 'resource-and-stonith' },
        filesystem: { type: 'ext4', mount: '/srv/db' },
      },
    },
  },
  heartbeat: {
    udpPort: 6941,
    links: [
      { type: 'ucast', interface: 'link0' },
      { type: 'ucast', interface: 'link1' },
    ],
    virtualIps: ['10.77.0.100/24'],
  },
  db2: {
    acceptLicence: true,
    installer: 'db2-stand-in.tar.gz',
    packages: ['python3', 'ksh', 'libaio1', 'libnuma1', 'libstdc++6', 'libpam0g', 'binutils', 'file', 'rsync'],
    instances: {
      db2inst1: {
        home: '/srv/db/db2inst1',
        databases: { SHOP: { config: { LOGARCHMETH1: 'DISK:/srv/db/db2inst1/archive/' } } },
      },
    },
  },
  // What tests make by hand has circular logging.
  backup: { offline: true },
})
