import { defineConfig } from 'ha-provision'

/**
 * The cluster that `npm start` builds: two virtual machines on this computer, without root rights, one replicated disk,
 * and on it a Db2 instance with a database. IBM's Db2 cannot be had without an account there, so a stand-in is installed;
 * for the real one, `installer` names IBM's tarball, and `packages` (the stand-in needs python3) can go.
 */
export default defineConfig({
  cluster: 'demo',
  nodes: { 'db-a': {}, 'db-b': {} },
  vm: { memoryMiB: 768, fencing: true, dataDisks: { data: { sizeMiB: 1024 } } },
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
    volumes: { 'vg0/data': { sizeMiB: 256 } },
  },
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
    udpPort: 6940,
    links: [
      { type: 'ucast', interface: 'link0' },
      { type: 'ucast', interface: 'link1' },
    ],
    virtualIps: ['10.77.0.100/24'],
  },
  db2: {
    acceptLicence: true,
    installer: 'build/db2-stand-in.tar.gz',
    packages: ['python3', 'ksh', 'libaio1', 'libnuma1', 'libstdc++6', 'libpam0g', 'binutils', 'file', 'rsync'],
    instances: {
      db2inst1: {
        home: '/srv/db/db2inst1',
        databases: { SHOP: { config: { LOGARCHMETH1: 'DISK:/srv/db/db2inst1/archive/' } } },
      },
    },
  },
  backup: {},
})
