import type { VmSettings } from '../schema.js'
import { existing } from './existing.js'
import { qemu } from './qemu.js'
import type { Driver } from './types.js'

/** The rows; `libvirt` will be one more. */
export const drivers: readonly Driver[] = [qemu, existing]

export const driverOf = ({ driver }: Pick<VmSettings, 'driver'>): Driver =>
  drivers.find(({ name }) => name === driver) as Driver
