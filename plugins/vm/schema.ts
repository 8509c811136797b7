import type { Schema, Settings } from 'ha-provision'

export const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    driver: {
      enum: ['qemu', 'existing'],
      default: 'qemu',
      description:
        'What the nodes run on: `qemu` makes virtual machines on this computer without root; `existing` makes none.',
    },
    stub: {
      type: 'string',
      default: 'debian-12',
      description:
        'The image that is copied: `debian-12` is built here and cached; else a folder with stub.raw, vmlinux and initrd.img.',
    },
    memoryMiB: { type: 'integer', minimum: 384, default: 768, description: 'Memory of each machine.' },
    cpus: {
      type: 'integer',
      minimum: 1,
      maximum: 64,
      default: 1,
      description: 'Processors of each machine. Emulated machines are quickest with one.',
    },
    accelerator: {
      enum: ['auto', 'kvm', 'tcg'],
      default: 'auto',
      description:
        '`auto` takes KVM if a machine really starts with it (the device alone does not prove it), else emulation.',
    },
    fencing: {
      type: 'boolean',
      default: false,
      description:
        'Lets each machine have its peer switched off by this computer (STONITH), so that one that hangs or is cut off cannot go on with the service.',
    },
    dataDisks: {
      type: 'object',
      default: {},
      description: 'Disks of each machine beside the system. The name is the serial: /dev/disk/by-id/virtio-NAME.',
      propertyNames: {
        pattern: '^(?!root$)[a-z][a-z0-9-]{0,18}$',
        errorMessage: 'must be lower-case letters, digits and hyphens, 19 at most, and not "root", the system disk',
      },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: ['sizeMiB'],
        properties: { sizeMiB: { type: 'integer', minimum: 1, description: 'Size. Disks grow, and never shrink.' } },
      },
    },
  },
} as const satisfies Schema

export type VmSettings = Settings<typeof schema>
