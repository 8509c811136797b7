/** What `ha-provision init` writes: two virtual machines with a replicated disk that Heartbeat moves. */
export const example = {
  cluster: 'demo',
  nodes: { 'db-a': {}, 'db-b': {} },
  vm: { driver: 'qemu', memoryMiB: 768, fencing: true, dataDisks: { data: { sizeMiB: 1024 } } },
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
}
