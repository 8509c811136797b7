import { basename } from 'node:path'

/** What systemd-networkd is given for one interface: a drop-in where a .network file applies already, else a file of its own. */
export function networkdFile(
  device: string,
  applies: string | undefined,
  address: string | undefined,
  routes: readonly { readonly to: string; readonly via: string }[],
): { readonly path: string; readonly content: string } {
  const sections = [
    // Without this a restart of systemd-networkd takes away the virtual addresses that a cluster manager added.
    `[Network]\n${address === undefined ? '' : `Address=${address}\n`}KeepConfiguration=static\n`,
    ...routes.map(({ to, via }) => `[Route]\n${to === 'default' ? '' : `Destination=${to}\n`}Gateway=${via}\n`),
  ]
  const content = `# Written by ha-provision\n${applies ? '' : `[Match]\nName=${device}\n\n`}${sections.join('\n')}`
  const path = applies
    ? `/etc/systemd/network/${basename(applies)}.d/ha-provision.conf`
    : `/etc/systemd/network/50-ha-provision-${device}.network`
  return { path, content }
}

/** resolv.conf with our name servers and domains; its options and comments stay. */
export function resolvConf(content: string, resolvers: readonly string[], search: readonly string[]): string {
  const ours = [
    ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
    ...resolvers.map((resolver) => `nameserver ${resolver}`),
  ]
  const replaced = [...(resolvers.length > 0 ? ['nameserver'] : []), ...(search.length > 0 ? ['search', 'domain'] : [])]
  const kept = content
    .split('\n')
    .filter((line) => line !== '' && !replaced.includes(line.trim().split(/\s+/)[0] ?? ''))
  return `${[...kept, ...ours].join('\n')}\n`
}
